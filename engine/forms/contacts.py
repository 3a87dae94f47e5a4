"""Telephone numbers and e-mail addresses as people in Vietnam write them."""

from __future__ import annotations

import re

from engine.errors import InvalidRequest

# A mobile number is 0 and nine digits, a landline 02 and nine digits (domain/1022.md, C.0).
_NATIONAL = re.compile(r"0(?:[35789]\d{8}|2\d{9})", re.ASCII)
_FOREIGN = re.compile(r"\+[1-9]\d{7,14}", re.ASCII)
_SEPARATORS = re.compile(r"[\s.\-()]+")

# The address rule of HTML's <input type="email">, which form-js uses as well.
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_ADDRESS = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL}){{0,8}}", re.ASCII)
_LONGEST_EMAIL = 254  # RFC 5321


def phone(text: str) -> str | None:
    """The number in E.164, or ``None`` if it cannot be one.

    Spaces, dots, hyphens and parentheses are ignored. A number of another country must begin with + or 00.

    >>> phone("0912 345 678"), phone("0084 912.345.678"), phone("1022")
    ('+84912345678', '+84912345678', None)
    """
    number = _SEPARATORS.sub("", text)
    if number.startswith("00"):
        number = "+" + number[2:]
    if number.startswith("+84"):
        number = "0" + number[3:].removeprefix("0")  # "+84 (0)912…" is written, too
    if _NATIONAL.fullmatch(number):
        return "+84" + number[1:]
    return number if _FOREIGN.fullmatch(number) else None


def as_one(number: str) -> str:
    """The same for every way that a number is written; one inside an exchange stays as it is.

    >>> as_one("0912 345 678"), as_one("101")
    ('+84912345678', '101')
    """
    return phone(number) or number


def is_email(text: str) -> bool:
    """Whether the text is an address that people have. One without a dot behind the @ is not: mail to "ten@gmail"
    reaches nobody, and who forgot ".com" can still be told."""
    return is_address(text) and "." in text.rpartition("@")[2]


def is_address(text: str) -> bool:
    """Whether mail can be sent to the text, maybe within an office only. Domains in Vietnamese letters are none."""
    return len(text) <= _LONGEST_EMAIL and _ADDRESS.fullmatch(text) is not None


def check_email(text: str | None, before: str | None = None) -> None:
    """Args:
        before: what it was until now, and may stay.

    Raises:
        InvalidRequest: no mail would get there.
    """
    if text not in (None, before) and not is_email(text):
        raise InvalidRequest("That is no e-mail address: write one such as ten@example.vn.", field="email")

"""What of a text must not be seen by whoever may not know who reported: numbers that reach or name somebody, and what
is known of the people of the case.

    masked("Anh Bình 0912 345 678 báo", ())             "Anh Bình ••• báo"
    masked("Tôi là NGUYEN VAN BINH", known(people))     "Tôi là •••"

Rather too much than too little is taken out; never a case's own number, a date, a time or a price.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any

from engine.language.vietnamese import fold, nfc

MASK = "•••"
_BETWEEN = r"[\s.\-–—()/·,_]{0,3}"
_NUMBERS = re.compile(  # begins with what is quickly looked for
    rf"[+0-9](?<![\da-f_].)(?<!\d\..)(?:(?<=\+)\d(?:{_BETWEEN}\d){{7,14}}"  # of any country
    rf"|(?:(?<=0)(?:084)?|(?<=8)4){_BETWEEN}[1-9](?:{_BETWEEN}\d){{7,10}}"  # telephone numbers; 12 digits: CCCD
    r"|(?<=\d)(?:\d{8}|\d{11})|(?<=0)\d\d(?:[ .]\d{3}){3})(?!\d)"  # CMND, CCCD
)
_CALLED = re.compile(  # what is called so, however it is grouped: 281 234 567 alone may be a price
    rf"((?:cmnd|cmt|cccd|căn cước|chứng minh)\D{{0,20}})\d(?:{_BETWEEN}\d){{8,11}}(?!\d)", re.IGNORECASE
)
_LETTERS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")  # e-mail addresses
_DATE = re.compile(r"0?\d{1,2}[./-]\d{1,2}[./-]\d{4}(?:\D{1,3}\d{1,2})?", re.ASCII)  # 03.09.2021, and an hour
_APART = str.maketrans(".,_-", "    ")
_LEAST = 5  # letters of what is known: less is found everywhere
WAYS = ("phone", "email", "zalo", "facebook", "viber")


def known(people: Iterable[Any], *, at_home: bool = True) -> tuple[str, ...]:
    """What is known of these people, folded, the longest first.

    Args:
        people: rows, or tables, with name, address and `WAYS`. A name of one word is not among it: it would be found in
            Thái *Bình* and *An* Giang.
        at_home: their addresses, too.
    """
    found, parts = set(), ("name", "address") if at_home else ("name",)
    for person in people:
        told = person if isinstance(person, dict) else person._mapping
        found |= {told[way].lower() for way in WAYS if told[way]}
        found |= {folded for name in parts if told[name] and " " in (folded := fold(told[name]))}
    return tuple(sorted((one for one in found if len(one) >= _LEAST), key=len, reverse=True))


def masked(text: str, names: tuple[str, ...] = ()) -> str:
    """The text with all that taken out; ``names``: from `known`, and links, found while they are whole."""
    if names and tells(fold(text), names):
        text = _without(nfc(text), names)
    if "@" in text:
        text = _LETTERS.sub(MASK, text)
    return _NUMBERS.sub(_unless_date, _CALLED.sub(rf"\1{MASK}", text))


def tells(folded: str, names: tuple[str, ...]) -> bool:
    """Whether one of these may stand in a folded text."""
    words = _words(folded)
    return any(_words(name) in words for name in names)


@lru_cache(maxsize=256)
def _words(folded: str) -> str:
    return " ".join(folded.translate(_APART).split())


def _unless_date(match: re.Match[str]) -> str:
    return match[0] if _DATE.fullmatch(match[0]) else MASK


def _without(text: str, names: tuple[str, ...]) -> str:
    """Whatever capitals, marks and spaces they are written with."""
    folded = "".join(map(_letter, text))  # letter by letter, so that places agree
    for match in reversed(list(_pattern(names).finditer(folded))):
        text = text[: match.start()] + MASK + text[match.end() :]
    return text


@lru_cache(maxsize=1_024)
def _letter(letter: str) -> str:
    found = fold(letter)
    return found if len(found) == 1 else " " if letter.isspace() else letter


@lru_cache(maxsize=256)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    ways = (r"[\s.,_-]{1,3}".join(map(re.escape, name.split())) for name in names)
    return re.compile(rf"(?<!\w)(?:{'|'.join(ways)})(?!\w)")


def veiled(value: Any, names: tuple[str, ...], personal: Collection[str]) -> Any:
    """A value as JSON knows it, with every text in it masked, and what stands under a ``personal`` key taken out."""
    if isinstance(value, str):
        return masked(value, names)
    if isinstance(value, list | tuple):
        return [veiled(one, names, personal) for one in value]
    if isinstance(value, Mapping):
        return {masked(key, names): MASK if key in personal and one not in (None, "", []) else
                veiled(one, names, personal) for key, one in value.items()}  # fmt: skip
    return value if not isinstance(value, int) or isinstance(value, bool) or abs(value) < 10**8 else MASK

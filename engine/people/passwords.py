"""Passwords: how they are kept, and which are worth nothing.

Kept is an Argon2id hash. Worth nothing is what is guessed first. No list of millions is shipped: what people choose is
a word that everybody knows with a year or a row of keys, so all of that is taken away, and something has to be left.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.errors import InvalidRequest
from engine.language import vietnamese

LEFT = 5  # different from each other: fewer characters of one's own are no password

SHORTEST, LONGEST = 10, 200  # characters
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # KiB; OWASP's advice: some 30 ms
# a hash that no password has, so that an unknown name takes as long as a known one
NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$3IVWg+09mkB0HrQ4DbLCjA$LdNiN9fBEEtk6HJEfNW+BxGscN2rogfFrGI9hKe6zm8"

_KNOWN = """
    password passw pass matkhau quantri admin administrator root user guest test demo login welcome letmein master
    secret changeme default hello iloveyou loveyou anhyeuem emyeuanh yeuem dragon monkey football superman batman
    baseball shadow sunshine princess michael charlie jordan computer internet server google facebook zalo
    thongsuot tongdai duongday tiepnhan phananh ubnd uybannhandan vietnam hanoi saigon hochiminh tphcm binhduong dongnai
    danang congan covid corona nguyen tran
    qwertyuiop qwerty asdfghjkl asdfgh asdf zxcvbnm zxcvbn qazwsxedc qazwsx qweasdzxc qwe asd zxc 1q2w3e4r5t 1q2w3e4r
    1qaz2wsx 1022 115 113 114
""".split()
_WORDS = re.compile("|".join(sorted(map(re.escape, _KNOWN), key=len, reverse=True)))
_YEARS = re.compile(r"(?:19|20)\d\d")
_AS_LETTERS = str.maketrans("@430$51!", "aaeossii")


def hashed(password: str, *about: str) -> str:
    """Args:
        about: whose it is: their log-in and other names, which are guessed as well.

    Raises:
        InvalidRequest: shorter than 10 or longer than 200 characters, or one that would be guessed.
    """
    require_good(password, *about)
    return _HASHER.hash(unicodedata.normalize("NFC", password))


def require_good(password: str, *about: str) -> None:
    """As `hashed`, which it begins."""
    password = unicodedata.normalize("NFC", password)
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidRequest(f"A password has {SHORTEST} to {LONGEST} characters.", field="password")
    if is_guessable(password, *about):
        raise InvalidRequest(
            "This password would be guessed: names, known words, years and rows of keys do not count. Take a few words "
            "that have nothing to do with each other.", field="password",
        )  # fmt: skip


def is_guessable(password: str, *about: str) -> bool:
    """Whether little is left of it without what everybody tries, and what is known of its owner.

    >>> is_guessable("MatKhau@2026"), is_guessable("con trâu xanh gặm sách")
    (True, False)
    """
    names = {part for name in about for part in vietnamese.words(name) if len(part) > 2}
    folded = vietnamese.fold(password).lower()
    return min(_own(text, names) for text in (folded, folded.translate(_AS_LETTERS))) < LEFT


def _own(text: str, names: set[str]) -> int:
    """How many different characters are one's own."""
    text = re.sub(r"[^a-z0-9]", "", _YEARS.sub("", text)) if text.isascii() else text
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "")
    text = _WORDS.sub("", text)
    rows = {at for at, (one, next_) in enumerate(pairwise(text), 1) if abs(ord(next_) - ord(one)) <= 1}
    return len({one for at, one in enumerate(text) if at not in rows})


def matches(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, unicodedata.normalize("NFC", password))
    except (VerificationError, InvalidHashError):
        return False


def rehashed(password_hash: str, password: str) -> str | None:
    """A right password's hash with today's cost; ``None``: it has that. What was a password stays one."""
    weaker = _HASHER.check_needs_rehash(password_hash)
    return _HASHER.hash(unicodedata.normalize("NFC", password)) if weaker else None

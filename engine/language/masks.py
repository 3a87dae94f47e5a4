"""What of a text must not be seen by whoever may not know who reported: numbers that reach or name somebody, and what
is known of the people of the case.

    masked("Anh Bình 0912 345 678 báo", ())             "Anh Bình ••• báo"
    masked("Tôi là NGUYEN VAN BINH", known(people))     "Tôi là •••"

Rather too much than too little is taken out; never a case's own number, a date, a time or a price. It is looked for in
the text as a reader sees it (`_seen`): without what has no width, with plain digits and letters; what is left is shown
as it was written. All of it takes time in proportion to the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from engine.language.vietnamese import fold, nfc

MASK = "•••"
_BETWEEN = r"[\s.\-‐‑‒–—−()/·,_]{0,3}"
_NUMBERS = re.compile(  # begins with what is quickly looked for
    r"[+0-9](?<!\d.)(?!(?<=_.)\d_)(?:"  # ubnd_01_001_00001 is a key
    rf"(?<!\d\.\d)(?:(?<=\+)\d(?:{_BETWEEN}\d){{7,14}}"  # of any country
    rf"|(?:(?<=0)(?:084)?|(?<=8)4){_BETWEEN}[1-9](?:{_BETWEEN}\d){{7,10}}"  # telephone numbers; 12 digits: CCCD
    r"|(?<=\d)(?:\d{8}|\d{11})|(?<=0)\d\d(?:[ .]\d{3}){3})"  # CMND, CCCD
    # behind a digit and a point fewer: 1.050.500.000, 20.09.2021 10.30 and 21.0285, 105.8542 are none
    r"|(?<=\d\.\d)(?!\d\d(?:\.\d{3})*(?!\.?\d))(?!\d?[./-](?:19|20)\d\d(?!\d))"
    r"(?:(?:(?<=0)(?:084)?|(?<=8)4)[1-9]\d{7,10}|(?<=0)[35789](?:[ .-]?\d){8}))(?!\d)"
)
_CALLED = re.compile(  # what is called so, however it is grouped: 281 234 567 alone may be a price
    rf"(?:cmnd|cmt|cccd|căn cước|chứng minh)\D{{0,20}}(?P<number>\d(?:{_BETWEEN}\d){{8,11}})(?!\d)", re.IGNORECASE
)
_LETTERS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]+(?:\.[\w-]+)+")  # e-mail addresses
_DATE = re.compile(r"0?\d{1,2}[./-]\d{1,2}[./-]\d{4}(?:\D{1,3}\d{1,2})?", re.ASCII)  # 03.09.2021, and an hour
_WORD, _DIGITS = re.compile(r"[^\W_]+"), re.compile(r"\d+")
_LEAST = 5  # letters of what is known: less is found everywhere
_LEAST_DIGITS = 8  # of a number that is known, to find it wherever it stands
_AT_ONCE = 200  # letters of an answer that are looked for as a whole; of what is longer, a text may show a part
_WORDS_AT_ONCE = 4
_ID_BEGUN, _ID_DONE = re.compile(r"(?<![^\W_])[0-9a-f]+\Z"), re.compile(r"[0-9a-f]*(?![^\W_])")
_ID_LEAST, _ID_MOST = 18, 64
# What is neither a letter as we write them, nor a digit, nor a usual sign: something may hide behind it.
_STRANGE = re.compile("[^\0-\xac\xae-\xb1\xb4-\xb8\xba-\u02ff\u1e00-\u1eff\u2010-\u2027\u2030-\u205e\u20a0-\u20cf]")
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"  # letters and signs that show nothing
WAYS = ("phone", "email", "zalo", "facebook", "viber")


def known(people: Iterable[Any], *, at_home: bool = True) -> tuple[str, ...]:
    """What is known of these people, folded, the longest first; of a number its digits, without what a country or a
    trunk call puts before them.

    Args:
        people: rows, or tables, with name, address and `WAYS`. A name of one word is not among it: it would be found in
            Thái *Bình* and *An* Giang.
        at_home: their addresses, too.
    """
    found, parts = set(), ("name", "address") if at_home else ("name",)
    for person in people:
        told = person if isinstance(person, dict) else person._mapping
        found |= {_digits(told[way]) or told[way].lower() for way in WAYS if told[way]}
        found |= {folded for name in parts if told[name] and " " in (folded := fold(_seen(nfc(told[name]))[0]))}
    return _longest_first(found)


def said(values: Iterable[str]) -> tuple[str, ...]:
    """What somebody answered of themselves, as `known` gives it."""
    return _longest_first({one for value in values for one in ([_digits(value)] if _digits(value) else _pieces(value))})


def _pieces(value: str) -> list[str]:
    words = _words(fold(_seen(nfc(value))[0])).split()
    many = len(words) if len(value) <= _AT_ONCE else _WORDS_AT_ONCE
    return [" ".join(words[at : at + many]) for at in range(0, len(words), many)]


def _longest_first(found: set[str]) -> tuple[str, ...]:
    return tuple(sorted((one for one in found if len(one) >= _LEAST), key=len, reverse=True))


def _digits(way: str) -> str:
    """Those of a number, as far as they are its own; nothing: it is none, or too short to be looked for as one."""
    digits = re.sub(_BETWEEN, "", _seen(way)[0])
    own = re.sub(r"\A(?:(?:\+|00)84|84(?=\d{9})|\+|0)0?", "", digits)
    return own if _is_number(own) else ""


def _is_number(name: str) -> bool:
    return name.isdigit() and len(name) >= _LEAST_DIGITS


def masked(text: str, names: tuple[str, ...] = ()) -> str:
    """The text with all that taken out; ``names``: from `known`, `said`, and links, found while they are whole."""
    text = nfc(text)
    seen, places = _seen(text)
    kept, last = [], 0
    for start, end in _together([*_of_people(seen, names), *_of_anybody(seen)]):
        if places is not None:
            after = places[end] if end < len(places) else len(text)  # with what has no width behind it
            start, end = places[start], max(places[end - 1] + 1, after)
        kept += [text[last:start], MASK]
        last = end
    return "".join([*kept, text[last:]])


def tells(text: str, names: tuple[str, ...]) -> bool:
    """Whether one of these may stand in a text."""
    return bool(names) and _may_tell(_seen(nfc(text))[0], names)


def _may_tell(seen: str, names: tuple[str, ...]) -> bool:
    folded = fold(seen)
    words, digits = _words(folded), "".join(_DIGITS.findall(folded))
    return any(name in digits if _is_number(name) else _words(name) in words for name in names)


@lru_cache(maxsize=256)
def _words(folded: str) -> str:
    return " ".join(_WORD.findall(folded))


def _of_people(seen: str, names: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Where one of these stands, whatever capitals, marks and spaces it is written with."""
    if names and _may_tell(seen, names):
        folded = "".join(map(_letter, seen))  # letter by letter, so that places agree
        yield from (match.span() for match in _pattern(names).finditer(folded))


def _of_anybody(seen: str) -> Iterator[tuple[int, int]]:
    """Where something stands that reaches or names somebody."""
    if "@" in seen:
        yield from (match.span() for match in _LETTERS.finditer(seen))
    yield from (match.span("number") for match in _CALLED.finditer(seen))
    for match in _NUMBERS.finditer(seen):
        if not _DATE.fullmatch(match[0]) and not _is_in_an_id(match):
            yield match.span()


def _is_in_an_id(match: re.Match[str]) -> bool:
    """Whether these digits are a part of d2f1c0912345678ab3; not of 12b0912345678, a house and a number."""
    start, end = match.span()
    if not match[0].isdigit() or match.string[start - 1 : start] not in tuple("abcdef"):
        return False
    before = _ID_BEGUN.search(match.string, max(start - _ID_MOST, 0), start)
    after = _ID_DONE.match(match.string, end, end + _ID_MOST)
    if before is None or after is None:
        return False
    beside = before[0] + after[0]
    return len(beside) + end - start >= _ID_LEAST and any(letter.isdigit() for letter in beside)


def _together(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """In order; those that overlap as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _seen(text: str) -> tuple[str, list[int] | None]:
    """A text as a reader sees it, and at which place of the text each of its letters stands; None: at its own."""
    if _STRANGE.search(text) is None:
        return text, None
    shown = [_shown(letter) for letter in text]
    return "".join(shown), [place for place, letters in enumerate(shown) for _ in letters]


@lru_cache(maxsize=4_096)
def _shown(letter: str) -> str:
    """0 for ０, ⓪ and 𝟎; nothing for what has no width or is set upon another letter."""
    if letter in _BLANK or unicodedata.category(letter) in ("Cf", "Mn", "Me"):
        return ""
    plain = unicodedata.normalize("NFKC", letter)
    return "".join(str(unicodedata.digit(one)) if unicodedata.digit(one, None) is not None else one for one in plain)


@lru_cache(maxsize=1_024)
def _letter(letter: str) -> str:
    found = fold(letter)
    return found if len(found) == 1 else " " if letter.isspace() else letter


@lru_cache(maxsize=256)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    """Names, with whatever stands between their words; numbers, with whatever stands between their digits, whether they
    are called from here or from abroad."""
    words = "|".join(r"[\W_]{1,3}".join(map(re.escape, one.split())) for one in names if not _is_number(one))
    apart = r"[\W_]{0,3}"
    numbers = "|".join(apart.join(one) for one in names if _is_number(one))
    abroad = rf"(?:(?:(?:\+|00){apart})?84{apart}(?:0{apart})?|0{apart})?"
    ways = ([rf"(?<![^\W_])(?:{words})(?![^\W_])"] if words else []) + ([rf"{abroad}(?:{numbers})"] if numbers else [])
    return re.compile("|".join(ways))


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

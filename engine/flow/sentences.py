"""What the gate says, and why a case cannot be moved, in Vietnamese.

Rules say one sentence each, in English, with names in it; `sentences.po`, an ordinary gettext catalogue, has each of
them with numbered places for the names: "Give {0} a topic." What stands in a place is often a part of a sentence, and
is found in the same way. A test finds what has no Vietnamese yet.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path

from babel.messages.pofile import read_po

CATALOGUE = Path(__file__).with_name("sentences.po")
_PLACE = re.compile(r"\{\d\}")
_LABEL = r"(?:the [a-z ]+ )?'[^']*'(?: \([\w.-]+\))?"  # how a sentence names what is drawn: looked for first
_DEEPEST = 6  # a part of a part of … a sentence


@lru_cache(maxsize=2_000)
def in_vietnamese(said: str, depth: int = 0) -> str:
    """A sentence, or a part of one; what is not known stays as it is: a name, what the analyst wrote."""
    if not said or depth > _DEEPEST:
        return said
    begun = dict.fromkeys([said, said[:1].upper() + said[1:]])  # some are the end of another
    for pattern, there in _sentences():
        for one in begun:
            if found := pattern.fullmatch(one):
                told = _filled(there, [in_vietnamese(part, depth + 1) for part in found.groups()])
                return told if one == said else told[:1].lower() + told[1:]
    return said


def _filled(there: str, parts: list[str]) -> str:
    return _PLACE.sub(lambda place: parts[int(place[0][1])], there)


@cache
def _sentences() -> list[tuple[re.Pattern[str], str]]:
    """What a sentence looks like, and its Vietnamese; first those that begin with words of their own, and of these
    those that have most of them."""
    return [(_pattern(said), there) for said, there in sorted(read().items(), key=lambda one: _rank(one[0]))]


def read() -> dict[str, str]:
    """English -> Vietnamese, with places."""
    with CATALOGUE.open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, locale="vi") if one.id}


def _rank(said: str) -> tuple[bool, int, int]:
    return said.startswith("{0}"), -len(_PLACE.sub("", said)), -len(_PLACE.findall(said))


def _pattern(said: str) -> re.Pattern[str]:
    parts = [re.escape(part) for part in _PLACE.split(said)]
    return re.compile(f"({_LABEL}|.*?)".join(parts), re.DOTALL)

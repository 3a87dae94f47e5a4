"""What is wrong with an answer, in the language of whoever looks. A form says it in Vietnamese, which is what the API
promises; `faults.po`, a gettext catalogue with places for what differs, has the English of `engine.forms.sentences`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from webapi.ui.words import NO_WORDS, in_language, language, read

CATALOGUE = Path(__file__).with_name("faults.po")
_PLACE = re.compile(r"\{(\d)\}")
_COMMA = re.compile(r"(-?\d+),(\d+)")  # in a number as it is written in Vietnamese


def sentence(fault: str, english: Mapping[str, str] = NO_WORDS) -> str:
    """A fault; what the form itself says of a pattern is looked up like everything else that a form says.

    Args:
        english: the report type's own (`Package.english`).
    """
    if language() == "vi":
        return fault
    for pattern, there in _sentences():
        if found := pattern.fullmatch(fault):
            return _filled(there, [_COMMA.sub(r"\1.\2", in_language(part, own=english)) for part in found.groups()])
    return in_language(fault, own=english)


def _filled(there: str, parts: list[str]) -> str:
    return _PLACE.sub(lambda place: parts[int(place[1])], there)


@cache
def _sentences() -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile("(.+?)".join(map(re.escape, _PLACE.split(one)[::2])), re.DOTALL), there)
            for one, there in read(CATALOGUE).items()]  # fmt: skip

"""A scenario file, read and checked: whatever is misspelt in it is said before anything is played."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from engine.errors import InvalidRequest
from engine.flow.toml import read_toml
from engine.terms.calendar import ZONE

BEGINS = "08:00 03/09/2021"  # a Friday, the day after National Day
AT = "%H:%M %d/%m/%Y"

_THEN = {"status", "outcome", "tasks", "told", "due", "due_of", "passed", "closed", "late", "secrecy", "started"}
_REPORT = {"answers", "channel", "area", "place", "reporter", "beneficiary", "severity", "subject", "by", "then"}
_STEPS = {  # what makes a step the kind it is, and what else it may say
    "task": {"who", "answers", "files", "refused"},
    "returns": {"who", "reason", "refused"},
    "wait": set(),
    "until": set(),
    "citizen": {"text", "stars", "refused"},
    "does": {"who", "body", "refused"},
    "message": {"who", "payload", "refused"},
}
_NEEDS = {"task": "who", "returns": "who", "does": "who"}
_SPAN = re.compile(r"(\d+) (week|day|hour|minute|second)s?")


@dataclass(frozen=True)
class Story:
    """What happens, in order.

    Attributes:
        report_type: the code of the folder it lies in.
        report: the table ``[report]``.
        earlier: the tables ``[[earlier]]``, reports that are there already.
        steps: the tables ``[[steps]]``.
        then: what must be so at the end.
    """

    path: Path
    report_type: str
    title: str
    begins: datetime
    report: dict[str, Any]
    earlier: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    then: dict[str, Any] = field(default_factory=dict)


def stories_in(folder: Path) -> list[Path]:
    """The scenarios of one report type, in order."""
    return sorted((folder / "scenarios").glob("*.toml"))


def read(path: Path) -> Story:
    """Raises:
    InvalidRequest: the file is no scenario; the sentence names the place.
    """
    try:
        text = path.read_text(encoding="utf-8")
        code = str(read_toml((path.parent.parent / "type.toml").read_text(encoding="utf-8"))["code"])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, KeyError) as error:
        raise InvalidRequest(f"{path} cannot be read: {error}.") from error
    return parse(text, code, path)


def parse(text: str, code: str, path: Path) -> Story:
    """A scenario of the report type with that code, as it is written; ``path``: what to call it in sentences.

    Raises:
        InvalidRequest: as for `read`.
    """
    try:
        return _story(path, code, read_toml(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{path} cannot be read: {error}.") from error
    except InvalidRequest as error:
        raise InvalidRequest(f"{path}: {error.detail}") from None


def moment(words: Any) -> datetime:
    """ "21:30 03/09/2021", in Vietnam.

    Raises:
        InvalidRequest: it is not written so.
    """
    try:
        return datetime.strptime(str(words), AT).replace(tzinfo=ZONE)
    except ValueError:
        raise InvalidRequest(f'{words!r} is no time: write it like "21:30 03/09/2021".') from None


def span(words: Any) -> timedelta:
    """ "2 days 5 hours" of elapsed time.

    Raises:
        InvalidRequest: it is not written so.
    """
    if not re.fullmatch(rf"(\s*{_SPAN.pattern})+", str(words)):
        raise InvalidRequest(f'{words!r} is no length of time: write it like "2 days 5 hours".')
    return sum((timedelta(**{f"{unit}s": int(count)}) for count, unit in _SPAN.findall(words)), timedelta())


def _story(path: Path, code: str, said: dict[str, Any]) -> Story:
    _known(said, {"title", "begins", "earlier", "report", "steps", "then"}, "a scenario")
    report, earlier = said.get("report"), said.get("earlier", [])
    steps, then = said.get("steps", []), said.get("then", {})
    if not isinstance(report, dict) or "answers" not in report:
        raise InvalidRequest("there is no [report] with answers: a scenario begins with a report.")
    for other in earlier:
        _known(other, _REPORT - {"then"}, "[[earlier]]")
    _known(report, _REPORT, "[report]")
    _expected(report.get("then", {}), "[report.then]")
    for number, step in enumerate(steps, 1):
        _step(step, f"step {number}")
    _expected(then, "[then]")
    begins = moment(said.get("begins", BEGINS))
    return Story(path, code, said.get("title", path.stem), begins, report, earlier, steps, then)


def _step(step: dict[str, Any], place: str) -> None:
    kinds = [kind for kind in _STEPS if kind in step]
    if len(kinds) != 1:
        raise InvalidRequest(f"{place} must have exactly one of {', '.join(_STEPS)}; it has {len(kinds)} of them.")
    _known(step, _STEPS[kinds[0]] | {kinds[0], "then"}, place)
    needs = _NEEDS.get(kinds[0])
    if needs and needs not in step:
        raise InvalidRequest(f"{place} does not say {needs} does it.")
    if "until" in step:
        moment(step["until"])
    if "wait" in step:
        span(step["wait"])
    _expected(step.get("then", {}), f"then of {place}")


def _expected(then: dict[str, Any], place: str) -> None:
    _known(then, _THEN, place)
    for when in (then.get("due"), *then.get("due_of", {}).values()):
        if when is not None:
            moment(when)


def _known(table: dict[str, Any], names: set[str], place: str) -> None:
    for name in table:
        if name not in names:
            close = get_close_matches(name, names, 1)
            meant = f"; did you mean {close[0]!r}?" if close else f": there are {', '.join(sorted(names))}."
            raise InvalidRequest(f"{place} has no {name!r}{meant}")

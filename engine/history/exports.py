"""Histories for process mining: XES (IEEE 1849-2016) and OCEL 2.0, without personal data.

A case is named by its number, a task by its agency; no log-in, no word that somebody said, no place below the district
leaves. Both are written piece by piece, a few cases at once, each few in a reading unit of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.sax.saxutils import quoteattr

import orjson
from sqlalchemy import select

from engine import acts
from engine.history import histories
from engine.history.histories import Visit
from engine.model import cases, definitions
from engine.people import access
from engine.people.access import Account
from engine.runtime import Runtime, Unit

CASE_FACTS = ("report_type", "channel", "area", "severity", "outcome", "lead_agency")
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xes.features="" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<global scope="trace"><string key="concept:name" value=""/></global>
<global scope="event"><string key="concept:name" value=""/>
<date key="time:timestamp" value="1970-01-01T00:00:00+00:00"/>
<string key="lifecycle:transition" value="complete"/></global>
<classifier name="Activity" keys="concept:name"/>
"""


@dataclass(frozen=True)
class Wanted:
    """Which cases: of a type, opened from then on, before then."""

    report_type: str
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True)
class Moment:
    """Something that happened to a case at an element: it came there (``start``), or went."""

    at: datetime
    order: int
    visit: Visit
    transition: str


def may(unit: Unit, *, by: Account) -> None:
    """Raises:
    NotAllowed: the account may not export.
    """
    access.require(by, "export")


def xes(runtime: Runtime, wanted: Wanted, *, by: Account) -> Iterator[str]:
    _note(runtime, "xes", wanted, by)
    yield _HEAD
    names = _Names()
    for case, moments in _cases(runtime, wanted, by, names):
        facts = {"concept:name": case.number} | {name: getattr(case, name) for name in CASE_FACTS}
        yield "<trace>" + "".join(_string(key, value) for key, value in facts.items() if value)
        for one in moments:
            told = {"concept:name": names.of(case, one.visit), "thongsuot:element": one.visit.element,
                    "lifecycle:transition": one.transition, "org:group": one.visit.agency}  # fmt: skip
            yield "<event>" + "".join(_string(key, value) for key, value in told.items() if value)
            yield f'<date key="time:timestamp" value="{one.at.isoformat(timespec="milliseconds")}"/></event>'
        yield "</trace>\n"
    yield "</log>\n"


def ocel(runtime: Runtime, wanted: Wanted, *, by: Account) -> Iterator[str]:
    """OCEL 2.0 as JSON. Objects: cases, tasks, agencies."""
    _note(runtime, "ocel", wanted, by)
    names = _Names()
    with runtime.read() as unit:
        kinds = names.all(unit, wanted.report_type)
    attributes = [{"name": name, "type": "string"} for name in CASE_FACTS]
    types = [{"name": "case", "attributes": attributes}, {"name": "task", "attributes": []},
             {"name": "agency", "attributes": []}]  # fmt: skip
    event_types = [{"name": name, "attributes": [{"name": "lifecycle", "type": "string"}]} for name in kinds]
    yield f'{{"objectTypes": {_json(types)},\n"eventTypes": {_json(event_types)},\n"objects": ['
    yield from _separated(_objects(_cases(runtime, wanted, by, names)))
    yield '],\n"events": ['
    yield from _separated(_happenings(_cases(runtime, wanted, by, names), names))
    yield "]}\n"


def _note(runtime: Runtime, form: str, wanted: Wanted, by: Account) -> None:
    days = {name: day and day.isoformat() for name, day in (("since", wanted.since), ("before", wanted.before))}
    with runtime.begin() as unit:
        acts.note(unit, "exported", by.login, wanted.report_type, form=form, **days)


def _objects(found: Iterable[tuple[Any, list[Moment]]]) -> Iterator[dict[str, Any]]:
    agencies: dict[str, None] = {}
    for case, moments in found:
        time = _instant(case.opened_at)
        facts = [{"name": name, "time": time, "value": value} for name in CASE_FACTS if (value := getattr(case, name))]
        yield {"id": case.number, "type": "case", "attributes": facts, "relationships": []}
        for visit in {id(one.visit): one.visit for one in moments if one.visit.agency}.values():
            agency = str(visit.agency)
            agencies[agency] = None
            links = [{"objectId": case.number, "qualifier": "of"}, {"objectId": agency, "qualifier": "done by"}]
            yield {"id": _task(case, visit), "type": "task", "attributes": [], "relationships": links}
    yield from ({"id": one, "type": "agency", "attributes": [], "relationships": []} for one in agencies)


def _happenings(found: Iterable[tuple[Any, list[Moment]]], names: _Names) -> Iterator[dict[str, Any]]:
    for case, moments in found:
        for number, one in enumerate(moments, 1):
            links = [{"objectId": case.number, "qualifier": "case"}]
            if one.visit.agency:
                links += [{"objectId": _task(case, one.visit), "qualifier": "task"},
                          {"objectId": one.visit.agency, "qualifier": "agency"}]  # fmt: skip
            yield {"id": f"{case.number}:{number}", "type": names.of(case, one.visit), "time": _instant(one.at),
                   "attributes": [{"name": "lifecycle", "value": one.transition}], "relationships": links}  # fmt: skip


def _cases(runtime: Runtime, wanted: Wanted, by: Account, names: _Names) -> Iterator[tuple[Any, list[Moment]]]:
    conditions = [cases.c.report_type == wanted.report_type, access.visible(by)]
    if wanted.since:
        conditions.append(cases.c.opened_at >= wanted.since)
    if wanted.before:
        conditions.append(cases.c.opened_at < wanted.before)
    last = 0
    while True:
        with runtime.read() as unit:
            some = histories.chunk(unit, last, *conditions)
            for case, _ in some:
                names.learn(unit, case)
        if not some:
            return
        yield from ((case, _moments(stays)) for case, stays in some)
        last = some[-1][0].id


def _moments(stays: list[Visit]) -> list[Moment]:
    found = []
    for order, visit in enumerate(stays):
        if visit.token:
            found.append(Moment(visit.entered_at, order, visit, "start"))
        if visit.left_at is not None:
            found.append(Moment(visit.left_at, order, visit, "complete" if visit.how == "completed" else "ate_abort"))
    return sorted(found, key=lambda one: (one.at, one.order))


class _Names:
    """What the diagrams call their elements, by version."""

    def __init__(self) -> None:
        self._describe: dict[int, Callable[[str], str]] = {}

    def learn(self, unit: Unit, case: Any) -> None:
        if case.definition_id not in self._describe:
            self._describe[case.definition_id] = unit.catalogue.pinned(unit, case.definition_id).machine.describe

    def of(self, case: Any, visit: Visit) -> str:
        return self._describe[case.definition_id](visit.element)

    def all(self, unit: Unit, report_type: str) -> list[str]:
        rows = unit.all(select(definitions.c.id).where(definitions.c.key == report_type))
        machines = [unit.catalogue.pinned(unit, row.id).machine for row in rows]
        return sorted({machine.describe(one) for machine in machines for one in machine.definition.nodes})


def _task(case: Any, visit: Visit) -> str:
    return f"{case.number}/{visit.token}"


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _string(key: str, value: Any) -> str:
    return f"<string key={quoteattr(key)} value={quoteattr(str(value))}/>"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _separated(items: Iterable[Any]) -> Iterator[str]:
    for number, item in enumerate(items):
        yield (",\n" if number else "\n") + _json(item)

"""What a report type promises, read from type.toml and province.toml: every fault at once, with its key.

Only reading and checking happens here; `engine.terms.deadlines` applies what was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from engine.terms.calendar import ROUND_THE_CLOCK, ZONE, Calendar, Term

WARN = 0.8  # of the term, where a type does not say otherwise
_KEYS = ("term", "calendar", "warn", "source", "by_severity", "within_case")
_A_WEEK = [datetime(2021, 6, 7, tzinfo=ZONE) + timedelta(hours=n) for n in range(168)]  # an ordinary one


@dataclass(frozen=True)
class Promise:
    """One ``[deadlines.<name>]``.

    Attributes:
        warn: the part of the counted time after which to warn; ``None`` for no warning.
        source: the rule it comes from ("BD-01"), as people cite it.
        within_case: whether it must be kept before the case is due, and moves with it.
    """

    name: str
    term: Term
    calendar: Calendar
    warn: float | None = WARN
    source: str = ""
    by_severity: Mapping[str, Term] = field(default_factory=dict)
    within_case: bool = True

    def term_for(self, severity: str | None) -> Term:
        return self.by_severity.get(severity, self.term) if severity else self.term


@dataclass(frozen=True)
class Extension:
    """*Gia hạn*: how often, and how far beyond the original due time in all."""

    times: int
    longest: Term


@dataclass
class Reading:
    """What could be read, and what could not."""

    calendars: dict[str, Calendar] = field(default_factory=lambda: {ROUND_THE_CLOCK.name: ROUND_THE_CLOCK})
    promises: dict[str, Promise] = field(default_factory=dict)
    extension: Extension | None = None
    pauses: bool = False
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, type_table: Mapping[str, Any], province_table: Mapping[str, Any]) -> Reading:
        reading = cls()
        for name, table in reading._tables("calendars", province_table.get("calendars", {})):
            reading._calendar(name, table)
        for name, table in reading._tables("deadlines", type_table.get("deadlines", {})):
            reading._promise(name, table)
        reading.extension = reading._extension(type_table.get("extension", {}))
        reading.pauses = reading._allowed("pause", type_table.get("pause", {}), ("allowed",))
        reading._fit()
        return reading

    def _tables(self, key: str, tables: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
        if not isinstance(tables, Mapping):
            self.faults.append(f"{key}: must be a table.")
            return
        for name, table in tables.items():
            if isinstance(table, Mapping):
                yield name, table
            else:
                self.faults.append(f"{key}.{name}: must be a table.")

    def _calendar(self, name: str, table: Mapping[str, Any]) -> None:
        try:
            self.calendars[name] = Calendar.parse(name, table)
        except ValueError as error:
            self.faults.append(f"calendars.{name}: {error}")

    def _promise(self, name: str, table: Mapping[str, Any]) -> None:
        where = f"deadlines.{name}"
        before = len(self.faults)
        self._known(where, table, _KEYS)
        calendar = self._named_calendar(f"{where}.calendar", table.get("calendar"))
        term = self._term(f"{where}.term", table.get("term"), calendar)
        by_severity = dict(self._severities(f"{where}.by_severity", table.get("by_severity", {}), calendar))
        warn = self._warn(f"{where}.warn", table.get("warn", WARN))
        for key, kind, what in (("source", str, "text"), ("within_case", bool, "true or false")):
            if key in table and not isinstance(table[key], kind):
                self.faults.append(f"{where}.{key}: must be {what}, not {table[key]!r}.")
        if calendar and term and len(self.faults) == before:
            source, within_case = table.get("source", ""), table.get("within_case", True)
            self.promises[name] = Promise(name, term, calendar, warn, source, by_severity, within_case)

    def _known(self, where: str, table: Mapping[str, Any], keys: tuple[str, ...]) -> None:
        for key in table:
            if key not in keys:
                meant = "".join(f" Did you mean {near!r}?" for near in get_close_matches(key, keys, 1))
                self.faults.append(f"{where}.{key}: there is no such key.{meant}")

    def _named_calendar(self, where: str, name: Any) -> Calendar | None:
        found = self.calendars.get(name) if isinstance(name, str) else None
        if found is None:
            known = ", ".join(repr(known) for known in self.calendars)
            asked = "say which calendar" if name is None else f"there is no calendar {name!r}"
            self.faults.append(f"{where}: {asked}; the province has {known}.")
        return found

    def _term(self, where: str, text: Any, calendar: Calendar | None) -> Term | None:
        try:
            term = Term.parse(text)
            if calendar:
                calendar.check(term)
        except ValueError as error:
            self.faults.append(f"{where}: {error}")
            return None
        return term

    def _severities(self, where: str, table: Any, calendar: Calendar | None) -> Iterator[tuple[str, Term]]:
        if not isinstance(table, Mapping):
            self.faults.append(f"{where}: must be a table of terms by severity.")
            return
        for severity, text in table.items():
            if term := self._term(f"{where}.{severity}", text, calendar):
                yield severity, term

    def _warn(self, where: str, warn: Any) -> float | None:
        if warn is False:
            return None
        if isinstance(warn, bool) or not isinstance(warn, int | float) or not 0 < warn < 1:
            self.faults.append(f"{where}: must lie between 0 and 1, such as 0.8, or be false; not {warn!r}.")
            return None
        return float(warn)

    def _allowed(self, where: str, table: Any, keys: tuple[str, ...]) -> bool:
        if not isinstance(table, Mapping):
            self.faults.append(f"{where}: must be a table.")
            return False
        self._known(where, table, keys)
        allowed = table.get("allowed", False)
        if not isinstance(allowed, bool):
            self.faults.append(f"{where}.allowed: must be true or false, not {allowed!r}.")
        return allowed is True

    def _extension(self, table: Any) -> Extension | None:
        if not self._allowed("extension", table, ("allowed", "times", "longest")):
            return None
        case = self.promises.get("case")
        if case is None:
            self.faults.append("extension.allowed: there is nothing to extend without [deadlines.case].")
        times = table.get("times", 1)
        if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= 100:
            self.faults.append(f"extension.times: must be a whole number from 1 to 100, not {times!r}.")
            return None
        longest = self._term("extension.longest", table.get("longest"), case.calendar if case else None)
        return Extension(times, longest) if longest else None

    def _fit(self) -> None:
        """Find the steps that may take longer than the whole case."""
        case = self.promises.get("case")
        if case is None:
            return
        for step in self.promises.values():
            if step is case or not step.within_case:
                continue
            for severity in [None, *sorted({*case.by_severity, *step.by_severity})]:
                if not self._fits(step, case, severity):
                    break

    def _fits(self, step: Promise, case: Promise, severity: str | None) -> bool:
        part, whole = step.term_for(severity), case.term_for(severity)
        outgrown = _outgrown(step.calendar, part, case.calendar, whole)
        if not outgrown:
            return True
        where = f"deadlines.{step.name}." + (f"by_severity.{severity}" if severity in step.by_severity else "term")
        when = f" at severity {severity!r}" if severity else ""
        terms = f"{part} on {step.calendar.name!r}", f"{whole} on {case.calendar.name!r}{when}"
        if len(outgrown) == len(_A_WEEK):
            self.faults.append(
                f"{where}: {terms[0]} is longer than the whole case, {terms[1]}; if this step comes after the case has "
                "been answered, write within_case = false."
            )
        else:
            start = f"{outgrown[0]:%A %H:%M}"
            self.warnings.append(f"{where}: {terms[0]}, begun on {start}, ends after the whole case, {terms[1]}.")
        return False


def _outgrown(part_on: Calendar, part: Term, whole_on: Calendar, whole: Term) -> list[datetime]:
    """The hours of an ordinary week at which the part, begun together with the whole, would end after it."""
    if part_on == whole_on and (part == whole or part.units == whole.units and len(part.units) == 1):
        start = _A_WEEK[0]  # of two terms in the same units on the same calendar, one is always the longer
        return _A_WEEK if part_on.add(start, part) > whole_on.add(start, whole) else []
    ends = zip(_A_WEEK, _ends(part_on, part), _ends(whole_on, whole), strict=True)
    return [start for start, of_part, of_whole in ends if of_part > of_whole]


@lru_cache(maxsize=1_000)
def _ends(on: Calendar, term: Term) -> list[datetime]:
    """When what is begun at each hour of an ordinary week is due; the types of a province promise much the same."""
    return [on.add(start, term) for start in _A_WEEK]

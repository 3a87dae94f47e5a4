"""Deadlines: when a promise falls due, when to warn, and what pausing and extending do to it.

Pure: no database, no clock. What changes a running deadline takes it as it stands (a row of the table `deadlines`
will do, or `Deadline.running`) and answers with the new moments and one more line of its *story*, so that a case can
always show how its due time came about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from engine.errors import InvalidRequest, ProcessFault, WrongState
from engine.terms.calendar import ZONE, Calendar, Term
from engine.terms.promises import Extension, Promise, Reading
from engine.terms.term import length_in_words


class Running(NamedTuple):
    """A deadline as it stands. A row of the table `deadlines` has the same attributes and serves as well."""

    name: str
    calendar: str
    started_at: datetime
    due_at: datetime
    warn_at: datetime | None
    story: Sequence[Mapping[str, Any]]


class Moved(NamedTuple):
    """Where a deadline stands now.

    Attributes:
        warn_at: in the past if the warning is over; else it is yet to come.
        entry: one line for the end of the story.
    """

    due_at: datetime
    warn_at: datetime | None
    entry: dict[str, Any]


@dataclass(frozen=True)
class Deadline:
    """A promise made at a moment. All moments are aware UTC; ``calendar`` is the calendar's name."""

    name: str
    calendar: str
    term: Term
    source: str
    started_at: datetime
    due_at: datetime
    warn_at: datetime | None
    severity: str | None = None
    words: str = ""
    days: int = 0

    def story(self) -> dict[str, Any]:
        """The first line of its story."""
        entry = {
            "what": "term",
            "rule": self.source,
            "term": str(self.term),
            "words": self.words,
            "calendar": self.calendar,
            "from": self.started_at.isoformat(),
            "due_at": self.due_at.isoformat(),
            "warn_at": _iso(self.warn_at),
        }
        if self.days:
            entry["days"] = self.days
        return entry | {"severity": self.severity} if self.severity else entry

    def running(self) -> Running:
        return Running(self.name, self.calendar, self.started_at, self.due_at, self.warn_at, [self.story()])


@dataclass(frozen=True)
class Terms:
    """What a report type promises.

    Attributes:
        promises: by name: "case" for the whole, else a task's element or any name a diagram uses.
        extension: ``None`` if the type allows none.
        pauses: whether a case of the type may be paused.
        faults: what is wrong with the tables, each with its key; a promise with a fault is left out.
        warnings: what is allowed but may surprise.
        days: the newest declared day that the calendars know of (`engine.declared_days`); 0 for none.
    """

    calendars: Mapping[str, Calendar]
    promises: Mapping[str, Promise]
    extension: Extension | None
    pauses: bool
    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    days: int = 0

    @classmethod
    def parse(cls, type_table: Mapping[str, Any], province_table: Mapping[str, Any], days: int = 0) -> Terms:
        """Read the whole of type.toml and province.toml. Never raises: see ``faults``."""
        found = Reading.of(type_table, province_table)
        return cls(
            found.calendars, found.promises, found.extension, found.pauses, tuple(found.faults), tuple(found.warnings),
            days,
        )  # fmt: skip

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.promises)

    def __contains__(self, name: object) -> bool:
        return name in self.promises

    def due(self, name: str, since: datetime, severity: str | None = None) -> Deadline:
        """The promise ``name``, made at ``since``.

        Raises:
            ProcessFault: the type has no such promise.
        """
        promise = self.promises.get(name)
        if promise is None:
            raise ProcessFault(f"This report type has no term named {name!r}: write [deadlines.{name}] in type.toml.")
        calendar, term = promise.calendar, promise.term_for(severity)
        try:
            started_at, due_at = calendar.add_counted(since, timedelta()), calendar.add(since, term)
            given = calendar.between(since, due_at)
            warn_at = calendar.add_counted(since, promise.warn * given) if promise.warn else None
        except (ValueError, OverflowError) as error:
            raise ProcessFault(f"The term {name!r} cannot be counted from {since.isoformat()}: {error}") from error
        words = term.words(working=not calendar.is_round_the_clock)
        used = severity if severity in promise.by_severity else None
        return Deadline(name, calendar.name, term, promise.source, started_at, due_at, warn_at, used, words,
                        self.days)  # fmt: skip

    def late(
        self, deadline: Running, fraction: float, first: Terms | None = None, due_at: datetime | None = None
    ) -> datetime:
        """When it is overdue by this part of the time it was first given: 0.5 is "150 %".

        Args:
            first: the terms that it was counted with at first, if days were declared since.
            due_at: when it is going to be due, if not when it is.

        Raises:
            ProcessFault: the fraction is not a number from 0 to 100.
        """
        if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 <= fraction <= 100:
            raise ProcessFault(f"late({deadline.name!r}, …) takes a part of the term such as 0.5, not {fraction!r}.")
        given = (first or self)._calendar(deadline).between(deadline.started_at, _first_due(deadline))
        return self._calendar(deadline).add_counted(due_at or deadline.due_at, fraction * given)

    def paused(self, deadline: Running, at: datetime, reason: str = "") -> Moved:
        """Stop the clock: nothing moves yet, the story says how much was left.

        Raises:
            WrongState: the type allows no pause.
        """
        if not self.pauses:
            raise WrongState("Cases of this report type cannot be paused: its clock never stops.")
        left = self._calendar(deadline).between(at, deadline.due_at)
        return _moved(deadline, deadline.due_at, deadline.warn_at, "pause", left, at=at.isoformat(), reason=reason)

    def resumed(self, deadline: Running, paused_at: datetime, now: datetime) -> Moved:
        """Start the clock again: the counted time that was left at the pause is left now.

        What had passed by then stays passed: a due time that was missed, a warning that was given.
        """
        calendar = self._calendar(deadline)
        left = calendar.between(paused_at, deadline.due_at)
        due_at = _carried(calendar, deadline.due_at, paused_at, now)
        warn_at = deadline.warn_at and _carried(calendar, deadline.warn_at, paused_at, now)
        moments = {"paused_at": paused_at.isoformat(), "at": now.isoformat()}
        return _moved(deadline, due_at, warn_at, "resume", left, **moments)

    def recounted(self, deadline: Running, before: Terms, since: datetime, reason: str = "") -> Moved:
        """Days were declared off or worked since it was counted: what was left of it then is left on these calendars.

        Args:
            before: the terms it was counted with.
            since: a moment before any of these days, from which on the calendars differ.
        """
        old, new = before._calendar(deadline), self._calendar(deadline)
        due_at = _recounted(old, new, deadline.due_at, since)
        warn_at = deadline.warn_at and _recounted(old, new, deadline.warn_at, since)
        moved = _moved(deadline, due_at, warn_at, "days-declared", timedelta(), reason=reason)
        return moved._replace(entry=moved.entry | {"days": self.days})

    def latest_extension(self, deadline: Running) -> datetime:
        """How far it may yet be extended; pauses do not use any of that up.

        Raises:
            WrongState: the type allows no extension, or no further one.
        """
        if self.extension is None:
            raise WrongState("Cases of this report type cannot be extended.")
        earlier = [entry for entry in deadline.story if entry["what"] == "extension"]
        if len(earlier) >= self.extension.times:
            times = "once" if len(earlier) == 1 else f"{len(earlier)} times"
            raise WrongState(f"The case has been extended {times}, as often as its report type allows.")
        calendar, first_due = self._calendar(deadline), _first_due(deadline)
        longest = calendar.between(first_due, calendar.add(first_due, self.extension.longest))
        used = timedelta(seconds=sum(entry["seconds"] for entry in earlier))
        return calendar.add_counted(deadline.due_at, longest - used)

    def extended(self, deadline: Running, until: datetime, *, now: datetime, reason: str = "") -> Moved:
        """Give the case until ``until``; its warning moves by the same counted time, and comes again if it is past.

        Raises:
            WrongState: the type allows no extension, or no further one.
            InvalidRequest: ``until`` has no time zone, is not later than the present due time, is past, or too late.
        """
        if until.tzinfo is None:
            raise InvalidRequest("The new due time has no time zone: write it like 2021-09-03T15:30:00+07:00.")
        latest = self.latest_extension(deadline)
        if until <= deadline.due_at:
            raise InvalidRequest(f"The new due time {_at(until)} is not after the present one, {_at(deadline.due_at)}.")
        if until <= now:
            raise InvalidRequest(f"The new due time {_at(until)} is past.")
        if until > latest:
            raise InvalidRequest(
                f"The new due time {_at(until)} is too late: this case may be extended to {_at(latest)} at most.",
                latest_at=latest.isoformat(),
            )
        calendar = self._calendar(deadline)
        longer = calendar.between(deadline.due_at, until)
        due_at = calendar.add_counted(until, timedelta())
        warn_at = deadline.warn_at and calendar.add_counted(deadline.warn_at, longer)
        return _moved(deadline, due_at, warn_at, "extension", longer, at=now.isoformat(), reason=reason)

    def shifted(self, step: Running, case_was_due: datetime, case_is_due: datetime) -> Moved:
        """A step's deadline after its case was extended: later by the time that the step's own calendar counts
        between the case's old and new due time. One that is not ``within_case`` stays."""
        calendar = self._calendar(step)
        promise = self.promises.get(step.name)
        follows = promise is None or promise.within_case
        longer = calendar.between(case_was_due, case_is_due) if follows else timedelta()
        due_at = calendar.add_counted(step.due_at, longer)
        warn_at = step.warn_at and calendar.add_counted(step.warn_at, longer)
        return _moved(step, due_at, warn_at, "case-extended", longer, case_due_at=case_is_due.isoformat())

    def _calendar(self, deadline: Running) -> Calendar:
        try:
            return self.calendars[deadline.calendar]
        except KeyError:
            raise WrongState(
                f"The deadline {deadline.name!r} runs on the calendar {deadline.calendar!r}, "
                "which its province no longer has."
            ) from None


def known_days(deadline: Running) -> int:
    """The newest declared day that was known when this deadline was counted last."""
    return max(int(entry.get("days", 0)) for entry in deadline.story)


def _recounted(old: Calendar, new: Calendar, moment: datetime, since: datetime) -> datetime:
    if old == new or moment <= since:
        return moment
    left, opens = old.between(since, moment), old.next_opening(moment) == moment
    if new.between(since, moment) == left and not (opens and new.next_opening(moment) != moment):
        return moment  # nothing in between has changed; it may have been put outside the hours by hand
    found = new.add_counted(since, left)
    return new.next_opening(found) if opens else found  # as it opens: not as it closes the day before


def _carried(calendar: Calendar, moment: datetime, paused_at: datetime, now: datetime) -> datetime:
    if moment <= paused_at:
        return moment
    return max(moment, calendar.add_counted(now, calendar.between(paused_at, moment)))


def _moved(
    deadline: Running, due_at: datetime, warn_at: datetime | None, what: str, length: timedelta, **more: str
) -> Moved:
    """``length`` is counted time, so 24 hours of it are a day only round the clock; the story leaves days out."""
    entry = {"what": what, "seconds": int(length.total_seconds()), "words": length_in_words(length, days=False)}
    entry |= {key: value for key, value in more.items() if value}
    entry |= {"from": deadline.due_at.isoformat(), "due_at": due_at.isoformat(), "warn_at": _iso(warn_at)}
    return Moved(due_at, warn_at, entry)


def _first_due(deadline: Running) -> datetime:
    return datetime.fromisoformat(deadline.story[0]["due_at"])


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _at(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%H:%M %d/%m/%Y}"

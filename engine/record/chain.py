"""The record's chain: every line of `events` and `acts`, linked by hashes in the order in which they were found.

    hash(n) = sha256(hash(n-1), n, the local day of linking, the row, sha256 of the row's data)

A worker links what was committed since it last looked (`step`), so whoever writes a line pays nothing for it. Two
workers that look at once make the same links, and the first to write them does.

What this proves: a line that is linked can neither be changed, removed, nor be put between others without `verify`
naming the link; its data can be emptied only with its whole case; and what was linked by the end of a day cannot be
remade, for that day's anchor, a file that is to be kept elsewhere, says what the last link's hash was. What it does
not: a line that was removed before it was linked (a worker looks every `EVERY`), and, until the day's anchor is
written, a chain that was remade from some link to its end by somebody who owns the database.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, Table, func, insert, not_, select

from engine.model import acts, cases, events, links
from engine.runtime import Runtime, Unit
from engine.storage.sealing import Unreadable

EVERY = timedelta(seconds=20)  # how often a worker looks
BATCH = 1_000  # links made at once
# A line that a longer transaction wrote may show up behind others with higher ids. So far back they are looked for; a
# line that shows up later than that has been put there by somebody else.
LATE = 10_000
CHUNK = 5_000  # links verified at once
EMPTIED = "person-emptied"  # the kind of a case's line that says why data of its earlier lines is gone
GIVEN_UP = "key-given-up"  # the act that explains the same where a key was lost, of cases that go on as well
_LOCK = 1022_0002  # as `schema.LOCK`
_BEFORE = b"\0" * 32  # what the first link has before it
_LETTERS = re.compile(rb"[\x7f-\xff]")  # those that `json` escapes
_LETTERS_FRACTIONS = re.compile(rb"[\x7f-\xff]|\d[.eE]")  # and how large and small numbers are rounded
_EMPTY = hashlib.sha256(b"{}").digest()
_UNEXPLAINED = "Its data is gone, and no later line says why; or one does, and its case was not emptied."

_LINK = (links.c.seq, links.c.source, links.c.row_id, links.c.day, links.c.content, links.c.hash)

SOURCES: dict[str, tuple[Table, tuple[str, ...]]] = {
    "events": (events, ("case_id", "at", "kind", "actor", "element")),
    "acts": (acts, ("at", "kind", "actor", "subject", "address")),
}


# -- linking -------------------------------------------------------------------------------------------------------


def step(runtime: Runtime) -> int:
    """Link some of what is not linked yet; returns how many lines."""
    with runtime.read() as unit:
        made = list(_next(unit))
    if not made:
        return 0
    with runtime.begin() as unit:
        if unit.locks_rows:  # SQLite has only one writer anyway
            unit.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        if (unit.scalar(select(func.max(links.c.seq))) or 0) >= made[0]["seq"]:
            return 0  # another worker has linked them
        unit.execute(insert(links), made)
    return len(made)


def _next(unit: Unit) -> Iterator[dict[str, Any]]:
    last = unit.first(select(links).order_by(links.c.seq.desc()).limit(1))
    seq, previous, day = (last.seq, last.hash, last.day) if last else (0, _BEFORE, date.min)
    day = max(day, unit.today)
    found = [(row.at, source, row) for source in SOURCES for row in _unlinked(unit, source)]
    found.sort(key=lambda one: (one[0], one[1], one[2].id))
    for _, source, row in found[:BATCH]:
        seq += 1
        content = digest(row.data)
        previous = linked(previous, seq, day, source, row, content)
        yield {"seq": seq, "source": source, "row_id": row.id, "day": day, "content": content, "hash": previous}


def _lines(source: str) -> Any:
    """A line as `linked` wants it."""
    table, columns = SOURCES[source]
    return select(table.c.id, table.c.data, *(table.c[name] for name in columns))


def _unlinked(unit: Unit, source: str) -> list[Row[Any]]:
    table, _ = SOURCES[source]
    late = (_newest(unit, source) or 0) - LATE
    return unit.all(_lines(source).where(table.c.id > late, _not_linked(source)).order_by(table.c.id).limit(BATCH))


def _newest(unit: Unit, source: str) -> int | None:
    return unit.scalar(select(func.max(links.c.row_id)).where(links.c.source == source))  # type: ignore[no-any-return]


def _not_linked(source: str) -> Any:
    table, _ = SOURCES[source]
    return not_(select(links.c.seq).where(links.c.source == source, links.c.row_id == table.c.id).exists())


def digest(data: Any) -> bytes:
    """Of a row's data, however its database has written it."""
    return hashlib.sha256(_text(data, _LETTERS_FRACTIONS)).digest()


def linked(previous: bytes, seq: int, day: date, source: str, row: Sequence[Any], content: bytes) -> bytes:
    """The hash of a link.

    Args:
        row: its id, its data, and the columns that `SOURCES` names.
    """
    told = [value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value
            for value in row[2:]]  # fmt: skip
    line = _text([seq, day.isoformat(), source, row[0], *told], _LETTERS)
    return hashlib.sha256(previous + content + line).digest()


def _text(value: Any, differs: re.Pattern[bytes]) -> bytes:
    """As `json` writes it; by `orjson`, which takes a tenth of the time, where both write the same.

    Args:
        differs: finds what they write differently, or may.
    """
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number that is too long for it
        text = b"\x7f"
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() if differs.search(text) else text


@dataclass(frozen=True)
class State:
    """How far the chain is; ``waiting``: lines that are not linked yet."""

    links: int
    day: date | None
    hash: str
    waiting: int


def state(unit: Unit) -> State:
    last = unit.first(select(links).order_by(links.c.seq.desc()).limit(1))
    waiting = sum(
        unit.scalar(select(func.count()).select_from(
            select(table.c.id).where(table.c.id > (_newest(unit, source) or 0) - LATE, _not_linked(source)).subquery()))
        for source, (table, _) in SOURCES.items()
    )  # fmt: skip
    return State(last.seq if last else 0, last.day if last else None, last.hash.hex() if last else "", waiting)


# -- verifying -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Broken:
    """The first thing that is not as it was linked.

    Attributes:
        seq: of the link; 0 for a line that has none.
        day: the local day of linking.
        why: one sentence.
    """

    seq: int
    day: date | None
    why: str


@dataclass
class Verdict:
    """What `verify` found; ``broken`` is ``None`` if all is as it was linked.

    Attributes:
        anchors: how many agree.
        unanchored: days that have ended, have links, and no anchor among those that were given.
    """

    links: int = 0
    emptied: int = 0
    anchors: int = 0
    unanchored: list[date] = field(default_factory=list)
    broken: Broken | None = None


@dataclass(frozen=True)
class Anchor:
    """What a day's last link was."""

    day: date
    seq: int
    hash: str


def verify(
    runtime: Runtime, anchors: list[Anchor], progress: Callable[[int, int], None] = lambda done, of: None
) -> Verdict:
    """Calculate the whole chain anew and compare it with what is there, and with the anchors.

    Args:
        progress: called with how many links are done, of how many.
    """
    verdict, previous = Verdict(), _BEFORE
    expected: dict[int, list[Anchor]] = {}  # two days may name the same link: one of them is of a chain that was cut
    for anchor in anchors:
        expected.setdefault(anchor.seq, []).append(anchor)
    days: set[date] = set()
    emptied: dict[int, Broken] = {}
    with runtime.read() as unit:
        total, today = unit.scalar(select(func.max(links.c.seq))) or 0, unit.today
    while verdict.links < total:
        with runtime.read() as unit:
            rows = _chunk(unit, verdict.links)
            explained = _explained(unit, [row for _, row in rows])
        for link, row in rows:
            seq, source, _, day, content, seal = link
            fault = _fault(verdict.links + 1, previous, link, row) or _against(expected.get(seq, ()), link)
            if fault:
                verdict.broken = fault
                return verdict
            if row[1] == {} and content != _EMPTY:
                emptied[row.case_id] = Broken(seq, day, _UNEXPLAINED)
                verdict.emptied += 1
            elif emptied and source == "events" and row.id in explained:
                emptied.pop(row.case_id, None)
            verdict.anchors += len(expected.pop(seq, ()))
            days.add(day)
            previous, verdict.links = seal, seq
        if not rows:
            break
        progress(verdict.links, total)
    verdict.unanchored = sorted(day for day in days - {anchor.day for anchor in anchors} if day < today)
    verdict.broken = min(emptied.values(), key=lambda one: one.seq, default=None) or _cut(expected) or _added(runtime)
    return verdict


def verify_newest(unit: Unit) -> Verdict:
    """The newest `CHUNK` links only, in a moment, each against the one before it; ``links``: how many there were. What
    only the whole chain and its anchors show, it does not: a cut end, a chain that was remade, why data is gone."""
    start = max(0, (unit.scalar(select(func.max(links.c.seq))) or 0) - CHUNK)
    previous = unit.scalar(select(links.c.hash).where(links.c.seq == start)) or _BEFORE
    verdict = Verdict()
    for link, row in _chunk(unit, start):
        verdict.links += 1
        verdict.broken = _fault(start + verdict.links, previous, link, row)
        if verdict.broken:
            break
        previous = link.hash
    return verdict


def _chunk(unit: Unit, after: int) -> list[tuple[Any, Any]]:
    """Links with their rows, where those are still there; for one that cannot be opened, why."""
    found = unit.execute(select(*_LINK).where(links.c.seq > after).order_by(links.c.seq).limit(CHUNK)).all()
    rows: dict[str, dict[int, Any]] = {}
    for source, (table, _) in SOURCES.items():
        ids = [link[2] for link in found if link[1] == source]
        if ids:
            between = table.c.id.between(min(ids), max(ids)) if max(ids) - min(ids) < 4 * CHUNK else table.c.id.in_(ids)
            rows[source] = _opened(unit, source, between, ids)
    return [(link, rows[link[1]].get(link[2])) for link in found]


def _opened(unit: Unit, source: str, between: ColumnElement[bool], ids: list[int]) -> dict[int, Any]:
    """Lines by id; one by one where one of them cannot be opened, for the answer to a statement is read as a whole."""
    try:
        return {row[0]: row for row in unit.execute(_lines(source).where(between)).all()}
    except Unreadable as error:
        if len(ids) == 1:
            return {ids[0]: error}
    which = SOURCES[source][0].c.id
    return {one: row for one in ids for row in _opened(unit, source, which == one, [one]).values()}


def _explained(unit: Unit, rows: Sequence[Any]) -> set[int]:
    """The ids of the lines that say why data of their case is gone, and are right: the case was emptied, or a key was
    lost at that moment. Else whoever may write could empty one line and add another that says so."""
    told = [row for row in rows if isinstance(row, Row) and row.kind == EMPTIED]
    if not told:
        return set()
    of = (cases.c.id.in_({row.case_id for row in told}), cases.c.emptied_at.is_not(None))
    emptied = {row.id for row in unit.all(select(cases.c.id).where(*of))}
    lost = {row.at for row in unit.all(select(acts.c.at).where(acts.c.kind == GIVEN_UP))}
    return {row.id for row in told if row.case_id in emptied or row.at in lost}


def _fault(expected: int, previous: bytes, link: Any, row: Any) -> Broken | None:
    seq, source, row_id, day, content, seal = link
    if seq != expected:
        return Broken(expected, day, f"The link is gone: after it comes link {seq}.")
    if row is None:
        return Broken(seq, day, f"The line {row_id} of {source} is gone.")
    if isinstance(row, Unreadable):
        return Broken(seq, day, f"The data of line {row_id} of {source} cannot be opened: {row}")
    data = row[1]
    emptied = data == {} and source == "events"
    if not emptied and digest(data) != content:
        return Broken(seq, day, f"The data of line {row_id} of {source} was changed.")
    if linked(previous, seq, day, source, row, content) != seal:
        return Broken(seq, day, f"The line {row_id} of {source}, or its link, was changed.")
    return None


def _against(anchors: Sequence[Anchor], link: Any) -> Broken | None:
    for anchor in anchors:
        if anchor.hash != link.hash.hex():
            why = f"The anchor of {anchor.day} says that this link was another: the chain was remade."
            return Broken(link.seq, link.day, why)
    return None


def _cut(missed: dict[int, list[Anchor]]) -> Broken | None:
    first = missed[min(missed)][0] if missed else None
    return first and Broken(first.seq, first.day, f"The anchor of {first.day} names this link, and it is gone.")


def _added(runtime: Runtime) -> Broken | None:
    """A line that has no link, among lines that have."""
    with runtime.read() as unit:
        for source, (table, _) in SOURCES.items():
            newest = _newest(unit, source) or 0
            row = unit.first(select(table.c.id).where(table.c.id <= newest - LATE, _not_linked(source)).limit(1))
            if row is not None:
                return Broken(0, None, f"Line {row.id} of {source} was put among others afterwards: it has no link.")
    return None


# -- anchors -------------------------------------------------------------------------------------------------------


def days_to_anchor(unit: Unit, after: date) -> list[Anchor]:
    """The days since ``after`` that have ended, each with its last link."""
    today = unit.today
    last = select(func.max(links.c.seq)).where(links.c.day > after, links.c.day < today).group_by(links.c.day)
    rows = unit.all(select(links).where(links.c.seq.in_(last)).order_by(links.c.seq))
    return [Anchor(row.day, row.seq, row.hash.hex()) for row in rows]

"""What is stuck, since when, why, and what the one who asks may do about it.

A case is stuck when nothing will move it unless a person does something: a step failed, a task is overdue or nobody
can take it, a message could not be sent. Each reason below is one indexed statement; the list is their union, and the
sentence that explains a case is written from the same row that put it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Integer,
    Row,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    true,
    union,
    union_all,
)

from engine.language.texts import local_time
from engine.model import OPEN_TASK, accounts, agencies, cases, incidents, jobs, outbox, provinces, subscriptions, tasks
from engine.paging import Page, page, read_cursor, write_cursor
from engine.people import access
from engine.people.access import Account
from engine.queries import SUMMARY, CaseFilter, case_conditions
from engine.queues.outbox import ATTEMPTS_MAX
from engine.runtime import Unit
from engine.storage.prepared import Prepared

UNRUN = timedelta(minutes=5)  # a job that has been due for longer than this is not being run
_PRIORITIES = tuple(literal_column(priority) for priority in ("0", "1", "2"))  # bound, they would miss the index
_NONE = cast(null(), Text)
_READY, _LEASED = (outbox.c.state == literal_column(state) for state in ("'ready'", "'leased'"))
_SERVICE = outbox.c.kind == literal_column("'service'")
_FETCHED_ONCE = outbox.c.attempts > literal_column("0")
_OFTEN = outbox.c.attempts >= ATTEMPTS_MAX


class _Moment(NamedTuple):
    """When it is asked: instants, or the parameters that stand for them.

    Attributes:
        unrun: `UNRUN` before.
    """

    now: Any
    unrun: Any

    @classmethod
    def of(cls, now: datetime) -> _Moment:
        return cls(now, now - UNRUN)


@dataclass(frozen=True)
class Reason:
    """One way of being stuck.

    Attributes:
        rank: the lower, the sooner it is what we say about a case that is stuck for several reasons.
        find: the rows (case_id, since, thing, a, b, c).
        tell: the sentence, of such a row and the names of agencies by key.
        cures: what can be done: (action of the API, action of the access rules).
        index: true of each such row; those of all cases are found by it.
    """

    rank: int
    find: Callable[[_Moment], Select[Any]]
    tell: Callable[[Row[Any], dict[str, str]], str]
    cures: tuple[tuple[str, str], ...]
    index: ColumnElement[bool] = field(default_factory=true)


def _row(table: Any, since: Any, thing: Any, *more: Any) -> Select[Any]:
    texts = [cast(column, Text) for column in more] + [_NONE] * (3 - len(more))
    labelled = [text.label(name) for text, name in zip(texts, "abc", strict=True)]
    return select(table.c.case_id, since.label("since"), thing.label("thing"), *labelled)


# -- the reasons ---------------------------------------------------------------------------------------------------


def _groups() -> CTE:
    """The groups that have open tasks: one look into the index for each, however many tasks there are."""
    open_ = tasks.alias("open_tasks")
    least = select(func.min(open_.c.group).label("key")).where(open_.c.status == literal_column("'open'"))
    groups = least.cte("groups", recursive=True)
    after = least.where(open_.c.group > groups.c.key).correlate(groups).scalar_subquery()
    return groups.union_all(select(after).where(groups.c.key.is_not(None)))


_BUSY = _groups()


def _incidents(at: _Moment) -> Select[Any]:
    found = _row(incidents, incidents.c.opened_at, incidents.c.id, incidents.c.element, incidents.c.message)
    return found.where(incidents.c.resolved_at.is_(None))


def _held(at: _Moment) -> Select[Any]:
    query = select(
        cases.c.id.label("case_id"), cases.c.suspended_at.label("since"), cases.c.id.label("thing"),
        _NONE.label("a"), _NONE.label("b"), _NONE.label("c"),
    )  # fmt: skip
    return query.where(cases.c.suspended_at.is_not(None))


def _suspended(at: _Moment) -> Select[Any]:
    found = _row(jobs, jobs.c.due_at, jobs.c.id, jobs.c.kind, jobs.c.last_error)
    found = found.join(cases, cases.c.id == jobs.c.case_id)  # a paused case suspends its jobs: that is as it should be
    return found.where(jobs.c.state == literal_column("'suspended'"), cases.c.paused_at.is_(None))


def _unmanned(at: _Moment) -> Select[Any]:
    found = _row(tasks, tasks.c.created_at, tasks.c.id, tasks.c.name, tasks.c.group)
    return found.where(OPEN_TASK, _nobody_in(tasks.c.group))


def _nobody_in(agency: ColumnElement[str]) -> ColumnElement[bool]:
    works = accounts.c.role.not_in((literal_column("'client'"), literal_column("'overseer'")))
    return ~exists(select(accounts.c.id).where(accounts.c.agency == agency, accounts.c.active, works))


def _overdue_tasks(at: _Moment) -> Select[Any]:
    found = _row(tasks, tasks.c.due_at, tasks.c.id, tasks.c.name, tasks.c.group, accounts.c.login)
    found = found.join(cases, cases.c.id == tasks.c.case_id).outerjoin(accounts, accounts.c.id == tasks.c.assignee)
    return found.where(OPEN_TASK, tasks.c.due_at < at.now, cases.c.paused_at.is_(None))


def _dead_letters(at: _Moment) -> Select[Any]:
    found = _row(outbox, outbox.c.created_at, outbox.c.id, outbox.c.kind, outbox.c.topic, outbox.c.last_error)
    return found.where(outbox.c.state == literal_column("'dead'"))


def _unserved(at: _Moment) -> Select[Any]:
    found = _row(outbox, outbox.c.due_at, outbox.c.id, outbox.c.topic)
    return found.where(_READY, _SERVICE, outbox.c.due_at < at.unrun, outbox.c.attempts == literal_column("0"))


def _unfinished(at: _Moment) -> Select[Any]:
    """Fetched, and its lock ended long ago; or fetched often, whoever has it now."""
    found = _row(outbox, outbox.c.created_at, outbox.c.id, outbox.c.topic, outbox.c.attempts)
    late = and_(_LEASED, outbox.c.lease_until_at < at.unrun)
    let_go = and_(_READY, _FETCHED_ONCE, outbox.c.due_at < at.unrun)
    return found.where(_SERVICE, or_(late, let_go, and_(or_(_READY, _LEASED), _OFTEN)))


def _unanswered(at: _Moment) -> Select[Any]:
    waiting = ~exists(select(tasks.c.id).where(tasks.c.case_id == cases.c.id, OPEN_TASK))
    found = _row(subscriptions, cases.c.due_at, subscriptions.c.token, subscriptions.c.message, subscriptions.c.kind)
    found = found.join(cases, cases.c.id == subscriptions.c.case_id)
    return found.where(_late(at), waiting, ~subscriptions.c.aside)


def _unrun(at: _Moment) -> Select[Any]:
    found = _row(jobs, jobs.c.due_at, jobs.c.id, jobs.c.kind)
    ready = jobs.c.state == literal_column("'ready'")
    return found.where(ready, jobs.c.priority.in_(_PRIORITIES), jobs.c.due_at < at.unrun)


def _lost(at: _Moment) -> Select[Any]:
    """Begun by a worker that died; any other would have taken it over by now."""
    found = _row(jobs, jobs.c.lease_until_at, jobs.c.id, jobs.c.kind)
    return found.where(jobs.c.state == literal_column("'leased'"), jobs.c.lease_until_at < at.unrun)


def _overdue(at: _Moment) -> Select[Any]:
    query = select(
        cases.c.id.label("case_id"), cases.c.due_at.label("since"), cases.c.id.label("thing"),
        cast(cases.c.lead_agency, Text).label("a"), _NONE.label("b"), _NONE.label("c"),
    )  # fmt: skip
    return query.where(_late(at), cases.c.paused_at.is_(None))


def _late(at: _Moment) -> ColumnElement[bool]:
    return and_(cases.c.closed_at.is_(None), cases.c.due_at < at.now)


# each state has an index of its own, and SQLite reads them one by one only if it is asked so
_FETCHED = outbox.c.id.in_(union_all(select(outbox.c.id).where(_READY, _SERVICE, _FETCHED_ONCE),
                                     select(outbox.c.id).where(_LEASED, _SERVICE)))  # fmt: skip
_IN_A_BUSY_GROUP = tasks.c.group.in_(select(_BUSY.c.key))
_IN_AN_UNMANNED_GROUP = tasks.c.group.in_(select(_BUSY.c.key).where(_BUSY.c.key.is_not(None), _nobody_in(_BUSY.c.key)))
_IN_A_PROVINCE = cases.c.province.in_(select(provinces.c.code))  # each one's part of the index of open cases


REASONS: dict[str, Reason] = {
    "incident": Reason(
        1, _incidents,
        lambda row, _: f"Since {local_time(row.since)} the step {row.a or 'of the process'} cannot be taken: {row.b}",
        (("retry-incident", "retry"), ("repair-report-type", "deploy")),
    ),
    "held": Reason(
        0, _held,
        lambda row, _: f"It is suspended since {local_time(row.since)}: nothing moves until somebody releases it.",
        (("release-case", "modify"),),
    ),
    "suspended-job": Reason(
        2, _suspended,
        lambda row, _: f"The job '{row.a}' that was due at {local_time(row.since)} is suspended{_because(row.b)}",
        (("resume-case", "resume"),),
    ),
    "nobody": Reason(
        3, _unmanned,
        lambda row, names: f"The task '{row.a}' waits since {local_time(row.since)} for {_name(row.b, names)}, "
        "where nobody has an account.",
        (("add-account", "manage"), ("reassign-case", "reassign")),
        _IN_AN_UNMANNED_GROUP,
    ),
    "overdue-task": Reason(
        4, _overdue_tasks,
        lambda row, names: f"The task '{row.a}' of {_name(row.b, names)} is overdue since {local_time(row.since)}; "
        + (f"{row.c} has claimed it." if row.c else "nobody has claimed it."),
        (("delegate-task", "delegate"), ("extend-case", "extend"), ("reassign-case", "reassign")),
        _IN_A_BUSY_GROUP,
    ),
    "dead-letter": Reason(
        5, _dead_letters,
        lambda row, _: f"The {row.a} '{row.b}' of {local_time(row.since)} could not be sent{_because(row.c)}",
        (("resend-letter", "resend"),),
    ),
    "no-answer": Reason(
        6, _unanswered,
        lambda row, _: f"The process waits for {'the signal' if row.b == 'signal' else 'the message'} '{row.a}', and "
        f"the case was due at {local_time(row.since)}.",
        (("send-message", "message"), ("extend-case", "extend")),
        _IN_A_PROVINCE,
    ),
    "unrun-job": Reason(
        7, _unrun,
        lambda row, _: f"The job '{row.a}' was due at {local_time(row.since)} and has not been run: is a worker "
        "running?",
        (("start-worker", "manage"),),
    ),
    "lost-job": Reason(
        7, _lost,
        lambda row, _: f"The job '{row.a}' was begun by a worker that died, and no other has taken it over since "
        f"{local_time(row.since)}: is a worker running?",
        (("start-worker", "manage"),),
    ),
    "unserved": Reason(
        8, _unserved,
        lambda row, _: f"The service '{row.a}' is asked for since {local_time(row.since)}, and no program has fetched "
        "it: is its worker running?",
        (("start-worker", "manage"),),
    ),
    "unfinished": Reason(
        8, _unfinished,
        lambda row, _: f"The service '{row.a}' is asked for since {local_time(row.since)}; programs have fetched it "
        f"{row.b} times, and none has answered: do they stop, or need longer than they lock it for?",
        (("start-worker", "manage"),),
        _FETCHED,
    ),
    "overdue-case": Reason(
        9, _overdue,
        lambda row, names: f"The case is overdue since {local_time(row.since)}; "
        + (f"{_name(row.a, names)} leads it." if row.a else "no agency leads it yet."),
        (("extend-case", "extend"), ("reassign-case", "reassign")),
        _IN_A_PROVINCE,
    ),
}  # fmt: skip


FACTS: dict[str, tuple[str, ...]] = {  # what a, b and c of a row are, for whoever writes a sentence of their own
    "incident": ("element", "message"),
    "held": (),
    "suspended-job": ("kind", "error"),
    "nobody": ("task", "agency"),
    "overdue-task": ("task", "agency", "login"),
    "dead-letter": ("kind", "topic", "error"),
    "no-answer": ("message", "kind"),
    "unrun-job": ("kind",),
    "lost-job": ("kind",),
    "unserved": ("topic",),
    "unfinished": ("topic", "times"),
    "overdue-case": ("agency",),
}


# -- the questions -------------------------------------------------------------------------------------------------


def list_stuck(unit: Unit, account: Account, wanted: CaseFilter) -> Page:
    """Stuck cases, longest stuck first, each a mapping of its summary and ``stuck`` (see `explain`)."""
    found = _union(_Moment.of(unit.now))
    since = func.min(found.c.since).label("since")
    query = select(found.c.case_id.label("id"), since).join(cases, cases.c.id == found.c.case_id)
    known = access.permits(account, "see", access.JOINED_CASES)
    query = query.where(known, *case_conditions(unit, account, wanted)).group_by(found.c.case_id)
    if wanted.after is not None:
        at, last = read_cursor(wanted.after)
        query = query.having(or_(since.element > at, and_(since.element == at, found.c.case_id > last)))
    rows = unit.all(query.order_by(since, found.c.case_id).limit(wanted.limit + 1))
    shown = page(rows, wanted.limit, lambda row: write_cursor(row.since, row.id))
    return Page(_explained(unit, account, [row.id for row in shown.items]), shown.after)


def explain(unit: Unit, account: Account, case: Mapping[str, Any]) -> dict[str, Any] | None:
    """Why this case (its columns) is stuck, or ``None``: {since, reason, why, facts, next, also}.

    ``facts`` are what the sentence ``why`` is made of (`FACTS`; an agency by its name).
    ``next`` lists what this account may do about it: [{action, id, number}]; ``also`` the codes of further reasons.
    """
    rows = unit.all(_OF_CASE, {"case": case["id"], **_Moment.of(unit.now)._asdict()})
    return _told(unit, account, rows, [SimpleNamespace(**case)]).get(case["id"])


def _explained(unit: Unit, account: Account, ids: Sequence[int]) -> list[dict[str, Any]]:
    readable = access.permits(account, "read").label("readable")
    rows = {row.id: row for row in unit.all(select(*SUMMARY, readable).where(cases.c.id.in_(ids)))}
    found = unit.all(_in_order(_union(_Moment.of(unit.now), lambda case: case.in_(rows))))
    reasons = _told(unit, account, found, rows.values())
    return [dict(rows[one]._mapping) | {"stuck": reasons.get(one)} for one in ids if one in rows]


def _told(unit: Unit, account: Account, rows: Sequence[Row[Any]], of: Iterable[Any]) -> dict[int, dict[str, Any]]:
    """By case, of the rows that `_in_order` gives."""
    by_id = {case.id: case for case in of}
    names = {row.key: row.name for row in unit.all(select(agencies.c.key, agencies.c.name))} if rows else {}
    told: dict[int, dict[str, Any]] = {}
    for row in rows:
        if row.case_id in told:
            told[row.case_id]["also"] |= {row.reason: None}
            continue
        reason, case = REASONS[row.reason], by_id[row.case_id]
        told[row.case_id] = {
            "since": row.since, "reason": row.reason, "why": reason.tell(row, names), "also": {},
            "facts": _facts(row, names),
            "next": [{"action": action, "id": row.thing, "number": case.number} for action, right in reason.cures
                     if access.allows(account, right, _subject(right, row, case), unit)],
        }  # fmt: skip
    return {key: one | {"also": [also for also in one["also"] if also != one["reason"]]} for key, one in told.items()}


def _facts(row: Row[Any], names: dict[str, str]) -> dict[str, str | None]:
    facts = dict(zip(FACTS[row.reason], (row.a, row.b, row.c), strict=False))
    return facts | ({"agency": names.get(facts["agency"] or "", facts["agency"])} if "agency" in facts else {})


def _subject(right: str, row: Row[Any], case: Row[Any]) -> Any:
    """What the right is asked of: the task where the reason is one, else the case."""
    if right != "delegate":
        return case
    return SimpleNamespace(group=row.b, province=case.province, report_type=case.report_type, area=case.area)


def cases_of(now: datetime) -> Subquery:
    """The stuck cases, each once, as a table with ``case_id``: half the work of `_union`."""
    return union(*_cases(now).values()).subquery("stuck")


def by_reason(now: datetime, most: int) -> CompoundSelect[Any]:
    """How many cases each reason has (reason, count), so many rows of each looked at."""
    found = {code: arm.limit(most).subquery() for code, arm in _cases(now).items()}
    return union_all(
        *(select(literal(code).label("reason"), func.count(arm.c.case_id.distinct()).label("count"))
          for code, arm in found.items())
    )  # fmt: skip


def _cases(now: datetime) -> dict[str, Select[Any]]:
    """By reason: the ids of its cases, and nothing that a sentence would be made of."""
    arms = {code: reason.find(_Moment.of(now)).where(reason.index) for code, reason in REASONS.items()}
    return {code: arm.with_only_columns(_case_id(arm).label("case_id")) for code, arm in arms.items()}


def _union(at: _Moment, wanted: Callable[[ColumnElement[int]], ColumnElement[bool]] | None = None) -> Subquery:
    """All reasons as one table (case_id, since, thing, a, b, c, rank, reason).

    Args:
        wanted: of these cases only, by their ids; else of all.
    """
    arms = []
    for code, reason in REASONS.items():
        named = (cast(literal(reason.rank), Integer).label("rank"), cast(literal(code), Text).label("reason"))
        arm = reason.find(at).add_columns(*named)
        arms.append(arm.where(wanted(_case_id(arm)) if wanted else reason.index))
    return union_all(*arms).subquery("stuck")


def _in_order(found: Subquery) -> Select[Any]:
    return select(found).order_by(found.c.case_id, found.c.rank, found.c.since, found.c.thing)


def _case_id(arm: Select[Any]) -> ColumnElement[int]:
    first = list(arm.exported_columns)[0]
    return getattr(first, "element", first)


_ASKED = _Moment(bindparam("now"), bindparam("unrun"))
_OF_CASE = Prepared(_in_order(_union(_ASKED, lambda case: case == bindparam("case"))))


def _name(group: str, names: dict[str, str]) -> str:
    return names.get(group, f"the unknown agency '{group}'")


def _because(error: str | None) -> str:
    return f": {error}" if error else "."

"""Who may do what: one table of rules, read by single looks and by lists alike.

A rule says: an account with this *role* may do these *actions* to things within this *scope* that have one of these
*secrecy classes*. An account's report types and areas narrow whatever its role allows. Everything that no rule allows
is refused.

The scopes: ``agency``, what concerns the account's agency (a case it takes or took part in, its group's tasks);
``lead``, the cases it leads; ``handed``, those of which the agency above has handed it a task; ``above``, the tasks it
has handed to an agency below; ``province``; ``own``, the cases the account opened; ``shown``, the one case whose
tracking secret was shown; ``headed``, what concerns the agency that the account heads; ``all``.

The secrecy classes are those of the domain report (C.0): who sees the reporter's personal data has the action
``person``, who sees what was reported has ``read``, and who sees only that a case exists and how far it is has ``see``.

    require(account, "extend", case_row)      raises NotAllowed, or returns
    permits(account, "see", CASES)            the same question as an SQL condition
    visible(account)                          short for the most frequent one

What a caller may not see does not exist for that caller: `find` answers NotFound, and NotAllowed only where the
caller sees the case but may not do what was asked.

Class C4 is for named persons: of an agency's people only those see such a case whose account lists its report type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, case, false, or_, select, true

from engine.errors import NotAllowed, NotFound
from engine.model import VERSION, accounts, agencies, cases, instances, outbox, participants, tasks
from engine.runtime import Unit
from engine.storage.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody, or some program, that is known to us.

    Attributes:
        province: the province of the account's agency; ``None`` without an agency.
        report_types: only these report types; ``None``: all.
        areas: only these areas, and whatever has no area yet; ``None``: all.
        head: of the agency (trưởng đơn vị).
        scopes: of the token that was shown (see `SCOPES`); ``None``: whatever the role may, but for `BY_NAME`.
    """

    id: int
    login: str
    name: str
    role: str
    agency: str | None = None
    province: str | None = None
    report_types: tuple[str, ...] | None = None
    areas: tuple[str, ...] | None = None
    head: bool = False
    scopes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Something that is not there yet, for `require`: a report about to be received, a package to be deployed."""

    province: str | None = None
    report_type: str | None = None
    area: str | None = None
    agency: str | None = None


CITIZEN = "citizen"  # who did it, where a citizen did; and the role of who has shown a case's secret


def citizen(number: str) -> Account:
    """Whoever has shown the tracking secret of this very case, or has just sent it."""
    return Account(0, CITIZEN, number, CITIZEN)


def visitor(province: str, report_types: tuple[str, ...]) -> Account:
    """Anybody, without a name: may send reports of the types that a province offers to everybody
    (`engine.public.offers`).
    """
    return Account(0, CITIZEN, "", "visitor", None, province, report_types)


def channel(name: str, province: str) -> Account:
    """A channel by which messages come in from outside. Its log-in is none that an account can have."""
    return Account(0, f"channel:{name}", name, "client", province=province)


ROLES = ("operator", "handler", "monitor", "office", "overseer", "analyst", "admin", "client")
ALL = ("C0", "C1", "C2", "C3", "C4")
OPEN = ("C0", "C1", "C2", "C3")
NAMED_ONLY = "C4"  # complaints and denunciations, which are no petitions (C.0)
AGENCIES_PEOPLE = ("operator", "handler", "monitor", "office")  # who reads what was reported, for an agency

# -- the rules -----------------------------------------------------------------------------------------------------

RULES: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    # role       scope       secrecy       actions
    ("operator", "province", OPEN, "see read comment attach pause resume reassign reopen merge rate person"),
    ("operator", "province", OPEN, "message tell"),
    ("operator", "agency", ("C4",), "see read comment attach"),
    ("operator", "agency", ALL, "see-task work delegate see-account"),
    ("operator", "province", ALL, "report"),
    ("handler", "agency", OPEN, "see read comment attach"),
    ("handler", "lead", ("C4",), "see read comment attach"),
    ("handler", "lead", ALL, "extend pause resume"),
    ("handler", "agency", ("C0", "C1"), "person"),
    ("handler", "lead", ("C3", "C4"), "person"),
    ("handler", "handed", ("C3",), "person"),  # who is sent to the door has to know whose it is
    ("handler", "above", ALL, "take-back"),
    ("handler", "agency", ALL, "see-task work delegate see-account import"),  # what names it: `engine.sheets.imports`
    ("monitor", "agency", OPEN, "see read comment attach"),
    ("monitor", "agency", ("C0", "C1"), "person"),
    ("monitor", "agency", ALL, "see-task work delegate see-account"),
    ("office", "province", ALL, "see read comment attach extend pause resume reassign reopen merge rate message tell"),
    ("office", "province", ALL, "person report see-task delegate see-account see-incident retry see-outbox resend"),
    ("office", "agency", ALL, "work"),
    ("office", "province", ALL, "take-back"),
    ("overseer", "province", OPEN, "see ask"),
    ("analyst", "province", OPEN, "see see-task see-incident retry repair deploy see-outbox"),
    ("admin", "all", ALL, "see see-task see-incident retry repair see-outbox resend deploy see-account manage"),
    ("client", "own", ALL, "see read comment attach reopen rate message tell"),
    ("operator", "province", ALL, "contact count"),
    ("handler", "agency", OPEN, "tell"),
    ("handler", "province", ALL, "report contact"),  # departments answer keys of their own, communes their own lines
    ("office", "province", ALL, "contact count branch ask import"),
    ("monitor", "agency", OPEN, "ask"),
    ("overseer", "province", ALL, "count"),
    ("analyst", "province", ALL, "count branch"),
    ("admin", "all", ALL, "message tell contact count branch serve arrange"),
    ("client", "province", ALL, "report contact serve"),  # serve: do what diagrams ask of services (external tasks)
    ("operator", "province", ALL, "figure"),  # exact numbers, however small: whoever only counts gets none below five
    ("office", "province", ALL, "signal"),  # to all cases of the province that wait for it
    ("admin", "all", ALL, "signal"),
    ("office", "province", ALL, "figure close-day see-arrival read-arrival retry-arrival"),
    ("analyst", "province", ALL, "figure see-arrival retry-arrival"),
    ("admin", "all", ALL, "figure close-day see-arrival retry-arrival"),
    ("operator", "province", ("C0",), "publish"),
    ("office", "province", ("C0",), "publish"),
    ("analyst", "province", ALL, "migrate export"),
    ("office", "province", ALL, "modify export"),
    ("admin", "all", ALL, "migrate modify export"),
    *((role, "headed", ALL, "set-absence") for role in AGENCIES_PEOPLE),  # everybody notes their own
    ("office", "province", ALL, "set-absence"),
    ("admin", "all", ALL, "set-absence"),
    ("office", "province", ALL, "hold unmask"),
    ("admin", "all", ALL, "hold privacy"),
    ("handler", "agency", ("C2",), "ask-person relay"),
    ("monitor", "agency", ("C2", "C3"), "ask-person relay"),
    ("handler", "agency", ("C0", "C1", "C3"), "relay"),
    ("handler", "lead", ("C4",), "relay"),
    ("operator", "province", OPEN, "relay"),
    ("office", "province", ALL, "relay"),
    ("citizen", "shown", ALL, "see comment attach reopen rate resume message"),
    ("visitor", "province", ALL, "report"),
)

# What a token may be narrowed to: of what its account may do, only these actions. Not to be mixed up with the scopes
# of the rules, which say to which things.
SCOPES: dict[str, str] = {
    "read": "see read see-task see-account see-incident see-outbox see-arrival read-arrival count figure",
    "person": "person ask-person unmask relay",
    "report": "report contact",
    "work": "work delegate comment attach extend pause resume take-back reassign reopen merge rate message tell ask",
    "absences": "set-absence",
    "operate": "retry repair resend retry-arrival modify migrate signal close-day branch import",
    "export": "export",
    "publish": "publish",
    "deploy": "deploy",
    "serve": "serve",
    "manage": "manage arrange hold privacy",
}
BY_NAME = ("client", "serve")  # what it is given is unveiled: only for a token that was made for it

# What each scope needs of a thing, as columns (for lists) ...


@dataclass(frozen=True)
class Columns:
    """A kind of thing, as SQL: where its rows keep what the scopes and the limits of accounts ask about."""

    province: ColumnElement[Any]
    concerns: Callable[[str], ColumnElement[bool]]  # does it concern this agency?
    lead: ColumnElement[Any] | None = None
    opened_by: ColumnElement[Any] | None = None
    number: ColumnElement[Any] | None = None
    secrecy: ColumnElement[Any] | None = None
    report_type: ColumnElement[Any] | None = None
    area: ColumnElement[Any] | None = None
    above: ColumnElement[Any] | None = None
    handed: Callable[[str], ColumnElement[bool]] | None = None


def concerns(agency: str) -> ColumnElement[bool]:
    """Whether a case concerns, or concerned, this agency: one look into an index for each case that is looked at.

    Not EXISTS, nor IN: PostgreSQL would rather read all the agency's cases first.
    """
    parts = participants.alias("parts")
    mine = select(parts.c.case_id).where(parts.c.agency == agency, parts.c.case_id == cases.c.id)
    return mine.correlate(cases).scalar_subquery().is_not(None)


def handed(agency: str) -> ColumnElement[bool]:
    """Whether this agency was handed a task of a case, and has not given it back."""
    parts = participants.alias("handed_parts")
    mine = select(parts.c.case_id).where(
        parts.c.agency == agency, parts.c.case_id == cases.c.id, parts.c.part == "handed"
    )
    return mine.correlate(cases).scalar_subquery().is_not(None)


CASES = Columns(cases.c.province, concerns, cases.c.lead_agency, cases.c.opened_by, cases.c.number,
                cases.c.secrecy, cases.c.report_type, cases.c.area, handed=handed)  # fmt: skip
# For statements that should begin elsewhere: no index knows such an expression, so no planner begins with all the cases
# of the province, or all the tasks of the group, and sorts them; of a CASE it expects half, so it sorts no one's own.
_PROVINCE = cases.c.province.concat("")
JOINED_CASES = replace(CASES, province=_PROVINCE)
TASKS = Columns(
    _PROVINCE,
    lambda agency: tasks.c.group == agency,
    secrecy=cases.c.secrecy,
    report_type=tasks.c.report_type,
    area=tasks.c.area,
    above=tasks.c.handed_by,
)
OWN_TASKS = replace(TASKS, concerns=lambda agency: case((tasks.c.group == agency, true()), else_=false()))
# Single looks are made once and checked as rows: building a condition costs more than running the statement.
_COLUMNS = (*(column for column in cases.c if column.name != "version"), VERSION)
CASE = Prepared(select(*_COLUMNS).where(cases.c.number == bindparam("number")))
_OF_CASE = (cases.c.number, cases.c.province, cases.c.subject, cases.c.definition_id, cases.c.secrecy,
            cases.c.status.label("case_status"), cases.c.outcome)  # fmt: skip
_THEIRS = (participants.c.agency == bindparam("agency"), participants.c.case_id == bindparam("case"))
_PART = Prepared(select(participants.c.part).where(*_THEIRS))
_TASK = Prepared(select(*tasks.c, *_OF_CASE).join(cases).where(tasks.c.id == bindparam("id")))
ACCOUNTS = Columns(agencies.c.province, lambda agency: accounts.c.agency == agency)  # that outer-join `agencies`
# Letters about no case belong to the agency that they are for; outer-joined `agencies`, too.
LETTERS = Columns(agencies.c.province, lambda agency: outbox.c.agency == agency)


def _scope_condition(scope: str, account: Account, of: Columns) -> ColumnElement[bool]:
    if scope == "all":
        return true()
    if scope == "province":
        return of.province == account.province if account.province else false()
    if scope == "own":
        return of.opened_by == account.login if of.opened_by is not None else false()
    if scope == "shown":
        return of.number == account.name if of.number is not None else false()
    if account.agency is None:
        return false()
    if scope == "lead":
        return of.lead == account.agency if of.lead is not None else false()
    if scope == "above":
        return of.above == account.agency if of.above is not None else false()
    if scope == "handed":
        return of.handed(account.agency) if of.handed is not None else false()
    if scope == "headed" and not account.head:
        return false()
    return of.concerns(account.agency)


# ... and as a row (for a single look)


def _scope_holds(scope: str, account: Account, row: Any, unit: Unit | None) -> bool:
    if scope == "all":
        return True
    if scope == "province":
        return account.province is not None and _province(row, unit) == account.province
    if scope == "own":
        return getattr(row, "opened_by", None) == account.login
    if scope == "shown":
        return getattr(row, "number", None) == account.name
    if account.agency is None:
        return False
    if scope == "lead":
        return getattr(row, "lead_agency", None) == account.agency
    if scope == "above":
        return getattr(row, "handed_by", None) == account.agency
    if scope == "handed":
        return _was_handed(account.agency, row, unit)
    if scope == "headed" and not account.head:
        return False
    return _concerned(account.agency, row, unit)


def _province(row: Any, unit: Unit | None) -> str | None:
    if hasattr(row, "province") or unit is None or not hasattr(row, "case_id"):
        return getattr(row, "province", None)
    return unit.scalar(select(cases.c.province).where(cases.c.id == row.case_id))


def _concerned(agency: str, row: Any, unit: Unit | None) -> bool:
    if hasattr(row, "group"):  # a task
        return row.group == agency
    if hasattr(row, "agency"):  # an account, a target
        return row.agency == agency
    if agency in (getattr(row, "lead_agency", None), getattr(row, "monitor_agency", None)):
        return True
    if unit is None:
        return False
    return bool(unit.known(_PART, {"agency": agency, "case": row.id}))


def _was_handed(agency: str, row: Any, unit: Unit | None) -> bool:
    if unit is None or not hasattr(row, "lead_agency"):  # no case
        return False
    return any(one.part == "handed" for one in unit.known(_PART, {"agency": agency, "case": row.id}))


_BY_ROLE: dict[tuple[str, str], list[tuple[str, tuple[str, ...]]]] = {}
for _role, _scope, _secrecy, _actions in RULES:
    for _action in _actions.split():
        _BY_ROLE.setdefault((_role, _action), []).append((_scope, _secrecy))
ACTIONS = frozenset(action for _, action in _BY_ROLE)
_GIVEN_BY = {action: {scope for scope, given in SCOPES.items() if action in given.split()} for action in ACTIONS}

# -- the questions -------------------------------------------------------------------------------------------------


def allows(account: Account, action: str, row: Any = None, unit: Unit | None = None) -> bool:
    """May this account do that? Without a row: to anything at all?

    Args:
        row: a row of `cases`, `tasks` or `accounts`, or a `Target`.
        unit: to look up what the row does not say; without it, what is not in the row is refused.
    """
    if action not in ACTIONS:
        raise ValueError(f"no rule speaks of the action {action!r}")
    if not _in_scope(account, action):
        return False
    rules = _BY_ROLE.get((account.role, action), ())
    if row is None:
        return bool(rules)
    if not _within_limits(account, row):
        return False
    secrecy = getattr(row, "secrecy", None)
    return any(
        (secrecy is None or secrecy in classes) and _scope_holds(scope, account, row, unit) for scope, classes in rules
    )


def require(account: Account, action: str, row: Any = None, unit: Unit | None = None) -> None:
    """Refuse unless `allows`.

    Raises:
        NotAllowed: no rule lets this account do that to this thing.
    """
    if not allows(account, action, row, unit):
        raise NotAllowed(_refusal(account, action, row))


def permits(account: Account, action: str, of: Columns = CASES) -> ColumnElement[bool]:
    """`allows` as a condition on a list."""
    rules = _BY_ROLE.get((account.role, action), ())
    if not rules or not _in_scope(account, action):
        return false()
    ways = [_way(scope, classes, account, of) for scope, classes in rules]
    return and_(or_(*ways), *_limits(account, of))


def seen(account: Account) -> set[str]:
    """The scopes within which it sees cases: a list may begin with what concerns its agency, or with its province."""
    return {scope for scope, _ in _BY_ROLE.get((account.role, "see"), ())}


def visible(account: Account) -> ColumnElement[bool]:
    """The cases that exist for this account."""
    return permits(account, "see", CASES)


def find(unit: Unit, account: Account, action: str, number: str, *, lock: bool = False) -> Row[Any]:
    """The case with this number, if the account may do that to it.

    Args:
        lock: hold the case until the unit ends, so that its version can be compared with the caller's.

    Raises:
        NotFound: there is no such case, or it does not exist for this account.
        NotAllowed: the account sees it, but may not do that.
    """
    if lock:
        hold(unit, number)
    row = unit.known_row(CASE, {"number": number})
    if row is None or not allows(account, "see", row, unit):
        raise NotFound(f"There is no case {number}, or it does not concern you.")
    if action != "see":
        require(account, action, row, unit)
    return row


def hold(unit: Unit, *numbers: str) -> None:
    """Hold cases until the unit ends, in the order of their ids: two who want the same two never lock each other."""
    if unit.locks_rows:
        unit.anew()
        ids = [select(cases.c.id).where(cases.c.number == number).scalar_subquery() for number in numbers]
        held = select(instances.c.case_id).where(instances.c.case_id.in_(ids)).order_by(instances.c.case_id)
        unit.all(held.with_for_update())


def case_of(unit: Unit, row: Any) -> Row[Any]:
    """The case of a row that has its ``number``, whoever asks."""
    return unit.known(CASE, {"number": row.number})[0]


def find_task(unit: Unit, account: Account, task_id: int, action: str = "see-task") -> Row[Any]:
    """A task with its case's number, province, secrecy, status and outcome.

    Raises:
        NotFound: there is no such task, or it is not for this account to see.
    """
    row = unit.first(_TASK, {"id": task_id})
    if row is None or not allows(account, action, row, unit):
        raise NotFound(f"There is no task {task_id}, or it is not for you to see.")
    return row


def require_whole(account: Account, scope: str | None = None) -> None:
    """For what people do about themselves, which no rule speaks of: a token that is narrowed to some scopes may not.

    Args:
        scope: the one that would do.

    Raises:
        NotAllowed: the token is narrowed, to others.
    """
    if account.scopes is not None and scope not in account.scopes:
        raise NotAllowed("This token is for some scopes only: what concerns your own account wants a log-in.")


# -- limits and refusals -------------------------------------------------------------------------------------------


def _in_scope(account: Account, action: str) -> bool:
    if account.scopes is None:
        return (account.role, action) != BY_NAME
    return not _GIVEN_BY[action].isdisjoint(account.scopes)


def _way(scope: str, classes: tuple[str, ...], account: Account, of: Columns) -> ColumnElement[bool]:
    held = _scope_condition(scope, account, of)
    if of.secrecy is None or classes == ALL:
        return held
    return and_(held, of.secrecy.in_(classes))


def _limits(account: Account, of: Columns) -> list[ColumnElement[bool]]:
    limits = []
    if account.report_types is not None and of.report_type is not None:
        limits.append(of.report_type.in_(account.report_types))
    if account.role in AGENCIES_PEOPLE and of.secrecy is not None and of.report_type is not None:
        limits.append(or_(of.secrecy != NAMED_ONLY, of.report_type.in_(account.report_types or ())))
    if account.areas is not None and of.area is not None:
        limits.append(or_(of.area.is_(None), of.area.in_(account.areas)))
    return limits


def _within_limits(account: Account, row: Any) -> bool:
    report_type, area = getattr(row, "report_type", None), getattr(row, "area", None)
    if account.report_types is not None and report_type is not None and report_type not in account.report_types:
        return False
    if getattr(row, "secrecy", None) == NAMED_ONLY and account.role in AGENCIES_PEOPLE and account.report_types is None:
        return False
    return account.areas is None or area is None or area in account.areas


_WORDS = {  # what an action is called where it is refused
    "see": "see", "read": "read", "person": "see who reported", "comment": "comment on", "attach": "add files to",
    "extend": "extend", "pause": "pause", "resume": "resume", "reassign": "reassign", "reopen": "reopen",
    "merge": "join", "rate": "rate", "message": "speak for the citizen in", "tell": "send messages to",
    "report": "send reports to", "work": "work on", "delegate": "delegate", "take-back": "take back",
    "see-task": "see the tasks of", "see-account": "see the accounts of", "set-absence": "say when to stand in for",
    "see-incident": "see the incidents of", "see-outbox": "see the messages of", "resend": "send again",
    "migrate": "move running cases of", "modify": "intervene in", "export": "export the histories of",
    "retry": "retry", "repair": "repair", "deploy": "deploy report types to", "manage": "manage accounts of",
    "contact": "note contacts of", "count": "count the contacts of", "figure": "see the exact figures of",
    "close-day": "close the days of", "publish": "publish", "arrange": "change the agencies of",
    "branch": "say what the keys mean in", "ask": "put a question into", "serve": "do the service calls of",
    "import": "import lists of people into", "see-arrival": "see what came in at", "signal": "throw signals in",
    "read-arrival": "read what came in at", "retry-arrival": "take up again what came in at",
    "hold": "hold the personal data of", "privacy": "export or erase the personal data of",
    "unmask": "let others know who reported", "ask-person": "ask who reported", "relay": "write to who reported",
}  # fmt: skip


def _refusal(account: Account, action: str, row: Any) -> str:
    if not _in_scope(account, action):
        wanted = " or ".join(sorted(_GIVEN_BY[action]))
        for_ = "no scope by name" if account.scopes is None else f"the scopes {list(account.scopes)}"
        return f"This token may not {_WORDS[action]} anything: it is for {for_}, not for {wanted}."
    thing = getattr(row, "number", None) or getattr(row, "name", None) or "this"
    return f"As {account.role}, {account.login} may not {_WORDS[action]} {thing}."

"""The identity firewall: whoever may not know who reported a case reads it behind a veil (BD-08, U-08).

    veil = firewall.over(unit, account, case)      one more look, and only for those who may not know
    veil(case.report), veil(comment.text)

Behind the veil are handlers and monitors of a case of class C2 and above (unless C3 and C4 let them, see
`engine.people.access`), and always overseers and analysts. Who has the action ``person`` reads everything; so do the
citizen and the program that sent the report: the words are theirs. Links to files that a messenger keeps are left out,
too, for the file may be withheld (`engine.files.reading`). Subject and search words of a case are without numbers and
names from the beginning (`engine.registry`), so lists need no veil.

Whoever shows a case's words has to come by here: so here is also noted who was shown those of a case of class C3 or C4,
by the API, a page or an export.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Row, and_, bindparam, or_, select

from engine.language.masks import known, said, veiled
from engine.language.vietnamese import fold
from engine.model import events, fetches, people, tasks, unmaskings
from engine.people import access
from engine.people.access import Account
from engine.runtime import Unit
from engine.storage.prepared import Prepared

Veil = Callable[[Any], Any]

_OF_CASE = Prepared(select(people).where(people.c.case_id == bindparam("case")))
_FILES_OF_CASE = Prepared(select(fetches.c.url).where(fetches.c.case_id == bindparam("case")))
_ANSWERS_OF_CASE = Prepared(
    select(tasks.c.answers).where(tasks.c.case_id == bindparam("case"), tasks.c.answers.is_not(None))
)
RECORDED = ("C3", "C4")  # every view is written into the case's history
VEILED = ("C2", "C3", "C4")  # of which somebody who reads them may not know who reported
THEIR_OWN = (access.CITIZEN, "client")


def ask(unit: Unit, account: Account, case: Any) -> None:
    """`over` will be asked for this."""
    if not may_know(account, case, unit):
        for statement in (_OF_CASE, _FILES_OF_CASE):
            unit.soon(statement, {"case": case.id})


def may_know(account: Account, case: Any, unit: Unit) -> bool:
    """Whether this account reads the case's words as they are."""
    return account.role in THEIR_OWN or access.allows(account, "person", case, unit)


def has_known(account: Account, case: Any, unit: Unit) -> bool:
    """Whether this account may know who reported, was once let know, has looked, or read the case as it was before it
    became so secret: what somebody has learnt they know when they may not look any more, too.
    """
    return may_know(account, case, unit) or _was_let_know(unit, account, case) or _read_it_before(unit, account, case)


def _was_let_know(unit: Unit, account: Account, case: Any) -> bool:
    mine = (unmaskings.c.case_id == case.id, unmaskings.c.login == account.login)
    return unit.first(select(unmaskings.c.id).where(*mine, unmaskings.c.until_at.is_not(None))) is not None


def _read_it_before(unit: Unit, account: Account, case: Any) -> bool:
    looked = and_(events.c.kind == "person-viewed", events.c.actor == account.login)
    told = select(events.c.kind, events.c.at, events.c.data).where(events.c.case_id == case.id)
    lines = unit.all(told.where(or_(looked, events.c.kind == "secrecy")).order_by(events.c.id))
    if any(line.kind != "secrecy" for line in lines):
        return True
    veiled_at = next((line.at for line in lines if line.data["was"] not in VEILED), None)
    if veiled_at is None:
        return False
    theirs = (tasks.c.case_id == case.id, tasks.c.group == account.agency, tasks.c.created_at < veiled_at)
    return unit.first(select(tasks.c.id).where(*theirs)) is not None


def over(unit: Unit, account: Account, case: Any) -> Veil:
    """What shows this account the words of a case.

    Args:
        case: its row.
    """
    return _for(unit, account, case, _people_of)


def over_letters(unit: Unit, account: Account, case: Any) -> Veil:
    """As `over`, for what is told of a case in texts: there an answer stands without its question, so what somebody
    answered of themselves is looked for as it is.
    """
    return _for(unit, account, case, _all_of)


def reader(agency: str, case: Any) -> Account:
    """Anybody who works there on such cases."""
    return Account(0, "", "", "handler", agency, case.province, (case.report_type,))


def _for(unit: Unit, account: Account, case: Any, told: Callable[[Unit, Any, frozenset[str]], tuple[str, ...]]) -> Veil:
    if case.secrecy in RECORDED and account.id:
        unit.views[case.id, account.login] = case.secrecy
    if may_know(account, case, unit):
        return _open
    personal = unit.catalogue.pinned(unit, case.definition_id).personal
    names = told(unit, case, personal)
    return lambda value: veiled(value, names, personal)


def _people_of(unit: Unit, case: Any, personal: frozenset[str]) -> tuple[str, ...]:
    unit.soon(_OF_CASE, {"case": case.id})
    links = (fold(row.url) for row in unit.known(_FILES_OF_CASE, {"case": case.id}) if row.url)
    return (*links, *known(unit.known(_OF_CASE, {"case": case.id})))


def _all_of(unit: Unit, case: Any, personal: frozenset[str]) -> tuple[str, ...]:
    if not personal:
        return _people_of(unit, case, personal)
    unit.soon(_ANSWERS_OF_CASE, {"case": case.id})
    people_of = _people_of(unit, case, personal)
    answers = (row.answers for row in unit.known(_ANSWERS_OF_CASE, {"case": case.id}))
    return (*people_of, *said(one for told in (case.report, *answers) for one in _answered(told, personal)))


def _answered(told: Any, personal: frozenset[str], theirs: bool = False) -> Iterator[str]:
    """What stands under a personal key, however deep."""
    if isinstance(told, Mapping):
        for key, one in told.items():
            yield from _answered(one, personal, theirs or key in personal)
    elif isinstance(told, list | tuple):
        for one in told:
            yield from _answered(one, personal, theirs)
    elif theirs and isinstance(told, str | int) and not isinstance(told, bool):
        yield str(told)


def over_rows(veil: Veil, rows: list[Row[Any]], *columns: str) -> list[Any]:
    """Rows with these columns behind the veil."""
    return rows if veil is _open else [behind(veil, row, *columns) for row in rows]


def behind(veil: Veil, row: Row[Any], *columns: str) -> Row[Any]:
    """A row like it, but for these columns."""
    values = [veil(value) if name in columns else value for name, value in zip(row._fields, row, strict=True)]
    return Row(row._parent, None, row._key_to_index, values)


def _open(value: Any) -> Any:
    return value

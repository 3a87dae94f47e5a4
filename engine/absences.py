"""Who is away, and who stands in for them.

From the first day to the last (local days, both included) a colleague of the same agency, the *substitute*, may take
and complete what is assigned to the person who is away; history says who did it for whom. Whoever is to stand in is
told by e-mail, if their account has an address, and told again when it is not needed any more. Nobody lends rights: a
substitute works with their own, so what their account may not see they do not see. If the substitute is away as well,
whoever stands in for them does; that this never goes round in a circle is seen to when an absence is noted.

People who do their own work ask this module nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, insert, or_, select, update

from engine.errors import InvalidRequest, NotFound, WrongState
from engine.model import absences, accounts, agencies, tasks
from engine.people import access
from engine.people.access import Account
from engine.queues import outbox
from engine.runtime import Unit

LONGEST = timedelta(days=366)
AHEAD = timedelta(days=366)  # how long before it an absence can be noted
SHOWN = 200

_AWAY, _SUBSTITUTE = accounts.alias("away"), accounts.alias("substitutes")


# -- noting it -----------------------------------------------------------------------------------------------------


def note(unit: Unit, login: str, substitute: str, first_day: date, last_day: date, *, by: Account) -> Row[Any]:
    """Somebody is away between two days, and a colleague stands in. One notes it for oneself; others as the rules say.

    Args:
        first_day: not before today.
        last_day: included.

    Raises:
        NotFound: there is no such account that ``by`` may know of.
        NotAllowed: it is somebody else, and ``by`` neither heads their agency nor answers for them.
        InvalidRequest: the days, or the substitute, will not do.
        WrongState: the person is away on some of these days already; or the two would stand in for each other.
    """
    absent = _account(unit, login, by)
    if absent.id != by.id:
        access.require(by, "set-absence", absent, unit)
    access.require_whole(by, "absences")
    _check_days(unit, first_day, last_day)
    other = _substitute(unit, absent, substitute)
    _lock(unit, absent.agency)
    _check_free(unit, absent, first_day, last_day)
    _check_no_circle(unit, absent, other, first_day, last_day)
    row = {"account_id": absent.id, "substitute_id": other.id, "first_day": first_day, "last_day": last_day,
           "created_at": unit.now, "created_by": by.login}  # fmt: skip
    key = unit.scalar(insert(absences).returning(absences.c.id), row)
    noted = _find(unit, key)
    if other.id != by.id:
        days = f"từ ngày {first_day:%d/%m/%Y} đến hết ngày {last_day:%d/%m/%Y}"
        _tell(unit, noted, "stands-in", f"ông (bà) làm thay {noted.name} {days}. Việc đang giao cho người vắng mặt"
              " ở mục “Làm thay người vắng” của danh sách việc.")  # fmt: skip
    return noted


def end(unit: Unit, absence_id: int, *, by: Account) -> None:
    """Somebody is back, or stays after all: from now on nobody stands in.

    Raises:
        NotFound: there is no such absence that ``by`` may know of.
        NotAllowed: as for `note`.
        WrongState: it is over.
    """
    row = _find(unit, absence_id)
    absent = _account(unit, row.login, by)
    if absent.id != by.id:
        access.require(by, "set-absence", absent, unit)
    access.require_whole(by, "absences")
    over = WrongState(f"The absence {absence_id} is over.")
    if row.last_day < unit.today:
        raise over
    still = update(absences).where(absences.c.id == absence_id, absences.c.ended_at.is_(None))
    if not unit.claims(still.values(ended_at=unit.now, ended_by=by.login)):
        raise over
    if row.substitute_id != by.id:
        _tell(unit, row, "stands-in-no-more", f"từ bây giờ ông (bà) không làm thay {row.name} nữa.")


def _tell(unit: Unit, noted: Row[Any], topic: str, sentence: str) -> None:
    if noted.substitute_email:
        letter = {"subject": f"1022: làm thay {noted.name}", "text": f"1022: {sentence}"}
        outbox.put(unit, None, "email", topic, 0, letter, f"absence:{noted.id}:{topic}", agency=noted.agency,
                   account_id=noted.substitute_id)  # fmt: skip


def upcoming(unit: Unit, by: Account) -> list[Row[Any]]:
    """The absences of today and later that concern people this account may know of, the next ones first.

    Each is {id, login, name, agency, substitute, substitute_name, first_day, last_day, created_by}.
    """
    seen = access.Columns(agencies.c.province, lambda agency: _AWAY.c.agency == agency)
    known = or_(access.permits(by, "see-account", seen), _AWAY.c.id == by.id, _SUBSTITUTE.c.id == by.id)
    query = _rows().where(known, absences.c.ended_at.is_(None), absences.c.last_day >= unit.today)
    return unit.all(query.order_by(absences.c.first_day, absences.c.id).limit(SHOWN))


# -- standing in ---------------------------------------------------------------------------------------------------


def stands_in(unit: Unit, by: Account, absent_id: int) -> str | None:
    """The log-in name of this absent person, if ``by`` stands in for them today."""
    return next((row.login for row in stood_in_for(unit, by) if row.account_id == absent_id), None)


def stood_in_for(unit: Unit, by: Account) -> list[Row[Any]]:
    """The people for whom ``by`` stands in today: {account_id, login, name, substitute_id, last_day}; one statement."""
    if by.agency is None:
        return []
    query = select(absences.c.account_id, absences.c.substitute_id, absences.c.last_day, _AWAY.c.login, _AWAY.c.name)
    query = query.join(_AWAY, _AWAY.c.id == absences.c.account_id)
    away = unit.all(query.where(_AWAY.c.agency == by.agency, *_on(unit.today, unit.today)))
    substitutes = {row.account_id: row.substitute_id for row in away}
    return [row for row in away if by.id in _chain(substitutes, row.account_id)]


def colleagues(unit: Unit, task_ids: Iterable[int]) -> dict[int, list[Row[Any]]]:
    """Whom each of these tasks can be given to: {login, name, substitute}, by name.

    That is who works in its agency and does not hold it; ``substitute``: who stands in for one who is away today.
    """
    today = unit.today
    query = select(tasks.c.id, accounts.c.login, accounts.c.name, _SUBSTITUTE.c.name.label("substitute"))
    query = query.join(accounts, accounts.c.agency == tasks.c.group)
    query = query.outerjoin(absences, and_(absences.c.account_id == accounts.c.id, *_on(today, today)))
    query = query.outerjoin(_SUBSTITUTE, _SUBSTITUTE.c.id == absences.c.substitute_id)
    query = query.where(tasks.c.id.in_(list(task_ids)), accounts.c.active, accounts.c.role != "client")
    query = query.where(or_(tasks.c.assignee.is_(None), accounts.c.id != tasks.c.assignee))
    found: dict[int, list[Row[Any]]] = {}
    for row in unit.all(query.order_by(accounts.c.name, accounts.c.id)):
        found.setdefault(row.id, []).append(row)
    return found


def _chain(substitutes: dict[int, int], absent: int) -> set[int]:
    """Whoever stands in for somebody: the substitute, and if that one is away too, theirs."""
    found: set[int] = set()
    following = substitutes.get(absent)
    while following is not None and following not in found:
        found.add(following)
        following = substitutes.get(following)
    return found - {absent}


# -- what will not do ------------------------------------------------------------------------------------------------


def _check_days(unit: Unit, first_day: date, last_day: date) -> None:
    today = unit.today
    if first_day < today:
        raise InvalidRequest("An absence begins today or later.", field="first_day")
    if last_day < first_day:
        raise InvalidRequest("The last day is not before the first.", field="last_day")
    if last_day - first_day >= LONGEST or first_day - today > AHEAD:
        raise InvalidRequest("An absence begins within a year, and lasts up to a year.", field="last_day")


def _substitute(unit: Unit, absent: Row[Any], login: str) -> Row[Any]:
    if login == absent.login:
        raise InvalidRequest("Nobody stands in for oneself: name a colleague.", field="substitute")
    workers = (accounts.c.active, accounts.c.role.in_(access.AGENCIES_PEOPLE))
    row = unit.first(select(accounts).where(accounts.c.login == login, *workers))
    if row is None or absent.agency is None or row.agency != absent.agency:
        raise InvalidRequest(f"Nobody with the login {login!r} works in the same agency.", field="substitute")
    return row


def _check_free(unit: Unit, absent: Row[Any], first_day: date, last_day: date) -> None:
    mine = select(absences).where(absences.c.account_id == absent.id, *_on(first_day, last_day))
    row = unit.first(mine.order_by(absences.c.first_day))
    if row is not None:
        raise WrongState(f"{absent.login} is away already from {row.first_day} to {row.last_day}: end that first.")


def _check_no_circle(unit: Unit, absent: Row[Any], other: Row[Any], first_day: date, last_day: date) -> None:
    """On none of these days may somebody stand in for the person who stands in for them, however many are between."""
    pairs = unit.all(
        select(absences.c.account_id, absences.c.substitute_id, absences.c.first_day, absences.c.last_day)
        .join(_AWAY, _AWAY.c.id == absences.c.account_id)
        .where(_AWAY.c.agency == absent.agency, *_on(first_day, last_day))
    )
    paths = [(other.id, first_day, last_day)]
    while paths:
        who, begins, ends = paths.pop()
        if who == absent.id:
            raise WrongState(f"{absent.login} stands in for {other.login} on some of these days: name another.")
        paths += [
            (pair.substitute_id, max(begins, pair.first_day), min(ends, pair.last_day))
            for pair in pairs
            if pair.account_id == who and pair.first_day <= ends and pair.last_day >= begins
        ]


# -- rows ----------------------------------------------------------------------------------------------------------


def _on(first_day: date, last_day: date) -> tuple[Any, ...]:
    """On some of these days."""
    return absences.c.ended_at.is_(None), absences.c.first_day <= last_day, absences.c.last_day >= first_day


def _rows() -> Select[Any]:
    columns = (*absences.c, _AWAY.c.login, _AWAY.c.name, _AWAY.c.agency, agencies.c.province,
               _SUBSTITUTE.c.login.label("substitute"), _SUBSTITUTE.c.name.label("substitute_name"),
               _SUBSTITUTE.c.email.label("substitute_email"))  # fmt: skip
    query = select(*columns).join(_AWAY, _AWAY.c.id == absences.c.account_id)
    query = query.join(_SUBSTITUTE, _SUBSTITUTE.c.id == absences.c.substitute_id)
    return query.outerjoin(agencies, agencies.c.key == _AWAY.c.agency)


def _find(unit: Unit, absence_id: int) -> Row[Any]:
    row = unit.first(_rows().where(absences.c.id == absence_id))
    if row is None:
        raise NotFound(f"There is no absence {absence_id}.")
    return row


def _account(unit: Unit, login: str, by: Account) -> Row[Any]:
    known = or_(access.permits(by, "see-account", access.ACCOUNTS), accounts.c.id == by.id)
    query = select(*accounts.c, agencies.c.province).outerjoin(agencies, agencies.c.key == accounts.c.agency)
    row = unit.first(query.where(accounts.c.login == login, accounts.c.active, known))
    if row is None:
        raise NotFound(f"There is no account {login!r}, or it is not of your agency.")
    return row


def _lock(unit: Unit, agency: str | None) -> None:
    """Of two absences noted at once in an agency the second one sees the first."""
    if unit.locks_rows:
        unit.first(select(agencies.c.key).where(agencies.c.key == agency).with_for_update())

"""Agencies renamed, merged, closed and opened while the hotline runs.

Each change is a row of `agency_changes`, which is three things at once: who decided what and why; what an agency was
called before; and which of its columns are the administrators' from now on, so that no deployment of a province.toml
changes them back (`kept`). An agency is never deleted: settled cases keep it, and its name of that time (`names_at`).

What lies with an agency that has been merged goes on at its successor by itself (`engine.work.successions`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, func, insert, literal_column, or_, select, union_all, update

from engine import acts, branches
from engine.errors import InvalidRequest, NotFound, WrongState
from engine.flow.rules.tables import KINDS
from engine.forms import contacts
from engine.model import accounts, agencies, agency_changes, cases, provinces, tasks
from engine.model import areas as area_rows
from engine.people import access
from engine.people.access import Account, Target
from engine.places import areas
from engine.reasons import checked_reason
from engine.runtime import Unit
from engine.storage.prepared import Prepared

CHANGEABLE = ("name", "area", "parent", "email", "phone")
SHOWN = 6  # things in a sentence
_CHANGED = and_(agency_changes.c.agency == agencies.c.key, agency_changes.c.kind == literal_column("'changed'"))
_CALLED = select(agencies.c.key, agencies.c.name, agency_changes.c.at, agency_changes.c.was).select_from(
    agencies.outerjoin(agency_changes, _CHANGED)
)
_CALLED_IN = Prepared(_CALLED.where(agencies.c.province == bindparam("province")).order_by(agency_changes.c.id))


def show(unit: Unit, key: str, *, by: Account) -> Row[Any]:
    """Raises:
    NotFound: there is no such agency, now or ever, or it is not for this account to look into.
    """
    found = unit.first(select(agencies).where(agencies.c.key == key))
    if found is None or not access.allows(by, "see-account", Target(found.province, agency=key), unit):
        raise NotFound(f"There is no agency {key!r}.")
    return found


def history(unit: Unit, key: str, *, by: Account) -> list[Row[Any]]:
    """What was decided about an agency, newest first.

    Raises:
        NotFound: as for `show`.
    """
    show(unit, key, by=by)
    return unit.all(select(agency_changes).where(agency_changes.c.agency == key).order_by(agency_changes.c.id.desc()))


# -- what administrators decide --------------------------------------------------------------------------------------


def open_(unit: Unit, values: Mapping[str, Any], reason: str, *, by: Account) -> Row[Any]:
    """A new agency.

    Args:
        values: ``key``, ``province``, ``name``, ``kind``, and as far as there are any ``area``, ``parent``, ``email``,
            ``phone``, ``valid_from`` (its first local day).

    Raises:
        NotAllowed: the account may not.
        InvalidRequest: the key is taken, the kind is none, or province, area or parent is not there; it is no e-mail
            address; or no reason.
    """
    _lock(unit, values["province"], by)
    key = values["key"]
    if unit.first(select(agencies.c.key).where(agencies.c.key == key)) is not None:
        raise InvalidRequest(f"There is an agency {key!r} already: give this one another key.", field="key")
    if values["kind"] not in KINDS:
        raise InvalidRequest(f"An agency is one of {', '.join(KINDS)}.", field="kind")
    row: dict[str, Any] = dict.fromkeys(("area", "parent", "email", "phone", "valid_from")) | dict(values)
    contacts.check_email(row.get("email"))
    _check_places(unit, key, row["province"], row)
    unit.execute(insert(agencies), row)
    return _noted(unit, key, "opened", {}, row, reason, by)


def change(unit: Unit, key: str, values: Mapping[str, Any], reason: str, *, by: Account) -> Row[Any]:
    """Give an agency another name, area, agency above it, e-mail address or telephone, from this moment on.

    Raises:
        NotFound, NotAllowed: there is no such agency, or the account may not change it.
        InvalidRequest: area or parent is not there, or is the agency itself or below it; it is no e-mail address;
            nothing differs; no reason.
    """
    row = _mine(unit, key, by)
    new = {name: values[name] for name in CHANGEABLE if name in values and values[name] != getattr(row, name)}
    if not new:
        raise InvalidRequest(f"That is what the agency {key!r} is already: nothing was changed.")
    contacts.check_email(new.get("email"))
    _check_places(unit, key, row.province, new)
    return _change(unit, row, "changed", new, reason, by)


def merge(unit: Unit, key: str, into: str, since: date, reason: str, *, by: Account) -> Row[Any]:
    """An agency ends, and another goes on with its people and its open cases and tasks.

    Until that day it works as before, and the decision can be changed by another one.

    Args:
        since: the first local day on which it is no more; today or later.

    Raises:
        NotFound, NotAllowed: as for `change`.
        WrongState: it is no more already.
        InvalidRequest: the successor is not there, is itself, is no more or not yet by that day, or goes on with what
            is merged into it; only one of the two oversees; the day has passed; no reason.
    """
    row = _mine(unit, key, by)
    _must_be_there(unit, row)
    if since < unit.today:
        raise InvalidRequest("since lies in the past: what was handled there was handled there. Name today or a later "
                             "day.", field="since")  # fmt: skip
    _check_successor(unit, row, into, since)
    return _change(unit, row, "merged", {"valid_to": since, "successor": into}, reason, by, awaits=since)


def close(unit: Unit, key: str, reason: str, *, by: Account) -> Row[Any]:
    """An agency ends today, and nobody follows it: only where nothing is open there and nothing leads there.

    Raises:
        NotFound, NotAllowed: as for `change`.
        WrongState: it is no more already; or it has open cases or tasks, people, agencies below it, a key of the
            telephone, one that it goes on for, or a place in a report type in force.
        InvalidRequest: no reason.
    """
    row = _mine(unit, key, by)
    _must_be_there(unit, row)
    looks = (_open_work, _people, _below, _keys, _before, _types)
    used = [said for look in looks for said in look(unit, row)]
    if used:
        said = "; ".join(used[:SHOWN])
        raise WrongState(f"The agency {key!r} is still needed: {said}. Merge it into another, or end that first.")
    return _change(unit, row, "closed", {"valid_to": unit.today, "successor": None}, reason, by)


def reopen(unit: Unit, key: str, reason: str, *, by: Account) -> Row[Any]:
    """An agency that is no more, or is to end on some day, goes on after all. What has followed its successor by then
    stays there.

    Raises:
        NotFound, NotAllowed: as for `change`.
        WrongState: it has no end.
        InvalidRequest: no reason.
    """
    row = _mine(unit, key, by)
    if row.valid_to is None:
        raise WrongState(f"The agency {key!r} is at work, and no end of it is known.")
    return _change(unit, row, "reopened", {"valid_to": None, "successor": None}, reason, by)


# -- what others ask -------------------------------------------------------------------------------------------------


def kept(unit: Unit, province: str) -> dict[str, set[str]]:
    """The columns of each agency that administrators have decided, and that no province.toml changes any more."""
    found: dict[str, set[str]] = {}
    query = select(agency_changes.c.agency, agency_changes.c.now).join(agencies).where(agencies.c.province == province)
    for row in unit.all(query):
        found.setdefault(row.agency, set()).update(row.now)
    return found


def names_at(unit: Unit, wanted: Iterable[tuple[str | None, datetime | None]]) -> dict[Any, str]:
    """What agencies are called, or were at an instant: by (key, instant), as asked. An unknown one has no name.

    Args:
        wanted: with ``None`` as the instant: now.
    """
    asked = {one for one in wanted if one[0] is not None}
    if not asked:
        return {}
    rows = unit.all(_CALLED.where(agencies.c.key.in_({key for key, _ in asked})).order_by(agency_changes.c.id))
    names = _each_called(rows)
    return {(key, moment): names[key](moment) for key, moment in asked if key in names}


def names_in(unit: Unit, province: str, moment: datetime | None) -> dict[str, str]:
    """What the agencies of a province are called, or were at an instant."""
    return {key: name(moment) for key, name in _each_called(unit.known(_CALLED_IN, {"province": province})).items()}


def ask_names(unit: Unit, province: str) -> None:
    """`names_in` will be asked for this."""
    unit.soon(_CALLED_IN, {"province": province})


def _each_called(rows: list[Row[Any]]) -> dict[str, Callable[[datetime | None], str]]:
    """How each agency was called when, by its key: before it was renamed, as it was until then."""
    renamed = [row for row in rows if "name" in (row.was or ())]

    def of(key: str, now: str) -> Callable[[datetime | None], str]:
        mine = [row for row in renamed if row.key == key]
        return lambda moment: next((row.was["name"] for row in mine if moment is not None and moment < row.at), now)

    return {key: of(key, now) for key, now in {row.key: row.name for row in rows}.items()}


def name_at(unit: Unit, key: str | None, moment: datetime | None) -> str | None:
    """`names_at` for one."""
    return names_at(unit, [(key, moment)]).get((key, moment))


# -- how -------------------------------------------------------------------------------------------------------------


def _lock(unit: Unit, province: str, by: Account) -> None:
    """One decision about a province's agencies at a time: two together could merge them in a circle.

    Raises:
        InvalidRequest: there is no such province.
    """
    access.require(by, "arrange", Target(province), unit)
    query = select(provinces.c.code).where(provinces.c.code == province)
    if unit.first(query.with_for_update(key_share=True)) is None:
        raise InvalidRequest(f"There is no province {province!r}.", field="province")


def _mine(unit: Unit, key: str, by: Account) -> Row[Any]:
    access.require(by, "arrange")
    _lock(unit, show(unit, key, by=by).province, by)
    return show(unit, key, by=by)  # as it is, now that nobody else decides


def _must_be_there(unit: Unit, row: Row[Any]) -> None:
    if row.valid_to is not None and row.valid_to <= unit.today:
        after = f", and {row.successor!r} goes on for it" if row.successor else ""
        raise WrongState(f"The agency {row.key!r} is no more since {row.valid_to}{after}.")


def _check_successor(unit: Unit, row: Row[Any], into: str, since: date) -> None:
    here = {one.key: one for one in unit.all(select(agencies).where(agencies.c.province == row.province))}
    if into == row.key:
        raise InvalidRequest("An agency cannot be merged into itself.", field="into")
    if into not in here:
        raise InvalidRequest(f"There is no agency {into!r} in the province {row.province}.", field="into")
    other = here[into]
    if other.valid_to is not None and other.valid_to <= since:
        raise InvalidRequest(f"The agency {into!r} is no more from {other.valid_to} on: merge into one that is.",
                             field="into")  # fmt: skip
    if other.valid_from is not None and other.valid_from > since:
        raise InvalidRequest(f"The agency {into!r} begins only on {other.valid_from}.", field="into")
    if (row.kind == "overseer") != (other.kind == "overseer"):
        raise InvalidRequest("Who oversees and who handles cannot become one: their people may not see the same.",
                             field="into")  # fmt: skip
    after = into
    while (after := here[after].successor) is not None:
        if after == row.key:
            raise InvalidRequest(f"The agency {row.key!r} is the one that goes on for {into!r}: that would be a "
                                 "circle.", field="into")  # fmt: skip


def _check_places(unit: Unit, key: str, province: str, values: Mapping[str, Any]) -> None:
    if values.get("area") is not None:
        area = unit.first(select(area_rows.c.province).where(area_rows.c.code == values["area"]))
        if area is None or area.province != province:
            raise InvalidRequest(f"There is no area {values['area']!r} in the province {province}.", field="area")
    above, seen = values.get("parent"), {key}
    while above is not None:
        found = unit.first(select(agencies).where(agencies.c.key == above, agencies.c.province == province))
        if found is None:
            raise InvalidRequest(f"There is no agency {above!r} in the province {province}.", field="parent")
        if above in seen:
            raise InvalidRequest(f"The agency {values['parent']!r} is {key!r} itself, or below it.", field="parent")
        seen.add(above)
        above = found.parent


def _change(
    unit: Unit, row: Row[Any], kind: str, new: Mapping[str, Any], reason: str, by: Account, awaits: date | None = None
) -> Row[Any]:
    """Change an agency and note it. Whatever was to happen on its last day is not, unless this says so."""
    unit.catalogue.heirs.forget()
    unit.execute(update(agencies).where(agencies.c.key == row.key).values(dict(new)))
    if "valid_to" in new:
        ours = (agency_changes.c.agency == row.key, agency_changes.c.awaits.is_not(None))
        unit.execute(update(agency_changes).where(*ours).values(awaits=None))
    return _noted(unit, row.key, kind, {name: getattr(row, name) for name in new}, new, reason, by, awaits)


def _noted(
    unit: Unit, key: str, kind: str, was: Mapping[str, Any], now: Mapping[str, Any], reason: str, by: Account,
    awaits: date | None = None,
) -> Row[Any]:  # fmt: skip
    noted = {"agency": key, "kind": kind, "at": unit.now, "by": by.login, "reason": checked_reason(reason),
             "was": _plain(was), "now": _plain(now), "awaits": awaits}  # fmt: skip
    unit.execute(insert(agency_changes), noted)
    acts.note(unit, "agency-changed", by.login, key, how=kind, was=noted["was"], now=noted["now"], reason=reason)
    return unit.first(select(agencies).where(agencies.c.key == key))  # type: ignore[return-value]


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}


# What an agency without a successor would leave behind, in words


def _open_work(unit: Unit, row: Row[Any]) -> list[str]:
    mine = or_(tasks.c.group == row.key, tasks.c.handed_by == row.key)
    led = or_(cases.c.lead_agency == row.key, cases.c.monitor_agency == row.key)
    ours = union_all(
        select(tasks.c.case_id).where(tasks.c.status == "open", mine),
        select(cases.c.id).where(cases.c.province == row.province, cases.c.closed_at.is_(None), led),
    ).subquery()
    number = unit.scalar(select(func.count(ours.c.case_id.distinct())))
    return [f"{number} open cases" if number > 1 else "1 open case"] if number else []


def _people(unit: Unit, row: Row[Any]) -> list[str]:
    number = unit.scalar(select(func.count()).where(accounts.c.agency == row.key, accounts.c.active))
    return [f"{number} accounts in use" if number > 1 else "1 account in use"] if number else []


def _below(unit: Unit, row: Row[Any]) -> list[str]:
    under = (agencies.c.parent == row.key, areas.valid(unit.today, agencies))
    return [f"{one.key} is below it" for one in unit.all(select(agencies.c.key).where(*under).order_by("key"))]


def _keys(unit: Unit, row: Row[Any]) -> list[str]:
    keys = branches.at(unit, row.province, unit.now)
    return [f"the key {one.key} is its own" for one in keys if one.agency == row.key]


def _before(unit: Unit, row: Row[Any]) -> list[str]:
    before = unit.all(select(agencies.c.key).where(agencies.c.successor == row.key).order_by(agencies.c.key))
    return [f"it goes on for {one.key}" for one in before]


def _types(unit: Unit, row: Row[Any]) -> list[str]:
    ours = unit.catalogue.of_province(unit, row.province)
    own = ((one, name) for one in ours for name in one.files if name != "province.toml")
    return [f"{name} of the report type {one.code} names it" for one, name in own if _names(one.files[name], row.key)]


def _names(text: str, key: str) -> bool:
    """Whether a file has the key as a word of its own."""
    words = "".join(letter if letter.isalnum() or letter in "_.-" else " " for letter in text)
    return key in words.split()

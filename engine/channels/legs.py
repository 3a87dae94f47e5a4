"""Calls within calls: an operator asks 115 in a second call, which has a name of its own at the exchange, and then puts
the caller through. Such a leg belongs to the caller's call and stands in no figure.

Whose leg a call is, the exchange says; or it shows, as it goes from whoever has a caller on the line to the number that
this caller's key puts calls through to; or the operator says so. The caller has been put through once the call ends
while a leg that was answered there goes on: an exchange tells no more of it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, or_, select, update

from engine import branches
from engine.contacts import CALLS, ON_THE_LINE, SHOWN
from engine.forms import contacts as addresses
from engine.model import contacts as table
from engine.runtime import Unit


def belongs(unit: Unit, call: Row[Any], original: str, made_by: str, to: str) -> Row[Any]:
    """The call, by now a leg if it is one and was not known to be.

    Args:
        original: what the exchange calls the call that this one goes on with; its own name, or none: it does not say.
        made_by, to: the numbers of who calls and who is called.
    """
    if call.leg_of is not None or call.case_id is not None or call.outcome is not None:
        return call
    whole = _named(unit, call, original) if original not in ("", call.call_id) else _held_by(unit, call, made_by, to)
    return call if whole is None else join(unit, call, whole)


def join(unit: Unit, call: Row[Any], whole: Row[Any] | None) -> Row[Any]:
    """Make a call a leg of another; of none, with ``None``."""
    change = update(table).where(table.c.id == call.id).values(leg_of=None if whole is None else whole.id)
    unit.execute(change)
    return again(unit, call)


def whole(unit: Unit, call: Row[Any]) -> Row[Any]:
    """The caller's own call, of which a call is a leg; else itself."""
    return call if call.leg_of is None else unit.all(select(table).where(table.c.id == call.leg_of))[0]


def again(unit: Unit, call: Row[Any]) -> Row[Any]:
    """A call, as it is by now."""
    return unit.all(select(table).where(table.c.id == call.id))[0]


def has_any(unit: Unit, call: Row[Any]) -> bool:
    return unit.first(select(table.c.id).where(table.c.leg_of == call.id)) is not None


def leads_to(unit: Unit, call: Row[Any], *numbers: str) -> bool:
    """Whether one of these numbers is that which the call's key puts calls through to."""
    keys = branches.at(unit, call.province, unit.now) if call.branch is not None and any(numbers) else []
    to = next((row.transfer_to for row in keys if row.key == call.branch), None)
    return to is not None and addresses.as_one(to) in map(addresses.as_one, filter(None, numbers))


def took_over(unit: Unit, whole: Row[Any]) -> bool:
    """Whether a call has ended while a leg of it, answered where its key puts calls through to, went on."""
    if whole.ended_at is None:
        return False
    on = or_(table.c.ended_at.is_(None), table.c.ended_at > whole.ended_at)
    there = (table.c.leg_of == whole.id, table.c.put_through_at.is_not(None), on)
    return unit.first(select(table.c.id).where(*there)) is not None


def of_extension(unit: Unit, province: str, number: str) -> list[tuple[Row[Any], Row[Any]]]:
    """The calls that a telephone of ours has made lately, newest first, each with the caller's call that it had on the
    line then: whose leg it is, or may be. Those made with nobody on the line, or that have an outcome, are left out.
    """
    theirs = (table.c.province == province, table.c.channel == CALLS, table.c.answered_by == addresses.as_one(number),
              table.c.started_at > unit.now - ON_THE_LINE)  # fmt: skip
    rows = unit.all(select(table).where(*theirs).order_by(table.c.started_at.desc(), table.c.id.desc()))
    made = [row for row in rows if row.direction == "out" and row.outcome is None]
    taken = {row.id: row for row in rows if row.direction == "in" and row.leg_of is None}
    pairs = []
    for call in made[:SHOWN]:
        on = [row for row in taken.values() if row.started_at <= call.started_at <= (row.ended_at or call.started_at)]
        if whole := taken.get(call.leg_of) if call.leg_of else next(iter(on), None):
            pairs.append((call, whole))
    return pairs


def _named(unit: Unit, call: Row[Any], original: str) -> Row[Any] | None:
    same = (table.c.province == call.province, table.c.channel == call.channel, table.c.call_id == original)
    found = unit.first(select(table).where(*same))
    return None if found is None else whole(unit, found)  # the leg of a leg is the caller's, too


def _held_by(unit: Unit, call: Row[Any], made_by: str, to: str) -> Row[Any] | None:
    """The one call that whoever makes this one has on the line, if this one goes where that one's key leads."""
    if call.direction != "out" or not made_by:
        return None
    theirs = (table.c.province == call.province, table.c.channel == CALLS, table.c.direction == "in",
              table.c.answered_by == addresses.as_one(made_by), table.c.ended_at.is_(None), table.c.leg_of.is_(None),
              table.c.started_at > unit.now - ON_THE_LINE)  # fmt: skip
    found = [row for row in unit.all(select(table).where(*theirs)) if leads_to(unit, row, to)]
    return found[0] if len(found) == 1 else None

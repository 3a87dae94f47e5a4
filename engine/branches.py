"""What the keys of the telephone mean: versioned data, so that a branch is added or changes its meaning, its owner and
its process while the hotline runs (HN-14), and yesterday's figures keep yesterday's names.

A row holds from an instant on. The meaning of a key at an instant is the newest row that holds by then; a row may also
say that the key is pressed in vain from then on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, insert, select

from engine import acts
from engine.errors import InvalidRequest
from engine.model import agencies, branches, definitions
from engine.people import access
from engine.people.access import Account, Target
from engine.queues.leases import insert_into
from engine.runtime import Unit

KEY = re.compile(r"[0-9*#](\.[0-9*#]){0,2}\Z")  # three levels of a voice menu
KEY_SAID = "Write the keys as they are pressed, such as 5 or 5.1."


def at(unit: Unit, province: str, moment: datetime) -> list[Row[Any]]:
    """The keys of a province at an instant, in order; one that is pressed in vain is not among them.

    Args:
        moment: aware.
    """
    newest = (
        select(branches.c.key, func.max(branches.c.valid_from).label("valid_from"))
        .where(branches.c.province == province, branches.c.valid_from <= moment)
        .group_by(branches.c.key)
        .subquery()
    )
    holds = and_(branches.c.key == newest.c.key, branches.c.valid_from == newest.c.valid_from)
    query = select(branches).join(newest, holds).where(branches.c.province == province, branches.c.closed.is_(False))
    return unit.all(query.order_by(branches.c.key))


def put_through(unit: Unit) -> frozenset[str]:
    """The report types behind keys whose callers are put through at once: emergencies, in all provinces and times."""
    some = (branches.c.transfer_to.is_not(None), branches.c.report_type.is_not(None))
    return frozenset(row.report_type for row in unit.all(select(branches.c.report_type).where(*some).distinct()))


def history(unit: Unit, province: str, key: str) -> list[Row[Any]]:
    """Everything a key has meant and will mean, newest first."""
    mine = (branches.c.province == province, branches.c.key == key)
    return unit.all(select(branches).where(*mine).order_by(branches.c.valid_from.desc()))


def declare(unit: Unit, province: str, values: Mapping[str, Any], *, by: Account) -> Row[Any]:
    """Say what a key means from an instant on.

    Args:
        values: ``key``, ``name``, and as far as there are any ``report_type``, ``agency``, ``transfer_to``, ``closed``,
            ``valid_from`` (aware; now, if left out).

    Raises:
        NotAllowed: the account may not.
        InvalidRequest: it is no key, there is no such agency or report type, or it would change what was.
    """
    access.require(by, "branch", Target(province), unit)
    valid_from = values.get("valid_from") or unit.now
    if valid_from < unit.now:
        raise InvalidRequest("valid_from lies in the past: what a key has meant does not change.", field="valid_from")
    report_type = values.get("report_type")
    if report_type is not None and unit.first(select(definitions.c.id).where(definitions.c.key == report_type)) is None:
        raise InvalidRequest(f"There is no report type {report_type!r}.", field="report_type")
    row = _checked(unit, province, values) | {"valid_from": valid_from, "created_at": unit.now, "created_by": by.login}
    same = ["province", "key", "valid_from"]
    made = insert_into(unit, branches).values(row).on_conflict_do_nothing(index_elements=same)
    found = unit.first(made.returning(branches))
    if found is None:
        raise InvalidRequest(f"What {row['key']} means from that very moment on has been said already.")
    acts.note(unit, "key-declared", by.login, f"{province}/{row['key']}", name=row["name"])
    return found


def load(unit: Unit, province: str, declared: list[Mapping[str, Any]]) -> None:
    """Bring in what the ``[[branches]]`` of a province.toml say, as far as it is not known yet.

    Raises:
        InvalidRequest: it is no key, or there is no such agency.
    """
    known = {(row.key, row.valid_from) for row in unit.all(select(branches).where(branches.c.province == province))}
    for one in declared:
        row = _checked(unit, province, one) | {"valid_from": one["from"]}
        if (row["key"], row["valid_from"]) not in known:
            unit.execute(insert(branches), row | {"created_at": unit.now, "created_by": "province.toml"})


def _checked(unit: Unit, province: str, values: Mapping[str, Any]) -> dict[str, Any]:
    key, agency = str(values["key"]), values.get("agency")
    if not KEY.match(key):
        raise InvalidRequest(f"{key!r} is no key: write 5, or 5.1 for a key behind it.", field="key")
    if agency is not None:
        known = select(agencies.c.key).where(agencies.c.key == agency, agencies.c.province == province)
        if unit.first(known) is None:
            raise InvalidRequest(f"There is no agency {agency!r} in the province {province}.", field="agency")
    rest = {name: values.get(name) for name in ("name", "report_type", "transfer_to")}
    return {"province": province, "key": key, "agency": agency, "closed": bool(values.get("closed")), **rest}

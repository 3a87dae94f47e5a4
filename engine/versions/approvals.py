"""Two people for a new version: where a province asks for it, what one has brought another has to approve.

``approval = true`` in the province.toml in force says so; a package that leaves it out is approved, too, before that
counts. Until then a version is parked: no case starts with it, and its province.toml changes nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from engine import activations, acts, packages
from engine.errors import InvalidPackage, NotAllowed, WrongState
from engine.model import activations as decided
from engine.packages import Package
from engine.people.access import Account
from engine.reasons import checked_reason
from engine.runtime import Unit
from engine.versions import deployments


def approve(unit: Unit, definition_id: int, reason: str, *, by: Account) -> None:
    """New cases start with a parked version from now on, or from the moment that was asked for; its province is brought
    up to date.

    Raises:
        NotFound, NotAllowed: there is no such version, it is not for this account, or it is the account's own.
        InvalidPackage: the gate finds faults in it by now.
        InvalidRequest: no reason.
        WrongState: it is not parked, or the province's settings have changed since.
    """
    row, package = _parked(unit, definition_id, by)
    if row.created_by == by.login:
        raise NotAllowed(f"You brought version {row.version} of {row.key}: somebody else has to approve it.")
    start = row.wanted_from if row.wanted_from is not None and row.wanted_from > unit.now else None
    faults = packages.judged(unit, package.files, start or unit.now)
    if any(fault.severity == "error" for fault in faults):
        raise InvalidPackage("The report type has faults by now: refuse it, and have it brought anew.",
                             faults=[fault.to_json() for fault in faults])  # fmt: skip
    _bring_settings(unit, row, package, now=start is None)
    activations.decide(unit, row.id, row.key, start, by.login, checked_reason(reason))
    acts.note(unit, "version-approved", by.login, row.key, version=row.version)


def refuse(unit: Unit, definition_id: int, reason: str, *, by: Account) -> None:
    """A parked version never comes into force. Whoever brought it may do that, too.

    Raises:
        NotFound, NotAllowed, InvalidRequest: as for `approve`.
        WrongState: it is not parked.
    """
    row, _ = _parked(unit, definition_id, by)
    deployments.set_values(
        unit, row.id, refused_at=unit.now, refused_by=by.login, refused_reason=checked_reason(reason)
    )
    acts.note(unit, "version-refused", by.login, row.key, version=row.version, reason=reason)


def _parked(unit: Unit, definition_id: int, by: Account) -> tuple[Row[Any], Package]:
    row, package = deployments.mine(unit, definition_id, by)
    if row.refused_at is not None:
        raise WrongState(f"Version {row.version} of {row.key} was refused: bring it anew.")
    if activations.decisions(unit, row.id):
        raise WrongState(f"Version {row.version} of {row.key} does not wait for approval.")
    return row, package


def _bring_settings(unit: Unit, row: Row[Any], package: Package, *, now: bool) -> None:
    """Bring the province up to date, unless that would undo what others have changed in the meantime."""
    province = str(package.province["code"])
    if package.province == packages.settings(unit, province):
        return
    since = unit.all(select(decided.c.definition_id).where(decided.c.decided_at >= row.created_at))
    others = [unit.catalogue.pinned(unit, one.definition_id).province for one in since]
    if not now or any(one["code"] == province and one != package.province for one in others):
        raise WrongState("The province's settings have changed since this version was brought, and it would change them"
                         " back: refuse it, and have it brought anew with the province.toml of today.")  # fmt: skip
    packages.load_province(unit, package.province)

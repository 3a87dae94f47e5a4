"""Cases that a message from outside begins: the start event of their report type names it.

Such a message is a report by another name: the same account may send it, the same form asks for its answers, and from
then on it is a case like every other. Nothing *inside* the engine begins a case so (`engine.births` does).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import cases, intake
from engine.errors import InvalidRequest, Uncorrelated
from engine.intake import Receipt, Report
from engine.packages import Package
from engine.people import access
from engine.people.access import Account, Target
from engine.runtime import Unit

ABOUT = ("area", "place", "channel", "severity")  # what is said of a report beside the answers
REFERENCE_MAX = 200  # characters


def report_of(report_type: str, said: Mapping[str, Any]) -> Report:
    """What a program says by variables: the answers of the intake form, and `ABOUT`; by app, if it does not say."""
    about = {name: str(said[name]) for name in ABOUT if said.get(name)}
    answers = {name: value for name, value in said.items() if name not in ABOUT}
    return Report(report_type, answers, **({"channel": "app"} | about))


def receive(unit: Unit, report: Report, reference: str | None = None, *, by: Account) -> Receipt:
    """A report that another system calls by a name of its own, which is noted.

    Raises:
        As `intake.receive`; InvalidRequest: the name is too long.
    """
    if reference is not None and len(reference) > REFERENCE_MAX:
        raise InvalidRequest(f"A businessKey may have {REFERENCE_MAX} characters, not more.", field="businessKey")
    receipt = intake.receive(unit, report, by=by)
    if reference is not None:
        # whoever may report may say what they call it, though they may not comment on cases
        cases.remark(unit, receipt.case_id, f"businessKey: {reference}", public=False, by=by.login)
    return receipt


def begun_by(unit: Unit, message: str, province: str | None = None, *, by: Account) -> Package | None:
    """The report type whose cases a message begins, of those that the account may report.

    Raises:
        Uncorrelated: more than one.
    """
    found = [one for one in unit.catalogue.all_current(unit) if one.begun_by == message
             and province in (None, one.province["code"])
             and access.allows(by, "report", Target(str(one.province["code"]), one.code), unit)]  # fmt: skip
    if len(found) > 1:
        types = ", ".join(one.code for one in found)
        raise Uncorrelated(f"The message {message!r} begins cases of {types}: say of which province.", message=message,
                           waiting=len(found))  # fmt: skip
    return found[0] if found else None

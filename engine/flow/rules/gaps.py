"""Rules about decision tables: there is a row for whatever can be answered, as far as that can be known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.flow.decisions import Decision, DecisionFault
from engine.flow.draft import PROVINCE, Draft
from engine.flow.faults import Fault
from engine.flow.rules.variables import offered

_MAY_BE_EMPTY = ("COLLECT", "RULE ORDER", "OUTPUT ORDER")
_SHOWN = 3


def gaps(draft: Draft) -> Iterator[Fault]:
    answers = _answers(draft)
    for key, decision in draft.decisions.items():
        if decision.hit_policy in _MAY_BE_EMPTY or any(column.default for column in decision.outputs):
            continue
        missing = _missing(decision, answers)
        if missing:
            shown = "; ".join(map(_row, missing[:_SHOWN]))
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            yield Fault(draft.decision_files[key], decision.line or 1, key, "decision-gap", f"Add a row to the table "
                        f"{decision.name or key!r} for {shown}{more}: nothing fits there, and the case would get "
                        "stuck.", "warning")


def _row(answers: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in answers.items())


def _answers(draft: Draft) -> dict[str, list[Any]]:
    """What each variable can be, where a form or the province lists it."""
    found = offered(draft)
    areas = draft.province.get("areas", [])
    if isinstance(areas, list) and draft.has(PROVINCE):
        found["area"] = [str(one.get("code")) for one in areas if isinstance(one, dict)]
    return found


def _missing(decision: Decision, answers: dict[str, list[Any]]) -> list[dict[str, Any]]:
    domains = {column.source: answers[column.source] for column in decision.inputs if column.source in answers}
    try:
        return decision.gaps(domains)
    except (ValueError, DecisionFault):
        return []  # not every input has a list of values: nothing can be said

"""Rules about decision tables: there is one row for whatever can be answered, as far as that can be known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
        missing = _combinations(decision, answers, decision.gaps)
        if missing:
            shown = _rows(draft, missing)
            yield Fault(draft.decision_files[key], decision.line or 1, key, "decision-gap", f"Add a row to the table "
                        f"{decision.name or key!r} for {shown}: nothing fits there, and the case would get "
                        "stuck.", "warning")


def overlaps(draft: Draft) -> Iterator[Fault]:
    """Of tables in which at most one row may fit."""
    answers = _answers(draft)
    for key, decision in draft.decisions.items():
        found = _combinations(decision, answers, decision.overlaps) if decision.hit_policy == "UNIQUE" else []
        if found:
            rows = ", ".join(map(str, found[0][1]))
            shown = _rows(draft, [combination for combination, _ in found])
            yield Fault(draft.decision_files[key], decision.line or 1, key, "decision-overlap", "Leave one of the rows "
                        f"{rows} of the table {decision.name or key!r} for {shown}: several fit there, and the case "
                        "would get stuck.", "warning")


def _rows(draft: Draft, combinations: list[dict[str, Any]]) -> str:
    names = {str(one.get("code")): one.get("name") for one in _areas(draft)}
    shown = "; ".join(_row(combination, names) for combination in combinations[:_SHOWN])
    more = f" and {len(combinations) - _SHOWN} more" if len(combinations) > _SHOWN else ""
    return shown + more


def _row(answers: dict[str, Any], areas: dict[str, Any]) -> str:
    said = []
    for name, value in answers.items():
        meaning = f" ({areas[value]})" if name == "area" and value in areas else ""
        said.append(f"{name} = {value!r}{meaning}")
    return ", ".join(said)


def _answers(draft: Draft) -> dict[str, list[Any]]:
    """What each variable can be, where a form or the province lists it."""
    found = offered(draft)
    if draft.has(PROVINCE) and isinstance(draft.province.get("areas", []), list):
        found["area"] = [str(one.get("code")) for one in _areas(draft)]
    return found


def _areas(draft: Draft) -> list[dict[str, Any]]:
    areas = draft.province.get("areas", [])
    return [one for one in areas if isinstance(one, dict)] if isinstance(areas, list) else []


def _combinations(decision: Decision, answers: dict[str, list[Any]], find: Callable[[Any], list[Any]]) -> list[Any]:
    domains = {column.source: answers[column.source] for column in decision.inputs if column.source in answers}
    try:
        return find(domains)
    except (ValueError, DecisionFault):
        return []  # not every input has a list of values: nothing can be said

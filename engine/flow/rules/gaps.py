"""Rules about decision tables: there is one row for whatever can be answered, as far as that can be known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from engine.flow.decisions import Decision, DecisionFault
from engine.flow.draft import PROVINCE, Draft
from engine.flow.faults import Fault
from engine.flow.places import Place
from engine.flow.rules.variables import offered

_MAY_BE_EMPTY = ("COLLECT", "RULE ORDER", "OUTPUT ORDER")
_SHOWN = 3
AREA, COMMUNE = "area", "commune"


def gaps(draft: Draft) -> Iterator[Fault]:
    answers, home = _answers(draft), {one.code: one.parent for one in _places(draft)}
    for key, decision in draft.decisions.items():
        if decision.hit_policy in _MAY_BE_EMPTY or any(column.default for column in decision.outputs):
            continue
        found = _combinations(decision, answers, decision.gaps)
        missing = [one for one in found if _can_be(one, home)]
        if missing:
            shown = _rows(draft, missing)
            yield Fault(draft.decision_files[key], decision.line or 1, key, "decision-gap", f"Add a row to the table "
                        f"{decision.name or key!r} for {shown}: nothing fits there, and the case would get "
                        "stuck.", "warning")


def overlaps(draft: Draft) -> Iterator[Fault]:
    """Of tables in which at most one row may fit."""
    answers, home = _answers(draft), {one.code: one.parent for one in _places(draft)}
    for key, decision in draft.decisions.items():
        found = _combinations(decision, answers, decision.overlaps) if decision.hit_policy == "UNIQUE" else []
        found = [one for one in found if _can_be(one[0], home)]
        if found:
            rows = ", ".join(map(str, found[0][1]))
            shown = _rows(draft, [combination for combination, _ in found])
            yield Fault(draft.decision_files[key], decision.line or 1, key, "decision-overlap", "Leave one of the rows "
                        f"{rows} of the table {decision.name or key!r} for {shown}: several fit there, and the case "
                        "would get stuck.", "warning")


def ended(draft: Draft) -> Iterator[Fault]:
    """Areas that province.toml still lists, and that are no more when the package comes into force."""
    gone = {one.code: one for one in draft.places if one.gone is not None}
    for one in _listed(draft):
        if one.code in gone:
            place = gone[one.code]
            after = f", and has become {_some(place.after)}" if place.after else ""
            yield Fault(PROVINCE, draft.line(PROVINCE, "areas"), None, "table-value", f"Take {place} out of [[areas]] "
                        f"of {PROVINCE}, and ask the tables for what followed it: it is no more since {place.gone}"
                        f"{after}.", "warning")


def _some(words: tuple[str, ...]) -> str:
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return ", ".join(words[:_SHOWN]) + more


def _rows(draft: Draft, combinations: list[dict[str, Any]]) -> str:
    names = {one.code: str(one) for one in (*_listed(draft), *draft.places)}
    shown = "; ".join(_row(combination, names) for combination in combinations[:_SHOWN])
    more = f" and {len(combinations) - _SHOWN} more" if len(combinations) > _SHOWN else ""
    return shown + more


def _row(answers: dict[str, Any], names: dict[str, str]) -> str:
    said = []
    for name, value in answers.items():
        is_place = name in (AREA, COMMUNE) and value in names
        said.append(f"{name} = {names[value] if is_place else repr(value)}")
    return ", ".join(said)


def _answers(draft: Draft) -> dict[str, list[Any]]:
    """What each variable can be, where a form or the province lists it; the commune also not known."""
    found = offered(draft)
    places = _places(draft)
    if places or draft.has(PROVINCE) and isinstance(draft.province.get("areas", []), list):
        found[AREA] = [one.code for one in places if one.parent is None]
        found[COMMUNE] = [None, *(one.code for one in places if one.parent is not None)]
    return found


def _places(draft: Draft) -> list[Place]:
    """The areas that there are when the package comes into force: those known, and those that only it knows."""
    known = {one.code for one in draft.places}
    return [*(one for one in draft.places if one.gone is None),
            *(one for one in _listed(draft) if one.code not in known)]  # fmt: skip


def _listed(draft: Draft) -> list[Place]:
    areas = draft.province.get("areas", [])
    rows = [one for one in areas if isinstance(one, dict)] if isinstance(areas, list) else []
    return [Place(str(one.get("code")), str(one.get("name")), one.get("parent") or None) for one in rows]


def _can_be(combination: dict[str, Any], home: dict[str, str | None]) -> bool:
    """Whether the commune is in the area, where a table asks for both."""
    commune = combination.get(COMMUNE)
    return commune is None or AREA not in combination or home.get(commune) == combination[AREA]


def _combinations(decision: Decision, answers: dict[str, list[Any]], find: Callable[[Any], list[Any]]) -> list[Any]:
    domains = {column.source: answers[column.source] for column in decision.inputs if column.source in answers}
    try:
        return find(domains)
    except (ValueError, DecisionFault):
        return []  # not every input has a list of values: nothing can be said

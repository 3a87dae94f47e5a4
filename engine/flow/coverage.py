"""Which combinations of inputs a decision table answers, how often: found by trying all of them.

For routing, the values are few and known (categories × districts), so trying is exact, where reasoning about cells
would not be. Each column is tried once per value; a combination is then the rows that fit in every column.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from engine.flow.operations import Frame

if TYPE_CHECKING:
    from engine.flow.tables import Decision, Input

COMBINATIONS = 200_000
Domains = Mapping[str, Sequence[Any]]


def combinations(
    decision: Decision, domains: Domains, data: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], list[int]]]:
    """Every combination of inputs (expression -> value), with the numbers of the rows that fit.

    Raises:
        ValueError, DecisionFault: as `Decision.gaps`.
    """
    _refuse_unknown(decision, domains)
    asked: dict[str, list[Any]] = {}
    for place, column in enumerate(decision.inputs):  # two columns may ask the same thing
        if column.source not in asked:
            asked[column.source] = _values(decision, place, domains)
    if math.prod(map(len, asked.values())) > COMBINATIONS:
        raise ValueError(f"The inputs of '{decision.name}' have more than {COMBINATIONS:,} combinations: give fewer.")
    fitting = {source: [_rows(decision, source, value, data) for value in asked[source]] for source in asked}
    for choice in product(*(range(len(values)) for values in asked.values())):
        chosen = dict(zip(asked, choice, strict=True))
        rows = (1 << len(decision.rules)) - 1
        for source, n in chosen.items():
            rows &= fitting[source][n]
        combination = {source: asked[source][n] for source, n in chosen.items()}
        yield combination, [rule.number for n, rule in enumerate(decision.rules) if rows >> n & 1]


def _rows(decision: Decision, source: str, value: Any, data: Mapping[str, Any]) -> int:
    """The rows that fit in the columns asking the same thing, as bits."""
    bits = (1 << len(decision.rules)) - 1
    for place, column in enumerate(decision.inputs):
        if column.source != source:
            continue
        for n, rule in enumerate(decision.rules):
            if not decision.holds(rule, place, Frame(data, {}, decision.frame_cells), column.as_asked(value)):
                bits &= ~(1 << n)
    return bits


def _values(decision: Decision, place: int, domains: Domains) -> list[Any]:
    column = decision.inputs[place]
    for name in _called(column):
        if name in domains:
            return list(domains[name])
    if column.allowed is not None:
        return list(column.allowed)
    if column.kind == "boolean":
        return [True, False]
    if all(rule.cells[place].test is None for rule in decision.rules):
        return [None]
    raise ValueError(f"Say which values '{column.source}' can have: the table '{decision.name}' does not list them.")


def _refuse_unknown(decision: Decision, domains: Domains) -> None:
    known = {name for column in decision.inputs for name in _called(column)}
    for name in domains:
        if name not in known:
            raise ValueError(f"The table '{decision.name}' has no input '{name}'.")


def _called(column: Input) -> tuple[str, str, str]:
    return column.source, column.label, column.id

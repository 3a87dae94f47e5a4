"""Hit policies: what becomes of the rows that fit.

Each takes the output columns, the numbers of the rows that fit, and their answers; no row fitting is only an answer
where the answer is a list, a count or a sum. (A table with default outputs gives them as if a row had.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine.flow.comparing import same
from engine.flow.functions import largest, smallest, total
from engine.flow.moments import durations
from engine.flow.operations import bounded
from engine.flow.values import DURATIONS, ScriptError, shown, written

if TYPE_CHECKING:
    from engine.flow.tables import Output

Answer = dict[str, Any]
Policy = Callable[[Sequence["Output"], list[int], list[Answer]], Any]


def unique(outputs: Sequence[Output], rows: list[int], answers: list[Answer]) -> Answer:
    if len(rows) > 1:
        raise ScriptError(f"{_rows(rows)} fit, and the table's hit policy promises that only one does.")
    return first(outputs, rows, answers)


def first(outputs: Sequence[Output], rows: list[int], answers: list[Answer]) -> Answer:
    if not answers:
        raise ScriptError("No row fits.")
    return answers[0]


def any_row(outputs: Sequence[Output], rows: list[int], answers: list[Answer]) -> Answer:
    for row, answer in zip(rows, answers, strict=False):
        if not all(same(value, answers[0][name]) for name, value in answer.items()):
            raise ScriptError(f"{_rows([rows[0], row])} fit and do not agree, as the table's hit policy promises.")
    return first(outputs, rows, answers)


def priority(outputs: Sequence[Output], rows: list[int], answers: list[Answer]) -> Answer:
    return first(outputs, rows, output_order(outputs, rows, answers))


def output_order(outputs: Sequence[Output], rows: list[int], answers: list[Answer]) -> list[Answer]:
    """The answers in the order in which the columns list their values, the first column counting most."""

    def rank(answer: Answer) -> list[int]:
        return [_rank(column, answer[column.name]) for column in outputs if column.allowed]

    return sorted(answers, key=rank)


def _rank(column: Output, value: Any) -> int:
    for rank, allowed in enumerate(column.allowed or ()):
        if same(value, allowed):
            return rank
    raise ScriptError(f"{shown(value)} is not among the values of the output '{column.label or column.name}'.")


def collect(outputs: Sequence[Output], rows: list[int], answers: list[Answer]) -> list[Answer]:
    return answers


def _aggregates(reduce: Callable[[list[Any]], Any]) -> Policy:
    def aggregate(outputs: Sequence[Output], rows: list[int], answers: list[Answer]) -> Answer:
        name = outputs[0].name
        found = reduce(durations([answer[name] for answer in answers]))
        return {name: written(found) if type(found) in DURATIONS else bounded(found)}

    return aggregate


def _of_some(reduce: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    def reduce_some(values: list[Any]) -> Any:
        if not values:
            raise ScriptError("No row fits.")
        return reduce(values)

    return reduce_some


def _rows(rows: list[int]) -> str:
    numbers = [str(row) for row in rows[:10]]
    return f"Rows {', '.join(numbers[:-1])} and {numbers[-1]}"


POLICIES: dict[tuple[str, str], Policy] = {
    ("UNIQUE", ""): unique,
    ("FIRST", ""): first,
    ("ANY", ""): any_row,
    ("PRIORITY", ""): priority,
    ("RULE ORDER", ""): collect,
    ("OUTPUT ORDER", ""): output_order,
    ("COLLECT", ""): collect,
    ("COLLECT", "SUM"): _aggregates(total),
    ("COLLECT", "COUNT"): _aggregates(len),
    ("COLLECT", "MIN"): _aggregates(_of_some(smallest)),
    ("COLLECT", "MAX"): _aggregates(_of_some(largest)),
}
LISTS = frozenset(key for key, policy in POLICIES.items() if policy in (collect, output_order))  # give all rows

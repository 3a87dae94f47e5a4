"""Decisions: tables that say what follows from a case's data, and where they have gaps.

A decision is made once from its file (`decisions.parse_decisions`) and never changes. It reads only what it is given.
A report that fits no row, or two rows of a table that promises one, is not sent somewhere by chance: `DecisionFault`
names the inputs and their values.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from engine.flow.compiler import Code
from engine.flow.coverage import Domains, combinations
from engine.flow.feel import Cell, Test
from engine.flow.moments import to_day, to_duration, to_instant, to_time
from engine.flow.operations import Frame
from engine.flow.policies import POLICIES
from engine.flow.scripts import NONE, Expression, Functions
from engine.flow.values import SCALARS, Months, ScriptError, check_value, shown

_NUMERAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_NUMBERS = ("number", "integer", "long", "double")
_MOMENTS: dict[str, Callable[[Any], Any]] = {
    "date": to_day, "datetime": to_instant, "dateandtime": to_instant, "time": to_time, "duration": to_duration,
    "daytimeduration": to_duration, "daysandtimeduration": to_duration, "yearmonthduration": to_duration,
    "yearsandmonthsduration": to_duration,
}  # fmt: skip


EXAMPLES: dict[str, Any] = {  # what an input of such a column can be, as cells see it
    "date": "2021-09-03", "datetime": "2021-09-03T15:30:00+07:00", "dateandtime": "2021-09-03T15:30:00+07:00",
    "time": "15:30:00", "daytimeduration": timedelta(hours=2), "daysandtimeduration": timedelta(hours=2),
    "yearmonthduration": Months(6), "yearsandmonthsduration": Months(6),
}  # fmt: skip


class DecisionFault(Exception):
    """A decision table cannot be read, or gives no clear answer for these data.

    Attributes:
        line: of the file, counted from 1; ``None`` when unknown.
        element: the id of the decision, row, column or cell.
        message: one sentence in an analyst's words.
        faults: every fault of the file, this one first.
    """

    def __init__(self, line: int | None, element: str | None, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.element = element
        self.message = message
        self.faults: tuple[DecisionFault, ...] = (self,)


class _Asked(dict[str, Any]):
    """A case's data as a table's inputs see it: a question that was not asked, or was hidden, is null. Whether
    anything in the package sets a name at all, the check has looked at."""

    def __missing__(self, name: str) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Input:
    """A column that asks.

    Attributes:
        kind: DMN's type, in lower case: ``"string"``, ``"number"``, ``"date"``, …; may be empty.
        allowed: the values the analyst listed, or ``None``.
    """

    id: str
    label: str
    expression: Expression
    kind: str = ""
    allowed: tuple[Any, ...] | None = None

    @property
    def source(self) -> str:
        return self.expression.source.strip()

    def as_asked(self, value: Any) -> Any:
        """The value as cells compare it: text in NFC, dates, times and moments as ISO texts that sort, durations as
        such; a number where the column says so, since forms' choices are texts. Raises ScriptError."""
        if value is not None and self.kind in _MOMENTS:
            return _MOMENTS[self.kind](value)
        if type(value) is str and self.kind in _NUMBERS and _NUMERAL.fullmatch(value):
            return float(value) if "." in value else int(value)
        return unicodedata.normalize("NFC", value) if type(value) is str else value


@dataclass(frozen=True, slots=True)
class Output:
    """A column that answers. ``default`` is the answer when no row fits."""

    id: str
    name: str
    label: str
    kind: str = ""
    allowed: tuple[Any, ...] | None = None
    default: Code | None = None


@dataclass(frozen=True)
class Rule:
    """A row. ``number`` is the one the modeler shows, from 1."""

    id: str
    number: int
    line: int | None
    cells: tuple[Cell, ...]
    outputs: tuple[Code, ...]
    note: str = ""

    @cached_property
    def tests(self) -> tuple[tuple[int, Test], ...]:
        """The columns that ask something, with what they ask."""
        return tuple((place, cell.test) for place, cell in enumerate(self.cells) if cell.test is not None)


@dataclass(frozen=True, eq=False)
class Decision:
    """A decision and those it requires.

    Attributes:
        variable: under which name its answer is known to the decisions that require it.
        hit_policy: ``UNIQUE``, ``FIRST``, ``ANY``, ``PRIORITY``, ``COLLECT``, ``RULE ORDER`` or ``OUTPUT ORDER``.
        aggregation: of ``COLLECT``: ``""``, ``SUM``, ``MIN``, ``MAX`` or ``COUNT``.
        requires: the decisions asked first.
    """

    id: str
    name: str
    variable: str
    line: int | None
    hit_policy: str
    aggregation: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Rule, ...]
    requires: tuple[Decision, ...] = ()

    @cached_property
    def names(self) -> frozenset[str]:
        """What it reads from a case's data, itself or through the decisions it requires."""
        own = frozenset().union(*(part.names for part in self._parts()))
        given = {name for required in self.requires for name in required.answer_names}
        return (own - given).union(*(required.names for required in self.requires))

    @cached_property
    def calls(self) -> frozenset[str]:
        """The functions it calls, itself or through the decisions it requires."""
        own = frozenset().union(*(part.calls for part in self._parts()))
        return own.union(*(required.calls for required in self.requires))

    @property
    def answer_names(self) -> frozenset[str]:
        """Under which names a decision that requires this one finds its answer."""
        return frozenset({self.id, self.variable, self.name, *(output.name for output in self.outputs)})

    def _parts(self) -> Iterator[Expression | Cell | Code]:
        yield from (column.expression for column in self.inputs)
        yield from (column.default for column in self.outputs if column.default)
        for rule in self.rules:
            yield from (*rule.cells, *rule.outputs)

    @cached_property
    def frame_cells(self) -> int:
        """How many cells a Frame must have to run any cell of the table."""
        return max((part.cells for part in self._parts()), default=0)

    # -- deciding

    def decide(self, data: Mapping[str, Any], functions: Functions = NONE) -> Any:
        """The answer for these data.

        Returns:
            output name -> value; for ``COLLECT`` without aggregation, ``RULE ORDER`` and ``OUTPUT ORDER`` a list of
            these, which may be empty.

        Raises:
            DecisionFault: no row fits, rows contradict each other, or a cell cannot be carried out.
        """
        return self._decide(data, functions, {})

    def matches(self, data: Mapping[str, Any], functions: Functions = NONE) -> list[Rule]:
        """The rows that fit, in the order of the table: what to show to whoever asks why.

        Raises:
            DecisionFault: a cell cannot be carried out.
        """
        frame = self._frame(data, functions, {})
        return self._fitting(frame, self._asked(frame))

    def _decide(self, data: Mapping[str, Any], functions: Functions, known: dict[str, Any]) -> Any:
        frame = self._frame(data, functions, known)
        values = self._asked(frame)
        rules = self._fitting(frame, values, only_first=self.hit_policy == "FIRST")
        answers = [self._answer(rule, frame) for rule in rules]
        if not rules and any(column.default for column in self.outputs):
            answers = [{c.name: self._run(c.default, frame, c.id) if c.default else None for c in self.outputs}]
        try:
            return POLICIES[self.hit_policy, self.aggregation](self.outputs, [rule.number for rule in rules], answers)
        except ScriptError as error:
            raise self.fault(f"{error.reason} {self._where(values)}") from None

    def _answer(self, rule: Rule, frame: Frame) -> dict[str, Any]:
        columns = zip(self.outputs, rule.outputs, strict=True)
        return {column.name: self._run(code, frame, rule.id, rule) for column, code in columns}

    def _frame(self, data: Mapping[str, Any], functions: Functions, known: dict[str, Any]) -> Frame:
        """Ask what is required first; its answers hide fields of the case with the same name."""
        scope = dict(data)
        for required in self.requires:
            if required.id not in known:
                known[required.id] = required._decide(data, functions, known)
            scope.update(required._as_fields(known[required.id]))
        return Frame(scope, functions, self.frame_cells)

    def _as_fields(self, answer: Any) -> dict[str, Any]:
        rows = answer if isinstance(answer, list) else [answer]
        fields: dict[str, Any] = {}
        for column in self.outputs:
            values = [row[column.name] for row in rows]
            fields[column.name] = values if isinstance(answer, list) else values[0]
        whole = fields[self.outputs[0].name] if len(self.outputs) == 1 else answer
        return fields | {self.name: whole, self.id: whole, self.variable: whole}

    def _asked(self, frame: Frame) -> list[Any]:
        known, frame.scope = frame.scope, _Asked(frame.scope)
        values = [self._ask(column, frame) for column in self.inputs]
        frame.scope = known
        return values

    def _ask(self, column: Input, frame: Frame) -> Any:
        try:
            return column.as_asked(column.expression.evaluate_in(frame))
        except ScriptError as error:
            raise self.fault(f"{column.label or column.source}: {error.reason}", column.id) from None

    def _fitting(self, frame: Frame, values: list[Any], only_first: bool = False) -> list[Rule]:
        found: list[Rule] = []
        place = 0
        for rule in self.rules:
            try:
                for place, test in rule.tests:
                    if not test(frame, values[place]):
                        break
                else:
                    found.append(rule)
                    if only_first:
                        break
            except ScriptError as error:
                raise self._cell_fault(rule, place, error) from None
        return found

    def holds(self, rule: Rule, place: int, frame: Frame, value: Any) -> bool:
        """Whether a value fits the cell in that column of a row. Raises DecisionFault."""
        test = rule.cells[place].test
        try:
            return test is None or test(frame, value)
        except ScriptError as error:
            raise self._cell_fault(rule, place, error) from None

    def _cell_fault(self, rule: Rule, place: int, error: ScriptError) -> DecisionFault:
        column = self.inputs[place].label or self.inputs[place].source
        return self.fault(f"Row {rule.number}, {column}: {error.reason}", rule.id, rule.line)

    def _run(self, code: Code, frame: Frame, element: str, rule: Rule | None = None) -> Any:
        try:
            value = code.run(frame)
            return value if type(value) in SCALARS else check_value(value, "the answer")
        except ScriptError as error:
            said = f"Row {rule.number}: {error.reason}" if rule else error.reason
            raise self.fault(said, element, rule.line if rule else self.line) from None

    def _where(self, values: list[Any]) -> str:
        asked = (f"{column.source} = {shown(value)}" for column, value in zip(self.inputs, values, strict=True))
        return f"The inputs were: {', '.join(asked)}." if values else "The table has no inputs."

    def fault(self, message: str, element: str | None = None, line: int | None = None) -> DecisionFault:
        return DecisionFault(line or self.line, element or self.id, f"Decision '{self.name or self.id}': {message}")

    # -- gaps

    def gaps(self, domains: Domains, data: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The combinations of inputs for which no row fits.

        Args:
            domains: the values each input can have, by its expression, label or id. May be left out for an input
                that lists its values, is a boolean, or that no row asks about.
            data: what cells read beside their input.

        Returns:
            For each combination: expression of the input -> value.

        Raises:
            ValueError: an input's values are missing, or there are too many combinations.
            DecisionFault: a cell cannot be carried out for one of the values.
        """
        return [combination for combination, rows in combinations(self, domains, data or {}) if not rows]

    def overlaps(
        self, domains: Domains, data: Mapping[str, Any] | None = None
    ) -> list[tuple[dict[str, Any], list[int]]]:
        """The combinations for which more than one row fits, each with the numbers of its rows; else as `gaps`."""
        return [(combination, rows) for combination, rows in combinations(self, domains, data or {}) if len(rows) > 1]

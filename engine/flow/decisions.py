"""From a DMN file to decisions, or to everything that is wrong with it.

DMN 1.1 to 1.5, as dmn-js and Camunda Modeler write it: decision tables, literal expressions, and decisions that
require others. What DMN has beyond that (contexts, invocations, functions, other expression languages) is refused
here, at deploy, and not when a citizen's report comes by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from typing import Any, TypeVar

from lxml import etree

from engine.flow.comparing import among
from engine.flow.compiler import Code
from engine.flow.feel import Cell, compile_cell, compile_output, compile_values
from engine.flow.functions import PURE
from engine.flow.operations import Frame
from engine.flow.policies import POLICIES
from engine.flow.scripts import ScriptError, compile_expression
from engine.flow.tables import EXAMPLES, Decision, DecisionFault, Input, Output, Rule
from engine.flow.values import shown
from engine.flow.xml import XmlFault, parse_xml

__all__ = ["Decision", "DecisionFault", "Input", "Output", "Rule", "parse_decisions"]

NAMESPACES = (
    "http://www.omg.org/spec/DMN/20151101/dmn.xsd",  # 1.1
    "http://www.omg.org/spec/DMN/20180521/MODEL/",  # 1.2
    "https://www.omg.org/spec/DMN/20191111/MODEL/",  # 1.3
    "https://www.omg.org/spec/DMN/20211108/MODEL/",  # 1.4
    "https://www.omg.org/spec/DMN/20230324/MODEL/",  # 1.5
)
DECISIONS = 100  # in one file
_OTHER_LOGIC = ("context", "invocation", "functionDefinition", "relation", "list", "conditional", "for", "filter")
_NOT_RUN = {"businessKnowledgeModel": "The business knowledge model", "decisionService": "The decision service"}
Made = TypeVar("Made")


@lru_cache(maxsize=64)  # the gate and the machine read the same files, and so do the provinces
def parse_decisions(dmn: bytes | str, filename: str) -> Mapping[str, Decision]:
    """The decisions of a file, by their id.

    Raises:
        DecisionFault: the first fault of the file; its ``faults`` are all of them.
    """
    try:
        root = parse_xml(dmn, filename)
    except XmlFault as fault:
        raise DecisionFault(fault.line, None, fault.message) from None
    name = etree.QName(root)
    if name.localname != "definitions" or name.namespace not in NAMESPACES:
        raise DecisionFault(1, None, f"{filename} is not a DMN 1.1-1.5 file: draw it in a DMN modeler.")
    reader = _Reader(root, name.namespace)
    decisions = reader.decisions()
    if not decisions and not reader.faults:
        reader.fault(root, None, f"{filename} has no decision.")
    if reader.faults:
        first = reader.faults[0]
        first.faults = tuple(reader.faults)
        raise first
    return decisions


class _Reader:
    """Reads one file and notes every fault on the way."""

    def __init__(self, root: etree._Element, namespace: str) -> None:
        self.root = root
        self.prefix = f"{{{namespace}}}"
        self.faults: list[DecisionFault] = []
        self.drawn: dict[str, etree._Element] = {}
        self.made: dict[str, Decision | None] = {}

    def fault(self, at: etree._Element, element: str | None, message: str) -> None:
        self.faults.append(DecisionFault(at.sourceline, element, message))

    def decisions(self) -> dict[str, Decision]:
        for kind, name in _NOT_RUN.items():
            for element in self._all(self.root, kind):
                self.fault(element, element.get("id"), f"{name} {_named(element)} is not supported: make what it works "
                           "out a decision, and let the others require that.")  # fmt: skip
        for element in self._all(self.root, "decision"):
            key = element.get("id")
            if len(self.drawn) == DECISIONS:
                self.fault(element, key, f"A file may have {DECISIONS} decisions: split it.")
                break
            if not key or key in self.drawn:
                what = f"Two decisions have the id '{key}'" if key else f"The decision {_named(element)} has no id"
                self.fault(element, key, f"{what}: give each its own.")
            else:
                self.drawn[key] = element
        for key in self.drawn:
            self._decision(key, ())
        return {key: decision for key, decision in self.made.items() if decision}

    def _decision(self, key: str, above: tuple[str, ...]) -> Decision | None:
        """The decision, after those it requires; ``None`` if it has faults."""
        if key not in self.made:
            faults = len(self.faults)
            element = self.drawn[key]
            requires = self._requires(element, key, (*above, key))
            decision = self._logic(element, key, requires)
            self.made[key] = decision if len(self.faults) == faults else None
        return self.made[key]

    def _requires(self, element: etree._Element, key: str, above: tuple[str, ...]) -> tuple[Decision, ...]:
        if self._all(element, "knowledgeRequirement"):
            self.fault(element, key, f"{_named(element)} requires a business knowledge model: use a decision instead.")
        found: list[Decision] = []
        for link in element.iterfind(f"{self.prefix}informationRequirement/{self.prefix}requiredDecision"):
            target = (link.get("href") or "").removeprefix("#")
            if target in above:
                self.fault(link, key, f"{_named(element)} requires itself, through {' → '.join((*above, target))}.")
            elif target not in self.drawn:
                self.fault(link, key, f"{_named(element)} requires '{target}', which is not in this file.")
            elif required := self._decision(target, above):
                found.append(required)
        return tuple(found)

    def _logic(self, element: etree._Element, key: str, requires: tuple[Decision, ...]) -> Decision | None:
        variable = element.find(f"{self.prefix}variable")
        name = (variable.get("name") if variable is not None else None) or key
        about = (key, element.get("name") or key, name, element.sourceline)
        table = element.find(f"{self.prefix}decisionTable")
        literal = element.find(f"{self.prefix}literalExpression")
        if table is not None:
            return _Table(self, element, table).decision(about, requires)
        if literal is not None:
            code = self.tried(compile_output, self.text(literal), literal, key)
            rule = Rule(literal.get("id") or key, 1, literal.sourceline, (), (code,)) if code else None
            return Decision(*about, "FIRST", "", (), (Output(key, name, name),), (rule,), requires) if rule else None
        other = next((kind for kind in _OTHER_LOGIC if element.find(f"{self.prefix}{kind}") is not None), None)
        reason = f"'{other}' is not supported" if other else "it is empty"
        self.fault(element, key, f"{_named(element)} cannot decide anything ({reason}): make it a decision table.")
        return None

    def tried(self, make: Callable[[str], Made], text: str, at: etree._Element, element: str, where: str = "") -> Made:
        """What is made of a text; its fault is noted, and ``None`` made, if it cannot be read."""
        language = (at.get("expressionLanguage") or "feel").lower()
        try:
            if "feel" not in language and language != "juel":
                raise ScriptError(f"'{language}' is not supported: write S-FEEL.")
            return make(text)
        except ScriptError as error:
            self.fault(at, element, f"{where}{': ' if where else ''}{error}")
            return None  # type: ignore[return-value]

    def text(self, element: etree._Element | None, path: str = "text") -> str:
        """What is written in a cell or column head; empty if there is none."""
        found = None if element is None else element.find("/".join(self.prefix + part for part in path.split("/")))
        return "" if found is None else "".join(found.itertext()).strip()

    def _all(self, element: etree._Element, name: str) -> list[etree._Element]:
        return element.findall(self.prefix + name)


class _Table:
    """Reads one decision table."""

    def __init__(self, reader: _Reader, drawn: etree._Element, table: etree._Element) -> None:
        self.reader = reader
        self.table = table
        self.key = drawn.get("id")
        self.name = _named(drawn)

    def decision(self, about: tuple[Any, ...], requires: tuple[Decision, ...]) -> Decision:
        policy = self.table.get("hitPolicy") or "UNIQUE"
        aggregation = self.table.get("aggregation") or ""
        inputs = [self._input(n, column) for n, column in enumerate(self._all("input"), 1)]
        outputs = [self._output(n, column, about[2]) for n, column in enumerate(self._all("output"), 1)]
        rules = [self._rule(n, row, inputs, outputs) for n, row in enumerate(self._all("rule"), 1)]
        self._check(policy, aggregation, outputs)
        kept = tuple(column for column in inputs if column), tuple(outputs), tuple(rule for rule in rules if rule)
        return Decision(*about, policy, aggregation if policy == "COLLECT" else "", *kept, requires)

    def _all(self, name: str) -> list[etree._Element]:
        return self.table.findall(self.reader.prefix + name)

    def _fault(self, at: etree._Element, message: str) -> None:
        self.reader.fault(at, at.get("id") or self.key, f"{self.name}: {message}")

    def _input(self, number: int, column: etree._Element) -> Input | None:
        reader = self.reader
        asked = column.find(f"{reader.prefix}inputExpression")
        label = column.get("label") or ""
        key = column.get("id") or self.key
        where = f"{self.name}, input {label or number}"
        if asked is None:
            self._fault(column, f"Input {label or number} has no expression.")
            return None
        expression = reader.tried(compile_expression, reader.text(asked), asked, key, where)
        allowed = reader.tried(compile_values, reader.text(column, "inputValues/text"), column, key, where)
        return Input(key, label, expression, _kind(asked), allowed) if expression else None

    def _output(self, number: int, column: etree._Element, variable: str) -> Output:
        reader = self.reader
        key = column.get("id") or self.key
        label = column.get("label") or ""
        where = f"{self.name}, output {label or number}"
        name = column.get("name") or ""
        if not name and len(self._all("output")) == 1:
            name = variable
        elif not name:
            self._fault(column, f"Output {label or number} has no name: give it one.")
        allowed = reader.tried(compile_values, reader.text(column, "outputValues/text"), column, key, where)
        default = reader.text(column, "defaultOutputEntry/text")
        code = reader.tried(compile_output, default, column, key, where) if default else None
        return Output(key, name, label, _kind(column), allowed, code)

    def _rule(
        self, number: int, row: etree._Element, inputs: list[Input | None], outputs: list[Output]
    ) -> Rule | None:
        reader = self.reader
        key = row.get("id") or self.key
        entries = row.findall(f"{reader.prefix}inputEntry")
        answers = row.findall(f"{reader.prefix}outputEntry")
        if len(entries) != len(inputs) or len(answers) != len(outputs):
            self._fault(row, f"Row {number} does not have one cell for each column: open and save it in the modeler.")
            return None
        cells: list[Cell] = []
        for column, entry in zip(inputs, entries, strict=True):
            where = f"{self.name}, row {number}, {column and (column.label or column.source)}"
            cells.append(reader.tried(partial(_cell, column), reader.text(entry), entry, key, where))
        codes = [self._answer(number, *pair, key) for pair in zip(outputs, answers, strict=True)]
        return Rule(key, number, row.sourceline, tuple(cells), tuple(codes), reader.text(row, "description"))

    def _answer(self, number: int, column: Output, entry: etree._Element, key: str) -> Code:
        where = f"{self.name}, row {number}, {column.label or column.name}"
        code = self.reader.tried(compile_output, self.reader.text(entry), entry, key, where)
        if code and code.is_constant and column.allowed is not None:
            value = code.run(Frame({}, {}, 0))
            if value is not None and not among(value, column.allowed):
                self._fault(entry, f"Row {number} answers {shown(value)}, which is not among the output's values.")
        return code

    def _check(self, policy: str, aggregation: str, outputs: Iterable[Output]) -> None:
        outputs = list(outputs)
        if not outputs:
            self._fault(self.table, "The table has no output.")
        if len({column.name for column in outputs}) != len(outputs):
            self._fault(self.table, "Two outputs have the same name.")
        if (policy, aggregation if policy == "COLLECT" else "") not in POLICIES:
            asked = f"{policy} {aggregation}".strip()
            self._fault(self.table, f"The hit policy {asked} does not exist: choose UNIQUE, FIRST or another.")
        if aggregation and policy == "COLLECT" and len(outputs) > 1:
            self._fault(self.table, f"COLLECT {aggregation} needs a table with one output.")
        if policy in ("PRIORITY", "OUTPUT ORDER") and not any(column.allowed for column in outputs):
            self._fault(self.table, f"{policy} needs an output that lists its values, the most important first.")


def _cell(column: Input | None, text: str) -> Cell:
    """A cell of a column; one of dates, times or durations is tried with such a value. Raises ScriptError."""
    cell = compile_cell(text)
    if column and cell.test and column.kind in EXAMPLES and not cell.names and cell.calls <= PURE.keys():
        cell.test(Frame({}, {}, cell.cells), EXAMPLES[column.kind])
    return cell


def _named(element: etree._Element) -> str:
    return f"'{element.get('name') or element.get('id') or 'without a name'}'"


def _kind(element: etree._Element) -> str:
    return (element.get("typeRef") or "").rpartition(":")[2].lower().replace(" ", "")

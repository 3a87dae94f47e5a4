"""Which of the drawn elements and flows tokens really took: path coverage of a report type by whatever is played.

(`coverage` is about decision tables: which combinations of inputs have a row.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from engine.flow.diagram import Flow, Node
from engine.flow.draft import Draft
from engine.flow.tokens import Process, Token


@dataclass
class Taken:
    """What tokens did in the cases of a type.

    Attributes:
        process: id of the process its cases start with; other cases are not looked at.
        passed: ids of elements; ``flows``: (source, target).
    """

    process: str
    passed: set[str] = field(default_factory=set)
    flows: set[tuple[str, str]] = field(default_factory=set)


@dataclass(frozen=True)
class Untaken:
    """An element that no token passed, or a flow that none took.

    Attributes:
        kind: ``element`` or ``flow``; ``label``: how a sentence names it.
    """

    file: str
    line: int
    kind: str
    id: str
    label: str


@dataclass(frozen=True)
class Cover:
    """How much of a package was taken, counted in elements and flows, and what was not: by file and line."""

    elements: int
    flows: int
    untaken: list[Untaken]

    def count(self, kind: str) -> int:
        """How many of a kind were taken."""
        whole = {"element": self.elements, "flow": self.flows}[kind]
        return whole - sum(one.kind == kind for one in self.untaken)


@contextmanager
def watching(process: str) -> Iterator[Taken]:
    """Note what tokens do in this program as long as this lasts. For one thread that plays, as a tracer is."""
    taken, follow, passed_by = Taken(process), Token.follow, Process.passed_by

    def noting_follow(token: Token, spec: Any) -> Token:
        if token.workflow.top_workflow.spec.name == process:
            taken.flows.add((token.task_spec.bpmn_id, spec.bpmn_id))
        return follow(token, spec)

    def noting_passed(whole: Process, token: Token) -> None:
        if whole.spec.name == process:
            taken.passed.add(token.task_spec.bpmn_id)
        passed_by(whole, token)

    Token.follow, Process.passed_by = noting_follow, noting_passed  # type: ignore[method-assign]
    try:
        yield taken
    finally:
        Token.follow, Process.passed_by = follow, passed_by  # type: ignore[method-assign]


def cover(files: Mapping[str, str], taken: Taken) -> Cover:
    """What of a package's process, and of those it calls, was taken."""
    scopes = [scope for process in Draft.read(files).reached for scope in process.scopes()]
    nodes = {node.id: node for scope in scopes for node in scope.nodes}
    flows = [flow for scope in scopes for flow in scope.flows]
    untaken = [Untaken(node.file, node.line, "element", node.id, node.label) for node in nodes.values()
               if not node.is_handler and node.id not in taken.passed]  # fmt: skip
    untaken += [Untaken(flow.file, flow.line, "flow", flow.id, _named(flow, nodes)) for flow in flows
                if not _was_taken(flow, nodes, taken)]  # fmt: skip
    elements = sum(not node.is_handler for node in nodes.values())
    return Cover(elements, len(flows), sorted(untaken, key=lambda one: (one.file, one.line)))


def _was_taken(flow: Flow, nodes: Mapping[str, Node], taken: Taken) -> bool:
    """Behind an event gateway tokens wait on every flow: taken is the one whose event happened."""
    races = flow.source in nodes and nodes[flow.source].kind == "eventBasedGateway"
    return (flow.source, flow.target) in taken.flows and (not races or flow.target in taken.passed)


def _named(flow: Flow, nodes: Mapping[str, Node]) -> str:
    ends = [nodes[one].label if one in nodes else one for one in (flow.source, flow.target)]
    return f"{' to '.join(ends)}{f': {flow.name!r}' if flow.name else ''}"

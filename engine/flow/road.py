"""The main road of a diagram: the tasks that a case passes on its longest way to an outcome, each once.

Which way a case will take is not known beforehand, so a number such as "step 3 of 6" counts along the longest one that
does not turn back; what lies beside it (a task of a boundary event, a return to the desk) has no number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from engine.flow.bpmn import read_diagram
from engine.flow.diagram import Node, Scope
from engine.flow.xml import parse_xml


class Stop(NamedTuple):
    """A task of people on the road."""

    element: str
    name: str


def road(files: Mapping[str, str], process: str) -> list[Stop]:
    """The stops of a package's process, in order. Of two ways of the same length, the one drawn first."""
    for name, source in files.items():
        if name.endswith(".bpmn"):
            for drawn in read_diagram(parse_xml(source, name), name).processes:
                if drawn.id == process:
                    return _through(drawn)
    return []


def _through(process: Scope) -> list[Stop]:
    nodes = {node.id: node for node in process.nodes}
    best: dict[str, tuple[Stop, ...]] = {}
    walking: set[str] = set()

    def ahead(node: Node) -> tuple[Stop, ...]:
        if node.id in best:
            return best[node.id]
        walking.add(node.id)
        answered = "outcome" in node.properties  # the road ends where the citizen has an answer
        onward = [] if answered else [flow.target for flow in node.outgoing if flow.target in nodes]
        ways = [ahead(nodes[following]) for following in onward if following not in walking]
        walking.discard(node.id)
        found = tuple(_stops(node)) + max(ways, key=len, default=())
        best[node.id] = found
        return found

    return list(max((ahead(start) for start in process.starts()), key=len, default=()))


def _stops(node: Node) -> list[Stop]:
    if node.kind == "userTask":
        return [Stop(node.id, node.name or node.id)]
    return _through(node.body) if node.body is not None else []

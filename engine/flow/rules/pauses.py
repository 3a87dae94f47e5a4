"""Where a case rests: at people, clocks, messages and services; everything else is passed in one go."""

from __future__ import annotations

from engine.flow.diagram import Node, Scope
from engine.flow.draft import Draft
from engine.flow.nodes import AT_ONCE

_PAUSES = frozenset({"userTask", "receiveTask", "intermediateCatchEvent", "eventBasedGateway"})


class Pauses:
    """Whether a case always rests at a node, or in what is drawn inside it, before it goes on."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._known: dict[int, bool] = {}

    def at(self, node: Node) -> bool:
        return not (node.marker is not None and node.marker.may_be_nothing) and self.in_each_round(node)

    def in_each_round(self, node: Node) -> bool:
        """Of what may be done several times, or not at all: whether it rests there each time."""
        if node.is_event("link"):
            return False
        if node.kind in _PAUSES:
            return True
        if node.kind in ("serviceTask", "sendTask"):
            return node.camunda.get("topic", "").strip() not in ("", *AT_ONCE)
        inside = node.body or self.draft.processes.get(node.called or "")
        return inside is not None and self._within(inside)

    def _within(self, scope: Scope) -> bool:
        if id(scope) not in self._known:
            self._known[id(scope)] = False  # so that a process that calls itself, refused elsewhere, comes to an end
            self._known[id(scope)] = not self._can_be_passed(scope)
        return self._known[id(scope)]

    def _can_be_passed(self, scope: Scope) -> bool:
        nodes = {one.id: one for one in scope.nodes}
        todo, seen = [one.id for one in scope.starts()[:1]], set()
        while todo:
            one = todo.pop()
            if one in seen or one not in nodes or self.at(nodes[one]):
                continue
            if nodes[one].kind == "endEvent":
                return True
            seen.add(one)
            todo += [flow.target for flow in nodes[one].outgoing]
        return False

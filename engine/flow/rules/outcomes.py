"""A text that is true only of some outcomes is sent only then: how a case can have ended up when it is sent.

The value of ``outcome`` is followed along the flows, as far as it is written in the diagram; one that comes from an
expression may be anything, and nothing is said about it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from engine.flow.diagram import Flow, Node, Scope
from engine.flow.draft import Draft
from engine.flow.faults import Fault, warning
from engine.flow.rules.gateways import comparison
from engine.flow.rules.pauses import Pauses
from engine.flow.rules.wording import is_notice, texts_of

ANYTHING = "?"
NONE_YET = ""


def outcomes(draft: Draft) -> Iterator[Fault]:
    texts = {key: text for key, text in texts_of(draft).items() if text.only_for_outcomes is not None}
    notices = [node for process in draft.reached for node in process.walk()
               if is_notice(node) and node.properties.get("text", "").strip() in texts]
    if not notices or draft.main is None:
        return
    map_ = _Map(draft)
    before = map_.before(draft.main)
    for node in notices:
        text = texts[node.properties["text"].strip()]
        wrong = map_.at_rest(node, before[id(node)]) - text.only_for_outcomes - {ANYTHING}
        if wrong:
            when = sorted(f"for the outcome {one!r}" if one else "before there is an outcome" for one in wrong)
            yield warning(node, "text-untrue", f"Let {node.label} be reached only with the outcomes of which the text "
                          f"{text.key!r} is true: as drawn, it can be sent {' and '.join(when)}.")


class _Map:
    """Which node follows which, through subprocesses and called processes and out of them again."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.pauses = Pauses(draft)
        self.targets = {(id(scope), node.id): node for process in draft.reached for scope in process.scopes()
                        for node in scope.nodes}

    def before(self, main: Scope) -> dict[int, set[str]]:
        """The outcomes a case can have when it reaches a node."""
        found: dict[int, set[str]] = defaultdict(set)
        todo = [(node, NONE_YET) for node in main.starts()[:1]]
        handlers = [node for process in self.draft.reached for node in process.walk() if node.is_handler and node.body]
        todo += [(start, ANYTHING) for node in handlers for start in node.body.starts()]  # whatever has been found out
        while todo:
            node, value = todo.pop()
            if value in found[id(node)]:
                continue
            found[id(node)].add(value)
            todo += self._following(node, _set_by(node) or value)
        return found

    def at_rest(self, node: Node, values: set[str]) -> set[str]:
        """The outcomes a case can have when it next comes to rest after the node, at whose entry it has ``values``."""
        found: set[str] = set()
        seen: set[tuple[int, str]] = set()
        todo = [(node, value) for value in values]
        while todo:
            one, value = todo.pop()
            if (id(one), value) in seen:
                continue
            seen.add((id(one), value))
            value = _set_by(one) or value
            following = [] if self.pauses.at(one) else self._following(one, value)
            if not following:
                found.add(value)
            todo += following
        return found

    def _following(self, node: Node, value: str) -> list[tuple[Node, str]]:
        inside = node.body or self.draft.processes.get(node.called or "")
        found = [(one, value) for one in node.watchers]
        if node.marker is not None and node.marker.may_be_nothing:
            found += self._behind(node, value)
        if inside is not None:
            found += [(one, value) for one in inside.starts()[:1]]
        elif node.kind == "endEvent":
            hosts = [node.scope.host] if node.scope.host else self.draft.callers(node.scope)
            found += [pair for host in hosts for pair in self._behind(host, value)]
        else:
            found += self._behind(node, value)
        return found

    def _behind(self, node: Node, value: str) -> list[tuple[Node, str]]:
        ways = [(flow, _allowed(flow, value)) for flow in node.outgoing]
        return [(self.targets[id(node.scope), flow.target], after) for flow, after in ways if after is not None]


def _set_by(node: Node) -> str:
    """The outcome that a node sets on entry; ``""`` for none."""
    value = node.properties.get("outcome", "")
    return ANYTHING if "${" in value else value


def _allowed(flow: Flow, value: str) -> str | None:
    """The outcome behind a flow; ``None`` if its condition rules out the one before it."""
    asked = comparison(flow)
    if asked is None or asked[0] != "outcome":
        return value
    return asked[1] if value in (ANYTHING, asked[1]) else None

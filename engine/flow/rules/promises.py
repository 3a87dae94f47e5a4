"""Rules about deadlines: they can be counted, somebody uses them, and the steps fit into the whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from engine.flow.diagram import Node, Scope
from engine.flow.draft import PROVINCE, TYPE, Draft
from engine.flow.faults import Fault
from engine.flow.rules.phrases import meant
from engine.terms.calendar import ZONE
from engine.terms.deadlines import Terms

_BEGIN = datetime(2021, 6, 7, 8, tzinfo=ZONE)  # an ordinary Monday morning


def promises(draft: Draft) -> Iterator[Fault]:
    if not (draft.has(TYPE) and draft.has(PROVINCE)):
        return
    terms = Terms.parse(draft.type, draft.province)
    for found, severity in ((terms.faults, "error"), (terms.warnings, "warning")):
        for sentence in found:
            keys = sentence.partition(": ")[0].split(".")
            file, name = PROVINCE if keys[0] == "calendars" else TYPE, keys[1] if len(keys) > 1 else None
            yield Fault(file, draft.line(file, *keys[:3]), name, "deadline", sentence, severity)
    yield from _unused(draft, terms)
    yield from _never_rests(draft, terms)
    if not terms.faults and "case" in terms and draft.main is not None:
        yield from _whole(draft, terms, draft.main)


def _unused(draft: Draft, terms: Terms) -> Iterator[Fault]:
    ids = {node.id for node in draft.nodes()}
    written = "".join(source for name, source in draft.files.items() if name.endswith((".bpmn", ".dmn")))
    for name in sorted(terms.names - ids - {"case"}):
        if not any(f"{quote}{name}{quote}" in written for quote in ('"', "'", "&quot;", "&#34;", "&apos;")):
            yield Fault(TYPE, draft.line(TYPE, "deadlines", name), name, "deadline-unused",
                        f"Remove [deadlines.{name}], or name it after a task: nothing is due by it.{meant(name, ids)}",
                        "warning")


def _never_rests(draft: Draft, terms: Terms) -> Iterator[Fault]:
    """A status that rests the clock needs a type whose clock may rest."""
    for name, status in draft.table(TYPE, "statuses").items():
        if not terms.pauses and isinstance(status, dict) and status.get("paused") is True:
            yield Fault(TYPE, draft.line(TYPE, "statuses", name, "paused"), name, "pause-ignored",
                        f"Write allowed = true in [pause], or leave paused out of [statuses.{name}]: as it is, the "
                        "clock does not rest there.", "warning")


def _whole(draft: Draft, terms: Terms, main: Scope) -> Iterator[Fault]:
    """Do the steps of the longest way through, one after the other, end before the case is due?"""
    end, way = _Longest(draft, terms).through(main, _BEGIN)
    due = terms.due("case", _BEGIN).due_at
    if end - due >= timedelta(minutes=1):
        steps = " + ".join(f"{name} {terms.promises[name].term}" for name in way)
        yield Fault(TYPE, draft.line(TYPE, "deadlines", "case"), "case", "steps-exceed-case",
                    f"Shorten the steps or lengthen the case: done one after the other, {steps} end after the whole "
                    f"case, {terms.promises['case'].term}.", "warning")


class _Longest:
    """The latest end of a process in which every step takes all of its time and nothing is done twice."""

    def __init__(self, draft: Draft, terms: Terms) -> None:
        self.draft, self.terms = draft, terms
        self.open: set[int] = set()  # scopes being walked: a process that calls itself is refused elsewhere
        self.left = 500  # scopes to be walked: enough for what is drawn, not for what is built to take for ever

    def through(self, scope: Scope, begin: datetime) -> tuple[datetime, list[str]]:
        self.left -= 1
        if id(scope) in self.open or self.left < 0:
            return begin, []
        self.open.add(id(scope))
        targets = {node.id: node for node in scope.nodes}
        latest: dict[str, tuple[datetime, list[str]]] = {}
        best: tuple[datetime, list[str]] = (begin, [])
        for node in _in_order(scope, targets):
            arrived = [latest[flow.source] for flow in node.incoming if flow.source in latest]
            at, way = max(arrived, key=lambda one: one[0], default=(begin, []))
            latest[node.id] = self._after(node, at, way)
            best = max(best, latest[node.id], key=lambda one: one[0])
        self.open.discard(id(scope))
        return best

    def _after(self, node: Node, at: datetime, way: list[str]) -> tuple[datetime, list[str]]:
        inside = node.body or self.draft.processes.get(node.called or "")
        if inside is not None:
            end, inner = self.through(inside, at)
            return end, way + inner
        named = node.properties.get("term", "")
        promise = self.terms.promises.get(node.id if not named or "${" in named else named)
        if node.kind != "userTask" or promise is None or not promise.within_case:
            return at, way
        return self.terms.due(promise.name, at).due_at, [*way, promise.name]


def _in_order(scope: Scope, targets: dict[str, Node]) -> list[Node]:
    """What can be reached from the start, each after all that leads to it; flows that lead back are left out.

    Boundary events are not followed: what they lead to is what happens when a step did not keep its time.
    """
    order: list[Node] = []
    seen: set[str] = set()

    for start in scope.starts()[:1]:
        stack: list[tuple[Node, list[str]]] = [(start, [flow.target for flow in start.outgoing])]
        seen.add(start.id)
        while stack:
            node, ahead = stack[-1]
            following = next((one for one in ahead if one not in seen), None)
            if following is None:
                order.append(node)
                stack.pop()
            else:
                seen.add(following)
                stack.append((targets[following], [flow.target for flow in targets[following].outgoing]))
    return order[::-1]

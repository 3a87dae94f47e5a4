"""The board of the token game: where tokens can stand in a process or subprocess, and what each may do next.

What lies inside a subprocess or a called process is one move on the board around it: it ends, or throws an error or
an escalation. No data are looked at: an exclusive gateway may take any of its flows, an inclusive one any set of them,
an interrupting event may happen or not, a non-interrupting one may happen once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from engine.flow.diagram import Flow, Node, Scope

MOST_SETS = 6  # flows of an inclusive gateway of which every set is tried

Marking = tuple[int, ...]
State = tuple[Marking, int]
FRESH, TOLD_EARLY, WORKED = 0, 1, 2
"""Phases of a case, for the question whether its citizen is told: nobody has done anything; a text was sent before
anybody had; somebody has done a task since which no text was sent."""


class Exit(NamedTuple):
    """A way out of a board: ``done``, ``error`` or ``escalation`` with its code."""

    kind: str
    code: str | None
    phase: int


class Move(NamedTuple):
    """What a token may do: go to ``places``, past the node ``past``; perhaps leave the board altogether."""

    places: Marking
    past: Node
    phase: int
    exit: Exit | None = None
    cancels: bool = False
    aside: bool = False


Inside = Callable[[Node, int], frozenset[Exit]]
_JOINS = ("parallelGateway", "inclusiveGateway")
_AT_ONCE = ("scriptTask", "businessRuleTask", "exclusiveGateway", "inclusiveGateway", "parallelGateway", "startEvent",
            "intermediateThrowEvent", "endEvent")


class Board:
    """A scope, laid out for playing.

    Places are numbered: a token at node ``n`` is on ``n``; one that waits at a join, on its flow's place; one at a
    node whose non-interrupting event has happened, on ``n + again``.

    Args:
        inside: the exits of what lies inside a node, entered in a phase.
        tells: whether passing a node tells the citizen; with ``None``, phases do not matter.
    """

    def __init__(self, scope: Scope, inside: Inside, tells: Callable[[Node], bool] | None = None,
                 sideways: bool = True) -> None:
        self.scope = scope
        self.inside = inside
        self.tells = tells
        self.sideways = sideways
        self.nodes = scope.nodes
        self.number = {node.id: n for n, node in enumerate(self.nodes)}
        self.flows: list[Flow] = [flow for node in self.nodes for flow in node.outgoing]
        self.flow_place = {id(flow): len(self.nodes) + n for n, flow in enumerate(self.flows)}
        self.again = len(self.nodes) + len(self.flows)
        self.reachable = self._reached(scope.starts()[:1], aside=True)
        self.side_places = self._side_places()
        self.disturbing = self._upstream({n for n, node in enumerate(self.nodes) if self._disturbs(node)})
        self.is_monotone = not any(self._is_join(node) and node.kind == "inclusiveGateway" or
                                   node.kind == "boundaryEvent" and not node.interrupting for node in self.nodes)
        self.moves = lru_cache(maxsize=None)(self._moves)
        self.upstream_of_flows = lru_cache(maxsize=None)(self._upstream_of_flows)

    # -- places ----------------------------------------------------------------------------------------------------

    def start(self) -> Marking:
        return tuple(self.number[node.id] for node in self.scope.starts()[:1])

    def node_at(self, place: int) -> Node:
        if place >= self.again:
            place -= self.again
        if place >= len(self.nodes):
            return self.nodes[self.number[self.flows[place - len(self.nodes)].target]]
        return self.nodes[place]

    def is_waiting_at_join(self, place: int) -> bool:
        return len(self.nodes) <= place < self.again

    def _along(self, flow: Flow) -> int:
        target = self.nodes[self.number[flow.target]]
        return self.flow_place[id(flow)] if self._is_join(target) else self.number[target.id]

    def _arriving(self, node: Node) -> list[Flow]:
        """The flows into a node, without those from where nothing can be: a join does not wait for them."""
        return [flow for flow in node.incoming if self.number[flow.source] in self.reachable]

    def _is_join(self, node: Node) -> bool:
        return node.kind in _JOINS and len(self._arriving(node)) > 1

    def _all_along(self, node: Node) -> Marking:
        return tuple(self._along(flow) for flow in node.outgoing)

    def _reached(self, begin: list[Node], aside: bool) -> set[int]:
        found: set[int] = set()
        todo = list(begin)
        while todo:
            node = todo.pop()
            if self.number[node.id] in found:
                continue
            found.add(self.number[node.id])
            todo += [self.nodes[self.number[flow.target]] for flow in node.outgoing]
            todo += [one for one in node.watchers if one.interrupting or aside]
        return found

    def _side_places(self) -> frozenset[int]:
        """Where only what a non-interrupting event began can be."""
        main = self._reached(self.scope.starts()[:1], aside=False)
        return frozenset(place for n in self.reachable - main for place in (n, n + self.again))

    def _upstream(self, goals: set[int], but: Collection[int] = ()) -> frozenset[int]:
        """From where a token can come to one of these nodes, they themselves included, past none of ``but``."""
        found, todo = set(), list(goals)
        while todo:
            n = todo.pop()
            if n in found or n in but:
                continue
            found.add(n)
            node = self.nodes[n]
            todo += [self.number[flow.source] for flow in node.incoming]
            if node.kind == "boundaryEvent" and node.attached_to in self.number:
                todo.append(self.number[node.attached_to])
        return frozenset(found)

    def _disturbs(self, node: Node) -> bool:
        """Whether a token there may take others off the board."""
        if node.kind == "endEvent":
            return node.is_event("terminate") or node.is_event("error")
        return bool(node.body or node.called) and any(
            exit.kind == "error" and not _catcher(node, exit) for exit in self.inside(node, FRESH))

    # -- moves of one token ----------------------------------------------------------------------------------------

    def _moves(self, place: int, phase: int) -> tuple[Move, ...]:
        node = self.node_at(place)
        return tuple(self._moves_of(node, phase, again=place >= self.again))

    def _moves_of(self, node: Node, phase: int, again: bool) -> Iterator[Move]:
        telling = self.tells is not None and self.tells(node)
        if telling and phase == WORKED and node.kind != "userTask":
            return
        if telling and phase == FRESH:
            phase = TOLD_EARLY
        if node.kind == "endEvent":
            yield self._end(node, phase)
            return
        if node.kind not in _AT_ONCE:
            yield from self._interruptions(node, phase, again)
        if node.body is not None or node.kind == "callActivity":
            yield from self._through(node, phase, again)
        elif node.kind == "exclusiveGateway":
            yield from (Move((self._along(flow),), node, phase) for flow in node.outgoing)
        elif node.kind == "inclusiveGateway":
            yield from (Move(tuple(map(self._along, flows)), node, phase) for flows in _sets(node.outgoing))
        elif node.kind == "eventBasedGateway":
            for target in self._targets(node):
                yield Move(self._all_along(target), target, phase)
        elif not (telling and node.kind == "userTask"):
            after = WORKED if self.tells and node.kind == "userTask" else phase
            exit = Exit("escalation", node.events[0].name, phase) if node.is_event("escalation") else None
            yield Move(self._all_along(node), node, after, exit)
            if after != phase and node.marker is not None and node.marker.may_be_nothing:
                yield Move(self._all_along(node), node, phase)

    def _targets(self, node: Node) -> list[Node]:
        return [self.nodes[self.number[flow.target]] for flow in node.outgoing]

    def _end(self, node: Node, phase: int) -> Move:
        if node.is_event("error"):
            return Move((), node, phase, Exit("error", node.events[0].name, phase), cancels=True)
        exit = Exit("escalation", node.events[0].name, phase) if node.is_event("escalation") else None
        return Move((), node, phase, exit, cancels=node.is_event("terminate"))

    def _interruptions(self, node: Node, phase: int, again: bool) -> Iterator[Move]:
        for event in node.watchers:
            if event.is_event("error") or event.is_event("escalation"):
                continue
            if event.interrupting:
                yield Move(self._all_along(event), event, phase)
            elif self.sideways and not again:
                yield self._aside(node, event, phase)

    def _aside(self, node: Node, event: Node, phase: int) -> Move:
        return Move((*self._all_along(event), self.number[node.id] + self.again), event, phase, aside=True)

    def _through(self, node: Node, phase: int, again: bool) -> Iterator[Move]:
        for exit in sorted(self.inside(node, phase), key=str):
            if exit.kind == "done":
                yield Move(self._all_along(node), node, exit.phase)
                continue
            event = _catcher(node, exit)
            if event is None:
                if exit.kind == "error":
                    yield Move((), node, exit.phase, exit, cancels=True)
            elif event.interrupting:
                yield Move(self._all_along(event), event, exit.phase)
            elif self.sideways and not again:
                yield self._aside(node, event, exit.phase)

    # -- moves of a marking ----------------------------------------------------------------------------------------

    def next(self, state: State, every: bool, frozen: int = -1) -> list[tuple[State, Move]]:
        """What may happen next; with ``every``, in every order of events."""
        marking, phase = state
        joined = self._join(marking)
        if joined is not None:
            return [((joined[0], phase), Move((), joined[1], phase))]
        found = []
        for place in self._movable(state, every, frozen):
            rest = list(marking)
            rest.remove(place)
            for move in self.moves(place, phase):
                if move.aside and not self.side_places.isdisjoint(marking):
                    continue
                left = () if move.cancels else self._tidy((*rest, *move.places), move.phase)
                found.append(((left, move.phase), move))
        return found

    def _tidy(self, places: Marking, phase: int) -> Marking:
        """In order; tokens that wait before the same text for ever are as good as one."""
        if self.tells is None or phase != WORKED:
            return tuple(sorted(places))
        held = {place for place in places if not self.is_waiting_at_join(place) and not self.moves(place, phase)}
        return tuple(sorted([*held, *(place for place in places if place not in held)]))

    def _movable(self, state: State, every: bool, frozen: int) -> list[int]:
        marking, phase = state
        able = [place for place in dict.fromkeys(marking)
                if not self.is_waiting_at_join(place) and place != frozen and self.moves(place, phase)]
        if every or len(able) < 2 or (self.tells is not None and phase != WORKED):
            return able
        calm = [place for place in able if place % self.again not in self.disturbing]
        if not calm:
            return able
        return [min(calm, key=lambda place: (place not in self.side_places, place % self.again))]

    def _join(self, marking: Marking) -> tuple[Marking, Node] | None:
        """The marking after the first join that can go on, and that join."""
        waiting = [place for place in dict.fromkeys(marking) if self.is_waiting_at_join(place)]
        for node in dict.fromkeys(self.node_at(place) for place in waiting):
            places = {self.flow_place[id(flow)] for flow in self._arriving(node)}
            rest = list(marking)
            arrived = places.intersection(waiting)
            if node.kind == "parallelGateway" and arrived < places:
                continue
            if node.kind == "inclusiveGateway" and self._may_still_come(places, marking):
                continue
            for place in arrived:
                rest.remove(place)
            return tuple(sorted((*rest, self.number[node.id]))), node
        return None

    def _may_still_come(self, places: set[int], marking: Marking) -> bool:
        """BPMN 2.0.2 §13.3.3: some token can reach an empty flow of the join, and none that has a token already."""
        full = frozenset(places & set(marking))
        to_empty, to_full = self.upstream_of_flows(frozenset(places - full)), self.upstream_of_flows(full)
        elsewhere = {self.number[self.node_at(place).id] for place in marking if place not in places}
        return any(n in to_empty and n not in to_full for n in elsewhere)

    def _upstream_of_flows(self, places: frozenset[int]) -> frozenset[int]:
        flows = [self.flows[place - len(self.nodes)] for place in places]
        gateways = {self.number[flow.target] for flow in flows}
        return self._upstream({self.number[flow.source] for flow in flows}, but=gateways)


def _catcher(node: Node, exit: Exit) -> Node | None:
    fitting = [one for one in node.watchers for event in one.events
               if event.kind == exit.kind and event.name in (None, exit.code)]
    return fitting[0] if fitting else None


def _sets(flows: list[Flow]) -> Iterator[tuple[Flow, ...]]:
    sizes = range(1, len(flows) + 1) if len(flows) <= MOST_SETS else (1, 2, len(flows))
    for size in sizes:
        yield from combinations(flows, size)

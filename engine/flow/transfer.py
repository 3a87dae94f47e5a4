"""A running process in another version of its diagram.

A state holds the names of places (`engine.flow.codec`), so carrying it over means to give it the names that the other
version has for the same places. It is done only if whatever a token waits for is there, too, and is the same thing: a
task for a task, a timer for a timer, the same service. Numbers of tokens stay, so the rows of tasks, timers and
messages that belong to them do. What only the other version waits for, beside a task or in a scope that is open, is
listed for the step `Arrive`; what has happened already and does not happen twice is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from engine.flow.codec import FORMAT
from engine.flow.events import Alarm, BoundaryEvent, Catch, EventGateway, When
from engine.flow.gateways import InclusiveGateway, ParallelGateway
from engine.flow.nodes import Node, ProcessSpec, ServiceTask
from engine.flow.parser import Definition
from engine.flow.several import MultiInstance

Elements = Mapping[str, str | None]
"""Old element -> new element, where the ids differ; ``None``: what waits there, beside something else, is given up."""


class Misfit(Exception):
    """Why a process cannot be carried over: one sentence, the same for all that stand alike."""


@dataclass
class Carried:
    """A process in the other version.

    Attributes:
        places: token -> (what it stood at, what it stands at).
        fresh: what nobody waited for before: as in `engine.flow.steps.Arrive`.
        dropped: tokens that the plan gives up.
    """

    state: bytes = b""
    places: dict[int, tuple[Node, Node]] = field(default_factory=dict)
    fresh: list[list[Any]] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)

    @property
    def asks(self) -> bool:
        """Whether something is asked as soon as it arrives: what is new there, or a condition."""
        there = (getattr(node, "event_definition", None) for _, node in self.places.values())
        return bool(self.fresh) or any(isinstance(one, When) for one in there)


def carry(old: Definition, new: Definition, state: bytes, elements: Elements) -> Carried:
    """Raises:
    Misfit: something it waits for is not there.
    """
    _, serial, data, tokens, inner, completed = orjson.loads(state)
    carried = Carried()
    main = _Scope(carried, elements, 0, old.spec, new.spec, new)
    moved, inside = main.carry(tokens), []
    for host, name, own, living in inner:
        there = carried.places[host][1].spec  # type: ignore[attr-defined]
        scope = _Scope(carried, elements, host, old.subprocesses[name], new.subprocesses[there], new)
        inside.append([host, there, own, scope.carry(living)])
    carried.state = orjson.dumps([FORMAT, serial, data, moved, inside, completed])
    return carried


@dataclass
class _Scope:
    """One scope of a state, between its two specs."""

    carried: Carried
    elements: Elements
    host: int
    old: ProcessSpec
    new: ProcessSpec
    version: Definition

    def carry(self, tokens: list[list[Any]]) -> list[list[Any]]:
        kept = [one for one in map(self._moved, tokens) if one is not None]
        for number, name, _, notes in kept:
            self._check_surroundings(number, self.new.task_specs[name], notes)
        self._watch(kept)
        return kept

    def _moved(self, token: list[Any]) -> list[Any] | None:
        number, name, state, notes = token
        here, there = self.old.task_specs[name], self._renamed(name)
        if there is None:
            if not (here.guards or "host" in notes):
                raise Misfit(f"It stands at {label(here)}, which cannot simply be given up: say where it goes.")
            self.carried.dropped.append(number)
            return None
        node = self.new.task_specs.get(there)
        if node is None:
            raise Misfit(f"It stands at {label(here)}, which {self._missing(there)}.")
        _compare(here, node)
        self.carried.places[number] = here, node
        if "from" in notes:
            notes = notes | {"from": self._renamed(notes["from"]) or notes["from"]}
        return [number, there, state, notes]

    def _renamed(self, name: str) -> str | None:
        element, mark, rest = name.partition(">")
        there = self.elements.get(element, element)
        return None if there is None else f"{there}{mark}{rest}"

    def _missing(self, name: str) -> str:
        element = name.partition(">")[0]
        if element in self.version.nodes:
            return "lies in another process or subprocess there"
        return "the other version does not have" if element else "has no place there"

    def _check_surroundings(self, number: int, node: Node, notes: dict[str, Any]) -> None:
        was = self.carried.places[number][0]
        if isinstance(node, ParallelGateway | InclusiveGateway) and notes["from"] not in node._inputs:
            raise Misfit(f"It waits at {label(was)}, to which its path does not lead there.")
        if isinstance(node, BoundaryEvent) and node.name not in self.carried.places[notes["host"]][1].boundary:
            raise Misfit(f"{label(was)} is drawn on another element there.")
        if "race" in notes:
            gateway = self.new.task_specs.get(notes["from"])
            if not isinstance(gateway, EventGateway) or node not in gateway.nexts:
                raise Misfit(f"It waits for {label(was)}, which is not behind the same gateway there.")

    # -- what is new ---------------------------------------------------------------------------------------------

    def _watch(self, kept: list[list[Any]]) -> None:
        for sentry in self._added(self.old.start.sentries, self.new.start.sentries):
            self.carried.fresh.append([self.host, sentry, {}])
        races: dict[int, str] = {}
        for number, _, _, notes in kept:
            was, node = self.carried.places[number]
            known = [self.old.task_specs[one] for one in was.boundary]
            for event in self._added(known, [self.new.task_specs[one] for one in node.boundary]):
                self.carried.fresh.append([self.host, event, {"host": number}])
            if "race" in notes:
                races[notes["race"]] = notes["from"]
        for race, name in races.items():
            before = [node for node in self.old.task_specs.values()
                      if isinstance(node, EventGateway) and self._renamed(node.name) == name]  # fmt: skip
            for event in self._added(before[0].nexts, self.new.task_specs[name].nexts):
                self.carried.fresh.append([self.host, event, {"race": race, "from": name}])

    def _added(self, old: list[Node], new: list[Node]) -> Iterator[str]:
        known = {self._renamed(node.name) for node in old}
        return (node.name for node in new if node.name not in known)


def label(node: Node) -> str:
    """How a sentence names it: ``'Xác minh' (verify)``."""
    element = node.name.partition(">")[0]
    return f"{node.bpmn_name!r} ({element})" if node.bpmn_name else f"{element!r}"


# -- whether it is the same thing --------------------------------------------------------------------------------------


def _compare(here: Node, there: Node) -> None:
    if type(here) is not type(there):
        raise Misfit(f"It stands at {label(here)}, which is another kind of element there.")
    for kind, same, why in _SAME:
        if isinstance(here, kind) and not same(here, there):
            raise Misfit(f"It stands at {label(here)}, which {why} there.")


def _waits_alike(here: Any, there: Any) -> bool:
    one, other = here.event_definition, there.event_definition
    if type(one) is not type(other) or here.address.wide != there.address.wide:
        return False
    return not isinstance(one, Alarm) or (one.kind == "cycle") == (other.kind == "cycle")


def _counts_alike(here: Any, there: Any) -> bool:
    what = [(one.sequential, one.item, one.results, one.result, type(one.each)) for one in (here, there)]
    return what[0] == what[1]


_SAME: tuple[tuple[type[Any], Callable[[Any, Any], bool], str], ...] = (
    (Catch, _waits_alike, "waits for another kind of event"),
    (ServiceTask, lambda here, there: here.topic == there.topic, "asks another service"),
    (MultiInstance, _counts_alike, "is done several times in another way"),
)

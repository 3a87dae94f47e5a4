"""What is drawn in a BPMN file, as drawn: nothing is judged, nothing is missing, nothing raises.

The gate's rules, the token game and the parser look at this instead of at XML. References that lead nowhere stay what
they are, an id; `sourceline` comes along as ``line``, so that whoever complains can say where.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"

TASKS = frozenset({"task", "userTask", "manualTask", "serviceTask", "sendTask", "receiveTask", "scriptTask",
                   "businessRuleTask"})
SUBPROCESSES = frozenset({"subProcess", "transaction", "adHocSubProcess"})
ACTIVITIES = TASKS | SUBPROCESSES | {"callActivity"}
GATEWAYS = frozenset({"exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway",
                      "complexGateway"})
EVENTS = frozenset({"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"})
FLOW_NODES = ACTIVITIES | GATEWAYS | EVENTS


Written = str | list["Written"] | dict[str, "Written"]
"""A parameter as drawn: a text, or a list or map of such."""


@dataclass(slots=True, eq=False)
class Event:
    """An event definition, inside an event or referred to by it.

    Attributes:
        kind: ``timer message signal error escalation terminate cancel compensate conditional link``.
        ref: the id of the message, signal, error or escalation it names; ``None`` when it names none.
        name: what that id stands for: a message's or signal's name, an error's or escalation's code; a link's name.
        timer: ``duration``, ``date`` or ``cycle``; ``value`` is its text as drawn, or the condition.
        language: what the condition says it is written in.
        times: how many of the three it has.
        shared: it is reached by an ``eventDefinitionRef``.
        narrowed: it is to be asked for changes of one variable only (``camunda:variableName``, ``variableEvents``).
    """

    kind: str
    line: int
    ref: str | None = None
    name: str | None = None
    timer: str | None = None
    value: str | None = None
    language: str | None = None
    times: int = 0
    shared: bool = False
    narrowed: bool = False


@dataclass(slots=True, eq=False)
class Flow:
    """A sequence flow. ``source`` and ``target`` are ids as drawn, which may lead nowhere."""

    id: str
    line: int
    source: str
    target: str
    name: str
    condition: str | None
    language: str | None
    scope: Scope

    @property
    def label(self) -> str:
        return f"the flow {self.name!r} ({self.id})" if self.name else f"the flow {self.id!r}"

    @property
    def file(self) -> str:
        return self.scope.file


@dataclass(slots=True)
class Marker:
    """The sign that an activity is done several times: three bars (multi-instance), or an arrow (loop).

    Attributes:
        kind: ``multi`` or ``loop``.
        collection, cardinality, until: expressions as drawn: the list, the number, and what ends it early.
        item: the name by which an instance knows its item of the list.
        results: the variable that gets the list of what came out; ``result``: the one fact of an instance in it.
        again, rounds, asks_first: of a loop: the condition, the most rounds, and whether it is asked at first, too.
    """

    kind: str
    line: int
    collection: str | None = None
    cardinality: str | None = None
    until: str | None = None
    item: str | None = None
    results: str = ""
    result: str | None = None
    sequential: bool = False
    again: str | None = None
    rounds: str | None = None
    asks_first: bool = False

    @property
    def may_be_nothing(self) -> bool:
        """Whether the activity may be passed without being done once."""
        if self.kind == "multi":
            return self.cardinality is None or not self.cardinality.isdecimal() or int(self.cardinality) == 0
        return self.asks_first or self.rounds == "0"


@dataclass(slots=True, eq=False)
class Node:
    """A task, gateway, event or subprocess.

    Attributes:
        kind: the BPMN element's name: ``userTask``, ``exclusiveGateway``, …
        camunda: its ``camunda:`` attributes, by their names without the prefix.
        properties: its own ``camunda:properties``, not those of elements inside it.
        inputs, outputs: its ``camunda:inputOutput`` parameters; ``None`` for one that is, or holds, something else.
        extensions: names of the ``camunda:`` elements it has.
        lane: the lane it lies in, or the subprocess around it does.
        watchers: the boundary events attached to it.
        body: what is drawn inside a subprocess.
        marker: says that it is done several times.
        links: of a link event: the ids of the catching events that its name leads to, or the throwing ones.
    """

    id: str
    kind: str
    name: str
    line: int
    scope: Scope
    element: etree._Element
    events: list[Event]
    camunda: dict[str, str]
    properties: dict[str, str]
    extensions: list[str]
    inputs: dict[str, Written | None] = field(default_factory=dict)
    outputs: dict[str, Written | None] = field(default_factory=dict)
    incoming: list[Flow] = field(default_factory=list)
    outgoing: list[Flow] = field(default_factory=list)
    watchers: list[Node] = field(default_factory=list)
    attached_to: str | None = None
    interrupting: bool = True
    default: str | None = None
    called: str | None = None
    lane: str | None = None
    body: Scope | None = None
    marker: Marker | None = None
    links: list[Node] = field(default_factory=list)

    @property
    def is_handler(self) -> bool:
        """Whether it is an event subprocess."""
        return self.kind == "subProcess" and self.attribute("triggeredByEvent") in ("true", "1")

    @property
    def label(self) -> str:
        """How a sentence names it: ``'Xác minh' (verify)``."""
        return f"{self.name!r} ({self.id})" if self.name else f"the {words(self.kind)} {self.id!r}"

    @property
    def event(self) -> Event | None:
        return self.events[0] if self.events else None

    @property
    def file(self) -> str:
        return self.scope.file

    def attribute(self, name: str) -> str | None:
        """An attribute of BPMN itself."""
        return self.element.get(name)  # type: ignore[no-any-return]

    def is_event(self, kind: str) -> bool:
        return any(event.kind == kind for event in self.events)


@dataclass(slots=True, eq=False)
class Scope:
    """A process, or the inside of a subprocess: what one set of tokens moves in.

    Attributes:
        host: the subprocess whose inside this is; ``None`` for a process.
        others: elements in it that are neither flow nodes nor flows.
    """

    id: str
    name: str
    file: str
    line: int
    element: etree._Element
    host: Node | None = None
    nodes: list[Node] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    others: list[etree._Element] = field(default_factory=list)

    @property
    def process(self) -> Scope:
        return self if self.host is None else self.host.scope.process

    @property
    def label(self) -> str:
        what = "process" if self.host is None else "subprocess"
        return f"the {what} {self.name or self.id!r}"

    @property
    def odd(self) -> bool:
        """Whether it lies in something that is refused as a whole: there is no need to complain about the inside."""
        host = self.host
        if host is None:
            return False
        return host.kind != "subProcess" or host.scope.odd

    def starts(self) -> list[Node]:
        return [node for node in self.nodes if node.kind == "startEvent"]

    def handlers(self) -> list[Node]:
        """Its event subprocesses."""
        return [node for node in self.nodes if node.is_handler]

    def walk(self) -> Iterator[Node]:
        """Every node in it and in the subprocesses inside it."""
        for node in self.nodes:
            yield node
            if node.body is not None:
                yield from node.body.walk()

    def scopes(self) -> Iterator[Scope]:
        """It and every subprocess inside it."""
        yield self
        for node in self.nodes:
            if node.body is not None:
                yield from node.body.scopes()


@dataclass(slots=True, eq=False)
class Declared:
    """A message, signal, error or escalation declared beside the processes."""

    id: str
    kind: str
    name: str | None
    code: str | None
    line: int


@dataclass(slots=True, eq=False)
class Diagram:
    """One BPMN file."""

    file: str
    root: etree._Element
    processes: list[Scope] = field(default_factory=list)
    declared: dict[str, Declared] = field(default_factory=dict)
    lanes: dict[str, int] = field(default_factory=dict)  # name -> line

    def nodes(self) -> Iterator[Node]:
        for process in self.processes:
            yield from process.walk()

    def scopes(self) -> Iterator[Scope]:
        for process in self.processes:
            yield from process.scopes()

    def flows(self) -> Iterator[Flow]:
        for scope in self.scopes():
            yield from scope.flows

    def node(self, element_id: str) -> Node | None:
        return next((node for node in self.nodes() if node.id == element_id), None)


def words(kind: str) -> str:
    """``exclusiveGateway`` -> ``exclusive gateway``."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind)


def local(element: etree._Element) -> str:
    """An element's name without its namespace; ``""`` for what is not an element."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""

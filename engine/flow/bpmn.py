"""Reads the XML of a BPMN file into a `Diagram`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lxml import etree

from engine.flow.diagram import (
    BPMN,
    CAMUNDA,
    FLOW_NODES,
    SUBPROCESSES,
    Declared,
    Diagram,
    Event,
    Flow,
    Marker,
    Node,
    Scope,
    Written,
    local,
)

_NAMED = {"message": "messageRef", "signal": "signalRef", "error": "errorRef", "escalation": "escalationRef"}
_TIMES = ("duration", "date", "cycle")


def read_diagram(root: etree._Element, file: str) -> Diagram:
    """What a BPMN file draws, however wrong it is."""
    diagram = Diagram(file, root)
    lanes = _lanes(root, diagram.lanes)
    for child in root:
        kind = local(child)
        if kind in _NAMED and child.tag == BPMN + kind:
            one = Declared(child.get("id", ""), kind, child.get("name"), _code(child), child.sourceline or 1)
            diagram.declared.setdefault(one.id, one)
    shared = {child.get("id"): child for child in root if local(child).endswith("EventDefinition")}
    reader = _Reader(diagram.declared, shared, lanes)
    for element in root.iterchildren(BPMN + "process"):
        diagram.processes.append(reader.scope(element, file, None))
    return diagram


def _code(element: etree._Element) -> str | None:
    found: str | None = element.get("errorCode") or element.get("escalationCode")
    return found


def _lanes(root: etree._Element, declared: dict[str, int]) -> dict[str, str]:
    """Node id -> name of the innermost lane it lies in."""
    found: dict[str, str] = {}
    for lane in root.iter(BPMN + "lane"):
        name = lane.get("name", "")
        declared.setdefault(name, lane.sourceline or 1)
        for reference in lane.iterchildren(BPMN + "flowNodeRef"):
            found[(reference.text or "").strip()] = name
    return found


class _Reader:
    def __init__(self, declared: Mapping[str, Declared], shared: Mapping[str | None, etree._Element],
                 lanes: Mapping[str, str]) -> None:
        self.declared = declared
        self.shared = shared
        self.lanes = lanes

    def scope(self, element: etree._Element, file: str, host: Node | None) -> Scope:
        scope = Scope(element.get("id", ""), element.get("name", ""), file, element.sourceline or 1, element, host)
        for child in element:
            kind = local(child) if isinstance(child.tag, str) and child.tag.startswith(BPMN) else ""
            if kind in FLOW_NODES:
                scope.nodes.append(self.node(child, kind, scope))
            elif kind == "sequenceFlow":
                scope.flows.append(_flow(child, scope))
            elif isinstance(child.tag, str):
                scope.others.append(child)
        _connect(scope)
        return scope

    def node(self, element: etree._Element, kind: str, scope: Scope) -> Node:
        node = Node(
            id=element.get("id", ""), kind=kind, name=_tidy(element.get("name", "")), line=element.sourceline or 1,
            scope=scope, element=element, events=list(self._events(element)), camunda=_camunda(element),
            properties=_properties(element), extensions=[local(one) for one in _extensions(element)],
            attached_to=element.get("attachedToRef"), default=element.get("default"),
            interrupting=_flag(element, "cancelActivity", "isInterrupting"), called=element.get("calledElement"),
        )
        node.inputs = read_parameters(element, "inputParameter")
        node.outputs = read_parameters(element, "outputParameter")
        node.marker = read_marker(element)
        node.lane = self.lanes.get(node.id) or (scope.host.lane if scope.host else None)
        if kind in SUBPROCESSES:
            node.body = self.scope(element, scope.file, node)
        return node

    def _events(self, element: etree._Element) -> Iterator[Event]:
        if element.get("messageRef") is not None and local(element) in ("receiveTask", "sendTask"):
            yield self._named("message", element.get("messageRef"), element.sourceline or 1)
        for child in element:
            kind = local(child)
            if kind == "eventDefinitionRef":
                target = self.shared.get((child.text or "").strip().rpartition(":")[2])
                found = self._event(target, local(target)) if target is not None else Event("", 1)
                found.shared, found.line = True, child.sourceline or 1
                yield found
            elif kind.endswith("EventDefinition") and child.tag == BPMN + kind:
                yield self._event(child, kind)

    def _event(self, element: etree._Element, kind: str) -> Event:
        kind = kind.removesuffix("EventDefinition")
        if kind == "link":
            return Event(kind, element.sourceline or 1, name=element.get("name"))
        if kind == "conditional":
            condition = element.find(BPMN + "condition")
            text, language = ("", None) if condition is None else (condition.text or "", condition.get("language"))
            narrowed = any(element.get(CAMUNDA + name) for name in ("variableName", "variableEvents"))
            line = element.sourceline or 1
            return Event(kind, line, value=text.strip(), language=language, narrowed=narrowed)
        if kind != "timer":
            return self._named(kind, element.get(_NAMED.get(kind, "none")), element.sourceline or 1)
        event = Event(kind, element.sourceline or 1)
        for timer in _TIMES:
            for found in element.iterchildren(f"{BPMN}time{timer.title()}"):
                event.timer, event.value, event.times = timer, (found.text or "").strip(), event.times + 1
        return event

    def _named(self, kind: str, reference: str | None, line: int) -> Event:
        one = self.declared.get(reference or "")
        if one is None or one.kind != kind:
            return Event(kind, line, reference)
        return Event(kind, line, reference, one.name if kind in ("message", "signal") else one.code)


def _connect(scope: Scope) -> None:
    """Hang flows and boundary events on the nodes of the same scope; those that cross a border hang nowhere."""
    nodes: dict[str, Node] = {}
    for node in scope.nodes:
        nodes.setdefault(node.id, node)
    for flow in scope.flows:
        if flow.source in nodes and flow.target in nodes:
            nodes[flow.source].outgoing.append(flow)
            nodes[flow.target].incoming.append(flow)
    for node in scope.nodes:
        if node.attached_to in nodes:
            nodes[node.attached_to].watchers.append(node)
    for source, target in link_pairs(scope.element):
        if source not in nodes or target not in nodes:
            continue  # without an id; told elsewhere
        nodes[source].links.append(nodes[target])
        nodes[target].links.append(nodes[source])
        if len(nodes[source].links) > 1:
            continue  # to two places at once; told elsewhere
        flow = Flow(f"{source}>{target}", nodes[source].line, source, target, "", None, None, scope)
        nodes[source].outgoing.append(flow)
        nodes[target].incoming.append(flow)


def link_pairs(scope: etree._Element) -> Iterator[tuple[str, str]]:
    """The ids of link events that belong together: a token that comes to the one goes on from the other."""
    caught: dict[str | None, list[str]] = {}
    for event in scope.iterchildren(BPMN + "intermediateCatchEvent"):
        for link in event.iterchildren(BPMN + "linkEventDefinition"):
            caught.setdefault(link.get("name"), []).append(event.get("id", ""))
    for event in scope.iterchildren(BPMN + "intermediateThrowEvent"):
        for link in event.iterchildren(BPMN + "linkEventDefinition"):
            yield from ((event.get("id", ""), target) for target in caught.get(link.get("name"), ()))


def read_marker(element: etree._Element) -> Marker | None:
    """The sign on an activity that it is done several times, as Camunda's modeler and the standard write it."""
    drawn = element.find(BPMN + "multiInstanceLoopCharacteristics")
    if drawn is not None:
        return Marker(
            "multi", drawn.sourceline or 1, cardinality=_text(drawn, "loopCardinality"),
            collection=drawn.get(CAMUNDA + "collection") or _text(drawn, "loopDataInputRef"),
            until=_text(drawn, "completionCondition"),
            item=drawn.get(CAMUNDA + "elementVariable") or _called(drawn, "inputDataItem"),
            results=_text(drawn, "loopDataOutputRef") or _properties(element).get("results") or element.get("id", ""),
            result=_called(drawn, "outputDataItem"), sequential=drawn.get("isSequential") in ("true", "1"),
        )
    drawn = element.find(BPMN + "standardLoopCharacteristics")
    if drawn is None:
        return None
    return Marker("loop", drawn.sourceline or 1, again=_text(drawn, "loopCondition"), rounds=drawn.get("loopMaximum"),
                  asks_first=drawn.get("testBefore") in ("true", "1"))


def _text(element: etree._Element, child: str) -> str | None:
    return (element.findtext(BPMN + child) or "").strip() or None


def _called(element: etree._Element, child: str) -> str | None:
    found = element.find(BPMN + child)
    return None if found is None else found.get("name") or found.get("id")


def _flow(element: etree._Element, scope: Scope) -> Flow:
    condition = element.find(BPMN + "conditionExpression")
    text = None if condition is None else (condition.text or "").strip()
    return Flow(
        element.get("id", ""), element.sourceline or 1, element.get("sourceRef", ""), element.get("targetRef", ""),
        _tidy(element.get("name", "")), text, None if condition is None else condition.get("language"), scope,
    )


def _camunda(element: etree._Element) -> dict[str, str]:
    own = ((str(key), str(value)) for key, value in element.attrib.items())
    return {key.removeprefix(CAMUNDA): value for key, value in own if key.startswith(CAMUNDA)}


def _extensions(element: etree._Element) -> list[etree._Element]:
    holder = element.find(BPMN + "extensionElements")
    return [] if holder is None else [one for one in holder if isinstance(one.tag, str) and one.tag.startswith(CAMUNDA)]


def _properties(element: etree._Element) -> dict[str, str]:
    path = f"{BPMN}extensionElements/{CAMUNDA}properties/{CAMUNDA}property"
    return {one.get("name", ""): one.get("value", "") for one in element.iterfind(path)}


def read_parameters(element: etree._Element, kind: str) -> dict[str, Written | None]:
    """An element's ``inputParameter``s or ``outputParameter``s; ``None``: one is, or holds, what is not supported."""
    path = f"{BPMN}extensionElements/{CAMUNDA}inputOutput/{CAMUNDA}{kind}"
    return {one.get("name", ""): _written(one) for one in element.iterfind(path)}


def _written(holder: etree._Element) -> Written | None:
    """What a parameter, or an entry of a map, holds."""
    if not len(holder):
        return holder.text or ""
    one = holder[0]
    if len(holder) > 1 or (holder.text or "").strip():
        return None
    if one.tag == CAMUNDA + "map":
        return _map(one)
    return _list(one) if one.tag == CAMUNDA + "list" else None


def _map(drawn: etree._Element) -> Written | None:
    keys = [entry.get("key") for entry in drawn]
    if not all(keys) or len(set(keys)) < len(keys) or any(entry.tag != CAMUNDA + "entry" for entry in drawn):
        return None
    entries = {str(entry.get("key")): _written(entry) for entry in drawn}
    return None if None in entries.values() else entries  # type: ignore[return-value]


def _list(drawn: etree._Element) -> Written | None:
    items: list[Written | None] = []
    for item in drawn:
        if item.tag == CAMUNDA + "value":
            items.append(None if len(item) else item.text or "")
        elif item.tag == CAMUNDA + "map":
            items.append(_map(item))
        else:
            items.append(_list(item) if item.tag == CAMUNDA + "list" else None)
    return None if None in items else items  # type: ignore[return-value]


def _flag(element: etree._Element, *names: str) -> bool:
    """An xsd:boolean attribute that is true unless it says otherwise."""
    return all((element.get(name) or "true").strip() not in ("false", "0") for name in names)


def _tidy(name: str) -> str:
    """Modelers keep line breaks in names."""
    return " ".join(name.split())

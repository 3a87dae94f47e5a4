"""Rules about the shape of a diagram: ids, references, where paths begin and end."""

from __future__ import annotations

from collections.abc import Iterator

from engine.flow.diagram import ACTIVITIES, BPMN, Diagram, Flow, Node, Scope, local, words
from engine.flow.draft import Draft
from engine.flow.faults import Fault, error, warning

MAX_NODES = 200  # in one process: the parser goes down three calls per node, from wherever it was called
RESERVED = frozenset({"Start", "End", "Root"})
_SPLITTERS = frozenset({"exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway",
                        "complexGateway"})


def shape(draft: Draft) -> Iterator[Fault]:
    for diagram in draft.diagrams:
        yield from _ids(diagram)
        yield from _references(diagram)
        for scope in diagram.scopes():
            if not scope.odd:
                yield from _ends(scope)
                for node in scope.nodes:
                    yield from _paths(node) if node.id else ()
    yield from _shared_ids(draft)


def _ids(diagram: Diagram) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for element in diagram.root.iter(BPMN + "*"):
        key = element.get("id")
        if key in seen:
            yield Fault(diagram.file, element.sourceline or 1, key, "id-duplicate",
                        f"Give {key!r} in line {element.sourceline} another id: line {seen[key]} has it already.")
        elif key:
            seen[key] = element.sourceline or 1
    things: list[Scope | Node | Flow] = [*diagram.processes, *diagram.nodes(), *diagram.flows()]
    for thing in things:
        kind = words(local(thing.element)) if not isinstance(thing, Flow) else "sequence flow"
        if not thing.id:
            name = f" {thing.name!r}" if thing.name else ""
            yield error(thing, "id-missing", f"Give the {kind}{name} in line {thing.line} an id.")
        elif thing.id in RESERVED:
            yield error(thing, "id-reserved", f"Give the {kind} another id: {thing.id!r} belongs to the engine.")


def _shared_ids(draft: Draft) -> Iterator[Fault]:
    """Processes and subprocesses of a package share one space of names."""
    seen: dict[str, Scope] = {}
    for diagram in draft.diagrams:
        for scope in diagram.scopes():
            first = seen.setdefault(scope.id, scope)
            if scope.id and first.file != scope.file:
                yield error(scope, "id-duplicate", f"Give {scope.label} another id: {first.file} has {scope.id!r} too.")


def _references(diagram: Diagram) -> Iterator[Fault]:
    known = {element.get("id"): element for element in diagram.root.iter(BPMN + "*") if element.get("id")}
    for element in diagram.root.iter(BPMN + "*"):
        kind, line = local(element), element.sourceline or 1
        for attribute in ("sourceRef", "targetRef", "attachedToRef", "default", "dataObjectRef", "processRef"):
            asked = element.get(attribute)
            if asked and asked not in known and kind not in ("association", "messageFlow"):
                yield _dangling(diagram, element.get("id"), line, f"the {words(kind)}", attribute, asked)
        if kind == "flowNodeRef" and (element.text or "").strip() not in known:
            lane = element.getparent()
            who = f"the lane {lane.get('name', '')!r}"
            yield _dangling(diagram, lane.get("id"), line, who, kind, element.text or "")
    for node in diagram.nodes():
        for event in node.events:
            if event.ref is not None and event.ref not in diagram.declared:
                yield _dangling(diagram, node.id, event.line, node.label, f"{event.kind}Ref", event.ref)
        if node.default in known and node.default not in {flow.id for flow in _leaving(node)}:
            yield error(node, "reference-dangling",
                        f"Mark a flow that leaves {node.label} as its default: {node.default!r} does not leave it.")
    yield from _borders(diagram, set(known))


def _dangling(diagram: Diagram, element: str | None, line: int, who: str, what: str, asked: str) -> Fault:
    aside = f" ({element})" if element and element not in who else ""
    return Fault(diagram.file, line, element, "reference-dangling",
                 f"Repair or delete {who}{aside}: its {what} {asked!r} leads nowhere.")


def _borders(diagram: Diagram, known: set[str]) -> Iterator[Fault]:
    homes = {node.id: node for node in diagram.nodes() if node.id}
    for flow in diagram.flows():
        for end, asked in (("source", flow.source), ("target", flow.target)):
            node = homes.get(asked)
            if not asked:
                yield error(flow, "reference-dangling", f"Connect {flow.label} again: it has no {end}.")
            elif node is None and asked in known:
                yield error(flow, "reference-dangling",
                            f"Connect {flow.label} to a task, gateway or event: its {end} {asked!r} is none.")
            elif node is not None and node.scope is not flow.scope:
                yield error(flow, "flow-crosses-border", f"Draw {flow.label} again within {flow.scope.label}: its "
                            f"{end} {node.label} lies in {node.scope.label}, and flows may not cross that border.")
    for node in diagram.nodes():
        if node.kind == "boundaryEvent":
            yield from _attachment(node, homes)


def _attachment(node: Node, homes: dict[str, Node]) -> Iterator[Fault]:
    host = homes.get(node.attached_to or "")
    if not node.attached_to:
        yield error(node, "reference-dangling", f"Attach {node.label} to a task: it hangs on nothing.")
    elif host is not None and host.kind not in ACTIVITIES:
        yield error(node, "boundary-host", f"Attach {node.label} to a task or subprocess: {host.label} is none.")
    elif host is not None and host.scope is not node.scope:
        yield error(node, "flow-crosses-border",
                    f"Draw {node.label} again on {host.label}: it lies in {node.scope.label}.")


def _ends(scope: Scope) -> Iterator[Fault]:
    starts = scope.starts()
    if not starts:
        yield error(scope, "start-missing", f"Draw a start event in {scope.label}.")
    for extra in starts[1:]:
        yield error(extra, "starts-several",
                    f"Delete {extra.label}: {scope.label} already starts at {starts[0].label}.")
    if not any(node.kind == "endEvent" for node in scope.nodes):
        yield error(scope, "end-missing", f"Draw an end event in {scope.label}, so that it can end.")
    if scope.host is None and (count := sum(1 for _ in scope.walk())) > MAX_NODES:
        yield error(scope, "too-many-elements", f"Split {scope.label} into called processes: it has {count} elements, "
                    f"and {MAX_NODES} is the most.")


def _paths(node: Node) -> Iterator[Fault]:
    kind = node.kind
    if node.body is not None and node.body.odd or _is_compensation(node):
        return  # refused as a whole elsewhere
    if node.is_handler or node.is_event("link"):
        return  # no flow leads to it, or away from it
    if kind in ("startEvent", "boundaryEvent") and node.incoming:
        yield error(node, "flow-misplaced", f"Delete the flow into {node.label}: nothing flows into a {words(kind)}.")
    if kind == "endEvent" and node.outgoing:
        yield error(node, "flow-misplaced", f"Delete the flow out of {node.label}, or make it an intermediate event.")
    if kind != "endEvent" and not node.outgoing and not _drawn(node, "source"):
        yield error(node, "path-stops", f"Connect {node.label} to an end event: the path stops there without an end.")
    if kind not in _SPLITTERS and len(node.outgoing) > 1:
        yield error(node, "split-without-gateway",
                    f"Put a gateway behind {node.label} that says which of its {len(node.outgoing)} flows to take.")
    begins = kind in ("startEvent", "boundaryEvent") or not node.scope.starts()
    if not begins and not node.incoming and not _drawn(node, "target"):
        yield warning(node, "unreachable", f"Connect {node.label}, or delete it: no flow leads to it.")


def _drawn(node: Node, end: str) -> bool:
    """Whether some flow at least means to be connected to the node; its own fault is told elsewhere."""
    return bool(_leaving(node)) if end == "source" else any(flow.target == node.id for flow in node.scope.flows)


def _leaving(node: Node) -> list[Flow]:
    return [flow for flow in node.scope.flows if flow.source == node.id]


def _is_compensation(node: Node) -> bool:
    return node.attribute("isForCompensation") == "true" or node.is_event("compensate")

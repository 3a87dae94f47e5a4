"""Rules about events: which may stand where, whether what is thrown is caught and what is awaited can come."""

from __future__ import annotations

from collections.abc import Iterator

from engine.flow.addressing import WIDE
from engine.flow.diagram import EVENTS, Event, Node, Scope, words
from engine.flow.draft import Draft
from engine.flow.faults import Fault, error, warning
from engine.flow.nodes import AT_ONCE
from engine.flow.rules.correspondence import is_wide, leaves, throws
from engine.flow.rules.handlers import EVENTS as HANDLED
from engine.flow.rules.variables import GIVEN, told_of_errors

_ALLOWED = {
    "startEvent": {"message"},
    "intermediateCatchEvent": {"timer", "message", "signal", "link", "conditional"},
    "intermediateThrowEvent": {"message", "signal", "escalation", "link"},
    "endEvent": {"message", "signal", "escalation", "error", "terminate"},
    "boundaryEvent": {"timer", "message", "signal", "error", "escalation", "conditional"},
    "receiveTask": {"message"},
}
_MUST_WAIT = frozenset({"intermediateCatchEvent", "boundaryEvent", "receiveTask"})
_INSTEAD = {
    "link": "draw the flow itself",
    "conditional": "let a gateway behind the task that changes the data ask for the condition",
    "compensate": "draw what undoes it as an ordinary path",
    "cancel": "use an error event",
    "timer": "a case starts when a report comes in; draw the timer behind a plain start event",
    "signal": "a case starts when a report comes in; draw a plain start event",
    "error": "draw a boundary event on the subprocess",
    "escalation": "draw a boundary event on the subprocess",
}
_AUTOMATIC = frozenset({"scriptTask", "businessRuleTask"})


def events(draft: Draft) -> Iterator[Fault]:
    for node in draft.nodes():
        if (node.kind in EVENTS or node.kind in ("receiveTask", "sendTask")) and not node.scope.odd:
            yield from _form(node)
            yield from _place(draft, node)
            for event in node.events:
                yield from _name(node, event)
            for name in sorted(told_of_errors(node)):
                if not name.isidentifier() or name in GIVEN:
                    yield error(node, "error-variable", f"Name another variable in {node.label}: {name!r} cannot hold "
                                "what an error says.")
            if node.is_event("link"):
                yield from _link(node)
    yield from _correspondence(draft)


def _form(node: Node) -> Iterator[Fault]:
    """Does it have the one definition it needs?"""
    if len(node.events) > 1 or node.attribute("parallelMultiple") == "true":
        yield error(node, "events-several", f"Give {node.label} one event only: draw one event for each of the "
                    f"{max(len(node.events), 2)}.")
    waits = node.kind in _MUST_WAIT or _handler_of(node) is not None
    if waits and any(event.kind == "conditional" and not event.value for event in node.events):
        yield error(node, "event-incomplete", f"Write the condition that {node.label} waits for.")
    if any(event.narrowed for event in node.events):
        yield error(node, "attribute-ignored", f"Take the variable's name and events out of {node.label}: its "
                    "condition is asked whenever anything of the case has changed.")
    if any(event.shared for event in node.events):
        yield error(node, "event-shared", f"Draw the event of {node.label} in itself: eventDefinitionRef is not "
                    "supported.")
    if node.kind in _MUST_WAIT and not node.events:
        what = "a message" if node.kind == "receiveTask" else "a timer, message or other event"
        yield error(node, "event-incomplete", f"Give {node.label} {what} to wait for: as it is, it waits for nothing.")


def _place(draft: Draft, node: Node) -> Iterator[Fault]:
    for event in node.events[:1]:
        starts_handler = node.kind == "startEvent" and _handler_of(node) is not None
        allowed = HANDLED if starts_handler else _ALLOWED.get(node.kind)
        if allowed is None or not event.kind:
            continue
        if event.kind not in allowed:
            yield error(node, "event-not-here", f"Replace {node.label}: a {words(node.kind)} cannot be a {event.kind} "
                        f"event here; {_INSTEAD.get(event.kind, 'use another event')}.")
        elif starts_handler:
            continue
        elif node.kind == "startEvent" and (node.scope.host is not None or draft.main not in (None, node.scope)):
            yield error(node, "event-not-here", f"Make {node.label} a plain start event: {node.scope.label} is started "
                        "by the process around it, not by a message.")
        elif node.kind == "boundaryEvent" and event.kind == "error" and not node.interrupting:
            yield error(node, "error-not-interrupting", f"Make {node.label} interrupting: an error always ends the "
                        "task it happens in.")


def _handler_of(node: Node) -> Node | None:
    """The event subprocess that a start event begins."""
    host = node.scope.host
    return host if host is not None and host.is_handler else None


def _link(node: Node) -> Iterator[Fault]:
    """A link is a flow with a gap: each half has exactly the other half, and no flow on the side of the gap."""
    throws = node.kind == "intermediateThrowEvent"
    name = node.events[0].name
    if not name:
        yield error(node, "link", f"Give the link of {node.label} a name.")
        return
    if not node.links or throws and len(node.links) > 1:
        other = "exactly one event that catches" if throws else "an event that throws"
        yield error(node, "link", f"Draw {other} the link {name!r} of {node.label}, in the same process.")
        return
    for flow in node.scope.flows:
        if flow.source == node.id and throws or flow.target == node.id and not throws:
            yield error(flow, "link", f"Delete {flow.label}: a token goes from {node.label} along the link, not along "
                        "a flow." if throws else f"Delete {flow.label}: a token comes to {node.label} along the link.")


def _name(node: Node, event: Event) -> Iterator[Fault]:
    if event.kind not in ("message", "signal", "error", "escalation") or event.shared:
        return
    catches_all = node.kind in ("boundaryEvent", "startEvent") and event.kind in ("error", "escalation")
    if event.ref is None:
        if not catches_all:
            yield error(node, "event-incomplete", f"Say in {node.label} which {event.kind} it is about.")
    elif event.name is None and _is_declared(node, event):
        what = "name" if event.kind in ("message", "signal") else "code"
        yield error(node, "event-incomplete", f"Give the {event.kind} of {node.label} a {what}.")
    elif event.name and "${" in event.name:
        where = ", and what differs in its property 'key'" if event.kind == "message" else ""
        yield error(node, "event-incomplete", f"Name the {event.kind} of {node.label} without ${{…}}{where}: "
                    f"{event.name!r} is taken as it is written.")


def _is_declared(node: Node, event: Event) -> bool:
    """Dangling references have a rule of their own."""
    root = node.element.getroottree().getroot()
    return any(child.get("id") == event.ref for child in root)


# -- what is thrown is caught, and what is awaited can come ----------------------------------------------------------


def _correspondence(draft: Draft) -> Iterator[Fault]:
    nodes = [node for process in draft.reached for node in process.walk() if not node.scope.odd]
    for kind in ("signal", "message"):
        thrown = {node.event.name for node in nodes if node.event and throws(node, kind)}
        awaited = {node.event.name for node in nodes if node.event and _catches(node, kind)}
        for node in nodes:
            name = node.event.name if node.event else None
            if name is None:
                continue
            if throws(node, kind) and name not in awaited and not leaves(node):
                other = "give it a key" if kind == "message" else f"write scope=\"{WIDE}\" in it"
                yield error(node, f"{kind}-never-caught", f"Let some event of the case wait for the {kind} {name!r} "
                            f"that {node.label} throws, {other} if other cases do, or tell people with a send task: "
                            "as it is, nothing hears it.")
            if kind == "signal" and _catches(node, kind) and name not in thrown and not is_wide(node):
                yield error(node, "signal-never-thrown", f"Throw the signal {name!r} somewhere in the case, write "
                            f"scope=\"{WIDE}\" in {node.label} if it comes from outside, or make it a message.")
    for node in nodes:
        if node.event and node.event.kind in ("error", "escalation"):
            yield from _uncaught(draft, node, node.event)
        if node.kind == "boundaryEvent":
            yield from _never_fires(draft, node)


def _catches(node: Node, kind: str) -> bool:
    waits = node.kind in _MUST_WAIT or node.kind == "startEvent" and _handler_of(node) is not None
    return waits and node.is_event(kind)


def _uncaught(draft: Draft, node: Node, event: Event) -> Iterator[Fault]:
    if node.kind not in ("endEvent", "intermediateThrowEvent") or event.name is None:
        return
    if not _is_caught(draft, node.scope, event, {}):
        end = "" if event.kind == "error" else ", or make it a plain end event"
        yield error(node, f"{event.kind}-uncaught", f"Draw a boundary event for the {event.kind} {event.name!r} on "
                    f"what lies around {node.label}{end}: nothing catches it.")


Known = dict[tuple[int, int], bool]


def _is_caught(draft: Draft, scope: Scope, event: Event, known: Known, begun: Node | None = None) -> bool:
    """Whether an event subprocess of the scope or a border around it catches it, whichever way the scope was entered.

    Args:
        begun: the event subprocess of the scope in which it is thrown, if it is in one.
    """
    key = (id(scope), id(begun))
    if key not in known:
        known[key] = False  # so that processes that call each other, refused elsewhere, come to an end
        hosts = [scope.host] if scope.host is not None else draft.callers(scope)
        known[key] = _handled(scope, event, begun) or bool(hosts) and all(
            _border_catches(host, event) or _is_caught(draft, host.scope, event, known, host) for host in hosts
        )
    return known[key]


def _handled(scope: Scope, event: Event, begun: Node | None) -> bool:
    """An event subprocess does not catch what is thrown in it; one that interrupts has called off its neighbours."""
    if begun is not None and begun.is_handler and any(one.interrupting for one in begun.body.starts()):
        return False
    handlers = [one for one in scope.handlers() if one.body is not None and one is not begun]
    starts = [start for handler in handlers for start in handler.body.starts()]
    return any(one.kind == event.kind and one.name in (None, event.name) for start in starts for one in start.events)


def _border_catches(host: Node, event: Event) -> bool:
    watched = [one for node in host.watchers for one in node.events]
    return any(one.kind == event.kind and one.name in (None, event.name) for one in watched)


def _never_fires(draft: Draft, node: Node) -> Iterator[Fault]:
    host = next((one for one in node.scope.nodes if one.id == node.attached_to), None)
    event = node.event
    if host is None or event is None:
        return
    notifies = host.kind in ("serviceTask", "sendTask") and host.camunda.get("topic") in (None, *AT_ONCE)
    if event.kind in ("timer", "message", "signal", "conditional") and (host.kind in _AUTOMATIC or notifies):
        yield warning(node, "boundary-never-fires", f"Remove {node.label}: {host.label} is over at once, so nothing "
                      "can interrupt it.")
    if event.kind in ("error", "escalation"):
        inside = host.body or draft.processes.get(host.called or "")
        if inside is None and host.kind == "callActivity":
            return  # an unknown process has a rule of its own
        thrown = _thrown_by(draft, inside, event.kind, set()) if inside is not None else set()
        if event.name not in thrown if event.name else not thrown:
            yield warning(node, "boundary-never-fires", f"Remove {node.label}, or throw its {event.kind} inside "
                          f"{host.label}: nothing there does.")


def _thrown_by(draft: Draft, scope: Scope, kind: str, seen: set[int]) -> set[str | None]:
    """The codes of what can come out of a scope, caught inside or not."""
    if id(scope) in seen:
        return set()
    seen.add(id(scope))
    found = {node.event.name for node in scope.nodes
             if node.event and node.event.kind == kind and node.kind in ("endEvent", "intermediateThrowEvent")}
    for node in scope.nodes:
        inside = node.body or draft.processes.get(node.called or "")
        if inside is not None:
            found |= _thrown_by(draft, inside, kind, seen)
    return found

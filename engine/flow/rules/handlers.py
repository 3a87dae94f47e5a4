"""Rules about event subprocesses."""

from __future__ import annotations

from collections.abc import Iterator

from engine.flow.diagram import Node
from engine.flow.draft import Draft
from engine.flow.faults import Fault, error

EVENTS = frozenset({"timer", "message", "signal", "error", "escalation", "conditional"})


def handlers(draft: Draft) -> Iterator[Fault]:
    for node in draft.nodes():
        if node.is_handler:
            yield from _start(node)
            yield from _connections(node)


def _start(node: Node) -> Iterator[Fault]:
    for start in node.body.starts()[:1] if node.body is not None else ():
        if len(start.events) != 1:
            yield error(start, "event-subprocess", f"Say in {start.label} what event {node.label} waits for: a timer, "
                        "message, signal, error or escalation.")
        elif start.is_event("error") and not start.interrupting:
            yield error(start, "error-not-interrupting", f"Make {start.label} interrupting: an error always ends what "
                        "it happens in.")


def _connections(node: Node) -> Iterator[Fault]:
    if node.incoming or node.outgoing:
        yield error(node, "flow-misplaced", f"Delete the flows into and out of {node.label}: it begins when its event "
                    "happens, and nothing comes after it.")
    for watcher in node.watchers:
        yield error(watcher, "boundary-host", f"Draw {watcher.label} elsewhere: nothing can be attached to the event "
                    f"subprocess {node.label}.")

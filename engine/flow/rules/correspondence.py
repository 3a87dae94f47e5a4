"""Rules about messages and signals between cases: what is said of them has an effect, and reaches whom it may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

from engine.flow.addressing import ENGINES_OWN, KEPT_MAX, KEY_MAX, WIDE
from engine.flow.diagram import Node
from engine.flow.draft import Draft
from engine.flow.faults import Fault, error, warning
from engine.flow.rules.variables import GIVEN
from engine.terms.calendar import ROUND_THE_CLOCK, Term

_THROWS = frozenset({"endEvent", "intermediateThrowEvent", "sendTask"})
_SOME_DAY = datetime(2021, 9, 3, tzinfo=UTC)


def correspondence(draft: Draft) -> Iterator[Fault]:
    nodes = [node for process in draft.reached for node in process.walk() if not node.scope.odd]
    for node in nodes:
        if begins(draft, node):
            yield from _begun(draft, node)
        else:
            yield from _properties(node)
        if leaves(node):
            yield from _inputs(node)
    yield from _one_scope(nodes)


def throws(node: Node, kind: str) -> bool:
    """Whether it throws a message or signal (a send task with a topic does something else)."""
    return node.kind in _THROWS and node.is_event(kind) and not node.camunda.get("topic")


def is_wide(node: Node) -> bool:
    """Whether its signal is the whole province's."""
    return node.is_event("signal") and node.properties.get("scope", "").strip() == WIDE


def leaves(node: Node) -> bool:
    """Whether what it throws goes out of the case."""
    return throws(node, "message") and bool(node.properties.get("key", "").strip()) \
        or throws(node, "signal") and is_wide(node)


def begins(draft: Draft, node: Node) -> bool:
    """Whether it is the start event of the process that cases start with, and has a message."""
    return node.kind == "startEvent" and node.is_event("message") and node.scope is draft.main


def _begun(draft: Draft, node: Node) -> Iterator[Fault]:
    """A message from outside begins one case, so its name says of which type."""
    for name in sorted({"key", "keep", "scope"} & node.properties.keys()):
        yield warning(node, "property-unknown", f"Remove the property {name!r} of {node.label}: the message begins a "
                      "case, for which nothing could have waited.")
    message = node.event.name if node.event is not None else None
    if message in ENGINES_OWN:
        yield error(node, "message-start", f"Give the message of {node.label} another name: by {message!r} people "
                    "speak to a case that there is already.")
    elif message in draft.begun:
        yield error(node, "message-start", f"Give the message of {node.label} another name: by {message!r} begins "
                    f"a case of {draft.begun[message]}, and one message begins one case.")


def _properties(node: Node) -> Iterator[Fault]:
    event = node.event
    of_message = event is not None and event.kind == "message" and not (node.kind == "sendTask" and
                                                                        not throws(node, "message"))
    if "key" in node.properties:
        if not of_message:
            yield warning(node, "property-unknown", f"Remove the property 'key' of {node.label}: it is read on what "
                          "throws or awaits a message only.")
        else:
            yield from _key(node, node.properties["key"].strip())
    if "keep" in node.properties:
        if of_message and leaves(node):
            yield from _keep(node, node.properties["keep"].strip())
        else:
            yield warning(node, "property-unknown", f"Remove the property 'keep' of {node.label}: it is read on what "
                          "throws a message with a key only.")
    if "scope" in node.properties:
        if event is None or event.kind != "signal":
            yield warning(node, "property-unknown", f"Remove the property 'scope' of {node.label}: it is read on "
                          "what throws or awaits a signal only.")
        elif not is_wide(node):
            yield error(node, "signal-scope", f"Write scope=\"{WIDE}\" in {node.label}, or remove it: a signal is "
                        f"heard in its case or in the whole province, not in {node.properties['scope']!r}.")
        elif event.name in ENGINES_OWN:
            yield _reserved(node, event.name)


def _key(node: Node, key: str) -> Iterator[Fault]:
    event = node.event
    if not key or len(key) > KEY_MAX and "${" not in key:
        yield error(node, "message-key", f"Write into the property 'key' of {node.label} a text of at most {KEY_MAX} "
                    "characters, or ${…}.")
    elif event is not None and event.name in ENGINES_OWN:
        yield _reserved(node, event.name)


def _reserved(node: Node, name: str) -> Fault:
    return error(node, "message-key", f"Give what {node.label} is about another name: by {name!r} people speak to one "
                 "case, and no case to another.")


def _keep(node: Node, kept: str) -> Iterator[Fault]:
    if "${" in kept:
        return
    try:
        held = ROUND_THE_CLOCK.add(_SOME_DAY, Term.parse(kept)) - _SOME_DAY
    except ValueError:
        held = None
    if held is None or held > KEPT_MAX:
        yield error(node, "message-keep", f"Write into the property 'keep' of {node.label} how long the message waits "
                    f"for its case: a duration like P7D, of at most {KEPT_MAX.days} days.")


def _inputs(node: Node) -> Iterator[Fault]:
    for name, value in node.inputs.items():
        if value is None:
            yield error(node, "mapping-ignored", f"Write the input {name!r} of {node.label} as a text, ${{…}}, or a "
                        "list or map of such, each key once: scripts are not supported.")
        elif not name.isidentifier() or name in GIVEN:
            yield error(node, "message-input", f"Name the input {name!r} of {node.label} otherwise: whoever hears it "
                        "gets it as a variable, and may not be told what is the case's own.")


def _one_scope(nodes: list[Node]) -> Iterator[Fault]:
    """All events of a package agree on how far a signal reaches: else one is deaf to the other, and nobody sees why."""
    events: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        if node.is_event("signal") and node.event is not None and node.event.name:
            events[node.event.name].append(node)
    for name, found in events.items():
        if len({is_wide(node) for node in found}) > 1:
            for node in (one for one in found if not is_wide(one)):
                yield error(node, "signal-scope", f"Write scope=\"{WIDE}\" in {node.label}, too, or remove it from "
                            f"the others: the signal {name!r} is the whole province's there, and only the case's here.")

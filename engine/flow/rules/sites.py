"""Where in a package expressions and scripts are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from engine.flow.diagram import Event, Flow, Marker, Node, Written
from engine.flow.draft import TYPE, Draft
from engine.flow.faults import Fault, error
from engine.flow.rules.phrases import lower, short
from engine.flow.rules.timers import times
from engine.flow.scripts import (
    Expression,
    Script,
    ScriptError,
    compile_expression,
    compile_script,
    strip_expression,
)

FORMATS = frozenset({"", "python", "feel"})
_LANGUAGES = frozenset({"", "python", "feel", "juel", "http://www.w3.org/1999/xpath"})


@dataclass
class Site:
    """A place where an analyst wrote an expression or script.

    Attributes:
        thing: what it is drawn on: has ``file``, ``line``, ``id``.
        what: how a sentence names it.
        source: what is compiled.
    """

    thing: object
    what: str
    source: str
    is_script: bool = False

    @cached_property
    def compiled(self) -> Expression | Script:
        return compile_script(self.source) if self.is_script else compile_expression(self.source)


@dataclass(frozen=True)
class Entry:
    """A line of a table, as a thing to complain about."""

    file: str
    line: int
    id: str | None = None


def written(draft: Draft) -> Iterator[Site | Fault]:
    for process in draft.reached:
        for scope in process.scopes():
            for flow in scope.flows:
                if flow.condition:
                    yield from _condition(flow)
            for node in scope.nodes:
                yield from _of_node(node)
    for lane, group in draft.table(TYPE, "lanes").items():
        if isinstance(group, str):
            yield from _braced(Entry(TYPE, draft.line(TYPE, "lanes", lane)), f"the group of the lane {lane!r}", group)


def _condition(flow: Flow) -> Iterator[Site | Fault]:
    if (flow.language or "").lower() not in _LANGUAGES:
        yield error(flow, "script-language", f"Write the condition of {flow.label} as ${{…}}: the language "
                    f"{flow.language!r} is not supported.")
    else:
        yield from _braced(flow, f"the condition of {flow.label}", flow.condition or "", bare=True)


def _of_node(node: Node) -> Iterator[Site | Fault]:
    if node.kind == "userTask":
        yield from _braced(node, f"the candidate group of {node.label}", node.camunda.get("candidateGroups", ""))
    for key in ("status", "outcome", "to"):
        yield from _braced(node, f"the property {key!r} of {node.label}", node.properties.get(key, ""))
    yield from _braced(node, f"the property 'term' of {node.label}", node.properties.get("term", ""))
    for key in ("key", "keep"):
        yield from _braced(node, f"the property {key!r} of {node.label}", node.properties.get(key, ""))
    yield from _braced(node, f"the priority of {node.label}", node.camunda.get("taskPriority", ""))
    if node.marker is not None:
        yield from _marker(node, node.marker)
    for name, value in node.inputs.items():
        for text in every_text(value):
            yield from _braced(node, f"the input {name!r} of {node.label}", text)
    if node.kind == "scriptTask":
        yield from _script(node)
    for event in node.events:
        if event.kind == "conditional" and event.value:
            yield from _awaited(node, event)
        if event.kind == "timer" and not event.shared and not node.scope.odd:
            for found in times(node, event):
                yield Site(node, f"the timer of {node.label}", found) if isinstance(found, str) else found


def _awaited(node: Node, event: Event) -> Iterator[Site | Fault]:
    if (event.language or "").lower() not in _LANGUAGES:
        yield error(node, "script-language", f"Write the condition of {node.label} as ${{…}}: the language "
                    f"{event.language!r} is not supported.")
    else:
        yield from _braced(node, f"the condition of {node.label}", event.value or "", bare=True)


def every_text(written: Written | None) -> Iterator[str]:
    """Every text in an input."""
    if isinstance(written, str):
        yield written
    elif written is not None:
        for one in written.values() if isinstance(written, dict) else written:
            yield from every_text(one)


def _marker(node: Node, marker: Marker) -> Iterator[Site | Fault]:
    for what, text in (("collection", marker.collection), ("completion condition", marker.until),
                       ("loop condition", marker.again)):
        if text is not None:
            yield from _braced(node, f"the {what} of {node.label}", text, bare=True)
    yield from _braced(node, f"the loop cardinality of {node.label}", marker.cardinality or "")


def _braced(thing: object, what: str, text: str, bare: bool = False) -> Iterator[Site | Fault]:
    """A site for `${…}`; with ``bare``, for a text without it too."""
    try:
        source = strip_expression(text)
    except ScriptError as fault:
        yield error(thing, "expression", f"Correct {what}, {short(text)}: {lower(str(fault))}")
        return
    if source is not None or bare:
        yield Site(thing, what, text if source is None else source)


def _script(node: Node) -> Iterator[Site | Fault]:
    language = (node.attribute("scriptFormat") or "").strip().lower()
    text = node.element.findtext("{*}script")
    if language not in FORMATS:
        yield error(node, "script-language", f"Write the script of {node.label} in the small Python of this server: "
                    f"the language {language!r} is not supported.")
    elif node.camunda.get("resource"):
        yield error(node, "script-language", f"Write the script of {node.label} into the diagram: it cannot be a file.")
    elif not (text or "").strip():
        yield error(node, "script-missing", f"Write a script for {node.label}, or delete it: it does nothing.")
    else:
        yield Site(node, f"the script of {node.label}", text or "", is_script=True)

"""Rules about activities that are done several times: it is known how often, and what becomes of what came out."""

from __future__ import annotations

from collections.abc import Iterator

from engine.flow.diagram import BPMN, Marker, Node
from engine.flow.draft import Draft
from engine.flow.faults import Fault, error, warning
from engine.flow.rules.pauses import Pauses
from engine.flow.rules.variables import GIVEN
from engine.flow.several import INSTANCES_MAX
from engine.flow.steps import MIRRORED


def several(draft: Draft) -> Iterator[Fault]:
    pauses = Pauses(draft)
    for node in draft.nodes():
        if node.marker is None:
            continue
        if node.is_handler:
            yield error(node, "event-subprocess", f"Remove the marker from {node.label}: an event subprocess is done "
                        "whenever its event happens.")
        elif node.marker.kind == "multi":
            yield from _how_many(node, node.marker)
            yield from _names(node, node.marker)
        else:
            yield from _rounds(node, node.marker, pauses)


def _how_many(node: Node, marker: Marker) -> Iterator[Fault]:
    drawn = node.element.find(BPMN + "multiInstanceLoopCharacteristics")
    if (marker.collection is None) == (marker.cardinality is None):
        what = "Say of what list there is one for each" if marker.collection is None else "Choose one of the two"
        yield error(node, "multi-instance", f"{what} in the multi-instance marker of {node.label}: a collection, or a "
                    "number (loop cardinality).")
    elif marker.cardinality is not None and "${" not in marker.cardinality and (
            not marker.cardinality.isdecimal() or int(marker.cardinality) > INSTANCES_MAX):
        yield error(node, "multi-instance", f"Write a number from 0 to {INSTANCES_MAX}, or ${{…}}, as the loop "
                    f"cardinality of {node.label}, not {marker.cardinality!r}.")
    if drawn.get("behavior") not in (None, "All"):
        yield error(node, "multi-instance", f"Remove behavior={drawn.get('behavior')!r} from the multi-instance marker "
                    f"of {node.label}: its instances throw no events.")


def _names(node: Node, marker: Marker) -> Iterator[Fault]:
    if marker.collection is not None and marker.item is None:
        yield warning(node, "multi-instance", f"Name an element variable in the multi-instance marker of {node.label}: "
                      "as it is, an instance does not know which item of the list is its own.")
    if marker.item in MIRRORED:
        yield error(node, "multi-instance", f"Choose another element variable for {node.label}: {marker.item!r} is a "
                    "field of the case, which all instances share.")
    if not marker.results.isidentifier():
        yield error(node, "multi-instance", f"Name the list of what comes out of {node.label} with the property "
                    f"'results': {marker.results!r} could not be written in an expression.")
    elif marker.results in GIVEN or marker.results in (marker.collection, marker.item):
        yield error(node, "multi-instance", f"Give the list of what comes out of {node.label} another name than "
                    f"{marker.results!r}: that is something else already.")


def _rounds(node: Node, marker: Marker, pauses: Pauses) -> Iterator[Fault]:
    if marker.again is None and marker.rounds is None:
        yield error(node, "loop-marker", f"Say in the loop marker of {node.label} for how long: write a loop condition "
                    "or a loop maximum.")
    elif marker.rounds is not None and not marker.rounds.strip().isdecimal():
        yield error(node, "loop-marker", f"Write a number as the loop maximum of {node.label}, not {marker.rounds!r}.")
    elif marker.rounds is None and not pauses.in_each_round(node):
        yield error(node, "loop-without-wait", f"Write a loop maximum for {node.label}: it would run round without a "
                    "pause.")

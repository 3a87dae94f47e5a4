"""What a case's data can hold: every name that something in the package sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from engine.flow.diagram import CAMUNDA, Node
from engine.flow.draft import Draft
from engine.flow.nodes import FIND_DUPLICATES, NEW_NUMBER, START_CASE
from engine.flow.scripts import ScriptError, compile_script
from engine.forms import Field

GIVEN = frozenset({
    "number", "report_type", "province", "area", "commune", "channel", "severity", "secrecy", "opened_at", "status",
    "outcome",
    "lead_agency", "monitor_agency",
})
"""What the engine sets at the start, and the variables that a case shows as its own fields."""

COUNTS = frozenset({"loopCounter", "nrOfInstances", "nrOfCompletedInstances", "nrOfActiveInstances"})
"""What an activity that is done several times sets."""


def known_names(draft: Draft) -> set[str]:
    """Names from forms, decision tables, scripts and result variables.

    What a message or a service brings is unknown; a property ``gives="ly_do, so_tien"`` on its element names it.
    """
    known = set(GIVEN) | {field.key.split(".")[0] for field in fields(draft)}
    for decision in draft.decisions.values():
        known |= {output.name for output in decision.outputs}
    for node in draft.nodes():
        known.add(node.camunda.get("resultVariable", ""))
        known |= {name.strip() for name in node.properties.get("gives", "").split(",")}
        known |= told_of_errors(node)
        if starts_case(node):
            known.add(node.properties.get("result", "").strip() or NEW_NUMBER)
        if node.camunda.get("topic", "").strip() == FIND_DUPLICATES and not node.camunda.get("resultVariable"):
            known |= {"trung_so", "trung_ma"}
        if node.marker is not None:
            known |= {node.marker.results, node.marker.item or "", *COUNTS}
        if node.kind == "scriptTask":
            known |= assigned(node)
    return known - {""}


def starts_case(node: Node) -> bool:
    """Whether it starts a case of another type."""
    return node.kind in ("serviceTask", "sendTask") and node.camunda.get("topic", "").strip() == START_CASE


def told_of_errors(node: Node) -> set[str]:
    """The variables in which an error or escalation event tells the code and message of what it caught."""
    return {drawn.get(f"{CAMUNDA}{kind}{what}Variable") or "" for kind in ("error", "escalation")
            for drawn in node.element.findall(f"{{*}}{kind}EventDefinition") for what in ("Code", "Message")} - {""}


def assigned(node: Node) -> frozenset[str]:
    """What a script task sets."""
    script = node.element.findtext("{*}script") or ""
    try:
        return compile_script(script).assigned
    except ScriptError:
        return frozenset()


def fields(draft: Draft) -> Iterator[Field]:
    """Every question of every form."""
    return (field for form in draft.forms.values() if form is not None for field in form.fields)


def offered(draft: Draft) -> dict[str, list[Any]]:
    """The answers that each question offers, in whichever form it is asked; only of questions that list them all."""
    found: dict[str, dict[Any, None]] = defaultdict(dict)
    free = set()
    for field in fields(draft):
        if field.kind in ("radio", "select") and field.options and not field.options_from:
            found[field.key] |= dict.fromkeys(option.value for option in field.options)
        elif field.kind == "checkbox":
            found[field.key] |= dict.fromkeys((True, False))
        else:
            free.add(field.key)
    return {key: list(values) for key, values in found.items() if key not in free}

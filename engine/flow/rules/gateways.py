"""Rules about what is written on flows: every way is chosen by something, and some way is always open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engine.flow.diagram import Flow, Node
from engine.flow.draft import Draft
from engine.flow.faults import Fault, error, warning
from engine.flow.rules.phrases import meant
from engine.flow.rules.variables import offered

Answers = dict[str, list[Any]]
_CHOOSERS = ("exclusiveGateway", "inclusiveGateway")
_EQUALS = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*==\s*(?:\"([^\"]*)\"|'([^']*)')")


def gateways(draft: Draft) -> Iterator[Fault]:
    answers = offered(draft)
    for node in draft.nodes():
        if node.kind in _CHOOSERS and (len(node.outgoing) > 1 or any(flow.condition for flow in node.outgoing)):
            yield from _choices(node, answers)
        elif node.kind not in _CHOOSERS:
            yield from _ignored(node)


def _choices(node: Node, answers: Answers) -> Iterator[Fault]:
    for flow in node.outgoing:
        is_default = flow.id == node.default
        if not flow.condition and not is_default:
            yield error(flow, "condition-missing", f"Write a condition on {flow.label}, or make it the default flow of "
                        f"{node.label}: nothing says when it is taken.")
        elif flow.condition and is_default:
            yield warning(flow, "default-with-condition", f"Delete the condition of {flow.label}: as the default flow "
                          f"of {node.label} it is taken when no other is, whatever its condition says.")
        elif flow.condition:
            yield from _offered(flow, answers)
    if node.default is None and all(flow.condition for flow in node.outgoing) and not _covers(node, answers):
        yield warning(node, "default-missing", f"Mark one flow of {node.label} as the default: for an answer that none "
                      "of its conditions expects, the case would get stuck there.")


def _ignored(node: Node) -> Iterator[Fault]:
    for flow in node.outgoing:
        if flow.condition:
            yield error(flow, "condition-ignored", f"Move the condition of {flow.label} behind an exclusive gateway: "
                        f"on a flow out of {node.label} it would be ignored.")


def comparison(flow: Flow) -> tuple[str, str] | None:
    """``ket_qua == "dung"`` as its two sides; ``None`` for any other condition."""
    found = _EQUALS.fullmatch(_inside(flow))
    return (found[1], found[2] if found[2] is not None else found[3]) if found else None


def _inside(flow: Flow) -> str:
    """The condition without ``${…}``."""
    text = (flow.condition or "").strip()
    return text[2:-1].strip() if text.startswith("${") and text.endswith("}") else text


def _offered(flow: Flow, answers: Answers) -> Iterator[Fault]:
    name = _inside(flow)
    if texts := [one for one in answers.get(name, ()) if isinstance(one, str)]:
        yield warning(flow, "value-not-offered", f"Compare {name!r} in the condition of {flow.label} with an answer, "
                      f"such as {name} == \"{texts[0]}\": alone it holds whatever is answered.")
    asked = comparison(flow)
    options = answers.get(asked[0]) if asked else None
    if asked and options is not None and asked[1] not in map(str, options):
        yield warning(flow, "value-not-offered", f"Correct the condition of {flow.label}: the question {asked[0]!r} "
                      f"does not offer {asked[1]!r}.{meant(asked[1], map(str, options))}")


def _covers(node: Node, answers: Answers) -> bool:
    """Whether the conditions compare one question with each of its answers."""
    asked = [comparison(flow) for flow in node.outgoing]
    names = {one[0] for one in asked if one}
    if None in asked or len(names) != 1:
        return False
    options = answers.get(names.pop())
    return options is not None and set(map(str, options)) <= {one[1] for one in asked if one}

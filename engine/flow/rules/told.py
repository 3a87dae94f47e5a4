"""Rules about answers that tell who somebody is. They are hidden under their own keys (`engine.forms.Field.personal`),
so they are not written under others, nor into a text to an agency."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from engine.flow.diagram import Node
from engine.flow.dialect import read_expression, read_script
from engine.flow.draft import Draft
from engine.flow.faults import Fault, warning
from engine.flow.rules.correspondence import leaves
from engine.flow.rules.sites import Site, every_text, written
from engine.flow.rules.variables import starts_case
from engine.flow.rules.wording import is_notice, texts_of
from engine.flow.scripts import ScriptError, strip_expression

_CITIZENS = ("reporter", "beneficiary")


def told(draft: Draft) -> Iterator[Fault]:
    personal = frozenset(key for form in draft.forms.values() if form is not None for key in form.personal)
    if not personal:
        return
    for process in draft.reached:
        for node in process.walk():
            if is_notice(node):
                yield from _in_a_text(draft, node, personal)
            elif starts_case(node) or leaves(node):
                yield from _to_another_case(draft, node, personal)
    for site in written(draft):
        if isinstance(site, Site) and site.is_script:
            yield from _in_a_script(site, personal)


def _in_a_text(draft: Draft, node: Node, personal: frozenset[str]) -> Iterator[Fault]:
    text = texts_of(draft).get(node.properties.get("text", "").strip())
    if text is None or node.properties.get("to", "reporter").strip() in _CITIZENS:
        return
    for name in sorted(text.placeholders):
        if personal & set(name.split(".")):
            yield warning(node, "personal-told", f"Take {{{name}}} out of the text {text.key!r}, which {node.label} "
                          "sends to an agency: it tells who somebody is, and is left out where the agency may not know "
                          "that.")


def _to_another_case(draft: Draft, node: Node, personal: frozenset[str]) -> Iterator[Fault]:
    """Where it is an answer, or a variable, under the name of the input."""
    other = (draft.others or {}).get(node.properties.get("report_type", "").strip())
    hidden = personal if other is None else frozenset(other.personal)
    for name, value in node.inputs.items():
        if name not in hidden and (found := {one for text in every_text(value) for one in _named_in(text)} & personal):
            yield warning(node, "personal-copied", f"Hand on {min(found)!r} in {node.label} under the key of a "
                          f"question that is marked as personal, not as {name!r}: it tells who somebody is, and only "
                          "such keys are hidden.")


def _in_a_script(site: Site, personal: frozenset[str]) -> Iterator[Fault]:
    try:
        statements, _ = read_script(site.source)
    except ScriptError:
        return  # told by `expressions`
    copies: dict[str, str] = {}
    for node in (one for statement in statements for one in ast.walk(statement)):
        if isinstance(node, ast.Assign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for found in sorted(personal.intersection(_named(node.value)))[:1]:
                copies |= {name: found for name in map(_last_key, targets) if name not in personal}
    for name, found in copies.items():
        yield warning(site.thing, "personal-copied", f"Do not copy {found!r} to {name!r} in {site.what}: it tells who "
                      "somebody is, and only the keys of questions that are marked as personal are hidden.")


def _named_in(text: str) -> Iterator[str]:
    try:
        source = strip_expression(text)
        yield from () if source is None else _named(read_expression(source)[0])
    except ScriptError:
        return  # told by `expressions`


def _named(node: ast.AST) -> Iterator[str]:
    """The names and keys whose values may stand in the value of an expression; what is only compared does not."""
    match node:
        case ast.Compare() | ast.Call(func=ast.Name(id="len" | "empty" | "defined")):
            return
        case ast.Name():
            yield node.id
        case ast.Attribute() | ast.Subscript():
            yield _last_key(node)
    for part in ast.iter_child_nodes(node):
        yield from _named(part)


def _last_key(target: ast.AST) -> str:
    match target:
        case ast.Name():
            return target.id
        case ast.Attribute():
            return target.attr
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return key
    return ""

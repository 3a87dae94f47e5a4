"""Rules about words: statuses, outcomes, the texts that people are sent, and to whom."""

from __future__ import annotations

from collections.abc import Iterator

from engine.flow.diagram import Node
from engine.flow.draft import PROVINCE, TYPE, Draft
from engine.flow.faults import Fault, error, warning
from engine.flow.rules.people import agencies
from engine.flow.rules.phrases import meant
from engine.flow.rules.variables import known_names, starts_case
from engine.language.texts import Text

RECIPIENTS = ("reporter", "beneficiary", "lead_agency", "monitor_agency")
WORDS = frozenset({"ma", "han", "link", "don_vi", "loai", "buoc", "con_lai", "qua"})
PROPERTIES = frozenset(
    {"status", "outcome", "text", "to", "tells", "gives", "term", "results", "report_type", "result", "key", "keep",
     "scope"}
)


def wording(draft: Draft) -> Iterator[Fault]:
    texts, known = _texts(draft), WORDS | known_names(draft)
    yield from _broken_texts(draft)
    for process in draft.reached:
        for node in process.walk():
            yield from _properties(draft, node)
            if is_notice(node):
                yield from _notice(draft, node, texts, known)
    yield from _outcomes(draft)


def is_notice(node: Node) -> bool:
    """Whether it sends a text and goes on at once."""
    return node.kind in ("serviceTask", "sendTask") and node.camunda.get("topic", "").strip() == "notify"


def texts_of(draft: Draft) -> dict[str, Text]:
    """The texts that can be read, by key; a type's own come before its province's."""
    return {key: text for key, text in _texts(draft).items() if text is not None}


def _texts(draft: Draft) -> dict[str, Text | None]:
    found: dict[str, Text | None] = {}
    for key, table in {**draft.table(PROVINCE, "texts"), **draft.table(TYPE, "texts")}.items():
        try:
            found[key] = Text.parse(key, table)
        except ValueError:
            found[key] = None
    return found


def _broken_texts(draft: Draft) -> Iterator[Fault]:
    for file in (PROVINCE, TYPE):
        for key, table in draft.table(file, "texts").items():
            try:
                Text.parse(key, table)
            except ValueError as fault:
                yield Fault(file, draft.line(file, "texts", key), key, "text", str(fault))


def _properties(draft: Draft, node: Node) -> Iterator[Fault]:
    for name in node.properties:
        if name not in PROPERTIES:
            yield warning(node, "property-unknown", f"Remove the property {name!r} of {node.label}: nothing reads it."
                          f"{meant(name, PROPERTIES)}")
        elif name in ("text", "to") and not is_notice(node):
            yield warning(node, "property-unknown", f"Remove the property {name!r} of {node.label}, or make it a send "
                          "task with the topic 'notify': nothing reads it there.")
        elif name in ("report_type", "result") and not starts_case(node):
            yield warning(node, "property-unknown", f"Remove the property {name!r} of {node.label}, or make it a send "
                          "task with the topic 'start_case': nothing reads it there.")
        elif name == "term" and node.kind != "userTask" or name == "results" and node.marker is None:
            yield warning(node, "property-unknown", f"Remove the property {name!r} of {node.label}: it is read on "
                          + ("user tasks only." if name == "term" else "activities with three bars only."))
    term = node.properties.get("term", "")
    if term and "${" not in term and draft.has(TYPE) and term not in draft.table(TYPE, "deadlines"):
        yield error(node, "term-unknown", f"Write [deadlines.{term}] in type.toml: {node.label} is due by it."
                    f"{meant(term, draft.table(TYPE, 'deadlines'))}")
    for name, table in (("status", "statuses"), ("outcome", "outcomes")):
        value = node.properties.get(name, "")
        if name in node.properties and draft.has(TYPE) and "${" not in value and value not in draft.table(TYPE, table):
            yield error(node, f"{name}-unknown", f"Write [{table}.{value}] in type.toml, or another {name} in "
                        f"{node.label}.{meant(value, draft.table(TYPE, table))}")
    people = ("reporter", "beneficiary", *(["nobody"] if node.kind == "endEvent" else []))
    if node.properties.get("tells", "reporter") not in people:
        yield error(node, "recipient-unknown", f"Write tells=\"reporter\" in {node.label}, if the person who does it "
                    "tells the citizen: it is no place for anything else (only an end may say \"nobody\").")


def _notice(draft: Draft, node: Node, texts: dict[str, Text | None], known: set[str]) -> Iterator[Fault]:
    key = node.properties.get("text", "").strip()
    if not key:
        yield error(node, "text-missing", f"Say which text {node.label} sends: add the property 'text'.")
    elif key not in texts:
        if draft.has(PROVINCE) and draft.has(TYPE):
            yield error(node, "text-missing", f"Write [texts.{key}] in province.toml: {node.label} sends it."
                        f"{meant(key, texts)}")
    elif (text := texts[key]) is not None:
        yield from _placeholders(node, text, known)
    to, people = node.properties.get("to", "reporter").strip(), {*RECIPIENTS, *agencies(draft)}
    if "${" not in to and draft.has(PROVINCE) and to not in people:
        yield error(node, "recipient-unknown", f"Say whom {node.label} tells: {to!r} is neither one of "
                    f"{', '.join(RECIPIENTS)} nor an agency of province.toml.{meant(to, people)}")


def _placeholders(node: Node, text: Text, known: set[str]) -> Iterator[Fault]:
    for name in sorted(text.placeholders):
        if name.split(".")[0] not in known:
            yield warning(node, "placeholder-unknown", f"Check {{{name}}} in the text {text.key!r} that {node.label} "
                          f"sends: no form or table of this package sets it.{meant(name, known)}")


def _outcomes(draft: Draft) -> Iterator[Fault]:
    if not draft.has(TYPE):
        return
    outcomes = draft.table(TYPE, "outcomes")
    for key, text in texts_of(draft).items():
        table = draft.table(TYPE, "texts").get(key)
        for name in sorted(text.only_for_outcomes or ()):
            if table is not None and name not in outcomes:
                yield Fault(TYPE, draft.line(TYPE, "texts", key), key, "outcome-unknown", f"Write [outcomes.{name}] in "
                            f"type.toml: the text {key!r} is only for it.{meant(name, outcomes)}")

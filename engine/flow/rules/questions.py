"""Rules about answers: forms are called what their files are called, and nothing sets what is the engine's to say."""

from __future__ import annotations

from collections.abc import Iterator

from engine.flow.draft import TYPE, Draft
from engine.flow.faults import Fault
from engine.flow.rules.variables import assigned
from engine.forms import Form

FIXED = frozenset({"number", "report_type", "province", "channel", "opened_at"})
"""What the engine sets once; no answer may change it."""
UNASKED = FIXED | {"area", "commune", "status", "outcome", "secrecy", "lead_agency", "monitor_agency"}
"""What an intake form cannot ask for: the report brings it along, or the process decides it."""


def questions(draft: Draft) -> Iterator[Fault]:
    yield from _forms(draft)
    for file, line, key, name, what in _setters(draft):
        if name in FIXED:
            yield Fault(file, line, key, "reserved-name", f"Rename {name!r}, which {what} sets: the engine sets it, "
                        "once for all.")


def _forms(draft: Draft) -> Iterator[Fault]:
    intake = str(draft.type.get("intake_form", "")) if draft.has(TYPE) else ""
    for key, form in draft.forms.items():
        if form is None:
            continue
        file = f"{key}.form"
        if form.id != key:
            yield Fault(file, 1, form.id, "form-name", f"Name the file {form.id}.form, or give the form the id "
                        f"{key!r}: forms are found by the names of their files.", "warning")
        if key == intake:
            yield from _unanswerable(file, draft.files[file], form)
        refused = UNASKED if key == intake else FIXED
        for field in form.fields:
            name = field.key.split(".")[0]
            if name in refused:
                yield Fault(file, _line(draft.files[file], field.key), field.key, "reserved-name",
                            f"Rename the question {field.key!r} of {file}: {name!r} is set by the engine, and the "
                            "answer would be lost.")


def _unanswerable(file: str, source: str, form: Form) -> Iterator[Fault]:
    for field in form.fields:
        if field.kind == "filepicker" and field.required:
            yield Fault(file, _line(source, field.key), field.key, "file-at-intake", f"Let the question {field.key!r} "
                        f"of {file} be optional: files are added to a case that is there already.")


def _setters(draft: Draft) -> Iterator[tuple[str, int, str, str, str]]:
    """File, line, element, variable and what sets it, for everything but forms."""
    for node in draft.nodes():
        names = assigned(node) if node.kind == "scriptTask" else {node.camunda.get("resultVariable", "")}
        yield from ((node.file, node.line, node.id, name, node.label) for name in sorted(names))
    for key, decision in draft.decisions.items():
        for output in decision.outputs:
            what = f"the decision {decision.name or key!r}"
            yield draft.decision_files[key], decision.line or 1, key, output.name, what


def _line(source: str, key: str) -> int:
    place = source.find(f'"{key}"')
    return source.count("\n", 0, place) + 1 if place >= 0 else 1

"""Rules about who does a task and on which form."""

from __future__ import annotations

from collections.abc import Iterator

from engine.flow.diagram import Node
from engine.flow.draft import PROVINCE, TYPE, Draft
from engine.flow.faults import Fault, error, warning
from engine.flow.rules.phrases import meant

PART_AGENCIES = ("lead_agency", "monitor_agency")


def people(draft: Draft) -> Iterator[Fault]:
    for process in draft.reached:
        for node in process.walk():
            if node.kind == "userTask":
                yield from _group(draft, node)
                yield from _form(draft, node)
    yield from _lanes(draft)


def agencies(draft: Draft) -> set[str]:
    """The keys of the province's agencies."""
    found = draft.province.get("agencies", [])
    return {str(one.get("key")) for one in found if isinstance(one, dict)} if isinstance(found, list) else set()


def _group(draft: Draft, node: Node) -> Iterator[Fault]:
    group = node.camunda.get("candidateGroups", "").strip()
    for name in ("assignee", "candidateUsers"):
        if node.camunda.get(name) and not group and node.lane is None:
            return  # told as an attribute that is ignored; and below, by the missing group
    if group:
        if "${" not in group:
            yield from _key(draft, node, group)
    elif node.lane is None:
        yield error(node, "group-missing", f"Say who does {node.label}: put it in a lane, or write an agency's key as "
                    "its candidate group.")
    elif draft.has(TYPE) and node.lane not in draft.table(TYPE, "lanes"):
        near = meant(node.lane, draft.table(TYPE, "lanes"))
        yield error(node, "lane-unknown", f"Say in type.toml, under [lanes], which agency works in the lane "
                    f"{node.lane!r} of {node.label}.{near}")


def _key(draft: Draft, node: Node, group: str) -> Iterator[Fault]:
    if "," in group:
        yield error(node, "groups-several", f"Choose one group for {node.label}: {group!r} names several, and a task "
                    "belongs to exactly one agency.")
    elif draft.has(PROVINCE) and group not in agencies(draft):
        variable = f" For the value of a variable, write ${{{group}}}." if group in PART_AGENCIES else ""
        yield error(node, "group-unknown", f"Give {node.label} to an agency of province.toml: there is no agency "
                    f"{group!r}.{meant(group, agencies(draft))}{variable}")


def _form(draft: Draft, node: Node) -> Iterator[Fault]:
    if "formData" in node.extensions:
        yield error(node, "form-embedded", f"Draw the form of {node.label} in a .form file: fields written into the "
                    "diagram are not read.")
    asked = node.camunda.get("formKey") or node.camunda.get("formRef")
    if asked and asked not in draft.forms:
        yield error(node, "form-missing", f"Add {asked}.form to the package: {node.label} asks for it."
                    f"{meant(asked, draft.forms)}")
    elif not asked and node.id not in draft.forms and "formData" not in node.extensions:
        yield warning(node, "form-none", f"Draw the form {node.id}.form, if {node.label} should ask for anything: it "
                      "has no form.")


def _lanes(draft: Draft) -> Iterator[Fault]:
    drawn = {name for diagram in draft.diagrams for name in diagram.lanes}
    for name, group in draft.table(TYPE, "lanes").items():
        line = draft.line(TYPE, "lanes", name)
        if not isinstance(group, str) or not group:
            yield Fault(TYPE, line, None, "table-value", f"Write an agency's key or ${{…}} for the lane {name!r}.")
        elif "${" not in group and draft.has(PROVINCE) and group not in agencies(draft):
            yield Fault(TYPE, line, None, "group-unknown", f"Give the lane {name!r} to an agency of province.toml: "
                        f"there is no agency {group!r}.{meant(group, agencies(draft))}")
        if draft.diagrams and draft.drawings_readable and name not in drawn:
            yield Fault(TYPE, line, None, "lane-not-drawn", f"Remove the lane {name!r} from [lanes], or draw it: no "
                        f"diagram has it.{meant(name, drawn)}", "warning")

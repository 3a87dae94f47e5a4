"""What a report type consists of, part by part: steps and flows, decisions and their rows, forms and their questions,
deadlines, texts, settings.

Two versions are compared by their parts (`engine.versions.diffs`), so a part holds what something *means*. Where it was
drawn, the ids of what nobody refers to, the order in which a table of type.toml is written: none of that is in here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from engine.flow.diagram import BPMN, FLOW_NODES, Diagram, Flow, Node, local
from engine.flow.draft import PROVINCE, TYPE, Draft
from engine.flow.xml import parse_xml
from engine.packages import Package

Key = tuple[str, str, str]  # kind, file, id
KINDS = ("step", "flow", "decision", "rule", "form", "question", "deadline", "text", "setting")

_SEVERAL = {"deadlines": "deadline", "texts": "text"}  # tables of which each entry is a kind of its own
_FORMS = ("formKey", "formRef")
_NEVER_READ = {"id", "layout", "components", "exporter", "executionPlatform", "executionPlatformVersion",
               "schemaVersion"}  # fmt: skip
_BESIDE = {"incoming", "outgoing", "documentation", "laneSet", "sequenceFlow", "textAnnotation", "association", "group",
           *FLOW_NODES}  # fmt: skip
_REFERENCES = {"messageRef", "signalRef", "errorRef", "escalationRef", "attachedToRef", "default", "id", "name"}
_UNORDERED = ([], ["UNIQUE"], ["ANY"])  # hit policies that do not look at a row's place


@dataclass
class Part:
    """One of them.

    Attributes:
        id: of the element, row, question or table.
        vi, en: how a sentence names it.
        aspects: what it means, to be compared; ``shown``: how an aspect reads, where that differs.
        whole: everything it says, in case that no aspect holds it.
        elements: what to mark in the diagram for it.
        within: the part it belongs to: of a row its decision, of a question its form.
    """

    kind: str
    file: str
    id: str
    vi: str
    en: str
    aspects: dict[str, Any]
    shown: dict[str, str] = field(default_factory=dict)
    whole: str = ""
    elements: tuple[str, ...] = ()
    within: Key | None = None


def parts(package: Package, renamed: Mapping[str, str] | None = None) -> dict[Key, Part]:
    """Args:
    renamed: read these elements by another id.
    """
    drawn = diagrams(package)
    reader = _Reader(package, [node for diagram in drawn for node in diagram.nodes()], renamed or {})
    found: dict[Key, Part] = {}
    for part in reader.everything(drawn):
        key = (part.kind, part.file, part.id)
        while key in found:  # two questions with one key, shown by turns
            key = (*key[:2], key[2] + "'")
        found[key] = part
    return found


def diagrams(package: Package) -> list[Diagram]:
    return Draft.read({name: text for name, text in package.files.items() if name.endswith(".bpmn")}).diagrams


class _Reader:
    def __init__(self, package: Package, nodes: list[Node], renamed: Mapping[str, str]) -> None:
        self.package = package
        self.nodes = nodes
        self.renamed = renamed
        self.names = {node.id: node.name or self.now(node.id) for node in nodes}

    def everything(self, drawn: Iterable[Diagram]) -> Iterator[Part]:
        for diagram in drawn:
            yield from map(self.step, diagram.nodes())
            yield from self.flows(diagram)
        for name, text in sorted(self.package.files.items()):
            if name.endswith(".dmn"):
                yield from self.decisions(name, text)
            elif name.endswith(".form"):
                yield from self.form(name, json.loads(text))
        yield from self.settings(TYPE, self.package.type)
        yield from self.settings(PROVINCE, self.package.province)

    def now(self, element: str | None) -> str:
        return self.renamed.get(element or "", element or "")

    def marked(self, condition: Any) -> tuple[str, ...]:
        return tuple(node.id for node in self.nodes if condition(node))

    # -- diagrams ------------------------------------------------------------------------------------------------------

    def step(self, node: Node) -> Part:
        camunda = dict(node.camunda)
        lanes = self.package.type.get("lanes", {}) if node.kind == "userTask" else {}  # else a lane is only drawn
        asked = [self.now(flow.target) for flow in node.outgoing if flow.condition]
        aspects = {
            "name": node.name,
            "next": sorted({self.now(flow.target) for flow in node.outgoing}),
            "order": asked if node.kind == "exclusiveGateway" else [],  # the first condition that holds, counts
            "group": camunda.pop("candidateGroups", None) or lanes.get(node.lane),
            "form": [form for name in _FORMS if (form := camunda.pop(name, None))],
            "timer": [event.value for event in node.events if event.timer],
            "kind": node.kind,
            "event": [_joined(event.kind, event.name or event.ref) for event in node.events],
            "attached": self.now(node.attached_to) if node.attached_to else None,
            "interrupting": "" if node.interrupting else "aside",
            "calls": node.called,
            "script": _tidy(node.element.findtext(BPMN + "script")),
            "several": node.marker and " ".join(f"{name}={value}" for name in node.marker.__slots__
                                                if name != "line" and (value := getattr(node.marker, name))),
        }  # fmt: skip
        named = {f"in.{name}": value for name, value in node.inputs.items()}
        named |= {f"out.{name}": value for name, value in node.outputs.items()}
        shown = {"next": ", ".join(self._towards(flow) for flow in node.outgoing)}
        return Part("step", node.file, self.now(node.id), *_called(*_step_words(node.kind), self.names[node.id]),
                    aspects | named | camunda | node.properties, shown, _whole(node.element), (node.id,))  # fmt: skip

    def _towards(self, flow: Flow) -> str:
        name = f"“{self.names.get(flow.target, flow.target)}”"
        return f"{name} ({flow.condition})" if flow.condition else name

    def flows(self, diagram: Diagram) -> Iterator[Part]:
        """By where they lead from and to: their ids mean nothing to anybody."""
        times: Counter[tuple[str, str]] = Counter()
        defaults = {node.default for node in diagram.nodes()}
        for flow in diagram.flows():
            ends = (self.now(flow.source), self.now(flow.target))
            times[ends] += 1
            label = " → ".join(self.names.get(one, one) for one in (flow.source, flow.target))
            condition = "default" if flow.id in defaults else flow.condition
            yield Part("flow", diagram.file, ">".join((*ends, str(times[ends]))), *_called("đường", "flow", label),
                       {"name": _tidy(flow.name), "condition": condition}, elements=(flow.id,))  # fmt: skip

    # -- tables and forms ----------------------------------------------------------------------------------------------

    def decisions(self, file: str, text: str) -> Iterator[Part]:
        found = list(parse_xml(text, file).iter("{*}decision"))
        ids = {one.get("id", "") for one in found}  # one may need another of its file
        users = self.marked(lambda node: node.camunda.get("decisionRef") in ids)
        for decision in found:
            name, id = decision.get("name") or decision.get("id", ""), decision.get("id", "")
            tables = list(decision.iter("{*}decisionTable"))
            policy = [_joined(one.get("hitPolicy", "UNIQUE"), one.get("aggregation")) for one in tables]
            rows = list(decision.iter("{*}rule"))
            aspects: dict[str, Any] = {
                "name": name,
                "hit policy": policy,
                "inputs": [_words(one) for one in decision.iter("{*}inputExpression")],
                "outputs": [one.get("name") for one in decision.iter("{*}output")],
                "expression": [_words(one) for one in decision.iter("{*}literalExpression")],
                "order": [] if policy in _UNORDERED else [row.get("id", "") for row in rows],
            }  # fmt: skip
            yield Part("decision", file, id, *_called("bảng quyết định", "decision", name), aspects, {},
                       _whole(decision, {"rule"}), users)  # fmt: skip
            for number, row in enumerate(rows, 1):
                asked = " | ".join(_words(cell) or "-" for cell in row.iterchildren("{*}inputEntry"))
                answer = " | ".join(_words(cell) for cell in row.iterchildren("{*}outputEntry"))
                yield Part("rule", file, row.get("id", f"{id}.{number}"),
                           *_called(f"dòng {number} của bảng quyết định", f"row {number} of the decision", name),
                           {"value": f"{asked} → {answer}"}, elements=users, within=("decision", file, id))  # fmt: skip

    def form(self, file: str, form: Mapping[str, Any]) -> Iterator[Part]:
        key = file.removesuffix(".form")
        users = self.marked(lambda node: key in [node.camunda.get(name) for name in _FORMS])
        if key == self.package.type.get("intake_form"):
            users += self.marked(lambda node: node.kind == "startEvent"
                                 and node.scope.id == self.package.type.get("process"))  # fmt: skip
        yield Part("form", file, key, *_called("biểu mẫu", "form", key), _flat(form, _NEVER_READ), elements=users)
        yield from self.questions(file, form, users, ("form", file, key))

    def questions(self, file: str, form: Mapping[str, Any], users: tuple[str, ...], within: Key) -> Iterator[Part]:
        for one in form.get("components", ()):
            key = str(one.get("key") or one.get("path") or one.get("id"))
            yield Part("question", file, key, *_called("câu hỏi", "question", str(one.get("label") or key)),
                       _flat(one, _NEVER_READ), elements=users, within=within)  # fmt: skip
            yield from self.questions(file, one, users, within)

    # -- type.toml and province.toml ---------------------------------------------------------------------------------

    def settings(self, file: str, table: Mapping[str, Any]) -> Iterator[Part]:
        for name, value in table.items():
            if name == "lanes":
                continue  # each step says whose it is
            kind, words = _SEVERAL.get(name, "setting"), _TABLE_WORDS.get(name, _TABLE_WORDS[""])
            if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
                value = {str(one.get("key") or one.get("code") or one.get("name") or number): one
                         for number, one in enumerate(value)}  # fmt: skip
            if not isinstance(value, dict):
                yield Part(kind, file, name, *_called(*words, name), {"value": value}, elements=self._about(name, ""))
                continue
            for key, inner in value.items():
                own = self.now(key) if name == "deadlines" else key
                label = own if name in _SEVERAL else f"{name}.{own}"
                aspects = _flat(inner) if isinstance(inner, dict) else {"value": inner}
                yield Part(kind, file, f"{name}.{own}", *_called(*words, label), aspects,
                           elements=self._about(name, key))  # fmt: skip

    def _about(self, table: str, key: str) -> tuple[str, ...]:
        """What in the diagram an entry of a table is about."""
        if table in ("statuses", "outcomes", "texts"):
            what = {"statuses": "status", "outcomes": "outcome", "texts": "text"}[table]
            return self.marked(lambda node: node.properties.get(what) == key)
        if table == "deadlines":
            quoted = re.compile(rf"""["']{re.escape(key)}["']""")
            return self.marked(lambda node: key in (node.id, node.properties.get("term"))
                               or any(quoted.search(event.value or "") for event in node.events))  # fmt: skip
        return ()


_TABLE_WORDS = {
    "deadlines": ("thời hạn", "deadline"), "texts": ("mẫu tin", "text"), "": ("thiết lập", "setting"),
}  # fmt: skip


def _called(vi: str, en: str, label: str) -> tuple[str, str]:
    return f"{vi} “{label}”", f"{en} “{label}”" if en.startswith("row") else f"the {en} “{label}”"


def _step_words(kind: str) -> tuple[str, str]:
    if kind.endswith("Gateway"):
        return "cổng rẽ nhánh", "gateway"
    if kind.endswith("Event"):
        return "sự kiện", "event"
    return ("quy trình con", "subprocess") if kind == "subProcess" else ("bước", "step")


def _flat(table: Mapping[str, Any], without: Iterable[str] = ()) -> dict[str, Any]:
    """``{"by_severity": {"khan": "PT1H"}}`` -> ``{"by_severity.khan": "PT1H"}``"""
    found: dict[str, Any] = {}
    for name, value in table.items():
        if name in without:
            continue
        if isinstance(value, dict) and value:
            found |= {f"{name}.{inner}": one for inner, one in _flat(value).items()}
        else:
            found[name] = value
    return found


def _whole(element: etree._Element, without: Iterable[str] = ()) -> str:
    """All that is written in an element, as far as anybody reads it; ids and references by id are left out."""
    own = sorted((name, value) for name, value in element.attrib.items() if name not in _REFERENCES)
    said = f"{local(element)} {own} {_tidy(element.text)}"
    left = _BESIDE.union(without)
    inside = [child for child in element if local(child) not in left]
    if local(element) == "properties":  # by their names: an editor writes the one that was set last behind the others
        inside.sort(key=lambda child: child.get("name", ""))
    return said + "".join(f"({_whole(child, without)})" for child in inside)


def _words(element: etree._Element) -> str:
    return _tidy(" ".join(element.itertext()))


def _joined(*words: str | None) -> str:
    return " ".join(filter(None, words))


def _tidy(text: str | None) -> str:
    return " ".join((text or "").split())

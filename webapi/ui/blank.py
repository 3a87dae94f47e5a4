"""What a new file of a report type begins with, and a new report type: the shortest one that works."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

_TABLE = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="Definitions_{name}" name="{name}"\
 namespace="http://camunda.org/schema/1.0/dmn">
  <decision id="{name}" name="{name}">
    <decisionTable id="Bang_{name}" hitPolicy="FIRST">
      <input id="Vao_{name}" label="?">
        <inputExpression id="Bieu_thuc_{name}" typeRef="string">
          <text>noi_dung</text>
        </inputExpression>
      </input>
      <output id="Ra_{name}" label="?" name="{name}" typeRef="string" />
    </decisionTable>
  </decision>
</definitions>
"""
_DIAGRAM = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"\
 xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"\
 id="Definitions_{name}" targetNamespace="http://bpmn.io/schema/bpmn">
  <bpmn:process id="{name}" isExecutable="true">
    <bpmn:startEvent id="bat_dau_{name}" />
  </bpmn:process>
  <bpmndi:BPMNDiagram id="Diagram_{name}">
    <bpmndi:BPMNPlane id="Plane_{name}" bpmnElement="{name}">
      <bpmndi:BPMNShape id="bat_dau_{name}_di" bpmnElement="bat_dau_{name}">
        <dc:Bounds x="180" y="160" width="36" height="36" />
      </bpmndi:BPMNShape>
    </bpmndi:BPMNPlane>
  </bpmndi:BPMNDiagram>
</bpmn:definitions>
"""


def file(name: str) -> str:
    """The text of a new file; what kind of file its ending says. A name of another kind is left to the engine."""
    key, _, kind = name.rpartition(".")
    if kind == "form":
        form = {"components": [], "type": "default", "id": key, "schemaVersion": 18}
        return json.dumps(form, ensure_ascii=False, indent=2) + "\n"
    return (_TABLE if kind == "dmn" else _DIAGRAM).format(name=key)


# -- a report type: received, the citizen is told, handled, the citizen is told ---------------------------------------

_TYPE = """code = {code}
province = {province}
process = {code}
secrecy = "C2"
intake_form = "tiep_nhan"

[name]
vi = {vi}
en = {en}

[statuses.dang_xu_ly]
vi = "Đang xử lý"
en = "Being handled"
citizen = "Đang xử lý"
open311 = "open"

[statuses.da_giai_quyet]
vi = "Đã giải quyết"
en = "Settled"
citizen = "Đã giải quyết"
open311 = "closed"

[outcomes.da_giai_quyet]
vi = "Đã giải quyết"
en = "Settled"
closes_as = "da_giai_quyet"

[deadlines.case]
term = "PT24H"
calendar = "24/7"
warn = 0.8
source = "đề xuất"

[deadlines.xu_ly]
term = "PT20H"
calendar = "24/7"
warn = 0.8
source = "đề xuất"

[extension]
allowed = false

[pause]
allowed = false

[texts.BAO_DA_NHAN]
sms = "1022: đã nhận phản ánh {{ma}}, trả lời trước {{han}}."

[texts.BAO_KET_QUA]
sms = "1022: phản ánh {{ma}}: {{ket_qua_ngan}}"
only_for_outcomes = ["da_giai_quyet"]
"""
_STEPS = (  # element, id, name, x, width, height, what is inside
    ("startEvent", "bat_dau", "Nhận phản ánh", 160, 36, 36, ""),
    ("sendTask", "bao_da_nhan", "Báo đã nhận", 250, 100, 80, "BAO_DA_NHAN"),
    ("userTask", "xu_ly", "Xử lý", 410, 100, 80, "dang_xu_ly"),
    ("sendTask", "bao_ket_qua", "Báo kết quả", 570, 100, 80, "BAO_KET_QUA"),
    ("endEvent", "het", "Đã giải quyết", 730, 36, 36, ""),
)
_MIDDLE = 160


def report_type(code: str, names: Mapping[str, str], province: Mapping[str, Any]) -> dict[str, str]:
    """Its files, without province.toml; the province's desk has the one step."""
    desk = next((one["key"] for one in province["agencies"] if one["kind"] == "desk"), province["agencies"][0]["key"])
    said = {"code": code, "province": str(province["code"]), "vi": names["vi"], "en": names["en"]}
    answer = {"label": "Trả lời ngắn gửi người dân", "type": "textarea", "key": "ket_qua_ngan",
              "id": "Truong_ket_qua_ngan", "validate": {"required": True, "maxLength": 200}}  # fmt: skip
    question = {"label": "Nội dung", "type": "textarea", "key": "noi_dung", "id": "Truong_noi_dung",
                "validate": {"required": True, "maxLength": 4000}}  # fmt: skip
    return {
        "type.toml": _TYPE.format(**{name: json.dumps(value, ensure_ascii=False) for name, value in said.items()}),
        "process.bpmn": _process(code, names["vi"], str(desk)),
        "tiep_nhan.form": _form("tiep_nhan", question), "xu_ly.form": _form("xu_ly", answer),
    }  # fmt: skip


def _form(key: str, *components: dict[str, Any]) -> str:
    form = {"components": components, "type": "default", "id": key, "schemaVersion": 18}
    return json.dumps(form, ensure_ascii=False, indent=2) + "\n"


def _process(code: str, name: str, desk: str) -> str:
    ids = [one[1] for one in _STEPS]
    flows = list(zip(ids, ids[1:], strict=False))
    steps = "".join(_step(*one, desk, flows) for one in _STEPS)
    drawn = "".join(
        f'    <bpmn:sequenceFlow id="Flow_{one}_{other}" sourceRef="{one}" targetRef="{other}" />\n'
        for one, other in flows)  # fmt: skip
    shapes = "".join(
        f'      <bpmndi:BPMNShape id="{id}_di" bpmnElement="{id}">\n'
        f'        <dc:Bounds x="{x}" y="{_MIDDLE - height // 2}" width="{width}" height="{height}" />\n'
        "      </bpmndi:BPMNShape>\n" for _, id, _, x, width, height, _ in _STEPS)  # fmt: skip
    edges = "".join(
        f'      <bpmndi:BPMNEdge id="Flow_{one[1]}_{other[1]}_di" bpmnElement="Flow_{one[1]}_{other[1]}">\n'
        f'        <di:waypoint x="{one[3] + one[4]}" y="{_MIDDLE}" />\n'
        f'        <di:waypoint x="{other[3]}" y="{_MIDDLE}" />\n'
        "      </bpmndi:BPMNEdge>\n" for one, other in zip(_STEPS, _STEPS[1:], strict=False))  # fmt: skip
    return _WHOLE.format(code=code, name=quoteattr(name), steps=steps + drawn, drawing=shapes + edges)


def _step(
    element: str, id: str, name: str, _x: int, _width: int, _height: int, said: str, desk: str,
    flows: list[tuple[str, str]],
) -> str:  # fmt: skip
    attributes, properties = "", {}
    if element == "sendTask":
        attributes, properties = ' camunda:type="external" camunda:topic="notify"', {"text": said, "to": "reporter"}
    elif element == "userTask":
        attributes, properties = f' camunda:candidateGroups="{desk}"', {"status": said}
    if id == "bao_ket_qua":
        properties |= {"status": "da_giai_quyet", "outcome": "da_giai_quyet"}
    inside = "".join(f'          <camunda:property name="{key}" value="{text}" />\n'
                     for key, text in properties.items())  # fmt: skip
    if inside:
        inside = ("      <bpmn:extensionElements>\n        <camunda:properties>\n" + inside
                  + "        </camunda:properties>\n      </bpmn:extensionElements>\n")  # fmt: skip
    for one, other in flows:
        way = {other: "incoming", one: "outgoing"}.get(id)
        inside += f"      <bpmn:{way}>Flow_{one}_{other}</bpmn:{way}>\n" if way else ""
    return f'    <bpmn:{element} id="{id}" name="{name}"{attributes}>\n{inside}    </bpmn:{element}>\n'


_WHOLE = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"\
 xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"\
 xmlns:di="http://www.omg.org/spec/DD/20100524/DI" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"\
 id="Definitions_{code}" targetNamespace="http://bpmn.io/schema/bpmn">
  <bpmn:process id="{code}" name={name} isExecutable="true" camunda:historyTimeToLive="P180D">
{steps}  </bpmn:process>
  <bpmndi:BPMNDiagram id="Diagram_{code}">
    <bpmndi:BPMNPlane id="Plane_{code}" bpmnElement="{code}">
{drawing}    </bpmndi:BPMNPlane>
  </bpmndi:BPMNDiagram>
</bpmn:definitions>
"""

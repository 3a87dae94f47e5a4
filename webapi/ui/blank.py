"""What a new file of a report type begins with."""

from __future__ import annotations

import json

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

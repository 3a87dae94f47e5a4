"""Decision tables for tests: one as a modeler draws it, and a way to draw small ones."""

from __future__ import annotations

from html import escape

from engine.flow.decisions import NAMESPACES, Decision, parse_decisions

ROUTING = """<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/"
             xmlns:dmndi="https://www.omg.org/spec/DMN/20191111/DMNDI/"
             xmlns:biodi="http://bpmn.io/schema/dmn/biodi/2.0"
             id="dinh_tuyen_file" name="Định tuyến" namespace="http://camunda.org/schema/1.0/dmn" exporter="dmn-js">
  <decision id="dinh_tuyen" name="Định tuyến phản ánh">
    <decisionTable id="table" hitPolicy="FIRST">
      <input id="in_loai" label="Lĩnh vực" biodi:width="192">
        <inputExpression id="e1" typeRef="string"><text>loai</text></inputExpression>
        <inputValues id="v1"><text>"ha_tang","moi_truong","dien"</text></inputValues>
      </input>
      <input id="in_huyen" label="Huyện">
        <inputExpression id="e2" typeRef="string"><text>dia_diem.huyen</text></inputExpression>
      </input>
      <output id="o1" label="Cơ quan" name="lead_agency" typeRef="string" />
      <output id="o2" label="Giám sát" name="monitor_agency" typeRef="string" />
      <rule id="r1">
        <description>Điện do Điện lực xử lý</description>
        <inputEntry id="c11"><text>"dien"</text></inputEntry>
        <inputEntry id="c12"><text>-</text></inputEntry>
        <outputEntry id="c13"><text>"dien_luc_74"</text></outputEntry>
        <outputEntry id="c14"><text>"so_ct_74"</text></outputEntry>
      </rule>
      <rule id="r2">
        <inputEntry id="c21"><text>"ha_tang","moi_truong"</text></inputEntry>
        <inputEntry id="c22"><text>"Dĩ An", "Thuận An"</text></inputEntry>
        <outputEntry id="c23"><text>"ubnd_74_" + lower(replace(dia_diem.huyen, " ", "_"))</text></outputEntry>
        <outputEntry id="c24"><text></text></outputEntry>
      </rule>
      <rule id="r3">
        <inputEntry id="c31"><text><![CDATA[not("ha_tang")]]></text></inputEntry>
        <inputEntry id="c32"><text></text></inputEntry>
        <outputEntry id="c33"><text>"so_tnmt_74"</text></outputEntry>
        <outputEntry id="c34"><text>null</text></outputEntry>
      </rule>
    </decisionTable>
  </decision>
  <dmndi:DMNDI><dmndi:DMNDiagram /></dmndi:DMNDI>
</definitions>
"""

RANKED = '<outputValues><text>"cao","vua","thap"</text></outputValues>'


def cells(kind: str, texts) -> str:
    return "".join(f"<{kind}><text>{escape(str(text))}</text></{kind}>" for text in texts)


def table(rows, *, inputs=("x",), outputs=("y",), policy="UNIQUE", more="", types=(), outer="", values="") -> str:
    """A decision `d` whose rows are (input cells, output cells)."""
    kinds = [*types, *[""] * len(inputs)]
    head = "".join(
        f'<input id="i{n}"><inputExpression typeRef="{kinds[n]}"><text>{escape(text)}</text></inputExpression></input>'
        for n, text in enumerate(inputs)
    )
    head += "".join(f'<output id="o{n}" name="{name}">{values}</output>' for n, name in enumerate(outputs))
    body = "".join(
        f'<rule id="r{n}">{cells("inputEntry", asked)}{cells("outputEntry", answered)}</rule>'
        for n, (asked, answered) in enumerate(rows, 1)
    )
    drawn = f'<decisionTable hitPolicy="{policy}" {more}>{head}{body}</decisionTable>'
    return f'<decision id="d" name="Bảng">{outer}{drawn}</decision>'


def file_of(*decisions: str, namespace: str = NAMESPACES[2]) -> bytes:
    return f'<definitions xmlns="{namespace}" id="f" name="f" namespace="n">{"".join(decisions)}</definitions>'.encode()


def decision(*args, **kwargs) -> Decision:
    """The decision that `table` draws."""
    return parse_decisions(file_of(table(*args, **kwargs)), "x.dmn")["d"]


def requires(*keys: str) -> str:
    links = "".join(f'<requiredDecision href="#{key}"/>' for key in keys)
    return f"<informationRequirement>{links}<requiredInput href='#in'/></informationRequirement>"


def named(key: str, drawn: str, name: str | None = None) -> str:
    return drawn.replace('id="d" name="Bảng"', f'id="{key}" name="{name or key}"')

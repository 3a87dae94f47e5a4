"""Diagrams in a few lines of text, for tests.

    start s
    user verify "Xác minh"
    xor dung
    tell thanks
    end done

    s -> verify -> dung
    dung -> thanks : ket_qua == "dung"
    dung -> done default
    thanks -> done

A line, ended by a line break or `` ; ``, is a node (``kind id "name" key=value …``), or a chain of flows; the last flow
of a chain may have a condition behind `` : ``, or ``default``. Keys of a node:

    timer=PT5H date=… cycle=… message=m signal=s error=e escalation=e terminate link=l   its event, or several
    on=task aside            where a boundary event hangs; ``aside``: it does not interrupt
    group=desk form=x        of a user task; without ``group`` it is ``desk``, ``group=-`` is none
    topic=geo result=x decision=x calls=P2 script="x = 1"
    multi=list item=x until=… in_turn; times=3    three bars: for each item of a list, or so often
    again=… rounds=3 asks_first                   an arrow: a loop
    handler                                       makes a ``sub`` an event subprocess; its start may be ``aside``
    status= outcome= text= to= tells= gives= term= results= report_type= key= keep= scope=    camunda:properties
    @name=value  camunda:name=value               any attribute     xml='<…/>'  any child

``sub s1 {`` … ``}`` is a subprocess; ``lane "Tổng đài": verify assign`` puts nodes into a lane.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from itertools import count
from xml.sax.saxutils import escape, quoteattr

KINDS = {
    "start": "startEvent", "end": "endEvent", "catch": "intermediateCatchEvent", "throw": "intermediateThrowEvent",
    "boundary": "boundaryEvent", "user": "userTask", "script": "scriptTask", "rule": "businessRuleTask",
    "service": "serviceTask", "send": "sendTask", "tell": "sendTask", "receive": "receiveTask", "task": "task",
    "manual": "manualTask", "call": "callActivity", "xor": "exclusiveGateway", "and": "parallelGateway",
    "or": "inclusiveGateway", "race": "eventBasedGateway", "complex": "complexGateway", "sub": "subProcess",
    "transaction": "transaction", "adhoc": "adHocSubProcess",
}  # fmt: skip
TIMES = {"timer": "timeDuration", "date": "timeDate", "cycle": "timeCycle"}
NAMED = ("message", "signal", "error", "escalation")
PLAIN = ("terminate", "cancel", "compensate", "conditional")
PROPERTIES = ("status", "outcome", "text", "to", "tells", "gives", "term", "results", "property", "report_type", "key",
              "keep", "scope")
CAMUNDA = {
    "form": "formKey", "topic": "topic", "result": "resultVariable", "decision": "decisionRef",
    "group": "candidateGroups",
}  # fmt: skip
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="definitions"'
    ' xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' targetNamespace="http://example.org/">\n'
)


def draw(text: str, process: str = "P") -> str:
    """The BPMN file of one process."""
    drawing = _Drawing()
    lines = [line.strip() for line in re.split(r"\n| ; ", text)]
    body = drawing.scope([line for line in lines if line and not line.startswith("#")])
    lanes = "".join(drawing.lanes)
    lane_set = f"<bpmn:laneSet>{lanes}</bpmn:laneSet>\n" if lanes else ""
    declared = "".join(f'<bpmn:{kind} id="{kind}_{name}" {_words(kind, name)}/>\n' for kind, name in drawing.declared)
    inside = f'<bpmn:process id="{process}" isExecutable="true">\n{lane_set}{body}</bpmn:process>\n'
    return f"{HEAD}{inside}{declared}</bpmn:definitions>\n"


def _words(kind: str, name: str) -> str:
    key = {"error": "errorCode", "escalation": "escalationCode"}.get(kind)
    return f'name="{name}" {key}="{name}"' if key else f'name="{name}"'


class _Drawing:
    def __init__(self) -> None:
        self.declared: dict[tuple[str, str], None] = {}
        self.lanes: list[str] = []
        self.flows = count(1)

    def scope(self, lines: list[str]) -> str:
        self_closed: list[str] = []
        defaults: dict[str, str] = {}
        flows: list[str] = []
        nodes: list[tuple[str, str, str]] = []
        while lines:
            line = lines.pop(0)
            if line == "}":
                break
            if line.startswith("lane "):
                self._lane(line)
            elif "->" in line.split('"')[0]:
                flows += self._chain(line, defaults)
            else:
                nodes.append(self._node(line, lines))
        for key, opening, rest in nodes:
            default = f' default="{defaults[key]}"' if key in defaults else ""
            self_closed.append(f"{opening}{default}>{rest}\n")
        return "".join((*self_closed, *flows))

    def _lane(self, line: str) -> None:
        name, members = re.fullmatch(r'lane "(.*)":\s*(.*)', line).groups()  # type: ignore[union-attr]
        refs = "".join(f"<bpmn:flowNodeRef>{one}</bpmn:flowNodeRef>" for one in members.split())
        self.lanes.append(f'<bpmn:lane id="lane{len(self.lanes) + 1}" name={quoteattr(name)}>{refs}</bpmn:lane>')

    def _chain(self, line: str, defaults: dict[str, str]) -> list[str]:
        line, _, condition = line.partition(" : ")
        line, is_default = (line[:-8], True) if line.endswith(" default") else (line, False)
        ids = [one.strip() for one in line.split("->")]
        made = []
        for n, (source, target) in enumerate(zip(ids, ids[1:], strict=False)):
            key = f"flow{next(self.flows)}"
            last = n == len(ids) - 2
            inside = ""
            if last and condition:
                kind = 'xsi:type="bpmn:tFormalExpression"'
                inside = f"<bpmn:conditionExpression {kind}>{escape(condition.strip())}</bpmn:conditionExpression>"
            if last and is_default:
                defaults[source] = key
            made.append(f'<bpmn:sequenceFlow id="{key}" sourceRef="{source}" targetRef="{target}">{inside}'
                        "</bpmn:sequenceFlow>\n")
        return made

    def _node(self, line: str, lines: list[str]) -> tuple[str, str, str]:
        kind, key, *words = shlex.split(line)
        tag = KINDS[kind]
        opens = words[-1:] == ["{"]
        words = words[:-1] if opens else words
        name = words.pop(0) if words and "=" not in words[0] and f'"{words[0]}"' in line else ""
        values = dict(word.partition("=")[::2] for word in words)
        values = _usual(kind, values)
        opening = f'<bpmn:{tag} id="{key}"' + (f" name={quoteattr(name)}" if name else "") + self._attributes(values)
        inside = _extensions(values) + self._events(kind, values) + _marker(values) + values.get("xml", "")
        if "script" in values:
            inside += f"<bpmn:script>{escape(values['script'])}</bpmn:script>"
        inside += "\n" + self.scope(lines) if opens else ""
        return key, opening, f"{inside}</bpmn:{tag}>"

    def _attributes(self, values: dict[str, str]) -> str:
        found = {f"camunda:{CAMUNDA[key]}": value for key, value in values.items() if key in CAMUNDA and value != "-"}
        found |= {key[1:]: value for key, value in values.items() if key.startswith("@")}
        found |= {key: value for key, value in values.items() if key.startswith("camunda:")}
        if "topic" in values:
            found.setdefault("camunda:type", "external")
        if "on" in values:
            found["attachedToRef"] = values["on"]
        if "aside" in values:
            found["cancelActivity" if "on" in values else "isInterrupting"] = "false"
        if "handler" in values:
            found["triggeredByEvent"] = "true"
        if "calls" in values:
            found["calledElement"] = values["calls"]
        return "".join(f" {key}={quoteattr(value)}" for key, value in found.items())

    def _events(self, kind: str, values: dict[str, str]) -> str:
        found = []
        for key, value in values.items():
            if key in TIMES:
                found.append(f"<bpmn:timerEventDefinition><bpmn:{TIMES[key]}>{escape(value)}</bpmn:{TIMES[key]}>"
                             "</bpmn:timerEventDefinition>")
            elif key in NAMED:
                self.declared[key, value] = None
                if kind not in ("receive", "send"):
                    found.append(f'<bpmn:{key}EventDefinition {key}Ref="{key}_{value}"/>')
                else:
                    values["@messageRef"] = f"{key}_{value}"
            elif key == "link":
                found.append("<bpmn:linkEventDefinition" + (f" name={quoteattr(value)}/>" if value else "/>"))
            elif key == "conditional" and value:
                found.append("<bpmn:conditionalEventDefinition><bpmn:condition>"
                             f"{escape(value)}</bpmn:condition></bpmn:conditionalEventDefinition>")
            elif key in PLAIN:
                found.append(f"<bpmn:{key}EventDefinition/>")
        return "".join(found)


def _marker(values: dict[str, str]) -> str:
    """Three bars or an arrow."""
    asks = {"until": "completionCondition", "times": "loopCardinality", "again": "loopCondition"}
    inside = "".join(f"<bpmn:{tag}>{escape(values[key])}</bpmn:{tag}>" for key, tag in asks.items() if key in values)
    if "again" in values or "rounds" in values:
        most = f" loopMaximum={quoteattr(values['rounds'])}" if "rounds" in values else ""
        most += ' testBefore="true"' if "asks_first" in values else ""
        return f"<bpmn:standardLoopCharacteristics{most}>{inside}</bpmn:standardLoopCharacteristics>"
    if "multi" not in values and "times" not in values:
        return ""
    found = {"isSequential": "true"} if "in_turn" in values else {}
    found |= {f"camunda:{name}": values[key] for key, name in (("multi", "collection"), ("item", "elementVariable"))
              if key in values}
    attributes = "".join(f" {key}={quoteattr(value)}" for key, value in found.items())
    return f"<bpmn:multiInstanceLoopCharacteristics{attributes}>{inside}</bpmn:multiInstanceLoopCharacteristics>"


def _usual(kind: str, values: dict[str, str]) -> dict[str, str]:
    if kind == "user":
        values = {"group": "desk", **values}
    if kind == "tell":
        values = {"topic": "notify", "text": "T01", **values}
    if kind in ("receive", "send") and "message" in values:
        values["@messageRef"] = f"message_{values['message']}"
    return values


def _extensions(values: dict[str, str]) -> str:
    found = [f'<camunda:property name="{key}" value={quoteattr(value)}/>'
             for key, value in values.items() if key in PROPERTIES]
    more = values.get("extension", "")
    properties = f"<camunda:properties>{''.join(found)}</camunda:properties>" if found else ""
    return f"<bpmn:extensionElements>{properties}{more}</bpmn:extensionElements>" if found or more else ""


# -- the rest of a package -------------------------------------------------------------------------------------------

PROVINCE = """
code = "74"
short = "BD"
name = "Bình Dương"
tracking_url = "https://1022.example/tra-cuu/{number}"

[[areas]]
code = "718"
name = "Thành phố Thủ Dầu Một"

[[agencies]]
key = "desk"
name = "Tổng đài 1022"
kind = "desk"

[[agencies]]
key = "ubnd"
name = "UBND thành phố Thủ Dầu Một"
kind = "district"
area = "718"

[texts.T01]
sms = "1022: phản ánh {ma} đã được tiếp nhận."

[texts.DN25]
sms = "Kiến nghị của ông (bà) đã được giải quyết."
only_for_outcomes = ["da_giai_quyet"]
"""
TYPE = """
code = "TEST"
province = "74"
process = "P"
secrecy = "C1"
intake_form = "tiep_nhan"

[name]
vi = "Thử nghiệm"

[statuses.moi]
vi = "Mới tiếp nhận"
citizen = "Đã tiếp nhận"
open311 = "open"

[statuses.xong]
vi = "Đã xong"
citizen = "Đã xong"
open311 = "closed"

[outcomes.da_giai_quyet]
vi = "Đã giải quyết"
closes_as = "xong"

[outcomes.tu_choi]
vi = "Từ chối"

[deadlines.case]
term = "PT5H"
calendar = "24/7"
"""


def form(key: str, *fields: dict[str, object]) -> str:
    """A form-js file that asks for these, or for nothing."""
    document = {"schemaVersion": 19, "type": "default", "id": key, "components": list(fields)}
    return json.dumps(document, ensure_ascii=False)


def choice(key: str, *values: str) -> dict[str, object]:
    """A question with the answers to choose from."""
    options = [{"label": value, "value": value} for value in values]
    return {"type": "radio", "id": f"Field_{key}", "key": key, "label": key, "values": options}


def package(
    drawing: str, *, type: str = "", province: str = "", files: Mapping[str, str | None] | None = None
) -> dict[str, str]:
    """A whole package around a drawing, with a form for every user task.

    Args:
        drawing: text for `draw`, or a BPMN file.
        type, province: more lines for type.toml and province.toml.
        files: more files, or others instead of the usual; ``None`` as content leaves one out.
    """
    source = drawing if drawing.lstrip().startswith("<") else draw(drawing)
    diagrams = [source, *(text for name, text in (files or {}).items() if text and name.endswith(".bpmn"))]
    tasks = {key for text in diagrams for key in re.findall(r'<bpmn:userTask id="([^"]+)"(?![^>]*formKey)', text)}
    made = {"process.bpmn": source, "type.toml": TYPE + type, "province.toml": PROVINCE + province}
    made |= {f"{key}.form": form(key) for key in {"tiep_nhan", *tasks}}
    return {name: text for name, text in {**made, **(files or {})}.items() if text is not None}

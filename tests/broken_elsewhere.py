"""What means something in another engine, or in FEEL, and something else here. See `catalogue`."""

from __future__ import annotations

from tests.broken import SIMPLE, SUB, around, broken
from tests.drawing import choice, form
from tests.drawn_tables import file_of, table

ANY = "xml='<bpmn:escalationEventDefinition/>'"
RULE = "rule a decision=d"
MAPPED = "{0} result=x camunda:mapDecisionResult={1}"
SIGNAL = around("throw c signal=x ; catch d signal=x", "c -> d")


def tabled(cell: str, output: str = '"x"') -> dict[str, str]:
    rows = [([cell], [output]), (["-"], ['"y"'])]
    return {"d.dmn": file_of(table(rows, inputs=["channel"], policy="FIRST")).decode()}


def asked(cells: list[str], policy: str, outputs: tuple[str, ...] = ("y",)) -> dict[str, str]:
    rows = [([cell], ["1"] * len(outputs)) for cell in cells]
    return {"d.dmn": file_of(table(rows, inputs=["channel"], outputs=outputs, policy=policy)).decode()}


ELSEWHERE = [
    broken("event-incomplete", "a signal with an expression", around("throw c signal=x_${ma} scope=province", "c")),
    broken("event-incomplete", "an escalation with an expression", around(
        SUB.replace("end e1", "end e1 escalation=E_${ma}") + f" ; boundary b on=box {ANY} ; b -> t", "box")),
    broken("mapping-ignored", "a signal that carries something", SIGNAL, swap=(
        '<bpmn:signalEventDefinition signalRef="signal_x"/>',
        '<bpmn:signalEventDefinition signalRef="signal_x"><bpmn:extensionElements><camunda:in source="a" target="b"/>'
        "</bpmn:extensionElements></bpmn:signalEventDefinition>")),
    broken("service-topic", "a message that somebody else would send", around(
        "throw c message=x ; catch d message=x", "c -> d"), swap=(
        '<bpmn:messageEventDefinition ', '<bpmn:messageEventDefinition camunda:type="external" camunda:topic="geo" ')),
    broken("attribute-ignored", "a script with a result variable", around("script a script='1 + 1' result=tong", "a")),
    broken("attribute-ignored", "a start event with a form", SIMPLE.replace("start s", "start s form=x")),
    broken("attribute-ignored", "a rule task with a topic", around(f"{RULE} topic=x", "a"), files=tabled('"web"')),
    broken("value-not-offered", "an answer in words for true or false",
           "start s ; user a ; xor x ; user b ; tell t ; end e ; s -> a -> x ; x -> b : ${loai} ; x -> t default"
           " ; b -> t -> e", files={"a.form": form("a", choice("loai", "co", "khong"))}),
    broken("decision-result", "a table whose list goes nowhere", around(RULE, "a"), files=asked(["-"], "COLLECT")),
    broken("decision-result", "one entry of a list", around(MAPPED.format(RULE, "singleEntry"), "a"),
           files=asked(["-", "-"], "RULE ORDER")),
    broken("decision-result", "one entry of several", around(MAPPED.format(RULE, "collectEntries"), "a"),
           files=asked(["-"], "FIRST", ("y", "z"))),
    broken("decision-result", "an entry without a name", around(f"{RULE} camunda:mapDecisionResult=singleEntry", "a"),
           files=tabled('"web"')),
    broken("feel-differs", "one or the other", around(RULE, "a"), files=tabled('"web" or "zalo"')),
    broken("feel-differs", "one and the other", around(RULE, "a"), files=tabled('"web" and "zalo"')),
    broken("feel-differs", "a pattern behind a call", around(RULE, "a"),
           files=tabled('replace(replace(?, "a", "b"), "[0-9]", "") = "web"')),
    broken("feel-differs", "an item by its number", around(RULE, "a"), files=tabled('"web"', 'split(channel, "-")[1]')),
    broken("feel-differs", "a pattern", around(RULE, "a"), files=tabled('replace(?, "[0-9]", "") = "web"')),
    broken("function-unknown", "a function of FEEL", around(RULE, "a"), files=tabled('matches(?, "a+")')),
    broken("decision", "a function of several words", around(RULE, "a"), files=tabled("-", 'string join(["a"], ",")')),
]  # fmt: skip

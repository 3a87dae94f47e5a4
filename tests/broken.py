"""Diagrams with one fault each, in what is drawn: shape, elements, events. See `catalogue`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tests.drawing import draw, package

SUB = "sub box { ; start s1 ; user v ; end e1 ; s1 -> v -> e1 ; }"


class Broken(NamedTuple):
    code: str
    name: str
    files: dict[str, str]


def around(middle: str, way: str) -> str:
    """A drawing from ``s`` over ``way`` to a text ``t`` and the end ``e``."""
    return f"start s ; {middle} ; tell t ; end e ; s -> {way} -> t -> e"


SIMPLE = around("user a", "a")


def broken(
    code: str,
    name: str,
    drawing: str = SIMPLE,
    swap: tuple[str, str] = ("", ""),
    type: str = "",
    province: str = "",
    files: Mapping[str, str | None] | None = None,
) -> Broken:
    """Args: swap: a piece of the diagram's XML, and what stands there instead."""
    old, new = swap
    xml = draw(drawing)
    assert old in xml, f"{name}: the drawing has no {old!r}"
    made = package(xml.replace(old, new, 1) if old else xml, type=type, province=province, files=files)
    return Broken(code, name, made)


SHAPE = [
    broken("id-missing", "a flow without an id", swap=('id="flow1" ', "")),
    broken(
        "id-missing",
        "a task without an id",
        f"{SIMPLE} ; script x script='x = 1'",
        swap=('<bpmn:scriptTask id="x"', "<bpmn:scriptTask"),
    ),
    broken("id-duplicate", "two elements with one id", swap=('id="flow2"', 'id="flow1"')),
    broken(
        "id-duplicate",
        "a subprocess with the id of another file's",
        around(f"{SUB} ; call c calls=P2", "box -> c"),
        files={
            "other.bpmn": draw(
                "start s2 ; sub box { ; start s3 ; end e3 ; s3 -> e3 ; } ; end e2 ; s2 -> box -> e2", "P2"
            )
        },
    ),
    broken("id-reserved", "an id of the engine's", "start Start ; user a ; tell t ; end e ; Start -> a -> t -> e"),
    broken(
        "reference-dangling",
        "a message that is not declared",
        around("catch c message=m", "c"),
        swap=('messageRef="message_m"', 'messageRef="gone"'),
    ),
    broken("reference-dangling", "a default flow that is gone", around("user a ; xor x @default=gone", "a -> x")),
    broken(
        "reference-dangling",
        "a default flow that leaves something else",
        around("user a ; xor x @default=flow1", "a -> x"),
    ),
    broken(
        "reference-dangling", "a flow to something that is gone", around("user a ; xor x ; x -> b default", "a -> x")
    ),
    broken(
        "reference-dangling",
        "a flow from nowhere",
        swap=("<bpmn:startEvent", '<bpmn:sequenceFlow id="flow9" targetRef="t"/><bpmn:startEvent'),
    ),
    broken(
        "reference-dangling",
        "a boundary event on nothing",
        swap=(
            "<bpmn:userTask",
            '<bpmn:boundaryEvent id="b" attachedToRef="gone"><bpmn:timerEventDefinition>'
            "<bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>"
            '<bpmn:sequenceFlow id="flow9" sourceRef="b" targetRef="t"/><bpmn:userTask',
        ),
    ),
    broken(
        "reference-dangling",
        "a lane with something that is gone",
        around("user a", "a"),
        swap=(
            "<bpmn:startEvent",
            '<bpmn:laneSet><bpmn:lane id="l"><bpmn:flowNodeRef>gone</bpmn:flowNodeRef></bpmn:lane>'
            "</bpmn:laneSet><bpmn:startEvent",
        ),
    ),
    broken(
        "reference-dangling",
        "a pool of a process that is gone",
        swap=(
            "<bpmn:process",
            '<bpmn:collaboration id="c"><bpmn:participant id="p" processRef="gone"/></bpmn:collaboration><bpmn:process',
        ),
    ),
    broken(
        "flow-crosses-border",
        "a flow into a subprocess",
        f"start s ; {SUB} ; user a ; tell t ; end e ; xor x ; s -> x ; x -> box default ; "
        'x -> a : channel == "web" ; box -> t -> e ; a -> v',
    ),
    broken(
        "flow-misplaced",
        "a flow into a start event",
        around("user a ; xor x", "a -> x") + ' ; x -> s : channel == "web"',
        swap=('<bpmn:exclusiveGateway id="x"', '<bpmn:exclusiveGateway id="x" default="flow3"'),
    ),
    broken("flow-misplaced", "a flow out of an end event", SIMPLE + " ; end e2 ; e -> e2"),
    broken(
        "boundary-host",
        "a boundary event on a gateway",
        around("user a ; xor x ; boundary b on=x timer=PT1H", "a -> x") + " ; b -> t",
    ),
    broken(
        "start-missing",
        "no start event",
        swap=(
            '<bpmn:startEvent id="s"></bpmn:startEvent>',
            '<bpmn:intermediateThrowEvent id="s"></bpmn:intermediateThrowEvent>',
        ),
    ),
    broken("starts-several", "two start events", SIMPLE + " ; start s2 ; s2 -> a"),
    broken("end-missing", "no end event", "start s ; user a ; user b ; s -> a -> b -> a"),
    broken(
        "path-stops",
        "a path that just stops",
        "start s ; user a ; user b ; xor x ; tell t ; end e ; s -> a -> x ; x -> t default ; t -> e ; "
        'x -> b : channel == "web"',
    ),
    broken("split-without-gateway", "two flows out of a task", SIMPLE + " ; tell t2 ; end e2 ; a -> t2 -> e2"),
    broken("unreachable", "a task that no flow leads to", SIMPLE + " ; user b ; b -> t"),
    broken(
        "too-many-elements",
        "more elements than can be parsed",
        around(" ; ".join(f"throw u{n}" for n in range(200)), " -> ".join(f"u{n}" for n in range(200))),
    ),
]


ELEMENTS = [
    broken("element-unknown", "a choreography", swap=("<bpmn:process", '<bpmn:choreography id="c"/><bpmn:process')),
    broken(
        "element-unknown",
        "an unknown activity",
        swap=("<bpmn:startEvent", '<bpmn:callConversation id="c"/><bpmn:startEvent'),
    ),
    broken("task-abstract", "a task of no kind", around("task a", "a")),
    broken("task-manual", "a manual task", around("manual a", "a")),
    broken("transaction", "a transaction", around(SUB.replace("sub", "transaction"), "box")),
    broken("ad-hoc", "an ad-hoc subprocess", around("adhoc box { ; user v ; }", "box")),
    broken(
        "event-subprocess",
        "an event subprocess that no event begins",
        SIMPLE + " ; sub box handler { ; start s1 ; tell v ; end e1 ; s1 -> v -> e1 ; }",
    ),
    broken(
        "event-subprocess",
        "an event subprocess with three bars",
        SIMPLE + " ; sub box handler times=2 { ; start s1 timer=PT1H ; tell v ; end e1 ; s1 -> v -> e1 ; }",
    ),
    broken(
        "flow-misplaced",
        "a flow out of an event subprocess",
        SIMPLE + " ; sub box handler { ; start s1 timer=PT1H ; tell v ; end e1 ; s1 -> v -> e1 ; } ; box -> t",
    ),
    broken(
        "boundary-host",
        "a boundary event on an event subprocess",
        SIMPLE + " ; sub box handler { ; start s1 timer=PT1H ; user v ; tell w ; end e1 ; s1 -> v -> w -> e1 ; }"
        " ; boundary b on=box timer=PT2H ; b -> t",
    ),
    broken(
        "error-not-interrupting",
        "an event subprocess beside the error that begins it",
        SIMPLE.replace("end e", "end e error=E")
        + " ; sub box handler { ; start s1 error=E aside ; tell v ; end e1 ; s1 -> v -> e1 ; }",
    ),
    broken("gateway-complex", "a complex gateway", around("user a ; complex x", "a -> x")),
    broken(
        "event-gateway-kind",
        "an event gateway that waits for all its events",
        around("race x @eventGatewayType=Parallel ; catch c timer=PT1H", "x -> c"),
    ),
    broken("event-gateway-target", "an event gateway before a task", around("race x ; user a", "x -> a")),
    broken(
        "event-gateway-target",
        "an event with another flow behind an event gateway",
        around("race x ; catch c timer=PT1H ; user a ; xor y", "y -> x -> c") + ' ; y -> a : channel == "web" ; a -> c',
        swap=('id="y"', 'id="y" default="flow2"'),
    ),
    broken(
        "multi-instance",
        "a multi-instance task of nothing",
        around("user a xml='<bpmn:multiInstanceLoopCharacteristics/>'", "a"),
    ),
    broken("multi-instance", "a multi-instance task of two things", around("user a multi=[1] times=2 item=n", "a")),
    broken("multi-instance", "a thousand instances", around("user a times=1000", "a")),
    broken("multi-instance", "instances that cannot be counted", around("user a times=-1", "a")),
    broken("multi-instance", "an instance that does not know its item", around("user a multi=[1]", "a")),
    broken("multi-instance", "an item that is the case's own", around("user a multi=[1] item=status", "a")),
    broken("multi-instance", "results in place of the items", around("user a multi=area item=n results=area", "a")),
    broken("multi-instance", "results that cannot be named", around("user a-b multi=[1] item=n", "a-b")),
    broken(
        "multi-instance",
        "instances that throw events",
        around("user a times=2", "a"),
        swap=("<bpmn:multiInstanceLoopCharacteristics", '<bpmn:multiInstanceLoopCharacteristics behavior="One"'),
    ),
    broken(
        "loop-marker", "a loop without an end", around("user a xml='<bpmn:standardLoopCharacteristics/>'", "a")
    ),
    broken("loop-marker", "a loop of fewer rounds than none", around("user a rounds=-1", "a")),
    broken("loop-without-wait", "a loop of a script", around("script a script='n = 1' again='n == 1'", "a")),
    broken("property-unknown", "results of a task done once", around("user a results=x", "a")),
    broken("term-unknown", "a task due by a promise nobody made", around("user a term=x", "a")),
    broken("link", "a link without a name", around("throw c link", "c")),
    broken("link", "a link that leads nowhere", around("throw c link=L", "c")),
    broken("link", "a link that nothing leads to", around("user a ; catch c link=L ; xor x", "a -> x") + " ; c -> x"),
    broken(
        "link",
        "a link with two ends",
        "start s ; user a ; throw c link=L ; catch d link=L ; catch f link=L ; tell t ; tell u ; end e"
        " ; s -> a -> c ; d -> t -> e ; f -> u -> e",
    ),
    broken(
        "link",
        "a flow out of a link",
        "start s ; user a ; throw c link=L ; catch d link=L ; xor x ; tell t ; end e"
        " ; s -> a -> c -> x ; d -> x -> t -> e",
    ),
    broken("compensation", "a compensation handler", SIMPLE + " ; user b @isForCompensation=true"),
    broken("quantity", "a task that waits for two tokens", around("user a @startQuantity=2", "a")),
    broken("listener", "a task listener", around("user a extension='<camunda:taskListener event=\"create\"/>'", "a")),
    broken(
        "listener",
        "a listener on a flow",
        swap=(
            'targetRef="a">',
            'targetRef="a"><bpmn:extensionElements><camunda:executionListener event="take"/></bpmn:extensionElements>',
        ),
    ),
    broken("connector", "a connector", around("service a topic=x extension='<camunda:connector/>'", "a")),
    broken("data-ignored", "a data object", swap=("<bpmn:startEvent", '<bpmn:dataObject id="d"/><bpmn:startEvent')),
    broken("data-ignored", "a data association", around("user a xml='<bpmn:dataInputAssociation id=\"i\"/>'", "a")),
    broken("data-ignored", "a property", swap=("<bpmn:startEvent", '<bpmn:property id="d"/><bpmn:startEvent')),
    broken("performer", "an owner of a task", around("user a xml='<bpmn:potentialOwner id=\"i\"/>'", "a")),
    broken("performer", "an owner of the case", swap=("<bpmn:startEvent", '<bpmn:performer id="d"/><bpmn:startEvent')),
    broken(
        "element-unknown",
        "a correlation key",
        swap=(
            "<bpmn:process",
            '<bpmn:collaboration id="c"><bpmn:correlationKey id="k"/></bpmn:collaboration><bpmn:process',
        ),
    ),
    broken(
        "element-unknown",
        "a correlation subscription",
        swap=("<bpmn:startEvent", '<bpmn:correlationSubscription id="k" correlationKeyRef="x"/><bpmn:startEvent'),
    ),
    broken("async-ignored", "asyncBefore", around("user a camunda:asyncBefore=true", "a")),
    broken("attribute-ignored", "a due date", around("user a camunda:dueDate=x", "a")),
    broken(
        "attribute-ignored",
        "another vendor's attribute",
        around("user a", "a"),
        swap=('<bpmn:userTask id="a"', '<bpmn:userTask id="a" xmlns:f="http://flowable.org/bpmn" f:dueDate="x"'),
    ),
    broken(
        "extension-ignored",
        "another vendor's elements",
        around("user a extension='<z:task xmlns:z=\"http://camunda.org/schema/zeebe/1.0\"/>'", "a"),
    ),
]


EVENTS = [
    broken("events-several", "an event with two definitions", around("catch c timer=PT1H message=m", "c")),
    broken(
        "event-shared",
        "an eventDefinitionRef",
        around("catch c xml='<bpmn:eventDefinitionRef>shared</bpmn:eventDefinitionRef>'", "c"),
        swap=("<bpmn:process", '<bpmn:timerEventDefinition id="shared"/><bpmn:process'),
    ),
    broken("event-incomplete", "a catch event that waits for nothing", around("catch c", "c")),
    broken("event-incomplete", "a receive task without a message", around("receive c", "c")),
    broken(
        "event-incomplete",
        "a message event without a message",
        around("catch c message=m", "c"),
        swap=(' messageRef="message_m"', ""),
    ),
    broken(
        "event-incomplete",
        "a message without a name",
        around("catch c message=m", "c"),
        swap=('id="message_m" name="m"', 'id="message_m"'),
    ),
    *(
        broken("event-not-here", f"a {kind} event", around(f"catch c {kind}", "c"))
        for kind in ("compensate", "cancel")
    ),
    broken("event-incomplete", "a condition that is not written", around("catch c conditional", "c")),
    broken(
        "attribute-ignored",
        "a condition that is asked for one variable only",
        around("catch c conditional='channel == \"web\"'", "c"),
        swap=("<bpmn:conditionalEventDefinition>", '<bpmn:conditionalEventDefinition camunda:variableName="channel">'),
    ),
    broken("expression", "a condition waited for that cannot be read", around("catch c conditional='channel =='", "c")),
    broken("event-not-here", "a compensation end event", around("user a", "a").replace("end e", "end e compensate")),
    broken("event-not-here", "a cancel end event", around("user a", "a").replace("end e", "end e cancel")),
    *(
        broken("event-not-here", f"a start event with {kind}", SIMPLE.replace("start s", f"start s {kind}"))
        for kind in ("timer=PT1H", "signal=x", "conditional", "error=x", "escalation=x")
    ),
    broken("event-incomplete", "a conditional boundary event", SIMPLE + " ; boundary b on=a conditional ; b -> t"),
    broken(
        "event-not-here",
        "a message start in a subprocess",
        around(SUB.replace("start s1", "start s1 message=m"), "box"),
    ),
    broken(
        "error-not-interrupting",
        "an error boundary event that does not interrupt",
        around(SUB.replace("end e1", "end e1 error=E") + " ; boundary b on=box error=E aside", "box") + " ; b -> t",
    ),
    broken(
        "error-variable",
        "an error told in a field of the case",
        around(SUB.replace("end e1", "end e1 error=E") + " ; boundary b on=box error=E", "box") + " ; b -> t",
        swap=('attachedToRef="box"><bpmn:errorEventDefinition ',
              'attachedToRef="box"><bpmn:errorEventDefinition camunda:errorCodeVariable="status" '),
    ),
    broken("error-uncaught", "an error that nothing catches", around(SUB.replace("end e1", "end e1 error=E"), "box")),
    broken(
        "error-uncaught",
        "an error of the whole process",
        "start s ; user a ; xor x ; tell t ; end e ; end bad error=E ; "
        's -> a -> x -> t -> e ; x -> bad : channel == "web"',
        swap=('id="x"', 'id="x" default="flow3"'),
    ),
    broken("escalation-uncaught", "an escalation that nothing catches", around("throw c escalation=E", "c")),
    broken("signal-never-caught", "a signal nobody hears", around("throw c signal=x", "c")),
    broken("signal-never-thrown", "a signal nobody throws", around("catch c signal=x", "c")),
    broken("message-never-caught", "a message nobody waits for", around("throw c message=x", "c")),
    broken(
        "boundary-never-fires", "an error boundary event on a user task", SIMPLE + " ; boundary b on=a error=E ; b -> t"
    ),
    broken("boundary-never-fires", "a timer on a notice", SIMPLE + " ; boundary b on=t timer=PT1H ; b -> e"),
    broken("timer-missing", "a timer without a time", around("catch c timer=", "c")),
    *(
        broken("timer-invalid", f"a duration of {time}", around(f"catch c timer='{time}'", "c"))
        for time in ("PT", "5 hours", "P-1D", "PT5H30", "P10000000M", "R3/PT1H")
    ),
    *(
        broken(
            "timer-invalid",
            f"a cycle of {time}",
            SIMPLE + f" ; boundary b on=a cycle='{time}' aside ; end e2 ; b -> e2",
        )
        for time in ("R/PT0S", "R3/PT10S", "0 0 12 * * ?", "R3/2021-09-03/PT1H", "PT1H")
    ),
    *(
        broken("timer-invalid", f"a date of {time}", around(f"catch c date={time}", "c"))
        for time in ("2021-09-31T17:00", "2021-13-03T17:00+07:00", "PT1H")
    ),
    broken("timer-cycle-once", "a cycle where time passes once", around("catch c cycle=R3/PT1H", "c")),
    broken(
        "timer-unbounded", "a cycle without end", SIMPLE + " ; boundary b on=a cycle=R/PT1H aside ; end e2 ; b -> e2"
    ),
]

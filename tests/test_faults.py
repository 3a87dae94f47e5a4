"""The faults of SpiffWorkflow 3.2.0 that we know of are either refused at the gate, with a sentence: here; or mended:
`test_faults_mended`. Everything that the gate refuses for any other reason is in `tests/catalogue.py`.
"""

from __future__ import annotations

import pytest
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException

from engine.flow.check import check
from tests.broken import SIMPLE, SUB, around
from tests.drawing import draw, package
from tests.stock import Stock


def refusal(drawing: str) -> tuple[str, str]:
    """The one error of a package with this diagram."""
    [fault] = [one for one in check(package(drawing)) if one.severity == "error"]
    return fault.code, fault.message


# -- refused: elements that SpiffWorkflow does not have, or has only in appearance -----------------------------------

MI = "user a xml='<bpmn:multiInstanceLoopCharacteristics/>'"
LOOP = "user a xml='<bpmn:standardLoopCharacteristics loopMaximum=\"-1\"/>'"
HANDLER = "sub h @triggeredByEvent=true {{ ; start s1 {0} ; user v ; end e1 ; s1 -> v -> e1 ; }}"
REFUSED = {
    "a conditional start event is never looked at again": (
        SIMPLE.replace("start s", "start s conditional"),
        "event-not-here",
    ),
    "an error start event is a plain start": (SIMPLE.replace("start s", "start s error=E"), "event-not-here"),
    "a timer start event waits inside an instance nobody made": (
        SIMPLE.replace("start s", "start s timer=PT1H"),
        "event-not-here",
    ),
    "a signal start event likewise": (SIMPLE.replace("start s", "start s signal=S"), "event-not-here"),
    "of several start events all begin": (SIMPLE + " ; start s2 ; s2 -> a", "starts-several"),
    "a link is passed as if it were nothing": (around("throw c link", "c"), "link"),
    "a caught link never comes": (around("catch c link", "c"), "link"),
    "thrown compensation is nothing": (around("throw c compensate", "c"), "event-not-here"),
    "a compensation end is a plain end": (SIMPLE.replace("end e", "end e compensate"), "event-not-here"),
    "a compensation boundary event raises": (SIMPLE + " ; boundary b on=a compensate", "event-not-here"),
    "a compensation handler is never called": (SIMPLE + " ; user b @isForCompensation=true", "compensation"),
    "an uncaught error goes on as if it were no error": (
        around(SUB.replace("end e1", "end e1 error=E"), "box"),
        "error-uncaught",
    ),
    "an uncaught escalation leaves no trace": (around("throw c escalation=E", "c"), "escalation-uncaught"),
    "a deadlock is not seen": (
        "start s ; xor x ; user b ; user c ; and j ; tell t ; end e ; s -> x ; "
        'x -> b : channel == "web" ; x -> c default ; '
        "b -> j ; c -> j ; j -> t -> e",
        "deadlock",
    ),
    "a complex gateway raises": (around("user a ; complex x", "a -> x"), "gateway-complex"),
    "a parallel event gateway raises": (
        around("race r @eventGatewayType=Parallel ; catch c timer=PT1H", "r -> c"),
        "event-gateway-kind",
    ),
    "a process that calls itself runs for ever": (around("user a ; call c calls=P", "a -> c"), "call-recursive"),
    "an event subprocess without an event begins with the case": (
        SIMPLE + " ; " + HANDLER.format(""),
        "event-subprocess",
    ),
    "an ad-hoc subprocess raises a KeyError": (around("adhoc box { ; user v ; }", "box"), "ad-hoc"),
    "a transaction ends as COMPLETED when it is cancelled": (
        around(SUB.replace("sub", "transaction"), "box"),
        "transaction",
    ),
    "scriptFormat is never read": (around("script a @scriptFormat=groovy script='x = 1'", "a"), "script-language"),
    "a condition behind a task is never asked": (
        'start s ; user a ; tell t ; end e ; s -> a ; a -> t : channel == "web" ; t -> e',
        "condition-ignored",
    ),
    "several flows out of a task raise": (SIMPLE + " ; tell t2 ; end e2 ; a -> t2 -> e2", "split-without-gateway"),
    "a multi-instance task may have a million instances": (around(MI, "a"), "multi-instance"),
    "a loop may have fewer rounds than none": (around(LOOP, "a"), "loop-marker"),
    "startQuantity is never read": (around("user a @startQuantity=2", "a"), "quantity"),
    "completionQuantity is never read": (around("user a @completionQuantity=2", "a"), "quantity"),
    "an abstract task waits for somebody": (around("task a", "a"), "task-abstract"),
    "a manual task waits for somebody": (around("manual a", "a"), "task-manual"),
    "a receive task without a message is passed": (around("receive a", "a"), "event-incomplete"),
    "a service task that nobody does stays for ever": (around("service a", "a"), "service-topic"),
    "a rule task without decisionRef raises a KeyError": (around("rule a", "a"), "decision-missing"),
    "a path that just stops leaves the case open": (
        "start s ; user a ; xor x ; user b ; tell t ; end e ; s -> a -> x ; x -> t default ; t -> e ; "
        'x -> b : channel == "web"',
        "path-stops",
    ),
    "an id of SpiffWorkflow's own cannot begin": (
        "start Start ; user a ; tell t ; end e ; Start -> a -> t -> e",
        "id-reserved",
    ),
    "an end event called End loses its event": (
        "start s ; user a ; tell t ; end End ; s -> a -> t -> End",
        "id-reserved",
    ),
    "a cycle of no length hangs": (
        SIMPLE + " ; boundary b on=a cycle=R/PT0S aside ; end e2 ; b -> e2",
        "timer-invalid",
    ),
    "a term of ten million months burns 16 seconds": (around("catch c timer=P10000000M", "c"), "timer-invalid"),
    "a date without a zone means the machine's": (around("catch c date=2021-09-03T17:00", "c"), "timer-invalid"),
    "a date that is a duration raises later": (around("catch c date=PT1H", "c"), "timer-invalid"),
    "cron is not understood": (
        SIMPLE + " ; boundary b on=a cycle='0 0 * * * ?' aside ; end e2 ; b -> e2",
        "timer-invalid",
    ),
    "no expression is read before a citizen's case gets there": (
        "start s ; user a ; xor x ; tell t ; end e ; s -> a -> x ; x -> t default ; t -> e ; x -> a : channel ==",
        "expression",
    ),
    "a script may do anything": (around("script a script='import os'", "a"), "expression"),
    "more nodes in a row than the parser can take": (
        around(" ; ".join(f"throw u{n}" for n in range(500)), " -> ".join(f"u{n}" for n in range(500))),
        "too-many-elements",
    ),
    "a boundary event on a gateway is accepted": (
        around("user a ; xor x ; boundary b on=x timer=PT1H", "a -> x") + " ; b -> t",
        "boundary-host",
    ),
    "a flow across a border is accepted": (
        f"start s ; {SUB} ; xor x ; user a ; tell t ; end e ; s -> x ; x -> box default ; box -> t -> e ; "
        'x -> a : channel == "web" ; a -> v',
        "flow-crosses-border",
    ),
    "a loop of scripts uses up the machine": (
        "start s ; script n script='x = 1' ; xor x ; tell t ; end e ; user a ; s -> a -> n -> x ; "
        "x -> t default ; t -> e ; "
        "x -> n : x < 3",
        "loop-without-wait",
    ),
    "camunda listeners are never called": (
        around('user a extension=\'<camunda:taskListener event="create" class="x"/>\'', "a"),
        "listener",
    ),
    "camunda:class is never called": (around("service a camunda:class=x", "a"), "service-code"),
    "fields in the diagram are not asked": (around("user a extension='<camunda:formData/>'", "a"), "form-embedded"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_refused(fault: str):
    drawing, code = REFUSED[fault]

    found, sentence = refusal(drawing)

    assert found == code
    assert sentence.endswith(".")


DECLARED = "<bpmn:process"
REFUSED_XML = {
    "a flow without an id is dropped, and its token lost": (SIMPLE, 'id="flow1" ', "", "id-missing"),
    "a process without an id is accepted": (SIMPLE, '<bpmn:process id="P"', "<bpmn:process", "id-missing"),
    "two elements with one id are accepted": (SIMPLE, 'id="flow2"', 'id="flow1"', "id-duplicate"),
    "a message that is not declared is a TypeError": (
        around("catch c message=m", "c"),
        'messageRef="message_m"',
        'messageRef="gone"',
        "reference-dangling",
    ),
    "an error that is not declared is a TypeError": (
        around(SUB.replace("end e1", "end e1 error=E") + " ; boundary b on=box error=F", "box") + " ; b -> t",
        'errorRef="error_E"',
        'errorRef="gone"',
        "reference-dangling",
    ),
    "a boundary event on nothing is accepted": (
        SIMPLE + " ; boundary b on=a timer=PT1H ; b -> t",
        'attachedToRef="a"',
        'attachedToRef="gone"',
        "reference-dangling",
    ),
    "an eventDefinitionRef is passed at once": (
        around("catch c xml='<bpmn:eventDefinitionRef>d</bpmn:eventDefinitionRef>'", "c"),
        DECLARED,
        f'<bpmn:timerEventDefinition id="d"/>{DECLARED}',
        "event-shared",
    ),
    "a data object that leads nowhere hangs the parser": (
        around(SUB, "box"),
        '<bpmn:userTask id="v"',
        '<bpmn:dataObjectReference id="d" dataObjectRef="gone"/><bpmn:userTask id="v"',
        "reference-dangling",
    ),
    "a choreography raises": (SIMPLE, DECLARED, f'<bpmn:choreography id="c"/>{DECLARED}', "element-unknown"),
    "a global task raises": (SIMPLE, DECLARED, f'<bpmn:globalUserTask id="c"/>{DECLARED}', "element-unknown"),
    "an external document type is accepted": (
        SIMPLE,
        "<bpmn:definitions",
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><bpmn:definitions',
        "file-unreadable",
    ),
}


@pytest.mark.parametrize("fault", REFUSED_XML)
def test_refused_in_the_file(fault: str):
    drawing, old, new, code = REFUSED_XML[fault]
    files = package(draw(drawing).replace(old, new, 1))

    found = [one.code for one in check(files) if one.severity == "error"]

    assert code in found
    assert set(found) <= {code, "process-unknown", "end-missing", "error-uncaught"}


WARNED = {
    "data objects are only drawings": (
        SIMPLE.replace("user a", "user a xml='<bpmn:dataInputAssociation id=\"d\"/>'"),
        "data-ignored",
    ),
    "a choice may find no way": (
        'start s ; user a ; xor x ; tell t ; end e ; s -> a -> x ; x -> t : channel == "web" ; t -> e ; '
        'x -> a : channel == "app"',
        "default-missing",
    ),
    "asyncBefore has no effect": (around("user a camunda:asyncBefore=true", "a"), "async-ignored"),
    "a due date has no effect": (around("user a camunda:dueDate=x", "a"), "attribute-ignored"),
    "two branches meet without a join": (
        "start s ; and f ; user a ; user b ; user c ; tell t ; end e ; s -> f -> a -> c -> t -> e ; f -> b -> c",
        "runs-twice",
    ),
}


@pytest.mark.parametrize("fault", WARNED)
def test_let_in_with_a_warning(fault: str):
    drawing, code = WARNED[fault]

    assert [(one.code, one.severity) for one in check(package(drawing))] == [(code, "warning")]


def test_a_fault_has_a_line_where_stock_validation_has_none():
    with pytest.raises(ValidationException) as stock:
        Stock(SIMPLE + " ; tell t2 ; end e2 ; a -> t2 -> e2")
    [fault] = check(package(SIMPLE + " ; tell t2 ; end e2 ; a -> t2 -> e2"))

    assert not stock.value.line_number
    assert fault.line > 1 and fault.element == "a"

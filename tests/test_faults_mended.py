"""The faults of SpiffWorkflow 3.2.0 that our nodes mend; the others are refused: `test_faults`.

Where it costs little, the stock class is shown to fail beside ours: a test that no longer holds after an upgrade says
which of our nodes may go.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from SpiffWorkflow.bpmn.exceptions import WorkflowTaskException
from SpiffWorkflow.exceptions import WorkflowException

from engine.errors import ProcessFault, WrongState
from engine.flow.check import check
from engine.flow.steps import Complete, Fire, Notify
from tests.broken import SIMPLE, SUB
from tests.drawing import draw, package
from tests.running import BEGIN, Running
from tests.stock import Stock

# -- mended: elements that the stock engine has in appearance only ---------------------------------------------------

HANDLER = "start s\nuser a\nend e\ns -> a -> e\nsub h handler {{\nstart hs {0}\nuser v\nend he\nhs -> v -> he\n}}"


def test_an_event_subprocess_begins_when_its_event_happens():
    assert Running(HANDLER.format("message=m")).starts().hears("m").tasks == ["v"]
    with pytest.raises(StopIteration):
        Stock(HANDLER.format("message=m")).hears("m")  # nothing waits for it
    with pytest.raises(ProcessFault):
        Running(HANDLER.format("error=E").replace("end e\n", "end e error=F\n")).starts().does("a")
    assert Stock(HANDLER.format("error=E")).tasks == ["a", "v"]  # it begins with the case


def test_a_link_in_a_subprocess_is_followed():
    drawing = "start s\nsub b {\nstart s1\nthrow t link=L\ncatch k link=L\nuser a\nend e1\ns1 -> t"

    assert Running(drawing + "\nk -> a -> e1\n}\nend e\ns -> b -> e").starts().does("a").finished


def test_a_link_is_followed():
    drawing = "start s\nthrow t link=L\ncatch k link=L\nuser a\nend e\ns -> t\nk -> a -> e"
    assert Running(drawing).starts().tasks == ["a"]
    stock = Stock(drawing)
    assert (stock.tasks, stock.finished) == ([], False)  # the token is gone


def test_instances_do_not_overwrite_each_other():
    drawing = "start s\nuser a times=2\nuser z\nend e\ns -> a -> z -> e"
    ours, stock = Running(drawing).starts().does("a", y=1).does("a", y=2), Stock(drawing)
    assert [one["y"] for one in ours.data["a"]] == [1, 2]
    assert stock.does("a [child]", y=1).does("a [child]", y=2).data == {"y": 2}


# -- mended: tokens --------------------------------------------------------------------------------------------------


def test_two_tokens_at_a_parallel_split_both_go_on():
    drawing = """
    start s ; and f ; user a ; user b ; xor m ; and split ; user c ; user d ; and j ; end e
    s -> f -> a -> m -> split -> c -> j -> e
    f -> b -> m
    split -> d -> j
    """

    assert sorted(Running(drawing).starts().does("a").does("b").tasks) == ["c", "c", "d", "d"]
    assert sorted(Stock(drawing).does("a").does("b").tasks) == ["c", "d"]  # the first two are gone


def test_a_join_consumes_one_token_of_each_flow_and_keeps_the_rest():
    drawing = """
    start s ; and f ; user a ; user b ; user c ; xor m ; and j ; user last ; end e
    s -> f -> a -> m -> j ; f -> b -> m ; f -> c -> j ; j -> last -> e
    """
    case = Running(drawing).starts().does("a").does("b")

    assert case.tasks == ["c"]
    assert case.does("c").tasks == ["last"]
    assert not case.does("last").finished, "a token is left over; the gate warns of it"
    assert "deadlock" in [one.code for one in check(package(drawing))]


def test_a_case_goes_round_far_more_often_than_a_thousand_times():
    drawing = "start s ; user a ; xor x ; end e ; s -> a -> x ; x -> a default ; x -> e : done == true"
    case = Running(drawing).starts()
    size = len(case.does("a", done=False).state or b"")

    for _ in range(1200):
        case.does("a", done=False)
    assert case.tasks == ["a"]
    assert len(case.state or b"") <= size + 10  # the tokens' numbers grow
    assert case.does("a", done=True).finished


def test_a_task_may_follow_itself_without_a_gateway_between():
    case = Running("start s ; user a ; user b ; boundary again on=b message=m ; end e ; s -> a -> b -> e ; again -> a")

    assert case.starts().does("a").hears("m").does("a").hears("m").tasks == ["a"]


def test_a_task_that_is_not_open_cannot_be_completed():
    case = Running("start s ; user a ; user b ; end e ; s -> a -> b -> e").starts()
    token = case.token_of("a")
    case.does("a")

    with pytest.raises(WrongState):
        case.take(Complete(token, {}))


def test_is_executable_1_is_executable():
    files = package(draw(SIMPLE).replace('isExecutable="true"', 'isExecutable="1"'))

    assert check(files) == []


# -- mended: data ----------------------------------------------------------------------------------------------------


def test_what_a_branch_learned_is_not_lost_at_the_join():
    drawing = """
    start s ; script zero script="x = 0" ; and f ; script a script="x = 1" ; user b ; and j ; user last ; end e
    s -> zero -> f -> a -> j -> last -> e
    f -> b -> j
    """

    assert Running(drawing).starts().does("b").data["x"] == 1
    assert Stock(drawing).does("b").data["x"] == 0


def test_lists_are_not_mixed_at_the_join():
    drawing = """
    start s ; and f ; script a script="x = [1, 5]" ; user b ; and j ; user last ; end e
    s -> f -> a -> j -> last -> e
    f -> b -> j
    """

    assert Running(drawing).starts(x=[1]).does("b", y=[7]).data == {"x": [1, 5], "y": [7]}


def test_what_a_side_branch_learned_is_known_at_once():
    drawing = """
    start s ; user a ; boundary b on=a timer=PT1H aside ; script late script="tre = True" ; end e2 ; end e
    s -> a -> e
    b -> late -> e2
    """

    assert Running(drawing).starts().waits("PT1H").data == {"tre": True}


@pytest.mark.parametrize("poison", ["typename", "__builtins__", "len", "None"])
def test_no_field_of_a_form_can_spoil_a_state(poison: str):
    case = Running("start s ; user a ; user b ; end e ; s -> a -> b -> e").starts()

    case.does("a", answers={poison: {"typename": "UUID"}}, **{poison: "x"})
    assert case.does("b").data["answers"] == {poison: {"typename": "UUID"}}


def test_a_script_that_fails_leaves_the_case_where_it_was():
    case = Running("start s ; user a ; script n script='x = 1 / so' ; end e ; s -> a -> n -> e").starts()
    before = case.state

    with pytest.raises(ProcessFault) as fault:
        case.does("a", so=0)
    assert fault.value.element == "n"
    assert case.state == before
    assert case.does("a", so=1).finished


def test_no_condition_holds_so_the_case_waits_for_a_repair():
    case = Running(
        "start s ; user a ; xor x ; end e ; end e2 ; s -> a -> x ; x -> e : k == 1 ; x -> e2 : k == 2"
    ).starts()

    with pytest.raises(ProcessFault, match="no condition holds"):
        case.does("a", k=3)
    assert case.does("a", k=2).finished


@pytest.mark.parametrize("value", ["R/PT0S", "R3/PT10S", "P10000000M", "mai", "0 0 * * *"])
def test_a_time_that_cannot_be_is_refused_when_an_expression_gives_it(value: str):
    with pytest.raises(ProcessFault):
        Running("start s ; catch c timer=${khi} ; end e ; s -> c -> e").starts(khi=value)


def test_properties_inside_a_subprocess_are_not_the_subprocesses():
    inside = SUB.replace("user v", "user v status=trong")
    case = Running(f"start s ; {inside} ; user a ; end e ; s -> a -> box -> e").starts()

    assert "status" not in case.data
    assert case.does("a").data["status"] == "trong"
    [one] = [
        one
        for one in Running(f"start s ; {inside} ; end e ; s -> box -> e").machine.definition.nodes.values()
        if one.bpmn_id == "box"
    ]
    assert one.marks == {}


# -- mended: events --------------------------------------------------------------------------------------------------


def test_bare_terms_and_camundas_braces_are_understood():
    drawing = (
        "start s ; catch c timer=PT1H ; xor x ; user a ; user b ; end e ; s -> c -> x ; x -> a : ${k == 1 && true} ; "
        "x -> b default ; a -> e ; b -> e"
    )

    assert Running(drawing).starts(k=1).waits("PT1H").tasks == ["a"]
    with pytest.raises(WorkflowTaskException):
        Stock("start s ; catch c timer=PT1H ; end e ; s -> c -> e")


@pytest.mark.parametrize("terms", [("PT5H", "PT1H"), ("PT1H", "PT5H", "PT9H")])
def test_the_first_of_several_timers_behind_a_gateway_wins_alone(terms: tuple[str, ...]):
    nodes = " ; ".join(f"catch c{n} timer={term} ; user u{n}" for n, term in enumerate(terms))
    flows = " ; ".join(f"r -> c{n} -> u{n} -> e" for n in range(len(terms)))
    case = Running(f"start s ; race r ; {nodes} ; end e ; s -> r ; {flows}").starts()

    assert case.waits("PT2H").tasks == [f"u{terms.index('PT1H')}"]
    assert case.waits("P1D").tasks == [f"u{terms.index('PT1H')}"]


ASIDE = "start s ; user a ; boundary b on=a {0} aside ; user r ; end e ; end e2 ; s -> a -> e ; b -> r -> e2"


def test_a_message_beside_a_task_may_come_more_than_once():
    ours, stock = Running(ASIDE.format("message=m")).starts(), Stock(ASIDE.format("message=m"))

    assert ours.hears("m").hears("m").tasks == ["a", "r", "r"]
    assert stock.hears("m").tasks == ["a", "r"]
    with pytest.raises(StopIteration):
        stock.hears("m")  # nothing waits for it any more


def test_a_reminders_task_outlives_the_task_it_reminds_of():
    case = Running(ASIDE.format("cycle=R3/PT1H")).starts().waits("PT2H")

    assert case.tasks == ["a", "r", "r"]
    assert case.does("a").tasks == ["r", "r"]
    assert case.waits("P1D").tasks == ["r", "r"]
    assert case.does("r").does("r").finished


def test_a_cycle_that_interrupts_does_interrupt():
    drawing = "start s ; user a ; boundary b on=a cycle={0} ; user r ; end e ; s -> a -> e ; b -> r -> e"

    assert Running(drawing.format("R3/PT1H")).starts().waits("PT1H").tasks == ["r"]
    stock = Stock(drawing.format("'\"R1/PT0.001S\"'"))
    assert stock.looks_at_the_clock().looks_at_the_clock().tasks == ["a"]


def test_a_case_that_was_not_looked_at_for_long_gets_one_reminder_not_a_burst():
    case = Running(ASIDE.format("cycle=R9/PT1H")).starts()
    [timer] = case.timers.values()
    case.now = timer.due_at + timedelta(hours=5)

    case.take(Fire(timer.token))

    assert case.tasks == ["a", "r"]
    [timer] = case.timers.values()
    assert timer.due_at > case.now


def test_a_signal_end_is_heard():
    drawing = (
        "start s ; and f ; catch c signal=S ; user a ; end e1 signal=S ; end e2 ; s -> f -> a -> e1 ; f -> c -> e2"
    )

    assert Running(drawing).starts().does("a").finished
    assert not Stock(drawing).does("a").finished


def test_a_message_reaches_one_that_waits_for_it_not_all():
    drawing = (
        "start s ; and f ; catch c message=m ; catch d message=m ; user a ; user b ; end e ; end e2 ; "
        "s -> f -> c -> a -> e ; f -> d -> b -> e2"
    )

    assert Running(drawing).starts().hears("m").tasks == ["a"]
    assert Running(drawing).starts().hears("m").hears("m").tasks == ["a", "b"]
    assert Stock(drawing).hears("m").tasks == ["a", "b"]


def test_an_error_inside_takes_the_errors_way_and_no_other():
    box = SUB.replace("end e1", "end e1 error=E")
    nodes = f"start s ; {box} ; boundary b on=box error=E ; user normal ; user wrong ; end e"
    drawing = f"{nodes} ; s -> box -> normal -> e ; b -> wrong -> e"

    assert Running(drawing).starts().does("v").tasks == ["wrong"]


def test_an_error_that_nothing_catches_stops_the_case_instead_of_going_on():
    drawing = f"start s ; {SUB.replace('end e1', 'end e1 error=E')} ; user next ; end e ; s -> box -> next -> e"

    with pytest.raises(ProcessFault, match="nothing catches the error"):
        Running(drawing).starts().does("v")
    assert Stock(drawing).does("v").tasks == ["next"]


def test_what_interrupts_from_inside_takes_effect_before_the_rest_of_the_inside():
    box = (
        "sub box { ; start s1 ; and f ; throw x escalation=E ; script n script='sau = True' ; end e1 ; end e2 ; "
        "s1 -> f -> x -> e1 ; f -> n -> e2 ; }"
    )
    drawing = f"start s ; {box} ; boundary b on=box escalation=E ; user r ; end e ; s -> box -> e ; b -> r -> e"

    case = Running(drawing).starts()

    assert case.tasks == ["r"]
    assert "e2" not in case.passed


def test_a_service_that_nobody_has_answered_is_known_to_be_asked():
    drawing = "start s ; service a topic=tra_cuu ; end e ; s -> a -> e"
    case = Running(drawing).starts()

    assert [call.topic for call in case.asked.values()] == ["tra_cuu"]
    assert case.is_answered("a", ket_qua=1).finished
    assert (Stock(drawing).tasks, Stock(drawing).finished) == ([], False)


def test_a_notice_goes_out_and_the_case_goes_on():
    case = Running("start s ; tell t ; end e ; s -> t -> e").starts()

    assert case.finished
    assert [(one.text, one.to) for one in case.told if isinstance(one, Notify)] == [("T01", "reporter")]


def test_a_message_that_starts_the_case_does_not_wait_inside_it():
    assert Running("start s message=m ; user a ; end e ; s -> a -> e").starts().tasks == ["a"]


# -- mended: many cases of one definition ----------------------------------------------------------------------------


def test_a_definition_is_the_same_after_a_case_as_before():
    drawing = (
        f"start s ; user a ; boundary b on=a message=m aside ; {SUB} ; end e ; end e2 ; s -> a -> box -> e ; b -> e2"
    )
    case = Running(drawing).starts()
    case.hears("m").does("a").does("v")

    assert case.finished
    assert Running(case.machine).starts().tasks == ["a"]
    assert not Running(case.machine).starts().finished


def test_the_definition_is_not_part_of_the_state():
    short = Running("start s ; user a ; end e ; s -> a -> e").starts()
    names = [f"u{n}" for n in range(60)]
    long = Running(
        " ; ".join(["start s ; end e", *(f"user {name}" for name in names), " -> ".join(["s", *names, "e"])])
    )

    assert len(long.starts().state or b"") <= len(short.state or b"") + 4


def test_the_order_of_keys_in_a_stored_state_does_not_matter():
    case = Running("start s ; user a ; end e ; s -> a -> e").starts(b=1, a={"d": 1, "c": 2})

    case.state = json.dumps(json.loads(case.state or b""), sort_keys=True).encode()
    assert case.machine.take(case.state, Complete(case.token_of("a"), {}), case.moment()).data["a"] == {"d": 1, "c": 2}


def test_the_present_comes_in_from_outside():
    case = Running("start s ; catch c timer=PT1H ; end e ; s -> c -> e")
    case.now = datetime(1999, 1, 1, tzinfo=UTC)

    [timer] = case.starts().timers.values()
    assert timer.due_at == datetime(1999, 1, 1, 1, tzinfo=UTC) != BEGIN


def test_stock_ids_that_collide_are_the_reason_for_refusing_them():
    with pytest.raises(WorkflowException):
        Stock("start Start ; user a ; end e ; Start -> a -> e")
    assert Stock(draw(SIMPLE).replace(' id="flow1"', "")).tasks == []

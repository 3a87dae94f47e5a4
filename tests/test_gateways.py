"""Gateways: what a branch of the process waits for, and what it does not lose. Text: BPMN 2.0.2 §13.3."""

from __future__ import annotations

import pytest

from engine.errors import ProcessFault
from engine.flow.machine import Machine
from engine.flow.parser import parse
from tests.drawing import draw
from tests.running import Running

# -- exclusive -------------------------------------------------------------------------------------------------------

CHOICE = """
start s ; user verify ; xor right "Đúng thẩm quyền?" ; user handle ; user refuse ; end e
s -> verify -> right
right -> handle : ket_qua == "dung"
right -> refuse default
handle -> e
refuse -> e
"""


def test_the_first_condition_that_holds_decides():
    case = Running(CHOICE).starts().does("verify", ket_qua="dung")

    assert case.tasks == ["handle"]


def test_no_condition_holds_so_the_default_is_taken():
    case = Running(CHOICE).starts().does("verify", ket_qua="sai")

    assert case.tasks == ["refuse"]


def test_conditions_behind_the_one_that_holds_are_not_asked():
    case = Running("""
        start s ; xor x ; user a ; user b ; end e
        s -> x
        x -> a : loai == "rac"
        x -> b : chua_co > 1
        a -> e
        b -> e
        """)

    assert case.starts(loai="rac").tasks == ["a"]


def test_conditions_are_asked_in_the_order_drawn_wherever_the_shapes_lie():
    xml = draw("""
        start s
        xor x
        user first
        user second
        end e
        s -> x
        x -> first : true
        x -> second : true
        first -> e
        second -> e
        """)
    shapes = "".join(
        f'<bpmndi:BPMNShape bpmnElement="{key}"><dc:Bounds x="0" y="{y}" width="1" height="1"/></bpmndi:BPMNShape>'
        for key, y in {"first": 900, "second": 100}.items()
    )
    spaces = 'xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"'
    plane = f"<bpmndi:BPMNDiagram {spaces}><bpmndi:BPMNPlane>{shapes}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>"
    drawn = xml.replace("</bpmn:definitions>", f"{plane}</bpmn:definitions>")

    assert Running(Machine(parse({"p.bpmn": drawn}, "P", {}))).starts().tasks == ["first"]


def test_without_condition_or_default_the_gateway_is_named():
    case = Running(CHOICE.replace("refuse default", 'refuse : ket_qua == "sai"')).starts()

    with pytest.raises(ProcessFault, match="Đúng thẩm quyền.*no condition holds") as caught:
        case.does("verify", ket_qua="?")
    assert caught.value.element == "right"

    assert case.does("verify", ket_qua="sai").tasks == ["refuse"]


def test_a_condition_about_something_unknown_names_the_gateway():
    case = Running(CHOICE).starts()

    with pytest.raises(ProcessFault, match="ket_qua") as caught:
        case.does("verify")
    assert caught.value.element == "right"


def test_branches_that_meet_in_an_exclusive_gateway_pass_one_by_one():
    case = Running("""
        start s ; and split ; user a ; user b ; xor meet ; user last ; end e
        s -> split
        split -> a -> meet
        split -> b -> meet
        meet -> last -> e
        """).starts()

    assert case.does("a").tasks == ["b", "last"]
    assert case.does("last").does("b").does("last").finished


# -- parallel --------------------------------------------------------------------------------------------------------

BOTH = """
start s ; and split ; user a ; user b ; and meet ; user last ; end e
s -> split
split -> a -> meet
split -> b -> meet
meet -> last -> e
"""


def test_a_parallel_join_waits_for_every_branch():
    case = Running(BOTH).starts()

    assert case.tasks == ["a", "b"]
    assert case.does("b").tasks == ["a"]
    assert case.does("a").tasks == ["last"]
    assert case.does("last").finished
    assert case.passed == ["s", "split", "b", "a", "meet", "last", "e"]


def test_branches_share_what_they_learn_and_a_join_resets_nothing():
    case = Running(BOTH).starts(x=0, ds=[1, 5])

    case.does("a", x=1, ds=[1, 7])
    assert case.data["x"] == 1
    case.does("b", y=2)

    assert case.data == {"x": 1, "ds": [1, 7], "y": 2}


def test_two_flows_from_one_gateway_straight_into_a_join_are_two():
    case = Running("""
        start s ; and split ; and meet ; user a ; user last ; end e
        s -> split
        split -> meet
        split -> meet
        split -> a -> meet
        meet -> last -> e
        """).starts()

    assert case.tasks == ["a"]
    assert case.does("a").tasks == ["last"]
    assert case.does("last").finished


def test_one_flow_of_two_from_the_same_gateway_does_not_do_for_both():
    case = Running("""
        start s ; or split ; and meet ; user last ; user other ; end e ; end f
        s -> split
        split -> meet : x > 0
        split -> meet : x > 1
        split -> other : true
        meet -> last -> e
        other -> f
        """)

    assert case.starts(x=2).tasks == ["other", "last"]
    assert Running(case.machine).starts(x=1).tasks == ["other"]


def test_a_second_token_at_a_split_disturbs_nothing_that_the_first_began():
    case = Running("""
        start s ; and two ; user a ; user b ; xor meet ; and split ; user c ; user d ; end e ; end f
        s -> two
        two -> a -> meet
        two -> b -> meet
        meet -> split
        split -> c -> e
        split -> d -> f
        """).starts()

    assert case.does("a").tasks == ["b", "c", "d"]
    assert case.does("b").tasks == ["c", "d", "c", "d"]
    assert case.does("c").does("d").does("d").does("c").finished


SURPLUS = """
start s ; and split ; user a ; user b ; user c ; xor x ; and meet ; user last ; end e
s -> split
split -> a -> x
split -> b -> x
split -> c -> meet
x -> meet
meet -> last -> e
"""


def test_a_surplus_token_waits_at_the_join_for_the_next_round():
    case = Running(SURPLUS).starts()

    assert case.does("a").does("b").tasks == ["c"]
    assert case.does("c").tasks == ["last"]
    assert not case.does("last").finished


def test_a_surplus_token_that_arrives_in_the_same_step_is_not_swallowed():
    case = Running("""
        start s ; and split ; user c ; xor x ; xor y ; and meet ; user last ; end e
        s -> split
        split -> x
        split -> y
        split -> x
        split -> c -> y
        x -> meet
        y -> meet
        meet -> last -> e
        """).starts()

    assert case.tasks == ["c", "last"]
    assert case.does("c").tasks == ["last", "last"]
    assert case.does("last").does("last").finished


def test_a_join_fires_twice_in_one_step_when_two_of_each_arrive():
    case = Running("""
        start s ; and split ; xor x ; xor y ; and meet ; user last ; end e
        s -> split
        split -> x
        split -> y
        split -> x
        split -> y
        x -> meet
        y -> meet
        meet -> last -> e
        """).starts()

    assert case.tasks == ["last", "last"]
    assert case.does("last").does("last").finished


def test_a_loop_through_a_split_and_a_join_works_every_time():
    case = Running("""
        start s ; xor again ; and split ; user a ; user b ; and meet ; xor enough ; end e
        s -> again -> split
        split -> a -> meet
        split -> b -> meet
        meet -> enough
        enough -> again : lan < 3
        enough -> e default
        """).starts(lan=0)

    for round in (1, 2, 3):
        assert case.tasks == ["a", "b"]
        case.does("a", lan=round)
        assert case.tasks == ["b"]
        case.does("b")
    assert case.finished


def test_a_gateway_that_joins_and_splits_does_both():
    case = Running("""
        start s ; and one ; user a ; user b ; and two ; user c ; user d ; and three ; end e
        s -> one
        one -> a -> two
        one -> b -> two
        two -> c -> three
        two -> d -> three
        three -> e
        """).starts()

    assert case.does("a").tasks == ["b"]
    assert case.does("b").tasks == ["c", "d"]
    assert case.does("d").does("c").finished


def test_a_join_is_entered_by_all_its_tokens_together():
    case = Running(BOTH.replace("and meet", "and meet status=tong_hop")).starts(status="dang_lam")

    assert case.does("a").data["status"] == "dang_lam"
    assert case.does("b").data["status"] == "tong_hop"

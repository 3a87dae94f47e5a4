"""Inclusive gateways: they wait for what can still come, and for nothing else. Text: BPMN 2.0.2 §13.3.3."""

from __future__ import annotations

import pytest

from engine.errors import ProcessFault
from tests.running import Running

SOME = """
start s ; or split ; user a ; user b ; user c ; or meet ; user last ; end e
s -> split
split -> a : x > 0
split -> b : x > 1
split -> c default
a -> meet
b -> meet
c -> meet
meet -> last -> e
"""


def test_every_condition_that_holds_sends_a_token_and_the_join_waits_for_all_of_them():
    case = Running(SOME).starts(x=2)

    assert case.tasks == ["a", "b"]
    assert case.does("a").tasks == ["b"]
    assert case.does("b").tasks == ["last"]
    assert case.does("last").finished


def test_the_join_does_not_wait_for_branches_that_were_not_taken():
    case = Running(SOME).starts(x=1)

    assert case.tasks == ["a"]
    assert case.does("a").tasks == ["last"]


def test_the_default_is_taken_only_when_no_condition_holds():
    assert Running(SOME).starts(x=0).tasks == ["c"]


def test_without_condition_or_default_the_gateway_is_named():
    case = Running(SOME.replace("c default", "c : x < 0"))

    with pytest.raises(ProcessFault) as caught:
        case.starts(x=0)
    assert caught.value.element == "split"


def test_a_flow_straight_from_the_split_to_the_join_does_not_set_it_off_too_early():
    case = Running("""
        start s ; or split ; user a ; or meet ; user last ; end e
        s -> split
        split -> meet : true
        split -> a : x > 0
        a -> meet -> last -> e
        """)

    assert case.starts(x=1).tasks == ["a"]
    assert case.does("a").tasks == ["last"]
    assert Running(case.machine).starts(x=0).tasks == ["last"]


def test_two_flows_straight_from_the_split_to_the_join_meet_there():
    case = Running("""
        start s ; or split ; or meet ; user last ; end e
        s -> split
        split -> meet : true
        split -> meet : x > 0
        meet -> last -> e
        """)

    assert case.starts(x=1).tasks == ["last"]
    assert Running(case.machine).starts(x=0).tasks == ["last"]


def test_a_gateway_with_one_way_in_only_chooses():
    case = Running("""
        start s ; and two ; user a ; user b ; xor x ; or split ; user c ; user d ; end e
        s -> two
        two -> a -> x
        two -> b -> x
        x -> split
        split -> c : true
        split -> d default
        c -> e
        d -> e
        """).starts()

    assert case.does("a").tasks == ["b", "c"]
    assert case.does("b").tasks == ["c", "c"]


def test_a_gateway_with_one_way_in_does_not_wait_its_turn_behind_others():
    case = Running("""
        start s ; and two ; or split ; script one script="x = 1" ; script other script="y = 1" ; end e
        s -> two
        two -> split -> one -> e
        two -> other -> e
        """).starts()

    assert case.passed == ["s", "two", "split", "other", "one", "e", "e"]


def test_it_waits_for_a_token_far_upstream_whatever_that_will_choose():
    case = Running("""
        start s ; and split ; user a ; user b ; xor x ; or meet ; user last ; end e ; end gone
        s -> split
        split -> a -> meet
        split -> b -> x
        x -> meet : den == true
        x -> gone default
        meet -> last -> e
        """)

    case.starts().does("a")
    assert case.tasks == ["b"]
    assert case.does("b", den=True).tasks == ["last"]

    case = Running(case.machine).starts().does("a").does("b", den=False)
    assert case.tasks == ["last"], "the other branch went elsewhere: nothing can come any more"
    assert case.does("last").finished


def test_a_token_that_can_also_reach_a_full_flow_is_not_waited_for():
    """§13.3.3: a path to an empty flow does not count if another leads to a flow that has a token already."""
    case = Running("""
        start s ; and split ; user a ; user b ; xor x ; xor y ; or meet ; user last ; end e
        s -> split
        split -> a -> y
        split -> b -> x
        x -> y : nhanh == 1
        x -> meet default
        y -> meet -> last -> e
        """).starts()

    assert case.does("a").tasks == ["b", "last"]
    assert case.does("b", nhanh=2).tasks == ["last", "last"]


def test_a_branch_cancelled_while_the_join_waits_is_waited_for_no_longer():
    case = Running("""
        start s ; and split ; user a ; user b ; boundary late on=b timer=PT1H ; or meet ; user last ; end e ; end gone
        s -> split
        split -> a -> meet
        split -> b -> meet
        late -> gone
        meet -> last -> e
        """).starts()

    assert case.does("a").tasks == ["b"]
    assert case.waits("PT1H").tasks == ["last"]
    assert case.does("last").finished


def test_a_boundary_event_whose_path_leads_to_the_join_is_waited_for():
    case = Running("""
        start s ; and split ; user a ; user b ; boundary late on=b timer=PT1H ; user c ; or meet ; user last
        end e ; end f
        s -> split
        split -> a -> meet
        split -> b -> f
        late -> c -> meet
        meet -> last -> e
        """)

    late = case.starts().does("a")
    assert late.tasks == ["b"]
    assert late.waits("PT1H").tasks == ["c"]
    assert late.does("c").tasks == ["last"]

    in_time = Running(case.machine).starts().does("a").does("b")
    assert in_time.tasks == ["last"]


def test_a_watcher_beside_its_host_is_not_a_token_of_its_own():
    """The host can reach the full flow, so neither it nor the boundary event on it holds the join up."""
    case = Running("""
        start s ; and split ; user a ; xor x ; user b ; boundary late on=b timer=PT1H aside ; user c
        or meet ; user last ; end e
        s -> split
        split -> a -> x
        split -> b -> x
        x -> meet
        late -> c -> meet
        meet -> last -> e
        """).starts()

    assert case.does("a").tasks == ["b", "last"]


def test_a_subprocess_is_waited_for_as_a_whole():
    case = Running("""
        start s ; and split ; user a ; or meet ; user last ; end e
        sub box {
        start s1 ; user b ; end e1
        s1 -> b -> e1
        }
        s -> split
        split -> a -> meet
        split -> box -> meet
        meet -> last -> e
        """).starts()

    assert case.does("a").tasks == ["b"]
    assert case.does("b").tasks == ["last"]


def test_a_join_inside_a_subprocess_looks_no_further_than_its_border():
    case = Running("""
        start s ; and split ; user outside ; and all ; end e
        sub box {
        start s1 ; or some ; user b ; user c ; or meet ; user inside ; end e1
        s1 -> some
        some -> b : x > 0
        some -> c : x > 1
        b -> meet
        c -> meet
        meet -> inside -> e1
        }
        s -> split
        split -> outside -> all
        split -> box -> all
        all -> e
        """).starts(x=2)

    assert case.does("b").tasks == ["outside", "c"]
    assert case.does("c").tasks == ["outside", "inside"]
    assert case.does("inside").does("outside").finished


def test_a_split_and_a_join_inside_a_loop_work_every_time():
    case = Running("""
        start s ; xor again ; or split ; user a ; user b ; or meet ; user ask ; xor enough ; end e
        s -> again -> split
        split -> a : x > 0
        split -> b : x > 1
        a -> meet
        b -> meet
        meet -> ask -> enough
        enough -> again : x < 4
        enough -> e default
        """).starts(x=1)

    assert case.does("a").tasks == ["ask"]
    assert case.does("ask", x=2).tasks == ["a", "b"]
    assert case.does("b").tasks == ["a"]
    assert case.does("a").does("ask", x=4).finished


def test_a_loop_may_lead_back_into_the_join_itself():
    case = Running("""
        start s ; or meet ; user a ; xor enough ; end e
        s -> meet -> a -> enough
        enough -> meet : lan < 3
        enough -> e default
        """).starts()

    for round in (1, 2, 3):
        assert case.tasks == ["a"]
        case.does("a", lan=round)
    assert case.finished


def test_joins_one_behind_the_other_go_on_in_one_step():
    case = Running("""
        start s ; and split ; user a ; user b ; user c ; or first ; or second ; user last ; end e
        s -> split
        split -> a -> first
        split -> b -> first
        split -> c -> second
        first -> second -> last -> e
        """).starts()

    assert case.does("c").does("a").tasks == ["b"]
    assert case.does("b").tasks == ["last"]
    assert case.does("last").finished


def test_of_two_tokens_on_one_flow_the_join_takes_one_at_a_time():
    case = Running("""
        start s ; and split ; user a ; user b ; user c ; xor x ; or meet ; user last ; end e
        s -> split
        split -> a -> x
        split -> b -> x
        split -> c -> meet
        x -> meet
        meet -> last -> e
        """).starts()

    case.does("a").does("b")
    assert case.tasks == ["c"]
    assert case.does("c").tasks == ["last", "last"], "one for a and c, one for b"
    assert case.does("last").does("last").finished


def test_a_join_with_a_choice_behind_it_asks_once():
    case = Running("""
        start s ; or split ; user a ; user b ; or meet ; user c ; user d ; end e
        s -> split
        split -> a : true
        split -> b : true
        a -> meet
        b -> meet
        meet -> c : y == 1
        meet -> d : y > 0
        c -> e
        d -> e
        """).starts()

    assert case.does("a", y=1).does("b").tasks == ["c", "d"]

"""Subprocesses and called processes: what goes in, what comes back, and how they end."""

from __future__ import annotations

import pytest

from engine.errors import ProcessFault, WrongState
from engine.flow import codec
from engine.flow.steps import Amend, Complete, Fire
from tests.running import Running

# -- embedded --------------------------------------------------------------------------------------------------------

NESTED = """
start s ; user before ; user after ; end e
sub outer {
start s1 ; and split ; user a ; and meet ; end e1
sub inner {
start s2 ; user b ; end e2
s2 -> b -> e2
}
s1 -> split
split -> a -> meet
split -> inner -> meet
meet -> e1
}
s -> before -> outer -> after -> e
"""


def test_subprocesses_in_subprocesses_share_the_cases_data():
    case = Running(NESTED).starts(x=0).does("before", x=1)

    assert case.tasks == ["a", "b"]
    case.does("b", x=case.data["x"] + 1)
    assert case.data["x"] == 2
    assert case.does("a").tasks == ["after"]
    assert case.does("after").finished
    assert case.passed == [
        "s", "before", "s1", "split", "s2", "b", "e2", "inner", "a", "meet", "e1", "outer", "after", "e",
    ]  # fmt: skip


def test_a_subprocess_may_be_entered_by_several_tokens_at_once():
    case = Running("""
        start s ; and split ; xor meet ; end e
        sub box {
        start s1 ; user a ; end e1
        s1 -> a -> e1
        }
        s -> split
        split -> meet
        split -> meet
        meet -> box -> e
        """).starts()

    assert case.tasks == ["a", "a"]
    assert case.does("a").tasks == ["a"]
    assert case.does("a").finished


def test_a_subprocess_in_which_nothing_waits_is_passed_in_one_step():
    case = Running("""
        start s ; user last ; end e
        sub box {
        start s1 ; script count script="n = n + 1" ; end e1
        s1 -> count -> e1
        }
        s -> box -> last -> e
        """).starts(n=1)

    assert case.tasks == ["last"]
    assert case.data == {"n": 2}


def test_a_subprocess_ends_with_its_last_token_even_one_that_an_event_began():
    case = Running("""
        start s ; user last ; end e
        sub box {
        start s1 ; user a ; boundary note on=a message=m aside ; user b ; end e1 ; end e2
        s1 -> a -> e1
        note -> b -> e2
        }
        s -> box -> last -> e
        """).starts()

    assert case.hears("m").does("a").tasks == ["b"]
    assert case.does("b").tasks == ["last"]


def test_the_case_goes_on_until_what_an_event_began_is_done():
    case = Running("""
        start s ; user a ; boundary note on=a message=m aside ; user b ; end e ; end f
        s -> a -> e
        note -> b -> f
        """).starts()

    assert not case.hears("m").does("a").finished
    assert case.does("b").finished


def test_a_path_may_stop_without_an_end_event():
    case = Running("""
        start s ; and split ; user a ; user b ; boundary late on=b timer=PT1H ; end e
        s -> split
        split -> a
        split -> b -> e
        """).starts()

    assert not case.waits("PT1H").finished
    assert case.does("a").finished


# -- called ----------------------------------------------------------------------------------------------------------

CALL = "start s ; user before ; call q calls=Q ; user after ; end e ; s -> before -> q -> after -> e"
Q = "start sq ; user work ; script note script='ghi = ma' ; end eq ; sq -> work -> note -> eq"
LONG_Q = "start sq ; user work ; user more ; script note script='ghi = ma' ; end eq ; sq -> work -> more -> note -> eq"


def test_a_called_process_is_given_the_data_and_brings_back_what_it_learned():
    case = Running(CALL, calls={"Q": Q}).starts(ma=1).does("before", ma=2)

    assert case.tasks == ["work"]
    case.does("work", ket_qua="dung")
    assert case.tasks == ["after"]
    assert case.data == {"ma": 2, "ket_qua": "dung", "ghi": 2}


def test_what_it_does_stays_inside_until_it_ends():
    case = Running(CALL, calls={"Q": LONG_Q})

    case.starts(ma=1).does("before").does("work", ket_qua="dung")
    assert case.data == {"ma": 1}
    assert case.does("more").data == {"ma": 1, "ket_qua": "dung", "ghi": 1}


PARALLEL_CALLS = """
start s ; and split ; call one calls=Q ; call two calls=Q ; user aside ; and meet ; end e
s -> split
split -> one -> meet
split -> two -> meet
split -> aside -> meet
meet -> e
"""


def test_a_called_process_does_not_undo_what_others_learned_meanwhile():
    case = Running(PARALLEL_CALLS, calls={"Q": Q}).starts(ma=1, x="cũ")

    case.does("aside", x="mới", ma=5)
    case.does("work")
    assert case.data == {"ma": 5, "x": "mới", "ghi": 1}


def test_one_process_called_twice_at_once_runs_twice():
    inside = "start sq ; user work ; xor right ; user more ; user less ; end eq ; sq -> work -> right\n"
    inside += "right -> more : n > 5 ; right -> less default ; more -> eq ; less -> eq"
    case = Running(PARALLEL_CALLS, calls={"Q": inside}).starts()

    case.does("work", n=9).does("work", n=1)
    assert case.tasks == ["aside", "more", "less"]
    assert case.does("more").data == {"n": 9}
    assert case.does("less").data == {"n": 1}, "the later one wins"
    assert case.does("aside").finished


def test_calls_within_calls_bring_everything_back():
    case = Running(
        "start s ; call q calls=Q ; end e ; s -> q -> e",
        calls={
            "Q": "start sq ; user one ; call r calls=R ; user three ; end eq ; sq -> one -> r -> three -> eq",
            "R": "start sr ; user two ; sub box { ; start sb ; user deep ; end eb ; sb -> deep -> eb ; } ; end er"
            " ; sr -> two -> box -> er",
        },
    ).starts(a=0)

    case.does("one", a=1).does("two", b=2)
    assert codec.data_at(case.state or b"", case.token_of("deep")) == {"a": 1, "b": 2}  # as its form is shown
    case.does("deep", c=3)
    assert case.tasks == ["three"]
    assert case.data == {"a": 0}
    assert case.does("three").data == {"a": 1, "b": 2, "c": 3}
    assert case.finished


def test_what_it_learned_is_kept_when_it_is_interrupted():
    case = Running(
        """
        start s ; call q calls=Q ; boundary withdrawn on=q message=rut_don ; user confirm ; end e ; end f
        s -> q -> e
        withdrawn -> confirm -> f
        """,
        calls={"Q": LONG_Q},
    ).starts(ma=1)

    case.does("work", hien_truong="đã kiểm tra").hears("rut_don", ly_do="tự giải quyết")
    assert case.data == {"ma": 1, "hien_truong": "đã kiểm tra", "ly_do": "tự giải quyết"}


def test_the_cases_own_fields_are_known_at_once():
    """`status`, `lead_agency` … follow the variables of those names, also while a called process sets them."""
    inside = "start sq ; user work status=dang_xu_ly ; user more ; end eq ; sq -> work -> more -> eq"
    case = Running(PARALLEL_CALLS, calls={"Q": inside}).starts(status="moi")

    assert case.data["status"] == "dang_xu_ly"
    case.does("work", lead_agency="ubnd_74_718", ghi_chu="riêng")
    assert case.data == {"status": "dang_xu_ly", "lead_agency": "ubnd_74_718"}
    case.take(Amend({"lead_agency": "ubnd_74_719"})).does("more")
    assert case.data == {"status": "dang_xu_ly", "lead_agency": "ubnd_74_719", "ghi_chu": "riêng"}


def test_a_called_process_does_not_bring_back_what_it_was_only_told():
    case = Running(PARALLEL_CALLS, calls={"Q": LONG_Q})

    case.starts(ma=1).does("work", lead_agency="ubnd_1").take(Amend({"loai": "rac"}))
    case.does("aside", lead_agency="ubnd_2", loai="dien").does("more")
    assert case.data == {"ma": 1, "lead_agency": "ubnd_2", "loai": "dien", "ghi": 1}


def test_a_text_sent_by_a_called_process_speaks_of_what_that_process_knows():
    inside = "start sq ; user work ; tell report text=T02 to=lead_agency ; user more ; end eq ; sq -> work -> report"
    case = Running(CALL, calls={"Q": inside + " -> more -> eq"}).starts().does("before").does("work", ket_qua="dung")

    [notify] = case.told
    assert (notify.text, notify.to, notify.data) == ("T02", "lead_agency", {"ket_qua": "dung"})


def test_a_text_says_what_was_true_when_its_element_ran():
    case = Running("start s ; user a ; tell t ; script later script='n = 2' ; user b ; end e"
                   " ; s -> a -> t -> later -> b -> e").starts(n=0).does("a", n=1)

    [notify] = case.told
    assert (notify.data, case.data) == ({"n": 1}, {"n": 2})


def test_each_instance_of_several_says_its_own():
    box = "sub f multi=[1,2] item=n { ; start s1 ; tell t ; script later script='m = n' ; user b ; end e1"
    case = Running(f"start s ; {box} ; s1 -> t -> later -> b -> e1 ; }} ; end e ; s -> f -> e").starts(m=0)

    assert [(notify.data["n"], notify.data["m"]) for notify in case.told] == [(1, 0), (2, 0)]


def test_the_last_task_of_a_called_process_that_was_cancelled_can_be_done_no_more():
    case = Running(
        "start s ; call q calls=Q ; boundary late on=q timer=PT1H ; end e ; end f ; s -> q -> e ; late -> f",
        calls={"Q": Q},
    ).starts(ma=1)
    [work], [late] = case.open, case.timers

    assert case.waits("PT1H").finished
    with pytest.raises(WrongState):
        case.take(Complete(work, {}))
    with pytest.raises(WrongState):
        case.take(Fire(late))


# -- errors and escalations ------------------------------------------------------------------------------------------


def borders(outer: str, inner: str = "", thrown: str = "error=E1", end: str = "end") -> Running:
    """A subprocess in a called process in a subprocess: what is thrown in the innermost comes to three borders."""
    main = f"""
        start s ; end e ; end f ; user caught ; user caught_too
        sub box {{
        start s1 ; call q calls=Q ; user beside ; and two ; end e1
        s1 -> two
        two -> q -> e1
        two -> beside -> e1
        }}
        {outer}
        s -> box -> e
        caught -> f
        caught_too -> f
        """
    called = f"""
        start sq ; end eq ; end fq ; user mended
        sub core {{
        start s2 ; and split ; user work ; user other ; {end} bang {thrown} ; end e2
        s2 -> split
        split -> work -> bang{" -> e2" if end == "throw" else ""}
        split -> other -> e2
        }}
        {inner}
        sq -> core -> eq
        mended -> fq
        """
    return Running(main, calls={"Q": called}).starts()


def test_an_error_is_caught_on_the_nearest_border_that_fits():
    case = borders("boundary b on=box error=E1 ; b -> caught", "boundary c on=core error=E1 ; c -> mended")

    assert case.does("work").tasks == ["beside", "mended"]


def test_an_error_passes_borders_that_wait_for_another():
    case = borders("boundary b on=box error=E1 ; b -> caught", "boundary c on=core error=E2 ; c -> mended")

    assert case.does("work").tasks == ["caught"]
    assert case.passed[-3:] == ["work", "bang", "b"]
    assert case.does("caught").finished


def test_on_one_border_the_exact_code_goes_before_the_one_that_catches_all():
    catch_all = "boundary any on=box xml='<bpmn:errorEventDefinition/>' ; any -> caught_too"
    exact = "boundary b on=box error=E1 ; b -> caught"

    assert borders(f"{catch_all} ; {exact}").does("work").tasks == ["caught"]
    assert borders(f"{catch_all} ; {exact}", thrown="error=E9").does("work").tasks == ["caught_too"]


def test_a_nearer_border_that_catches_all_goes_before_a_farther_exact_one():
    case = borders(
        "boundary b on=box error=E1 ; b -> caught",
        "boundary any on=core xml='<bpmn:errorEventDefinition/>' ; any -> mended",
    )

    assert case.does("work").tasks == ["beside", "mended"]


def test_an_error_that_nothing_catches_is_the_analysts_fault():
    case = borders("")

    with pytest.raises(ProcessFault, match="nothing catches the error 'E1'") as caught:
        case.does("work")
    assert caught.value.element == "bang"
    assert case.tasks == ["beside", "work", "other"]


def test_an_escalation_aside_leaves_everything_where_it_is():
    case = borders("boundary b on=box escalation=X aside ; b -> caught", thrown="escalation=X", end="throw")

    assert case.does("work").tasks == ["beside", "other", "caught"]
    assert case.does("other").does("beside").tasks == ["caught"]
    assert case.does("caught").finished


def test_an_interrupting_escalation_ends_what_it_stands_beside():
    case = borders("boundary b on=box escalation=X ; b -> caught", thrown="escalation=X")

    assert case.does("work").tasks == ["caught"]


def test_who_catches_an_escalation_is_told_which_one():
    told = "xml='<bpmn:escalationEventDefinition camunda:escalationCodeVariable=\"ma\"/>'"
    case = borders(f"boundary b on=box {told} aside ; b -> caught", thrown="escalation=X", end="throw")

    assert case.does("work").data["ma"] == "X"


def test_an_escalation_that_nothing_catches_changes_nothing():
    case = borders("boundary b on=box escalation=Y ; b -> caught", thrown="escalation=X")

    assert case.does("work").tasks == ["beside", "other"]


# -- terminate -------------------------------------------------------------------------------------------------------


def test_a_terminate_end_ends_its_subprocess_and_the_case_goes_on():
    case = Running("""
        start s ; user last ; end e
        sub box {
        start s1 ; and split ; user a ; user b ; boundary late on=b timer=PT1H ; end stop terminate ; end e1
        s1 -> split
        split -> a -> stop
        split -> b -> e1
        late -> e1
        }
        s -> box -> last -> e
        """).starts()

    assert case.does("a").tasks == ["last"]
    assert case.clocks == []
    assert case.does("last").finished


def test_a_terminate_end_of_the_case_ends_everything():
    case = Running(
        """
        start s ; and split ; user a ; end stop terminate ; call q calls=Q ; receive hear message=m ; end e
        sub box {
        start s1 ; user b ; boundary late on=b timer=PT1H ; end e1
        s1 -> b -> e1
        late -> e1
        }
        s -> split
        split -> a -> stop
        split -> box -> e
        split -> q -> e
        split -> hear -> e
        """,
        calls={"Q": Q},
    ).starts(ma=1)
    assert case.tasks == ["a", "b", "work"]

    case.does("a")
    assert case.finished
    assert (case.open, case.timers, case.awaited) == ({}, {}, {})


@pytest.mark.parametrize("where", ["outside", "inside"])
def test_what_is_said_of_the_case_holds_in_and_around_a_called_process_at_once(where):
    waits = "conditional='${severity==\"cao\"}'"
    outside = f"catch c {waits} ; user a" if where == "outside" else "user c ; user a"
    inside = f"catch d {waits} ; user b" if where == "inside" else "user d ; user b"
    case = Running(
        f"start s ; and x ; {outside} ; call q calls=Q ; and y ; end e"
        " ; s -> x ; x -> c -> a -> y ; x -> q -> y ; y -> e",
        calls={"Q": f"start sq ; {inside} ; end eq ; sq -> d -> b -> eq"},
    ).starts(severity="thap")

    case.does("d" if where == "outside" else "c", severity="cao")

    assert sorted(case.tasks) == ["a", "b"]
    assert case.does("a").does("b").finished

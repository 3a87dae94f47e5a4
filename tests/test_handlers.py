"""Event subprocesses: what happens to a process, or to a part of it, whatever it is doing just then."""

from __future__ import annotations

import pytest

from engine.errors import ProcessFault, WrongState
from engine.flow.check import check
from engine.flow.steps import Deliver
from tests.drawing import package
from tests.running import Running

HANDLER = "sub h handler {{ ; start hs {0} ; user v ; end he ; hs -> v -> he ; }}"


def process(event: str, inside: str = "user a", way: str = "a") -> str:
    return f"start s ; {inside} ; end e ; s -> {way} -> e ; {HANDLER.format(event)}"


def test_an_interrupting_event_ends_what_was_going_on():
    case = Running(process("message=m", "user a ; and p ; user b ; end e2", "p -> a") + " ; p -> b -> e2").starts()
    assert case.tasks == ["a", "b"]
    assert case.hears("m", ly_do="rút").tasks == ["v"]
    assert case.awaited == {} and case.data == {"ly_do": "rút"}
    assert case.does("v").finished


def test_an_event_beside_disturbs_nothing_and_may_happen_again():
    case = Running(process("message=m aside")).starts()
    assert case.hears("m").hears("m").tasks == ["a", "v", "v"]
    assert not case.does("v").does("a").finished, "the second question is not answered yet"
    assert case.does("v").finished


def test_a_process_does_not_wait_for_what_may_never_happen():
    case = Running(process("message=m aside")).starts()
    assert case.does("a").finished
    assert case.awaited == {} and case.clocks == []


def test_while_a_handler_is_at_work_the_event_can_happen_again():
    case = Running(process("message=m aside")).starts().hears("m").does("a")
    assert case.hears("m").tasks == ["v", "v"]
    assert case.does("v").does("v").finished


def test_a_clock_of_the_whole_case():
    case = Running(process("timer=PT2H")).starts().waits("PT1H")
    assert case.tasks == ["a"] and case.clocks == ["hs"]
    assert case.waits("PT1H").tasks == ["v"]
    assert case.does("v").finished


def test_a_clock_beside_strikes_as_often_as_it_says():
    case = Running(process("cycle=R3/PT1H aside")).starts().waits("PT5H")
    assert case.tasks == ["a", "v", "v", "v"] and case.clocks == []
    assert Running(process("timer=PT1H aside")).starts().waits("PT5H").tasks == ["a", "v"]


def test_an_error_is_caught_in_the_scope_it_is_thrown_in():
    drawing = process("error=E", "user a ; and p ; user b", "p -> a").replace("end e", "end e error=E")
    case = Running(drawing + " ; end e2 ; p -> b -> e2").starts()
    assert case.does("a").tasks == ["v"]
    assert case.does("v").finished


@pytest.mark.parametrize("caught", ["error=E", "error=F"])
def test_an_error_from_inside_goes_out_to_who_catches_it(caught: str):
    box = "sub box { ; start s1 ; user a ; end e1 error=E ; s1 -> a -> e1 ; }"
    case = Running(process(caught, box, "box")).starts()
    if caught == "error=E":
        assert case.does("a").tasks == ["v"]
    else:
        with pytest.raises(ProcessFault, match="nothing catches the error"):
            case.does("a")


def test_a_border_comes_before_the_event_subprocess_around_it():
    box = "sub box { ; start s1 ; user a ; end e1 error=E ; s1 -> a -> e1 ; } ; boundary b on=box error=E ; user c"
    assert Running(process("error=E", box, "box") + " ; b -> c -> e").starts().does("a").tasks == ["c"]


def test_an_escalation_beside_lets_its_thrower_go_on():
    case = Running(process("escalation=X aside", "user a ; throw t escalation=X ; user b", "a -> t -> b")).starts()
    assert case.does("a").tasks == ["b", "v"]
    assert case.does("b").does("v").finished


def test_an_escalation_can_interrupt():
    case = Running(process("escalation=X", "user a ; throw t escalation=X ; user b", "a -> t -> b")).starts()
    assert case.does("a").tasks == ["v"]


AGAIN = (
    "sub h handler {{ ; start hs {0} ; user v ; throw again {1} ; user w ; end he ; hs -> v -> again -> w -> he ; }}"
)
ENDS = "sub h handler {{ ; start hs {0} ; user v ; end he {1} ; hs -> v -> he ; }}"


def within(box: str, border: str = "", calls: bool = False, inside: str = "") -> Running:
    """What throws X behind the task `a`, in a subprocess or in a called process, with a border round it."""
    scope = "start s1 ; user a ; throw t escalation=X ; user b ; end e1 ; s1 -> a -> t -> b -> e1 ; " + box + inside
    drawn = "call box calls=Q" if calls else f"sub box {{ ; {scope} ; }}"
    outer = f"start s ; {drawn} ; end e ; s -> box -> e"
    outer += f" ; boundary o on=box {border} ; user c ; end f ; o -> c -> f" if border else ""
    return Running(outer, calls={"Q": scope} if calls else {}).starts()


@pytest.mark.parametrize("calls", [False, True], ids=["subprocess", "called process"])
def test_what_a_handler_throws_again_goes_outwards(calls: bool):
    case = within(AGAIN.format("escalation=X aside", "escalation=X"), "escalation=X aside", calls).does("a")
    assert case.tasks == ["b", "v"]
    assert sorted(case.does("v").tasks) == ["b", "c", "w"], "once, by the border, and not by itself"

    ends = within(AGAIN.format("escalation=X aside", "escalation=X"), "escalation=X", calls).does("a").does("v")
    assert ends.tasks == ["c"]

    interrupted = within(AGAIN.format("escalation=X", "escalation=X"), "escalation=X aside", calls).does("a").does("v")
    assert sorted(interrupted.tasks) == ["c", "w"]


def test_what_a_handler_throws_again_and_nobody_else_catches_changes_nothing():
    case = within(AGAIN.format("escalation=X aside", "escalation=X")).does("a").does("v")
    assert case.tasks == ["b", "w"]


def test_deep_in_a_handler_is_in_the_handler():
    deep = "sub h handler { ; start hs escalation=X aside ; call r calls=R ; end he ; hs -> r -> he ; }"
    thrower = "start sr ; throw again escalation=X ; user w ; end er ; sr -> again -> w -> er"
    case = Running(f"start s ; user a ; throw t escalation=X ; user b ; end e ; s -> a -> t -> b -> e ; {deep}",
                   calls={"R": thrower}).starts()
    assert case.does("a").tasks == ["b", "w"]


def test_what_a_handler_throws_is_caught_by_its_neighbours():
    neighbour = " ; sub k handler { ; start ks escalation=Y aside ; user n ; end ke ; ks -> n -> ke ; }"
    case = within(AGAIN.format("escalation=X aside", "escalation=Y"), inside=neighbour)
    assert case.does("a").does("v").tasks == ["b", "w", "n"]


@pytest.mark.parametrize("calls", [False, True], ids=["subprocess", "called process"])
def test_an_error_thrown_again_goes_outwards(calls: bool):
    box = ENDS.format("escalation=X aside", "error=E") + " ; sub k handler { ; start ks error=E ; user n"
    case = within(box + " ; end ke error=E ; ks -> n -> ke ; }", "error=E", calls).does("a").does("v")
    assert case.tasks == ["n"], "an error of a handler beside is one of what it guards"
    assert case.does("n").tasks == ["c"]


@pytest.mark.parametrize("aside", ["", " aside"])
def test_what_the_path_behind_a_border_throws_is_not_caught_by_that_border(aside: str):
    box = "sub box { ; start s1 ; user a ; throw t escalation=X ; user b ; end e1 ; s1 -> a -> t -> b -> e1 ; }"
    path = f"boundary o on=box escalation=X{aside} ; throw again escalation=X ; user c ; end f ; o -> again -> c -> f"
    case = Running(process("escalation=X aside", f"{box} ; {path}", "box")).starts().does("a")
    assert sorted(case.tasks) == (["b"] if aside else []) + ["c", "v"]


def test_a_signal_reaches_event_subprocesses_too():
    case = Running(process("signal=S aside", "user a ; throw t signal=S ; user b", "a -> t -> b")).starts()
    assert case.does("a").tasks == ["b", "v"]


def test_inside_a_subprocess_it_is_there_while_that_is():
    box = "sub box { ; start s1 ; user b ; end e1 ; s1 -> b -> e1 ; " + HANDLER.format("message=m") + " ; }"
    case = Running(f"start s ; user a ; {box} ; user c ; end e ; s -> a -> box -> c -> e").starts()
    with pytest.raises(WrongState):
        case.hears("m")
    case.does("a").hears("m")
    assert case.tasks == ["v"]
    assert case.does("v").tasks == ["c"] and case.awaited == {}


def test_inside_a_called_process_it_is_there_while_that_is():
    called = {"Q": "start sq ; user b ; end eq ; sq -> b -> eq ; " + HANDLER.format("message=m")}
    case = Running("start s ; call q calls=Q ; user c ; end e ; s -> q -> c -> e", calls=called).starts()
    assert case.hears("m", x=1).does("v").tasks == ["c"] and case.data == {"x": 1}


def test_a_handler_can_have_handlers_itself():
    inner = "sub k handler { ; start ks message=n ; user w ; end ke ; ks -> w -> ke ; }"
    outer = HANDLER.format("message=m").removesuffix("}") + inner + " ; }"
    case = Running(f"start s ; user a ; end e ; s -> a -> e ; {outer}").starts()
    assert case.hears("m").hears("n").tasks == ["w"]
    assert case.does("w").finished


def test_what_is_awaited_on_the_way_comes_before_the_handler():
    case = Running(process("message=m aside", "catch k message=m ; user a", "k -> a")).starts()
    assert case.hears("m").tasks == ["a"]
    assert case.hears("m").tasks == ["a", "v"]


def test_a_return_is_caught_by_the_innermost_event_subprocess_around_the_task():
    box = "sub box { ; start s1 ; user b ; end e1 ; s1 -> b -> e1 ; " + HANDLER.format("message=tra") + " ; }"
    outer = "sub k handler { ; start ks message=tra ; user w ; end ke ; ks -> w -> ke ; }"
    case = Running(f"start s ; {box} ; user c ; end e ; s -> box -> c -> e ; {outer}").starts()
    assert case.take(Deliver("tra", {}, within=case.token_of("b"))).tasks == ["v"]
    assert case.does("v").tasks == ["c"]
    assert case.take(Deliver("tra", {}, within=case.token_of("c"))).tasks == ["w"]


def test_each_instance_of_several_has_its_own():
    box = "sub f multi=[1,2] item=n { ; start s1 ; user b ; end e1 ; s1 -> b -> e1 ; "
    box += HANDLER.format("timer=PT1H") + " ; }"
    case = Running(f"start s ; {box} ; end e ; s -> f -> e").starts().does("b").waits("PT1H")
    assert case.tasks == ["v"]
    assert case.does("v").finished


def test_a_status_on_it_is_set_when_it_happens():
    case = Running(process("message=m").replace("sub h", "sub h status=rut")).starts()
    assert "status" not in case.data
    assert case.hears("m").data["status"] == "rut"


# -- the gate --------------------------------------------------------------------------------------------------------

TOLD = (
    "start s ; user a ; tell t ; end e ; s -> a -> t -> e"
    " ; sub h handler {{ ; start hs {0} ; user v ; {1} ; end he ; hs -> v -> {2}he ; }}"
)


def codes(event: str, told: bool) -> list[str]:
    drawing = TOLD.format(event, "tell u" if told else "script u script='n = 1'", "u -> ")
    return [fault.code for fault in check(package(drawing))]


def test_who_withdraws_is_told_too():
    assert codes("message=m", told=True) == []
    assert codes("message=m", told=False) == ["citizen-not-told"]
    assert codes("timer=PT1H", told=False) == ["citizen-not-told"]


def test_what_happens_beside_needs_no_text_of_its_own():
    assert codes("message=m aside", told=False) == []


def test_an_error_caught_in_its_own_process_is_caught():
    drawing = (
        "start s ; user a ; xor x ; tell t ; end e ; end bad error=E ; s -> a -> x ; x -> t default ; t -> e"
        ' ; x -> bad : channel == "web"'
    )
    assert [one.code for one in check(package(drawing))] == ["error-uncaught"]
    caught = " ; sub h handler {{ ; start hs error=E ; {0} ; end he ; hs -> {1} -> he ; }}"
    assert check(package(drawing + caught.format("tell u", "u"))) == []
    [fault] = check(package(drawing + caught.format("user v", "v")))
    assert fault.code == "citizen-not-told"


def test_an_error_thrown_again_where_it_was_caught_is_not_caught():
    drawing = "start s ; user a ; xor x ; tell t ; end e ; end bad error=E ; s -> a -> x ; x -> t default ; t -> e"
    drawing += ' ; x -> bad : channel == "web" ; sub h handler { ; start hs error=E ; tell u ; end he error=E'
    [fault] = check(package(drawing + " ; hs -> u -> he ; }"))
    assert (fault.code, fault.element) == ("error-uncaught", "he")


@pytest.mark.parametrize("aside", [True, False])
def test_an_event_subprocess_that_interrupts_has_called_off_its_neighbours(aside: bool):
    drawing = "start s ; user a ; tell t ; end e ; s -> a -> t -> e ; sub h handler { ; start hs message=m"
    drawing += " aside" * aside + " ; user v ; end he error=E ; hs -> v -> he ; }"
    drawing += " ; sub k handler { ; start ks error=E ; tell u ; end ke ; ks -> u -> ke ; }"
    case = Running(drawing).starts().hears("m")
    if aside:
        assert check(package(drawing)) == []
        assert case.does("v").finished
    else:
        assert [one.code for one in check(package(drawing))] == ["error-uncaught"]
        with pytest.raises(ProcessFault, match="nothing catches the error"):
            case.does("v")


def test_what_a_handler_beside_throws_can_end_the_case_untold():
    drawing = "start s ; user z ; sub box { ; start s1 ; user a ; end e1 ; s1 -> a -> e1 ; sub h handler {"
    drawing += " ; start hs message=m aside ; user v ; end he error=E ; hs -> v -> he ; } ; } ; tell t ; end e"
    drawing += " ; boundary o on=box error=E ; end f ; s -> z -> box -> t -> e ; o -> f"
    assert [one.code for one in check(package(drawing))] == ["citizen-not-told"]


def test_a_clock_beside_may_be_a_cycle():
    assert codes("cycle=R3/PT1H aside", told=False) == []
    assert codes("cycle=R/PT1H aside", told=False) == ["timer-unbounded"]
    assert codes("cycle=R3/PT1H", told=True) == ["timer-cycle-once"]


DEAD_END = 'xor x ; user b ; user c ; and j ; x -> b : channel == "web" ; x -> c default ; b -> j ; c -> j'


def test_a_dead_end_is_not_hidden_by_what_could_end_it():
    drawing = f"start s ; {DEAD_END} ; tell t ; end e ; s -> x ; j -> t -> e"
    drawing += " ; sub h handler { ; start hs message=m ; tell u ; end he ; hs -> u -> he ; }"
    assert [one.code for one in check(package(drawing))] == ["deadlock"]


def test_a_dead_end_inside_is_found():
    drawing = "start s ; user a ; tell t ; end e ; s -> a -> t -> e ; sub h handler { ; start hs message=m aside"
    drawing += f" ; end he ; {DEAD_END} ; hs -> x ; j -> he ; }}"
    assert [one.code for one in check(package(drawing))] == ["deadlock"]

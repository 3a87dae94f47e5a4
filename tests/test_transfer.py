"""A state in another version of its diagram: the same places under other names, or a sentence why not."""

from __future__ import annotations

import re

import pytest

from engine.flow import steps
from engine.flow.outlook import Outlook
from engine.flow.transfer import Misfit, carry
from tests.drawing import draw
from tests.running import Running, machine

RICH = """
start s
and chia
user viec "Việc"
boundary nhac on=viec cycle=R3/PT1H aside
boundary huy on=viec message=m_huy
end nhac_xong
xor ra
service hoi topic=tra_cuu result=kq
sub nhom multi=${ds} item=ai results=ket {
start ns
user gop
end ne
ns -> gop -> ne
}
call goi calls=Q
race cho
catch tin message=m_tin
catch gio timer=P1D
xor hoi_xong
and gop_lai
user sau
end e
sub su_co handler {
start ss message=m_su_co aside
user xem
end se
ss -> xem -> se
}
s -> chia -> viec -> ra -> gop_lai
nhac -> nhac_xong
huy -> ra
chia -> hoi -> gop_lai
chia -> nhom -> gop_lai
chia -> goi -> gop_lai
chia -> cho
cho -> tin -> hoi_xong
cho -> gio -> hoi_xong
hoi_xong -> gop_lai -> sau -> e
"""
CALLED = "\nstart qs ; user trong ; end qe ; qs -> trong -> qe"
IDS = sorted(set(re.findall(r"^(?:start|end|and|user|boundary|service|sub|call|race|catch|xor) (\w+)",
                            RICH + CALLED.replace(" ; ", "\n"), re.M)))  # fmt: skip
RENAMED = {one: f"{one}_moi" for one in IDS}


def renamed(text):
    return re.sub(rf"\b({'|'.join(IDS)})\b(?!=)", lambda found: RENAMED[found[1]], text)


OLD = machine(RICH, {"Q": CALLED})
NEW = machine(renamed(RICH), {"Q": renamed(CALLED)})


def goes(old, new, state, elements=None):
    return carry(old.definition, new.definition, state, elements or {})


def life():
    """Every state of a long life, each with what happened next."""
    yield lambda case: case.starts(ds=["a", "b"])
    yield lambda case: case.waits("PT1H")
    yield lambda case: case.does(_named(case, "gop"))
    yield lambda case: case.is_answered(_named(case, "hoi"), x=1)
    yield lambda case: case.hears("m_su_co")
    yield lambda case: case.hears("m_tin")
    yield lambda case: case.waits("PT1H")
    yield lambda case: case.does(_named(case, "xem"))
    yield lambda case: case.hears("m_huy")
    yield lambda case: case.does(_named(case, "trong"))
    yield lambda case: case.does(_named(case, "gop"))
    yield lambda case: case.does(_named(case, "sau"))


def _named(case, element):
    return element if case.machine is OLD else RENAMED[element]


def test_wherever_it_stands_it_goes_over_and_comes_back_as_it_was():
    case = Running(OLD)
    for happens in life():
        happens(case)
        there = goes(OLD, NEW, case.state, RENAMED)
        back = goes(NEW, OLD, there.state, {new: old for old, new in RENAMED.items()})
        assert (there.fresh, there.dropped) == ([], [])
        assert back.state == case.state
    assert case.finished


@pytest.mark.parametrize("moves_after", range(1, 12))
def test_it_goes_on_there_as_it_would_have_here(moves_after):
    here, there = Running(OLD), Running(OLD)
    for number, happens in enumerate(life()):
        if number == moves_after:
            carried = goes(OLD, NEW, there.state, RENAMED)
            there.machine, there.state = NEW, carried.state
            for book in (there.open, there.timers, there.asked):
                for token, one in book.items():
                    book[token] = type(one)(**(vars(one) | {"element": RENAMED[one.element]}))
        happens(here), happens(there)

    assert there.finished
    assert [RENAMED.get(one, one) for one in there.passed] == [RENAMED[one] for one in here.passed]
    assert there.data == here.data


# -- what is new, and what does not fit ------------------------------------------------------------------------------


def moved(old, new, elements=None, **data):
    first, second = machine(old), machine(new)
    case = Running(first).starts(**data)
    return case, second, goes(first, second, case.state, elements)


def test_what_has_fired_does_not_fire_again_and_what_is_new_is_waited_for():
    old = "start s ; user v ; boundary b on=v timer=PT1H aside ; end e ; end f ; s -> v -> e ; b -> f"
    new = old.replace("end e", "boundary c on=v message=m aside ; end e") + " ; c -> f"
    first, second = machine(old), machine(new)
    case = Running(first).starts().waits("PT1H")
    carried = goes(first, second, case.state)
    outcome = second.take(carried.state, steps.Arrive(carried.fresh), case.moment())

    assert [name for _, name, _ in carried.fresh] == ["c"]
    assert [message for _, message in outcome.awaited] == ["m"]
    assert (outcome.armed, outcome.passed, outcome.opened) == ([], [], [])


def test_a_new_alternative_joins_the_race_and_a_new_handler_stands_guard():
    old = "start s ; race r ; catch a message=m ; catch b timer=P1D ; end e ; s -> r ; r -> a -> e ; r -> b -> e"
    new = (old + " ; catch c message=n ; r -> c -> e ; sub h handler { ; start hs message=o ; end he ; hs -> he ; }")
    case, second, carried = moved(old, new)
    outcome = second.take(carried.state, steps.Arrive(carried.fresh), case.moment())
    assert sorted(message for _, message in outcome.awaited) == ["n", "o"]
    done = second.take(outcome.state, steps.Deliver("n", {}), case.moment())
    assert done.finished and len(done.left_messages) >= 1


STOOD = "start s ; user v ; boundary b on=v timer=PT1H aside ; end e ; end f ; s -> v -> e ; b -> f"


@pytest.mark.parametrize(("new", "elements", "why"), [
    (STOOD.replace("user v", "user w").replace("on=v", "on=w").replace("s -> v", "s -> w"), {},
     "It stands at 'v', which the other version does not have."),
    (STOOD.replace("user v", "receive v message=m"), {}, "another kind of element"),
    (STOOD.replace("timer=PT1H", "message=m"), {}, "waits for another kind of event"),
    (STOOD.replace("timer=PT1H", "cycle=R3/PT1H"), {}, "waits for another kind of event"),
    ("start s ; sub x { ; start t ; user v ; end g ; t -> v -> g ; } ; end e ; s -> x -> e", {"b": None},
     "lies in another process or subprocess"),
    (STOOD.replace("on=v", "on=w").replace("v -> e", "v -> w -> e") + " ; user w", {}, "drawn on another element"),
    (STOOD, {"v": None}, "cannot simply be given up"),
])  # fmt: skip
def test_what_does_not_fit_is_said(new, elements, why):
    with pytest.raises(Misfit, match=re.escape(why)):
        moved(STOOD, new, elements)


def test_what_waits_beside_can_be_given_up_on_purpose():
    case, second, carried = moved(STOOD, "start s ; user v ; end e ; s -> v -> e", {"b": None})

    assert carried.dropped == list(case.timers)
    assert second.take(carried.state, steps.Complete(case.token_of("v"), {}), case.moment()).finished


def test_a_branch_that_is_new_behind_the_fork_would_be_waited_for_for_ever():
    old = "start s ; and f ; user a ; user b ; and j ; end e ; s -> f ; f -> a -> j ; f -> b -> j ; j -> e"
    new = old + " ; user c ; f -> c -> j"
    _, _, carried = moved(old, new)
    outlook = Outlook({"P.bpmn": draw(new.replace(" ; ", "\n"), "P"), "type.toml": 'process = "P"'})

    assert outlook.dead_end(carried.state) == \
        "the parallel gateway 'j' could then wait for ever for a token that does not come."  # fmt: skip


def test_a_branch_that_is_drawn_behind_the_join_is_no_longer_waited_for():
    nodes = "start s ; and f ; user a ; user b ; user c ; and j ; end e ; s -> f -> a -> j ; f -> b -> j ; "
    first, second = machine(nodes + "f -> c -> j -> e"), machine(nodes + "j -> c -> e")
    case = Running(first).starts()
    case.does("a"), case.does("b")
    there = goes(first, second, case.state)

    on = second.take(there.state, steps.Complete(case.token_of("c"), {}), case.moment())

    assert [task.element for task in on.opened] == ["c"] and not on.finished


CONDITIONS = """
start s
and x
user viec
boundary nang on=viec conditional='${{severity=="{held}"}}' aside
user bao
end e1
catch cho conditional='${{severity=="{awaited}"}}'
user xem
end e2
{more}
s -> x -> viec -> e1
nang -> bao
x -> cho -> xem -> e2
"""


def test_a_condition_is_waited_for_as_the_other_version_says_and_what_held_does_not_happen_again():
    bao = "end e3\nbao -> e3"
    old = machine(CONDITIONS.format(held="cao", awaited="rat_cao", more=bao))
    new = machine(CONDITIONS.format(held="cao", awaited="thap", more=bao))
    case = Running(old).starts(severity="thap")
    case.take(steps.Amend({"severity": "cao"}))
    assert sorted(case.tasks) == ["bao", "viec"]

    carried = goes(old, new, case.state)
    case.machine, case.state = new, carried.state
    case.take(steps.Arrive(carried.fresh))
    assert sorted(case.tasks) == ["bao", "viec"]
    case.take(steps.Amend({"severity": "thap"}))
    assert sorted(case.tasks) == ["bao", "viec", "xem"]
    case.take(steps.Amend({"severity": "cao"}))
    assert sorted(case.tasks) == ["bao", "bao", "viec", "xem"]

    clocked = machine(CONDITIONS.format(held="cao", awaited="x", more=bao).replace("conditional='${severity==\"x\"}'",
                                                                                   "timer=PT1H"))  # fmt: skip
    with pytest.raises(Misfit, match="waits for another kind of event"):
        goes(old, clocked, Running(old).starts(severity="thap").state)

"""Events: timers, messages and signals, beside a task, behind a gateway or in the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import ProcessFault, WrongState
from engine.flow.steps import Deliver, Fire
from tests.running import BEGIN, Running

# -- beside a task ---------------------------------------------------------------------------------------------------

TASK = """
start s ; user handle ; user report ; user next ; end e ; end f
boundary event on=handle {event}
s -> handle -> next -> e
event -> report -> f
"""
INNER = "sub handle {{ ; start s1 ; user work ; end e1 ; s1 -> work -> e1 ; }}"
HOSTS = {
    "a user task": (TASK, "handle"),
    "a subprocess": (TASK.replace("user handle", INNER), "work"),
    "a call": (TASK.replace("user handle", "call handle calls=Q"), "work"),
}
CALLED = {"Q": "start s1 ; user work ; end e1 ; s1 -> work -> e1"}


@pytest.fixture(params=HOSTS)
def host(request):
    drawing, inside = HOSTS[request.param]
    return lambda event: (Running(drawing.format(event=event), calls=CALLED).starts(), inside)


def test_an_interrupting_timer_ends_what_it_stands_beside(host):
    case, _ = host("timer=PT1H")

    assert case.waits("PT59M").clocks == ["event"]
    assert case.waits("PT1M").tasks == ["report"]
    assert case.clocks == []
    assert case.does("report").finished


def test_a_timer_goes_with_what_it_stands_beside(host):
    case, inside = host("timer=PT1H")

    assert case.does(inside).tasks == ["next"]
    assert case.clocks == []


def test_a_timer_aside_happens_once_and_interrupts_nothing(host):
    case, inside = host("timer=PT1H aside")

    assert case.waits("P2D").tasks == [inside, "report"]
    assert case.does(inside).tasks == ["report", "next"], "what an event began lives on without its host"
    assert case.does("next").finished is False
    assert case.does("report").finished


def test_an_interrupting_message_ends_what_it_stands_beside(host):
    case, _ = host("message=rut_don")

    assert case.hears("rut_don", ly_do="đã tự giải quyết").tasks == ["report"]
    assert case.data["ly_do"] == "đã tự giải quyết"
    with pytest.raises(WrongState):
        case.hears("rut_don")


def test_a_message_aside_is_heard_as_often_as_it_comes(host):
    case, inside = host("message=bo_sung aside")

    case.hears("bo_sung", lan=1).hears("bo_sung", lan=2)
    assert case.tasks == [inside, "report", "report"]
    case.does(inside)
    assert case.tasks == ["report", "report", "next"]
    with pytest.raises(WrongState):
        case.hears("bo_sung", lan=3)
    assert case.does("next").does("report").does("report").finished


def test_a_reminder_comes_as_often_as_it_says(host):
    case, _ = host("cycle=R3/PT10M aside")

    assert case.waits("PT10M").tasks.count("report") == 1
    assert case.waits("PT10M").tasks.count("report") == 2
    assert case.clocks == ["event"]
    assert case.waits("PT10M").tasks.count("report") == 3
    assert case.clocks == []
    assert case.waits("P1D").tasks.count("report") == 3


def test_a_reminder_without_end_ends_with_its_host(host):
    case, inside = host("cycle=R/PT1H aside")

    assert case.waits("P1D").tasks.count("report") == 24
    assert case.does(inside).clocks == []
    assert case.waits("P1D").tasks.count("report") == 24


def test_an_interrupting_reminder_interrupts_at_its_first_round(host):
    case, _ = host("cycle=R3/PT10M")

    assert case.waits("PT1H").tasks == ["report"]
    assert case.clocks == []


def test_rounds_do_not_drift_when_they_are_fired_late():
    case = Running(TASK.format(event="cycle=R/PT1H aside")).starts()
    [timer] = case.timers.values()

    case.now += timedelta(minutes=61)
    [again] = case.take(Fire(timer.token)).outcome.armed

    assert again.due_at == BEGIN + timedelta(hours=2)


def test_rounds_that_nobody_was_there_to_fire_are_left_out():
    case = Running(TASK.format(event="cycle=R3/PT1H aside")).starts()
    [timer] = case.timers.values()

    case.now += timedelta(hours=5)
    [again] = case.take(Fire(timer.token)).outcome.armed

    assert case.tasks == ["handle", "report"]
    assert again.due_at == BEGIN + timedelta(hours=6)


@pytest.mark.parametrize(
    ("cycle", "begins", "rounds"),
    [  # local days; a month has no fixed length, and none of them is forgotten for the next one's sake
        ("R4/P1M", "2022-01-31", ["2022-02-28", "2022-03-31", "2022-04-30", "2022-05-31"]),
        ("R5/P1Y", "2024-02-29", ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29", "2029-02-28"]),
        ("R3/P1M1D", "2022-01-31", ["2022-03-01", "2022-04-02", "2022-05-03"]),
        ("R3/P1M", "2021-11-30", ["2021-12-30", "2022-01-30", "2022-02-28"]),
        ("R3/P1W", "2022-01-31", ["2022-02-07", "2022-02-14", "2022-02-21"]),
    ],
)
def test_a_reminder_comes_by_the_calendar(cycle, begins, rounds):
    case = Running(TASK.format(event=f"cycle={cycle} aside"))
    case.now = datetime.fromisoformat(f"{begins}T00:30:00+07:00").astimezone(UTC)  # in Greenwich it is the day before
    case.starts()

    for day in rounds:
        [timer] = case.timers.values()
        assert timer.due_at == datetime.fromisoformat(f"{day}T00:30:00+07:00")
        case.now = timer.due_at
        case.take(Fire(timer.token))
    assert case.clocks == []


def test_months_that_nobody_was_there_to_remind_in_are_left_out():
    case = Running(TASK.format(event="cycle=R/P1M aside"))
    case.now = datetime.fromisoformat("2022-01-31T08:00:00+07:00")
    [timer] = case.starts().timers.values()

    case.now = datetime.fromisoformat("2031-04-30T08:00:00+07:00")
    [again] = case.take(Fire(timer.token)).outcome.armed

    assert again.due_at == datetime.fromisoformat("2031-05-31T08:00:00+07:00")


def test_a_reminder_that_an_older_version_of_the_server_has_armed_keeps_its_length():
    case = Running(TASK.format(event="cycle=R3/P1M aside")).starts()
    [timer] = case.timers.values()
    said = f',"term":"P1M","start":"{BEGIN.isoformat()}"'.encode()
    assert said in case.state
    case.state = case.state.replace(said, b"")

    case.now = timer.due_at
    [again] = case.take(Fire(timer.token)).outcome.armed

    assert again.due_at == BEGIN + timedelta(days=60)


def test_every_event_beside_one_task_is_its_own():
    case = Running("""
        start s ; user a ; user b ; user c ; user d ; end e ; end f ; end g ; end h
        boundary soon on=a timer=PT1H aside ; boundary late on=a timer=PT2H ; boundary told on=a message=m aside
        s -> a -> e
        soon -> b -> f
        late -> c -> g
        told -> d -> h
        """).starts()

    assert case.hears("m").waits("PT1H").tasks == ["a", "d", "b"]
    assert case.waits("PT1H").tasks == ["d", "b", "c"]
    assert case.awaited == {}


def test_events_stand_beside_a_service_call_and_a_receive_task_too():
    case = Running("""
        start s ; service ask topic=tra_cuu ; receive hear message=m ; user help ; user wait ; end e ; end f ; end g
        boundary no_answer on=ask timer=PT5M ; boundary silence on=hear timer=P1D aside
        s -> ask -> hear -> e
        no_answer -> help -> f
        silence -> wait -> g
        """)

    assert case.starts().waits("PT5M").tasks == ["help"]
    with pytest.raises(WrongState):
        case.is_answered("ask")
    case = Running(case.machine).starts().is_answered("ask").waits("P1D")
    assert case.tasks == ["wait"]
    assert case.hears("m").does("wait").finished


def test_what_an_automatic_step_leaves_behind_is_never_armed_nor_asked():
    case = Running("""
        start s ; and split ; service ask topic=tra_cuu ; boundary late on=ask timer=PT1H ; tell now
        boundary never on=now timer=PT1H ; end e ; end f ; end g terminate
        s -> split
        split -> ask -> e
        split -> now -> g
        late -> f
        never -> f
        """).starts()

    assert case.outcome.armed == []
    assert [type(effect).__name__ for effect in case.outcome.effects] == ["Notify"]
    assert case.finished


# -- a status on an event --------------------------------------------------------------------------------------------


def test_a_status_on_a_boundary_event_is_set_when_it_happens():
    drawing = TASK.format(event="timer=PT1H status=qua_han").replace("user handle", "user handle status=dang_lam")
    case = Running(drawing).starts(status="moi")

    assert case.data["status"] == "dang_lam"
    assert case.waits("PT1H").data["status"] == "qua_han"


def test_a_status_behind_an_event_gateway_is_that_of_the_event_that_wins():
    case = Running(RACE).starts(status="moi")

    assert case.data["status"] == "moi"
    assert case.hears("bo_sung").data["status"] == "da_bo_sung"


# -- behind an event gateway -----------------------------------------------------------------------------------------

RACE = """
start s ; race first ; user a ; user b ; user c ; user d ; end e
catch soon timer=PT1H status=qua_han ; catch later timer=PT5H ; catch more message=bo_sung status=da_bo_sung
receive back message=rut_don
s -> first
first -> later -> a -> e
first -> soon -> b -> e
first -> more -> c -> e
first -> back -> d -> e
"""


def test_of_two_timers_and_two_messages_the_first_to_happen_wins():
    case = Running(RACE).starts()
    assert case.clocks == ["soon", "later"]
    assert sorted(case.awaited.values()) == ["bo_sung", "rut_don"]

    assert case.waits("PT2H").tasks == ["b"]
    assert case.clocks == [] and case.awaited == {}
    assert case.passed == ["s", "first", "soon"]

    assert Running(case.machine).starts().hears("bo_sung").tasks == ["c"]
    assert Running(case.machine).starts().hears("rut_don").waits("P1D").tasks == ["d"]


def test_the_event_that_lost_can_happen_no_more():
    case = Running(RACE).starts()
    loser = next(timer.token for timer in case.timers.values() if timer.element == "later")
    case.waits("PT1H")

    with pytest.raises(WrongState):
        case.take(Fire(loser))
    with pytest.raises(WrongState):
        case.hears("bo_sung")


def test_an_event_gateway_in_a_loop_races_anew_each_time():
    case = Running("""
        start s ; xor again ; race first ; catch tick timer=P1D ; receive back message=m ; tell remind ; end e
        s -> again -> first
        first -> tick -> remind -> again
        first -> back -> e
        """).starts()

    case.waits("P3D")
    assert [notify.element for notify in case.told] == ["remind"] * 3
    assert case.hears("m").finished


# -- in the way ------------------------------------------------------------------------------------------------------


def test_a_receive_task_waits_for_its_message():
    case = Running("start s ; receive hear message=m ; end e ; s -> hear -> e").starts()

    with pytest.raises(WrongState, match="'other'"):
        case.hears("other")
    assert case.hears("m", x=1).finished
    assert case.data == {"x": 1}


def test_a_message_goes_to_whoever_waits_longest_or_to_the_one_named():
    case = Running("""
        start s ; and split ; receive a message=m ; receive b message=m ; user after_a ; user after_b ; end e
        s -> split
        split -> a -> after_a -> e
        split -> b -> after_b -> e
        """)

    assert case.starts().hears("m").tasks == ["after_a"]
    assert case.hears("m").tasks == ["after_a", "after_b"]
    case = Running(case.machine).starts()
    last = max(case.awaited)
    assert case.take(Deliver("m", {}, last)).tasks == ["after_b"]
    with pytest.raises(WrongState):
        case.take(Deliver("m", {}, last))


def test_a_message_thrown_inside_the_case_is_heard_there():
    case = Running("""
        start s ; and split ; receive hear message=xong ; user handle ; send say message=xong ; user last
        end e ; end f
        s -> split
        split -> handle -> say -> e
        split -> hear -> last -> f
        """).starts()

    assert case.does("handle").tasks == ["last"]
    assert case.passed == ["s", "split", "handle", "say", "hear", "e"]


def test_a_message_thrown_inside_the_case_is_heard_once():
    case = Running("""
        start s ; and split ; receive a message=m ; receive b message=m ; user handle ; send say message=m ; end e
        s -> split
        split -> a -> e
        split -> b -> e
        split -> handle -> say -> e
        """).starts()

    case.does("handle")
    assert list(case.awaited.values()) == ["m"]


def test_a_message_that_nobody_waits_for_is_gone():
    case = Running("start s ; throw say message=xong ; receive hear message=xong ; end e ; s -> say -> hear -> e")

    assert not case.starts().finished
    assert case.hears("xong").finished


SIGNAL = """
start s ; and split ; user a ; throw stop signal=dung ; user b ; user c ; catch heard signal=dung ; user d
end e ; end f ; end g ; end h
boundary one on=b signal=dung ; boundary two on=c signal=dung aside
s -> split
split -> a -> stop -> e
split -> b -> f
split -> c -> f
split -> heard -> d -> g
one -> h
two -> h
"""


def test_a_signal_is_heard_by_all_who_wait_for_it():
    case = Running(SIGNAL).starts()

    assert case.does("a").tasks == ["c", "d"]
    assert {"one", "two", "heard"} <= set(case.passed)


@pytest.mark.parametrize(("key", "kept", "why"), [
    ("", "P1D", "its key came out as ''"), (None, "P1D", "its key came out as None"),
    (True, "P1D", "its key came out as True"), ("x" * 201, "P1D", "its key came out as 'xxx"),
    ("BN-7", "P91D", "write a duration of at most 90 days"), ("BN-7", "bảy ngày", "no duration of ISO 8601"),
    ("BN-7", 7, "no duration of ISO 8601"),
])  # fmt: skip
def test_a_message_that_cannot_leave_its_case_says_why(key, kept, why):
    case = Running("start s ; throw bao message=m key=${khoa} keep=${giu} ; end e ; s -> bao -> e")

    with pytest.raises(ProcessFault, match=why):
        case.starts(khoa=key, giu=kept)


def test_a_message_with_a_key_leaves_its_case_and_is_not_heard_there():
    case = Running("""
        start s ; and f ; throw bao message=m key=${khoa} ; receive nghe message=m key=${khoa} ; user a ; end e ; end g
        s -> f ; f -> nghe -> a -> e ; f -> bao -> g
    """).starts(khoa=" Bệnh nhân 7 ", x=1)

    [sent] = case.outcome.effects
    assert (sent.message, sent.key, sent.payload) == ("m", "Bệnh nhân 7", {})
    assert sent.until == case.now + timedelta(days=7)
    assert (list(case.outcome.keys.values()), case.tasks) == (["Bệnh nhân 7"], [])
    assert case.hears("m").tasks == ["a"]


def test_a_signal_that_cancels_a_later_hearer_is_not_heard_by_it():
    case = Running("""
        start s ; and split ; user a ; end stop signal=dung ; user late ; end e ; end f
        sub box {
        start s1 ; and two ; user work ; catch heard signal=dung ; user never ; end e1
        s1 -> two
        two -> work -> e1
        two -> heard -> never -> e1
        }
        boundary out on=box signal=dung
        s -> split
        split -> box -> e
        split -> a -> stop
        out -> late -> f
        """).starts()

    assert case.does("a").tasks == ["late"]
    assert "heard" not in case.passed


def test_a_thrower_may_cancel_itself():
    case = Running("""
        start s ; user late ; end e ; end f
        sub box {
        start s1 ; user a ; throw stop signal=dung ; user never ; end e1
        s1 -> a -> stop -> never -> e1
        }
        boundary out on=box signal=dung
        s -> box -> e
        out -> late -> f
        """).starts()

    assert case.does("a").tasks == ["late"]
    assert case.passed == ["s", "s1", "a", "stop", "out"]
    assert case.does("late").finished


# -- moments ---------------------------------------------------------------------------------------------------------

AT = "start s ; catch wait {} ; end e ; s -> wait -> e"


@pytest.mark.parametrize(
    ("written", "due"),
    [
        ("timer=PT90M", BEGIN + timedelta(minutes=90)),
        ("timer=P1DT1H", BEGIN + timedelta(hours=25)),
        ("timer='\"PT72H\"'", BEGIN + timedelta(hours=72)),
        ("timer='${\"PT1H\"}'", BEGIN + timedelta(hours=1)),
        ('timer=\'${"PT" + str(gio) + "H"}\'', BEGIN + timedelta(hours=7)),
        ("timer=han", BEGIN + timedelta(hours=2)),
        ("date=2021-09-03T17:00:00+07:00", datetime(2021, 9, 3, 10, tzinfo=UTC)),
        ("date='${ngay}'", datetime(2022, 1, 1, tzinfo=UTC)),
        ("cycle=R5/PT10M", BEGIN + timedelta(minutes=10)),
        ("date=2020-01-01T00:00:00Z", datetime(2020, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_timer_is_armed_from_the_moment_of_the_step(written, due):
    case = Running(AT.format(written)).starts(gio=7, han="PT2H", ngay="2022-01-01T07:00:00+07:00")

    [timer] = case.outcome.armed
    assert (timer.element, timer.due_at, timer.term) == ("wait", due, None)
    assert case.take(Fire(timer.token)).finished


@pytest.mark.parametrize(("written", "due"), [
    ("2021-09-05", "2021-09-04T17:00+00:00"), ("2021-09-05T08:30", "2021-09-05T01:30+00:00"),
    ("2021-09-05T08:30:00Z", "2021-09-05T08:30+00:00"),
])  # fmt: skip
def test_a_timer_takes_a_day_or_a_moment_without_a_zone_for_vietnams(written, due):
    for drawing in (f"catch wait date={written}", "catch wait date=${hen}"):
        case = Running(f"start s ; {drawing} ; end e ; s -> wait -> e").starts(hen=written)
        assert [timer.due_at for timer in case.timers.values()] == [datetime.fromisoformat(due)]


@pytest.mark.parametrize(
    "written",
    ["timer=PT", "timer=P1000Y", "timer=gio", "timer=chua_co", "date=2021-09-31", "date=hom_nay", "cycle=R/PT30S",
     "cycle=R/PT0S", "cycle=R3/2021-09-03/PT1H", "date=9999-12-31T23:59:59-14:00", "date=0001-01-01T00:00:00+14:00"],
)  # fmt: skip
def test_a_timer_that_names_no_moment_is_the_analysts_fault(written):
    with pytest.raises(ProcessFault, match="'wait'") as caught:
        Running(AT.format(written)).starts(gio=7, hom_nay="hôm nay")
    assert caught.value.element == "wait"


def test_a_timer_knows_which_deadline_it_follows():
    case = Running("""
        start s ; user a ; end e ; end f
        boundary soon on=a timer='warn("verify")' aside ; boundary late on=a timer='late("verify", 0.5)' aside
        boundary plain on=a timer=PT1H aside ; boundary same on=a date=2021-09-03T07:30:00+00:00 aside
        s -> a -> e
        soon -> f
        late -> f
        plain -> f
        same -> f
        """)
    case.points = {("verify", "warn"): BEGIN + timedelta(hours=4), ("verify", 0.5): BEGIN + timedelta(hours=7)}

    followed = {timer.element: (timer.due_at, timer.term, timer.mark) for timer in case.starts().timers.values()}

    assert followed == {
        "soon": (BEGIN + timedelta(hours=4), "verify", "warn"),
        "late": (BEGIN + timedelta(hours=7), "verify", 0.5),
        "plain": (BEGIN + timedelta(hours=1), None, None),
        "same": (BEGIN + timedelta(hours=4), None, None),
    }

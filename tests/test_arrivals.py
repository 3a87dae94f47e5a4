"""What came in is kept before it is acknowledged, and understood exactly once, whatever dies in between."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import func, select, update

from engine import model, packages
from engine.channels import arrivals
from engine.channels.arrivals import Event
from engine.channels.conversations import Heard
from engine.errors import NotFound
from engine.intake import Person
from engine.queues.outbox import ATTEMPTS_MAX, BACK_OFF
from engine.work.worker import KEEP_ARRIVALS, Worker
from tests.hotline import PROVINCE, Hotline, package, refused

MESSAGES = PROVINCE.replace('short = "BD"', 'short = "BD"\nmessage_type = "PAKN"')  # any type will do for the test


def says(body: bytes) -> Heard:
    """A channel whose events are "who: what"."""
    who, _, text = body.decode().partition(": ")
    return Heard(Person(zalo=who, name="Nguyễn Thị Lan"), text)


def stumbles(body: bytes) -> Heard:
    raise ValueError(f"no such thing: {body!r}")


READERS = {"zalo": says}


@pytest.fixture
def desk(hotline: Hotline) -> Hotline:
    """A province that takes messages."""
    with hotline.runtime.begin() as unit:
        packages.load_province(unit, packages.Package(package(province__toml=MESSAGES)).province)
    return hotline


def put(desk: Hotline, *said: str, begin: int = 1) -> list[int]:
    events = [Event(f"m{number}", text.encode()) for number, text in enumerate(said, begin)]
    return arrivals.put(desk.runtime, "74", "zalo", events)


def row(desk: Hotline, arrival_id: int) -> Any:
    with desk.runtime.read() as unit:
        return unit.first(select(model.arrivals).where(model.arrivals.c.id == arrival_id))


def count(desk: Hotline, table: Any) -> int:
    with desk.runtime.read() as unit:
        return int(unit.scalar(select(func.count()).select_from(table)))


def worker(desk: Hotline, readers: arrivals.Readers | None = None) -> Worker:
    return Worker(desk.runtime, {}, readers=READERS if readers is None else readers)


def test_a_message_becomes_a_case_with_whoever_wrote_it(desk: Hotline) -> None:
    [arrival] = put(desk, "u1: Khu phố tôi ngập nước")

    assert arrivals.attempt(desk.runtime, arrival, READERS) == "done"

    kept = row(desk, arrival)
    with desk.runtime.read() as unit:
        case = unit.first(select(model.cases).where(model.cases.c.id == kept.case_id))
        person = unit.first(select(model.people).where(model.people.c.case_id == kept.case_id))
        contact = unit.first(select(model.contacts).where(model.contacts.c.id == kept.contact_id))
    assert (kept.state, kept.processed_at, kept.attempts) == ("done", desk.clock(), 1)
    assert (case.report_type, case.channel, case.report["noi_dung"]) == ("PAKN", "zalo", "Khu phố tôi ngập nước")
    assert (person.zalo, person.name, person.part) == ("u1", "Nguyễn Thị Lan", "reporter")
    assert (contact.channel, contact.call_id, contact.outcome, contact.case_id) == ("zalo", "m1", "case", case.id)


def test_the_same_event_again_is_nothing_new(desk: Hotline) -> None:
    [arrival] = put(desk, "u1: Xin chào")
    assert put(desk, "u1: Xin chào") == []
    arrivals.attempt(desk.runtime, arrival, READERS)

    assert put(desk, "u1: Xin chào") == []
    assert arrivals.attempt(desk.runtime, arrival, READERS) == "gone"
    assert (count(desk, model.cases), count(desk, model.contacts)) == (1, 1)


def test_the_same_name_by_another_channel_is_another_event(desk: Hotline) -> None:
    put(desk, "u1: Xin chào")

    assert len(arrivals.put(desk.runtime, "74", "viber", [Event("m1", b"u1: Xin ch")])) == 1


def test_who_dies_after_the_thank_you_leaves_it_to_a_worker(desk: Hotline) -> None:
    [arrival] = put(desk, "u1: Xin chào")

    assert worker(desk).understand() == 0  # whoever put it may still be at it
    desk.clock.advance(BACK_OFF[0])
    assert worker(desk).understand() == 1

    assert row(desk, arrival).state == "done"
    assert worker(desk).understand() == 0
    assert count(desk, model.cases) == 1


def test_a_worker_that_reads_nothing_leaves_it_to_others(desk: Hotline) -> None:
    put(desk, "u1: Xin chào")
    desk.clock.advance(BACK_OFF[0])

    assert worker(desk, {}).tick() == 0
    assert worker(desk).tick() > 0 and count(desk, model.cases) == 1


def test_what_cannot_be_understood_leaves_nothing_behind_and_is_tried_again(desk: Hotline) -> None:
    [arrival] = put(desk, "u1: Xin chào")

    assert arrivals.attempt(desk.runtime, arrival, {"zalo": stumbles}) == "failed"
    assert (row(desk, arrival).state, count(desk, model.contacts)) == ("waiting", 0)
    assert row(desk, arrival).last_error.startswith("What came by 'zalo' is not written as we know it (ValueError: no")

    desk.clock.advance(BACK_OFF[0])
    assert worker(desk).understand() == 1
    assert (row(desk, arrival).state, row(desk, arrival).last_error) == ("done", None)


def test_a_failure_half_way_through_undoes_what_was_done_so_far(desk: Hotline, monkeypatch: Any) -> None:
    [arrival] = put(desk, "u1: Xin chào")
    settle = arrivals._settle
    monkeypatch.setattr(arrivals, "_settle", lambda *given: (settle(*given), 1 / 0))

    assert arrivals.attempt(desk.runtime, arrival, READERS) == "failed"

    assert row(desk, arrival).state == "waiting"
    assert [count(desk, table) for table in (model.cases, model.contacts, model.people, model.jobs)] == [0] * 4


def test_after_seven_attempts_a_person_sees_it_reads_it_and_has_it_tried_again(desk: Hotline) -> None:
    [arrival] = put(desk, "u1: Xin chào")
    arrivals.attempt(desk.runtime, arrival, {"zalo": stumbles})
    for wait in BACK_OFF:
        desk.clock.advance(wait)
        assert worker(desk, {"zalo": stumbles}).understand() == 1

    assert (row(desk, arrival).state, row(desk, arrival).attempts) == ("dead", ATTEMPTS_MAX)
    [dead] = desk.as_("vanphong").get("/arrivals", state="dead").json["items"]
    assert (dead["id"], dead["event_id"], dead["case"]) == (arrival, "m1", None) and "body" not in dead
    assert desk.as_("vanphong").get(f"/arrivals/{arrival}").json["body"] == "u1: Xin chào"
    assert desk.as_("quantri").get(f"/arrivals/{arrival}").json["body"] is None
    assert desk.as_("vanphong").get("/arrivals", state="waiting").json["items"] == []

    assert desk.as_("vanphong").post(f"/arrivals/{arrival}/retry").json["state"] == "waiting"
    assert worker(desk).understand() == 1
    done = desk.as_("vanphong").get(f"/arrivals/{arrival}").json
    assert done["state"] == "done" and done["case"].startswith("1022.BD.")
    said = desk.as_("vanphong").post(f"/arrivals/{arrival}/retry")
    assert "'done'" in refused(said, 409, "wrong-state")


def test_a_message_that_kills_its_workers_is_given_up_too(desk: Hotline) -> None:
    [arrival] = put(desk, "u1: Xin chào")  # and whoever put it is killed
    for wait in BACK_OFF:
        desk.clock.advance(wait)
        assert arrivals.claim(desk.runtime) == arrival  # and so is whoever claims it

    desk.clock.advance(BACK_OFF[-1])
    assert arrivals.claim(desk.runtime) is None
    assert (row(desk, arrival).state, "died" in row(desk, arrival).last_error) == ("dead", True)


@pytest.mark.parametrize("login", ["truc", "phuong", "mattran", "app"])
def test_who_has_nothing_to_do_with_it_does_not_see_what_came_in(desk: Hotline, login: str) -> None:
    [arrival] = put(desk, "u1: Xin chào")

    assert desk.as_(login).get("/arrivals").json["items"] == []
    refused(desk.as_(login).get(f"/arrivals/{arrival}"), 404, "not-found")
    refused(desk.as_(login).post(f"/arrivals/{arrival}/retry"), 404, "not-found")


def test_a_province_without_a_type_for_messages_keeps_them_until_it_has_one(hotline: Hotline) -> None:
    [arrival] = put(hotline, "u1: Xin chào")

    assert arrivals.attempt(hotline.runtime, arrival, READERS) == "failed"
    assert "message_type" in row(hotline, arrival).last_error

    with hotline.runtime.begin() as unit:
        packages.load_province(unit, packages.Package(package(province__toml=MESSAGES)).province)
    hotline.clock.advance(BACK_OFF[0])
    assert worker(hotline).understand() == 1 and row(hotline, arrival).state == "done"


def test_a_province_that_is_not_here_takes_nothing(desk: Hotline) -> None:
    with pytest.raises(NotFound, match="no province '99'"):
        arrivals.put(desk.runtime, "99", "zalo", [Event("m1", b"u1: a")])


def test_what_came_is_emptied_after_a_month_and_still_known(desk: Hotline) -> None:
    [arrival, kept] = put(desk, "u1: Xin chào", "u2: Xin chào")
    arrivals.attempt(desk.runtime, arrival, READERS)
    arrivals.attempt(desk.runtime, kept, {"zalo": stumbles})

    desk.clock.advance(KEEP_ARRIVALS + timedelta(seconds=1))
    worker(desk).tidy()

    assert row(desk, arrival).body == b"" and row(desk, kept).body == b"u2: Xin ch\xc3\xa0o"
    assert put(desk, "u1: Xin chào") == []


def test_many_at_once_understand_each_message_once_and_one_person_begins_one_conversation(desk: Hotline) -> None:
    ids = put(desk, *(f"u1: Lần {number}" for number in range(4)))
    outcomes: list[str] = []
    start = Barrier(8)

    def tries(arrival: int) -> None:
        start.wait()
        outcome = arrivals.attempt(desk.runtime, arrival, READERS)
        outcomes.append(outcome)

    threads = [Thread(target=tries, args=(arrival,)) for arrival in ids * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["done"] * 4 + ["gone"] * 4
    assert [count(desk, table) for table in (model.cases, model.contacts, model.comments)] == [1, 4, 3]


def test_a_database_that_is_busy_costs_no_attempt(desk: Hotline, monkeypatch: Any) -> None:
    [arrival] = put(desk, "u1: Xin chào")
    monkeypatch.setattr("engine.queues.leases.is_conflict", lambda error: True)

    arrivals.attempt(desk.runtime, arrival, {"zalo": stumbles})

    assert (row(desk, arrival).attempts, row(desk, arrival).state) == (0, "waiting")


def test_the_worker_knows_when_there_is_something_to_try_again(desk: Hotline) -> None:
    put(desk, "u1: Xin chào")
    with desk.runtime.begin() as unit:
        unit.execute(update(model.jobs).values(state="incident"))

    assert worker(desk).next_due() == desk.clock() + BACK_OFF[0]

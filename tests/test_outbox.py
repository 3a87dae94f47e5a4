"""What is owed to the world is delivered at least once, always with the same key, and never inside a transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import insert, update

from engine import instances, model
from engine.errors import NotFound, WrongState
from engine.flow.steps import Answer
from engine.notifiers import Message, Receipt, TryLater, Undeliverable
from engine.queues import outbox
from engine.runtime import Runtime
from engine.storage import connections
from engine.work import delivery, repairs
from engine.work.worker import Worker
from tests.bare_cases import history, open_case, rows
from tests.clock import Clock

KEY = "1022.BD.20210903.00001:7"


class Gateway:
    """A notifier that keeps what it was given, and fails when told to."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.error: Exception | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def send(self, message: Message) -> Receipt:
        self.messages.append(message)
        self.meanwhile()
        if self.error is not None:
            raise self.error
        return Receipt(f"gw-{len(self.messages)}")

    @property
    def keys(self) -> list[str]:
        return [message.key for message in self.messages]


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def worker(runtime: Runtime, gateway: Gateway) -> Worker:
    return Worker(runtime, {"sms": gateway}, jitter=Random(1))


@pytest.fixture
def case_id(runtime: Runtime) -> int:
    return open_case(runtime)


def owe(runtime: Runtime, case_id: int, key: str = KEY, kind: str = "sms", **to: Any) -> None:
    to = to or {"person_id": case_id}
    with runtime.begin() as unit:
        outbox.put(unit, case_id, kind, "T01", 7, {"text": "Đã tiếp nhận"}, key, **to)


def ask(runtime: Runtime, case_id: int) -> None:
    with runtime.begin() as unit:
        outbox.put(unit, case_id, "service", "tra_cuu", 7, {"so": 42}, KEY)


def the_row(runtime: Runtime) -> Any:
    [row] = rows(runtime, model.outbox)
    return row


# -- delivering ------------------------------------------------------------------------------------------------------


def test_a_message_is_sent_to_the_person_and_history_says_so(
    runtime: Runtime, case_id: int, worker: Worker, gateway: Gateway
) -> None:
    owe(runtime, case_id)

    worker.drain()

    [message] = gateway.messages
    assert (message.to, message.text, message.key) == ("+84901234567", "Đã tiếp nhận", KEY)
    assert message.case_number == "1022.BD.20210903.00001"
    row = the_row(runtime)
    assert (row.state, row.reference, row.sent_at) == ("sent", "gw-1", runtime.clock())
    assert history(runtime, case_id) == ["message-sent"]


def test_the_same_key_owes_only_one_message(runtime: Runtime, case_id: int, worker: Worker, gateway: Gateway) -> None:
    owe(runtime, case_id)
    owe(runtime, case_id)
    worker.drain()
    owe(runtime, case_id)

    assert worker.drain() == 0
    assert gateway.keys == [KEY]


def test_an_address_is_the_one_known_when_sending(
    runtime: Runtime, case_id: int, worker: Worker, gateway: Gateway
) -> None:
    owe(runtime, case_id)
    owe(runtime, case_id, "to the desk", agency="tongdai_74")
    with runtime.begin() as unit:
        unit.execute(update(model.people).values(phone="+84999999999"))

    worker.drain()

    assert [message.to for message in gateway.messages] == ["+84999999999", "+842743123456"]


def test_a_message_waits_for_its_time(runtime: Runtime, clock: Clock, case_id: int, worker: Worker) -> None:
    owe(runtime, case_id, person_id=case_id, due_at=clock.now + timedelta(hours=9))

    assert worker.tick() == 0
    assert worker.next_due() == clock.now + timedelta(hours=9)
    clock.advance("9 hours")
    assert worker.tick() == 1


def test_calls_that_programs_outside_fetch_do_not_wake_a_worker(runtime: Runtime, clock: Clock, case_id: int) -> None:
    ask(runtime, case_id)

    assert Worker(runtime, {}).next_due() is None
    assert Worker(runtime, {}, {"tra_cuu": lambda payload, key: {}}).next_due() == clock.now


def test_no_transaction_is_open_while_sending(
    runtime: Runtime, case_id: int, worker: Worker, gateway: Gateway
) -> None:
    owe(runtime, case_id)
    in_use = []

    def write_meanwhile() -> None:
        in_use.append(runtime.database.pool.checkedout() - connections.of(runtime.database).resting)
        with runtime.begin() as unit:
            unit.execute(update(model.cases).values(subject="changed meanwhile"))

    gateway.meanwhile = write_meanwhile
    worker.drain()

    assert in_use == [0]
    assert rows(runtime, model.cases)[0].subject == "changed meanwhile"
    assert the_row(runtime).state == "sent"


# -- dying -----------------------------------------------------------------------------------------------------------


def test_what_was_sent_but_not_settled_is_sent_again_with_the_same_key(
    runtime: Runtime, clock: Clock, case_id: int, worker: Worker, gateway: Gateway
) -> None:
    owe(runtime, case_id)
    [item] = outbox.claim(runtime, "anna", "sms", 10)
    delivery.deliver(runtime, item, {"sms": gateway}, {})  # ... and anna dies

    assert worker.drain() == 0
    clock.advance("61 seconds")
    worker.drain()

    assert gateway.keys == [KEY, KEY]
    assert history(runtime, case_id) == ["message-sent"]


def test_a_slow_sender_does_not_settle_what_another_has_taken_over(
    runtime: Runtime, clock: Clock, case_id: int, worker: Worker, gateway: Gateway
) -> None:
    owe(runtime, case_id)
    [slow] = outbox.claim(runtime, "anna", "sms", 10)
    clock.advance("61 seconds")
    [quick] = outbox.claim(runtime, "binh", "sms", 10)

    assert outbox.settle(runtime, slow, outbox.Delivered("gw-slow")) == "gone"
    assert outbox.fail(runtime, slow, RuntimeError("timed out"), Random(1)) == "gone"
    assert outbox.settle(runtime, quick, outbox.Delivered("gw-quick")) == "sent"
    assert the_row(runtime).reference == "gw-quick"


def test_a_heart_beat_keeps_what_is_being_sent(
    runtime: Runtime, clock: Clock, case_id: int, worker: Worker, gateway: Gateway
) -> None:
    for number in range(3):
        owe(runtime, case_id, f"key {number}")
    claimed_by_others = []

    def take_long() -> None:
        for _ in range(3):
            clock.advance("40 seconds")
            worker.renew()
        claimed_by_others.extend(outbox.claim(runtime, "binh", "sms", 10))

    gateway.meanwhile = take_long
    worker.tick()

    assert claimed_by_others == []
    assert gateway.keys == ["key 0", "key 1", "key 2"]


def test_a_heart_beat_lets_go_of_what_could_not_be_settled(
    runtime: Runtime, clock: Clock, case_id: int, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(runtime, case_id)
    with monkeypatch.context() as patched, pytest.raises(ConnectionError):
        patched.setattr(outbox, "settle", _database_is_away)
        worker.tick()

    assert worker.renew() == 0
    clock.advance("61 seconds")
    worker.tick()
    assert the_row(runtime).state == "sent"


def _database_is_away(*_: Any) -> None:
    raise ConnectionError("the database is away")


def test_a_sender_told_to_stop_gives_back_what_it_has_not_begun(
    runtime: Runtime, case_id: int, worker: Worker, gateway: Gateway
) -> None:
    for number in range(3):
        owe(runtime, case_id, f"key {number}")
    gateway.meanwhile = worker.stop

    worker.tick()

    assert [item.key for item in outbox.claim(runtime, "binh", "sms", 10)] == ["key 1", "key 2"]


# -- failing ---------------------------------------------------------------------------------------------------------


def test_a_failing_gateway_is_tried_seven_times_ever_less_often(
    runtime: Runtime, clock: Clock, case_id: int, worker: Worker, gateway: Gateway
) -> None:
    gateway.error = TryLater("The gateway does not answer.")
    owe(runtime, case_id)
    waits = []

    while worker.drain():
        if due_at := worker.next_due():
            waits.append((due_at - clock.now).total_seconds())
            clock.now = due_at

    assert gateway.keys == [KEY] * 7
    nominal = [10, 60, 300, 1_800, 7_200, 21_600]
    assert all(0.8 <= wait / wanted <= 1.2 for wait, wanted in zip(waits, nominal, strict=True)), waits
    assert (the_row(runtime).state, the_row(runtime).last_error) == ("dead", "The gateway does not answer.")
    assert history(runtime, case_id) == ["message-undeliverable"]


def test_what_seven_workers_have_died_of_is_given_up_by_the_eighth(
    runtime: Runtime, clock: Clock, case_id: int, worker: Worker, gateway: Gateway
) -> None:
    owe(runtime, case_id)
    for _ in range(7):
        assert len(outbox.claim(runtime, "dies", "sms", 20)) == 1
        clock.now += timedelta(seconds=61)

    assert worker.drain() == 0

    assert (gateway.keys, the_row(runtime).state) == ([], "dead")
    assert history(runtime, case_id) == ["message-undeliverable"]


def test_what_cannot_be_delivered_is_given_up_at_once(
    runtime: Runtime, case_id: int, worker: Worker, gateway: Gateway
) -> None:
    gateway.error = Undeliverable("there is no such number")
    owe(runtime, case_id)

    worker.drain()

    assert len(gateway.messages) == 1
    assert (the_row(runtime).state, the_row(runtime).last_error) == ("dead", "there is no such number")


def test_a_person_without_a_telephone_gets_no_sms_and_history_says_why(runtime: Runtime, worker: Worker) -> None:
    case_id = open_case(runtime, phone=None)
    owe(runtime, case_id)

    worker.drain()

    assert the_row(runtime).state == "dead"
    [event] = rows(runtime, model.events)
    assert (event.kind, event.data["why"]) == ("message-undeliverable", "There is no phone number to send it to.")


def test_a_person_whose_data_were_removed_is_not_written_to(runtime: Runtime, case_id: int, worker: Worker) -> None:
    owe(runtime, case_id)
    with runtime.begin() as unit:
        unit.execute(model.people.delete())

    worker.drain()

    assert the_row(runtime).last_error == "There is no phone number to send it to."


def test_a_kind_of_message_nobody_has_set_up_is_visibly_given_up(
    runtime: Runtime, case_id: int, worker: Worker
) -> None:
    owe(runtime, case_id, kind="zalo")

    worker.drain()

    assert the_row(runtime).last_error == "no notifier is set up for 'zalo'"


def test_a_dead_letter_is_sent_again_with_the_same_key(
    runtime: Runtime, case_id: int, worker: Worker, gateway: Gateway
) -> None:
    gateway.error = Undeliverable("barred")
    owe(runtime, case_id)
    worker.drain()

    gateway.error = None
    with runtime.begin() as unit:
        outbox.resend(unit, the_row(runtime).id, by="lan")
    worker.drain()

    assert gateway.keys == [KEY, KEY]
    assert history(runtime, case_id) == ["message-undeliverable", "message-resent", "message-sent"]


def test_only_a_dead_letter_can_be_sent_again(runtime: Runtime, case_id: int, worker: Worker) -> None:
    owe(runtime, case_id)
    worker.drain()

    with pytest.raises(WrongState, match="'sent'"), runtime.begin() as unit:
        outbox.resend(unit, the_row(runtime).id, by="lan")
    with pytest.raises(NotFound), runtime.begin() as unit:
        outbox.resend(unit, 4711, by="lan")


def test_a_slow_gateway_does_not_keep_the_other_kinds_waiting(
    runtime: Runtime, case_id: int, worker: Worker, gateway: Gateway
) -> None:
    with runtime.begin() as unit:
        unit.execute(update(model.people).values(email="lan@example.test"))
    mail = Gateway()
    worker.notifiers["email"] = mail
    for number in range(50):
        owe(runtime, case_id, f"sms {number}")
    owe(runtime, case_id, "mail", "email")

    worker.relay("email")

    assert (mail.keys, gateway.keys) == (["mail"], [])


def test_what_is_kept_of_an_error_names_nobody(
    runtime: Runtime, case_id: int, worker: Worker, gateway: Gateway
) -> None:
    gateway.error = RuntimeError("550 <lan@example.test> or 0901234567 is unknown here")
    owe(runtime, case_id)

    worker.drain()

    assert the_row(runtime).last_error == "RuntimeError: 550 <…> or … is unknown here"


def test_monitoring_sees_what_is_owed_and_what_was_given_up(
    runtime: Runtime, clock: Clock, case_id: int, worker: Worker
) -> None:
    owe(runtime, case_id, "a", "zalo")
    worker.drain()
    owe(runtime, case_id, "b")
    clock.advance("90 seconds")

    with runtime.read() as unit:
        assert outbox.depth(unit) == {"due": 1, "leased": 0, "dead": 1, "lag_seconds": 90.0}


# -- services --------------------------------------------------------------------------------------------------------


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The steps that cases have taken; no process is behind them."""
    taken: list[Any] = []
    monkeypatch.setattr(instances, "advance", lambda unit, case_id, step, **told: taken.append(step))
    return taken


def test_a_services_answer_moves_the_case_on(runtime: Runtime, case_id: int, answers: list[Any]) -> None:
    asked = []

    def look_up(payload: dict[str, Any], key: str) -> dict[str, Any]:
        asked.append((payload, key))
        return {"chu_ho": "có"}

    ask(runtime, case_id)
    Worker(runtime, {}, {"tra_cuu": look_up}).drain()

    assert asked == [({"so": 42}, KEY)]
    assert answers == [Answer(7, {"chu_ho": "có"})]
    assert history(runtime, case_id) == ["service-answered"]


def test_a_service_that_answers_nonsense_is_given_up_at_once(runtime: Runtime, case_id: int) -> None:
    ask(runtime, case_id)
    Worker(runtime, {}, {"tra_cuu": lambda payload, key: ["có"]}).drain()  # type: ignore[dict-item,return-value]

    assert the_row(runtime).state == "dead"
    assert "answered list where a table was expected" in the_row(runtime).last_error


def test_a_service_of_which_a_worker_knows_nothing_is_left_to_others(
    runtime: Runtime, case_id: int, answers: list[Any]
) -> None:
    ask(runtime, case_id)
    Worker(runtime, {}).drain()
    assert (the_row(runtime).state, the_row(runtime).attempts) == ("ready", 0)

    Worker(runtime, {}, {"tra_cuu": lambda payload, key: {}}).drain()

    assert answers == [Answer(7, {})]


def test_a_service_that_fails_for_good_becomes_an_incident_that_a_retry_resolves(
    runtime: Runtime, case_id: int, answers: list[Any]
) -> None:
    ask(runtime, case_id)
    Worker(runtime, {}, {"tra_cuu": lambda payload, key: ["có"]}).drain()  # type: ignore[dict-item,return-value]
    [incident] = rows(runtime, model.incidents)
    assert "The service 'tra_cuu' did not answer" in incident.message

    with runtime.begin() as unit:
        assert repairs.retry(unit, incident.id, by="lan")
    Worker(runtime, {}, {"tra_cuu": lambda payload, key: {}}).drain()

    assert answers == [Answer(7, {})]
    [incident] = rows(runtime, model.incidents)
    assert incident.resolved_by == "lan"


# -- cleaning up -----------------------------------------------------------------------------------------------------


def test_answers_to_repeated_requests_are_forgotten_after_a_week(
    runtime: Runtime, clock: Clock, worker: Worker
) -> None:
    with runtime.begin() as unit:
        row = {"caller": "zalo", "key": "k", "fingerprint": "", "status": 201, "answer": {}, "created_at": unit.now}
        unit.execute(insert(model.inbox), row)

    clock.advance("7 days")
    assert worker.tidy() == 0
    clock.advance("1 second")
    assert worker.tidy() == 1


def test_what_failed_is_tried_at_once_when_its_gateway_answers_again(
    runtime: Runtime, clock: Clock, case_id: int, worker: Worker, gateway: Gateway
) -> None:
    owe(runtime, case_id, "failed")
    gateway.error = RuntimeError("down")
    for _ in range(3):
        clock.advance("10 minutes")
        worker.tick()
    with runtime.begin() as unit:
        assert (outbox.hurry(unit, "email"), outbox.hurry(unit, "sms")) == (0, 1)
    gateway.error = None

    worker.tick()
    assert the_row(runtime).state == "sent"
    with runtime.begin() as unit:
        assert outbox.hurry(unit, "sms") == 0

"""What the office and whoever runs the server see of a fault while it lasts, and that they see when it is over."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from engine.notifiers import Message, Receipt, TryLater
from engine.queues import jobs, presence
from engine.queues.leases import LEASE
from engine.queues.outbox import BACK_OFF
from engine.stuck import UNRUN
from engine.work.worker import Worker
from tests.hotline import Hotline
from tests.test_metrics import scraped
from webapi import pages

SAYS = "the gateway says 503"


class Gateway:
    """Away, until it is back."""

    away = True

    def send(self, message: Message) -> Receipt:
        if self.away:
            raise TryLater(SAYS)
        return Receipt()


class Seen:
    """What each place says at this moment, through the API."""

    def __init__(self, hotline: Hotline) -> None:
        hotline.app.config["METRICS_FROM"] = (ip_network("127.0.0.1"),)
        self._hotline, self._client = hotline, hotline.app.test_client()

    @property
    def incidents(self) -> list[dict[str, Any]]:
        return list(self._hotline.as_("vanphong").get("/incidents").json["items"])

    @property
    def stuck(self) -> dict[str, dict[str, Any]]:
        items = self._hotline.as_("vanphong").get("/cases", stuck="true").json["items"]
        return {case["number"]: case["stuck"] for case in items}

    @property
    def faults(self) -> list[str]:
        answer = self._client.get("/readyz")
        assert answer.status_code == 200, "reports are taken all the same"
        return list(answer.json["faults"])

    def reasons(self, number: str) -> set[str]:
        why = self.stuck.get(number)
        return {why["reason"], *why["also"]} if why else set()

    def measured(self, name: str) -> dict[tuple[str, ...], float]:
        for collector in list(self._hotline.app.extensions["thongsuot.metrics"]._collector_to_names):
            if hasattr(collector, "_asked"):
                collector._asked = None  # it would say again what it said a moment ago
        return scraped(self._client).get(f"thongsuot_{name}", {})


@pytest.fixture
def seen(hotline: Hotline) -> Seen:
    return Seen(hotline)


def works(hotline: Hotline, worker: Worker, for_: timedelta = timedelta(0)) -> None:
    hotline.clock.advance(for_)
    worker.beat()
    worker.drain()


def test_a_gateway_that_is_away_is_seen_before_anything_is_given_up_and_after(hotline: Hotline, seen: Seen) -> None:
    gateway = Gateway()
    worker = Worker(hotline.runtime, {"sms": gateway})
    number = hotline.settled()
    works(hotline, worker)

    assert seen.measured("outbox") == {("sms", "ready"): 2} and seen.faults == [] and seen.stuck == {}
    assert {letter["last_error"] for letter in hotline.as_("vanphong").get("/outbox").json["items"]} == {SAYS}

    for rest in BACK_OFF:
        works(hotline, worker, rest * 1.3)

    assert seen.measured("outbox") == {("sms", "dead"): 2} and seen.measured("cases_stuck")[("dead-letter",)] == 1
    assert seen.stuck[number]["reason"] == "dead-letter" and SAYS in seen.stuck[number]["why"]
    assert seen.faults == [] and seen.incidents == []  # no step of a process waits for it

    gateway.away = False
    for letter in hotline.as_("vanphong").get("/outbox", state="dead").json["items"]:
        assert hotline.as_("vanphong").post(f"/outbox/{letter['id']}/resend").status_code == 200
    works(hotline, worker)
    assert seen.measured("outbox") == {} and seen.stuck == {}


def test_a_worker_that_died_is_seen_until_another_has_done_what_it_held(hotline: Hotline, seen: Seen) -> None:
    number = hotline.assigned()
    died, other = Worker(hotline.runtime, {"sms": Gateway()}), Worker(hotline.runtime, {"sms": Gateway()})
    hotline.waits(4.5)
    died.beat()
    held = jobs.claim(hotline.runtime, died.owner, 10)
    assert held and seen.faults == [] and seen.measured("workers") == {(): 1}

    hotline.clock.advance(presence.ABSENT + LEASE)

    assert seen.faults == [pages.NOBODY]
    assert seen.measured("workers") == {(): 0} and seen.measured("lost_leases")[("jobs",)] == len(held)
    assert seen.measured("worker_heartbeat_age_seconds")[()] > presence.ABSENT.total_seconds()
    hotline.clock.advance(UNRUN)
    assert "lost-job" in seen.reasons(number) and seen.measured("cases_stuck")[("lost-job",)] == 1

    works(hotline, other)

    assert seen.faults == [] and seen.measured("lost_leases")[("jobs",)] == 0
    assert "lost-job" not in seen.reasons(number)


def test_a_job_that_kills_its_workers_is_an_incident_that_the_office_sees(hotline: Hotline, seen: Seen) -> None:
    number = hotline.assigned()
    hotline.waits(4.5)
    for name in range(jobs.DEATHS_MAX):
        assert jobs.claim(hotline.runtime, f"worker-{name}", 10)
        hotline.clock.advance(LEASE * 1.1)

    works(hotline, Worker(hotline.runtime, {"sms": Gateway()}))

    assert {incident["case"] for incident in seen.incidents} == {number}
    assert all("died in each of 5 attempts" in incident["message"] for incident in seen.incidents)
    assert "incident" in seen.reasons(number) and seen.measured("cases_stuck")[("incident",)] == 1
    assert sum(seen.measured("incidents").values()) == len(seen.incidents)

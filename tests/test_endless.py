"""Diagrams that would go on for ever, or grow without bound: each is stopped by a fault, and other cases go on.

What one evaluation may cost is in `test_hostile_scripts`; what the gate refuses before it runs, in `catalogue`.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from engine import instances, model
from engine.errors import InvalidPackage, ProcessFault
from engine.flow import machine as machines
from engine.flow import tokens
from engine.flow.steps import Fire
from engine.work.worker import Worker
from tests.drawing import draw
from tests.hotline import LIFE, Hotline
from tests.running import Running

BUSY = "len([1 for a in range(3900)])"  # nearly all that one evaluation may cost
ROUND = "start s ; {} ; user u ; tell t ; end e ; s -> n -> u -> t -> e"
HUNDRED = "sub n times=100 {{ ; start s1 ; {} ; end e1 ; s1 -> i -> e1 ; }}"
LONG = {"long": list(range(9_000))}


@pytest.mark.parametrize(
    ("body", "stops"),
    [
        ("script n script='x = 1' again=true", "2000 automatic steps"),
        ("sub n again=true { ; start s1 ; end e1 ; s1 -> e1 ; }", "2000 automatic steps"),
        (HUNDRED.format("user i times=100"), "2000 automatic steps"),
        ("user n multi=range(9999) item=y", "9999 instances, and 100 is the most"),
        ("user n times=${9999}", "9999 instances, and 100 is the most"),
        ("script n script='x = 10**10**10'", "'**' is not allowed"),
        ("script n script='x = \"a\" * 1000000000'", "'*' needs two numbers"),
        ("script n script='x = [0 for a in range(9999) for b in range(9999)]'", "more than 20,000 steps"),
    ],
)
def test_what_is_without_bound_is_stopped(body: str, stops: str) -> None:
    with pytest.raises((ProcessFault, InvalidPackage)) as caught:
        Running(ROUND.format(body)).starts()

    assert stops in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        f"script n script='x = {BUSY}' rounds=1900",
        "script n script='x = long' rounds=1900",
        HUNDRED.format(f"catch i conditional='{BUSY} > 9999'"),
    ],
)
def test_many_things_that_are_each_within_bounds_are_bounded_together(
    body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "SECONDS_MAX", 0.01)

    with pytest.raises(ProcessFault, match="0.01 seconds of computing"):
        Running(ROUND.format(body)).starts(**LONG)


def test_a_case_does_not_come_to_wait_for_ever_more_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "LIVING_MAX", 5)
    aside = "start s ; user u ; boundary b on=u cycle=R90/PT1M aside ; user v ; tell t ; end e ; end f"
    case = Running(f"{aside} ; s -> u -> t -> e ; b -> v -> f").starts()
    while len(case.open) < 4:  # and the clock at the border
        case.waits("PT1M")

    with pytest.raises(ProcessFault, match="at 6 places of its diagram at once, and 5 is the most"):
        case.take(Fire(next(iter(case.timers))))

    case.does("v")  # what makes it fewer is never stopped
    case.waits("PT1M")
    assert len(case.open) == 4


def test_a_case_that_moves_by_itself_for_ever_stops_for_a_person_and_others_go_on(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instances, "UNWATCHED_MAX", 20)
    spins = LIFE.replace("timer=P10D", "date=2021-01-01T00:00:00+07:00").replace("het_han -> dong", "het_han -> cho")
    patient = hotline.settled()
    hotline.deploys(process__bpmn=draw(spins, "PAKN"))
    restless, worker = hotline.settled(), Worker(hotline.runtime, {})
    hotline.waits(10 * 24)

    worker.drain()

    assert stands(hotline, patient).finished_at
    assert stands(hotline, restless)[:2] == (19, None), "nothing of the step that was refused is there"
    (stopped,) = hotline.as_("quantri").get("/incidents").json["items"]
    assert stopped["case"] == restless and "step 20 of the case" in stopped["message"]

    assert hotline.as_("quantri").post(f"/incidents/{stopped['id']}/retry").status_code == 200
    worker.drain()

    assert stands(hotline, restless).revision == 39, "a person let it go on, as far again"
    heard = hotline.as_("app").post("/messages", {"name": "msg_danh_gia", "case": restless, "payload": {"danh_gia": 4}})
    assert heard.status_code == 201 and stands(hotline, restless).finished_at, "what people do is never stopped"


def stands(hotline: Hotline, number: str) -> Any:
    found = select(model.instances.c.revision, model.instances.c.finished_at)
    with hotline.runtime.read() as unit:
        return unit.first(found.join(model.cases).where(model.cases.c.number == number))

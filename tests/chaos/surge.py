"""A surge: several times as many people report as the office can take in, one in twenty about an emergency.

First it is found out how many reports a second the office takes; then that many times as many come, each at its time
whether the others have been answered or not (an office is not spared because it is slow), and each asks once, on a
connection of its own (`crowd`), of the web process that fewest are asking just now, as the proxy would. If they come
late nevertheless, for they share the processors with the office, the figures say by how much, and are not the office's.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import count
from statistics import quantiles
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import select

from engine import model
from tests.chaos.callers import NOBODY, REPORT
from tests.chaos.crowd import Crowd
from tests.chaos.office import EMERGENCY, THREADS, Office

MEASURED_SECONDS = 10.0
ONE_IN = 20
TIMEOUT = 60.0
START_SECONDS = 240  # on a machine that is busy with other things
TAKEN, AWAY = 201, 503
KINDS = ("ordinary", "emergency")
BODIES = {
    kind: json.dumps(REPORT | ({"report_type": EMERGENCY} if kind == "emergency" else {})).encode() for kind in KINDS
}


class Surge:
    """Attributes:
    answers: how often each kind of report was given which answer; waits: seconds until it was.
    late: by how many seconds whoever reported came after their time.
    numbers: what was acknowledged; rude: how many were sent away without being told when to come again.
    why: what went wrong with connections, how often.
    """

    def __init__(self, office: Office) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.waits: dict[tuple[str, int], list[float]] = defaultdict(list)
        self.late: list[float] = []
        self.numbers: list[str] = []
        self.rude = 0
        self.why: dict[str, int] = {}
        self._office, self._count = office, count(1)
        self._asking = Counter({one.port or 0: 0 for one in office.web})

    def report(self, crowd: Crowd, due: float, afterwards: Callable[[], None] = lambda: None) -> None:
        """Args:
        due: when whoever reports began to wait (`time.monotonic`).
        afterwards: called when they have been answered.
        """
        number = next(self._count)
        kind = KINDS[number % ONE_IN == 0]
        port = min(self._asking, key=self._asking.__getitem__)
        self._asking[port] += 1
        self.late.append(time.monotonic() - due)

        def told(answer: bytes) -> None:
            self._asking[port] -= 1
            self._note(kind, due, answer)
            afterwards()

        crowd.asks(port, _request(port, self._office.tokens["tiep"], BODIES[kind]), told)

    def _note(self, kind: str, due: float, answer: bytes) -> None:
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head[9:12] or NOBODY)
        self.answers[kind, status] += 1
        self.waits[kind, status].append(time.monotonic() - due)
        if status == TAKEN:
            self.numbers.append(json.loads(body)["number"])
        self.rude += status == AWAY and b"\r\nretry-after: " not in head.lower()


def _request(port: int, token: str, body: bytes) -> bytes:
    head = (
        f"POST /api/v1/reports HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nIdempotency-Key: {uuid4()}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def surge(office: Office, times: float, seconds: float) -> dict[str, Any]:
    """Args:
    times: what the office takes in, so many times.
    """
    _wait_until_all_serve(office)
    before, found = Surge(office), Surge(office)
    _be_punctual()
    _as_many_as_threads(before)
    holds = len(before.numbers) / MEASURED_SECONDS
    print(f"» takes in {holds:.1f} a second; {times * holds:.1f} come now", file=sys.stderr, flush=True)
    _whenever_due(found, times * holds, seconds)
    with office.runtime.read() as unit:
        there = {row.number for row in unit.all(select(model.cases.c.number))}
    return _told(found, holds, times) | {"lost": len({*before.numbers, *found.numbers} - there)}


def _be_punctual() -> None:
    """Go before the office on these processors, if we may (root): people come when they do, however busy it is."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -15)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # one for each who waits


def _as_many_as_threads(before: Surge) -> None:
    """Nobody is sent away."""
    crowd, until = Crowd(), time.monotonic() + MEASURED_SECONDS

    def again() -> None:
        if time.monotonic() < until:
            before.report(crowd, time.monotonic(), again)

    for _ in range(THREADS * len(before._office.web)):
        again()
    crowd.listens(until)
    _until_answered(crowd)


def _whenever_due(found: Surge, a_second: float, seconds: float) -> None:
    crowd, began = Crowd(), time.monotonic()
    for number in range(round(a_second * seconds)):
        due = began + number / a_second
        if number and number % round(a_second * 60) == 0:
            print(f"» {_shortly(found)}", file=sys.stderr, flush=True)
        crowd.listens(due)
        found.report(crowd, due)
    _until_answered(crowd)
    found.why = dict(crowd.why)


def _until_answered(crowd: Crowd) -> None:
    while len(crowd):
        crowd.listens(time.monotonic() + 0.1)


def _shortly(found: Surge) -> str:
    """How it goes so far: an hour is long, and may be cut off."""
    said, becomes = [], {TAKEN: "taken", AWAY: "told to come again"}
    for kind in KINDS:
        for status, what in becomes.items():
            lately = _spread(found.waits[kind, status][-5_000:]).get("p99", "–")
            said.append(f"{kind} {found.answers[kind, status]} {what} (p99 {lately} s)")
    return f"{sum(found.answers.values())} came: {', '.join(said)}"


def _wait_until_all_serve(office: Office) -> None:
    until = time.monotonic() + START_SECONDS
    for one in office.web:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{one.port}/readyz", timeout=TIMEOUT).status_code == 200:
                    break
            if time.monotonic() > until:
                raise TimeoutError("The office does not serve.")
            time.sleep(0.2)


def _told(found: Surge, holds: float, times: float) -> dict[str, Any]:
    told: dict[str, Any] = {"takes in a second": round(holds, 1), "came a second": round(times * holds, 1)}
    for kind in KINDS:
        came = sum(many for (which, _), many in found.answers.items() if which == kind)
        others = {status: many for (which, status), many in sorted(found.answers.items())
                  if which == kind and status not in (TAKEN, AWAY)}  # fmt: skip
        told[kind] = {
            "came": came, "taken": found.answers[kind, TAKEN], "seconds until taken": _spread(found.waits[kind, TAKEN]),
            "told to come again": found.answers[kind, AWAY],
            "share of them": round(found.answers[kind, AWAY] / max(came, 1), 3),
            "seconds until told": _spread(found.waits[kind, AWAY]),
            "other answers": others,
        }  # fmt: skip
    return told | {
        "not told when to come again": found.rude, "connections that failed": found.why,
        "seconds by which they came late": _spread(found.late),
    }  # fmt: skip


def _spread(seconds: list[float]) -> dict[str, float]:
    if len(seconds) < 2:
        return {"count": len(seconds)}
    cut = quantiles(seconds, n=100, method="inclusive")
    shares = {"p50": cut[49], "p95": cut[94], "p99": cut[98], "most": max(seconds)}
    return {name: round(value, 3) for name, value in shares.items()}


def amiss(found: dict[str, Any]) -> list[str]:
    """What must not be, a line for each."""
    emergency, ordinary = found["emergency"], found["ordinary"]
    wrong = {
        "Something acknowledged is lost.": found["lost"],
        "Somebody was sent away and not told when to come again.": found["not told when to come again"],
        "Somebody got another answer than the two.": ordinary["other answers"],
        "An emergency was not taken.": emergency["taken"] != emergency["came"],
        "Nobody was sent away: it was no surge.": not ordinary["told to come again"],
    }
    return [said for said, is_so in wrong.items() if is_so]

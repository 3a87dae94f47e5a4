"""A surge: several times as many people report as the office can take in, one in twenty about an emergency.

First it is found out how many reports a second the office takes; then that many times as many come, each at its time
whether the others have been answered or not (an office is not spared because it is slow), and each asks once.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from statistics import quantiles
from threading import Lock
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import select

from engine import model
from tests.chaos.callers import NOBODY, REPORT
from tests.chaos.office import EMERGENCY, THREADS, Office

MEASURED_SECONDS = 10.0
ONE_IN = 20
AT_ONCE = 400  # people on the line; who is not sent away waits 5 s or so
TIMEOUT = 60.0
START_SECONDS = 240  # on a machine that is busy with other things
TAKEN, AWAY = 201, 503
KINDS = ("ordinary", "emergency")


class Surge:
    """Attributes:
    answers: how often each kind of report was given which answer; waits: seconds until it was.
    numbers: what was acknowledged; rude: how many were sent away without being told when to come again.
    """

    def __init__(self, office: Office) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.waits: dict[tuple[str, int], list[float]] = defaultdict(list)
        self.numbers: list[str] = []
        self.rude = 0
        self._office, self._count, self._lock = office, count(1), Lock()
        self._clients = [
            httpx.Client(
                base_url=f"http://127.0.0.1:{one.port}/api/v1", timeout=TIMEOUT,
                limits=httpx.Limits(max_connections=None),
                headers={"Authorization": f"Bearer {office.tokens['tiep']}"},
            )
            for one in office.web
        ]  # fmt: skip

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def report(self, due: float) -> None:
        """Args:
        due: when whoever reports began to wait (`time.monotonic`).
        """
        number = next(self._count)
        kind = KINDS[number % ONE_IN == 0]
        body = REPORT | ({"report_type": EMERGENCY} if kind == "emergency" else {})
        client = self._clients[number // ONE_IN % len(self._clients)]
        try:
            answer = client.post("/reports", json=body, headers={"Idempotency-Key": str(uuid4())})
            status = answer.status_code
        except httpx.HTTPError:
            status = NOBODY
        with self._lock:
            self.answers[kind, status] += 1
            self.waits[kind, status].append(time.monotonic() - due)
            if status == TAKEN:
                self.numbers.append(answer.json()["number"])
            self.rude += status == AWAY and not answer.headers.get("Retry-After", "").isdecimal()


def surge(office: Office, times: float, seconds: float) -> dict[str, Any]:
    """Args:
    times: what the office takes in, so many times.
    ready: waits until it serves.
    """
    _wait_until_all_serve(office)
    before = Surge(office)
    with ThreadPoolExecutor(THREADS * len(office.web)) as people:  # as many as there are threads: nobody is sent away
        until = time.monotonic() + MEASURED_SECONDS
        list(people.map(lambda _: _ask_until(before, until), range(THREADS * len(office.web))))
    before.close()
    holds = len(before.numbers) / MEASURED_SECONDS
    print(f"» takes in {holds:.1f} a second; {times * holds:.1f} come now", file=sys.stderr, flush=True)
    found = Surge(office)
    with ThreadPoolExecutor(AT_ONCE) as people:
        began = time.monotonic()
        for number in range(round(times * holds * seconds)):
            due = began + number / (times * holds)
            time.sleep(max(0.0, due - time.monotonic()))
            people.submit(found.report, due)
    found.close()
    with office.runtime.read() as unit:
        there = {row.number for row in unit.all(select(model.cases.c.number))}
    return _told(found, holds, times) | {"lost": len({*before.numbers, *found.numbers} - there)}


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


def _ask_until(some: Surge, until: float) -> None:
    while time.monotonic() < until:
        some.report(time.monotonic())


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
    return told | {"not told when to come again": found.rude}


def _spread(seconds: list[float]) -> dict[str, float]:
    if len(seconds) < 2:
        return {"count": len(seconds)}
    cut = quantiles(seconds, n=100, method="inclusive")
    shares = {"p50": cut[49], "p95": cut[94], "p99": cut[98], "most": max(seconds)}
    return {name: round(value, 3) for name, value in shares.items()}


def amiss(found: dict[str, Any]) -> bool:
    """Anything lost, any emergency not taken, any answer but the two, anybody not told when; or it was no surge."""
    emergency, ordinary = found["emergency"], found["ordinary"]
    return bool(
        found["lost"] or found["not told when to come again"] or ordinary["other answers"]
        or emergency["taken"] != emergency["came"] or not ordinary["told to come again"]
    )  # fmt: skip

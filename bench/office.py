"""What the provincial office watches all day: its open cases, counted by agency, type, district and step."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from bench import fill, ours, worklist, year
from bench.bed import Bed, Figures, database_cpu, percentile, timed
from engine.people import accounts
from engine.runtime import Runtime
from engine.statistics import overview, recounts
from engine.storage.database import connect

OPEN = 500_000
WATCHING, EVERY, MINUTES = 20, 15, 10  # people, seconds


def office(bed: Bed) -> Figures:
    """The office's counts over 500,000 open cases, watched by 20 people for ten minutes; beside counting each time"""
    ours.prepare(url := bed.make("office"))
    now = datetime.now(UTC)
    runtime = Runtime(connect(url), lambda: now)
    worklist.people(runtime)
    with runtime.begin() as unit:
        ours.issue(unit, year.OFFICE)
    ours.receive(runtime, "LIFE")
    count = bed.some(OPEN)
    bed.say(f"writing {count:,} open cases, a quarter of them late")
    spread = worklist.spread(bed.kind, runtime)
    fill.multiply(url, count, worklist.TABLES, spread | {"cases.lead_agency": spread["tasks.group"]})
    with runtime.read() as unit:
        account = accounts.account(unit, year.OFFICE["login"])
        bed.say("counting")
        used, each = _cpu(url), [timed(lambda: overview.show(unit, account)) for _ in range(3)]
        once = (_cpu(url) - used) / len(each)
    bed.say(f"{WATCHING} people watch for {MINUTES} minutes, of their own clock")
    used, looks, opened = _cpu(url), [], []
    for _ in range(WATCHING * MINUTES * 60 // EVERY):
        now += timedelta(seconds=EVERY / WATCHING)
        with runtime.read() as unit:
            if not len(looks) % WATCHING:
                opened.append(timed(lambda unit=unit: recounts.show(runtime, unit, account, again=False)))
            looks.append(timed(lambda unit=unit: recounts.show(runtime, unit, account, again=True)))
    used = _cpu(url) - used
    runtime.database.dispose()
    return {
        "open_cases": count,
        "count_ms": round(percentile(each, 0.5), 1),
        "count_cpu_ms": round(once * 1000, 1),
        "look_p50_ms": round(percentile(looks, 0.5), 2),
        "look_p95_ms": round(percentile(looks, 0.95), 2),
        "opened_p95_ms": round(percentile(opened[1:], 0.95), 2),  # the first of all has nothing to look at
        "core_%": round(used / (MINUTES * 60) * 100, 2),
        "core_%_if_each_counted": round(once * len(looks) / (MINUTES * 60) * 100, 1),
        "cpu_each_counted_to_kept_ratio": round(once * len(looks) / used, 1),
    }


def _cpu(url: str) -> float:
    """Seconds of a processor that this process and the database have used."""
    return time.process_time() + database_cpu(url)

"""A day of a large province's hotline, and what a process and a database grow to."""

from __future__ import annotations

import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from bench import ours
from bench.bed import Bed, Figures, database_bytes, one, percentile, timed
from bench.hosts import Client, environment, running
from bench.lifecycles import compared, played

CONTACTS = 100_000
PEAK = 5  # times the mean hour
PEAK_SECONDS = 60
CLIENTS = 8
PARTS = 20  # of the day
CLOSED = 1_000


def day(bed: Bed) -> Figures:
    """A day of 100,000 contacts: all of them as fast as they go; and the peak hour's rate, arriving by chance"""
    urls = {name: bed.make(f"day_{name}") for name in ("naive", "floor", "ours")}
    ours.prepare(urls["floor"])
    token = ours.prepare(urls["ours"])
    count, peak = bed.some(CONTACTS, 20), CONTACTS / 24 / 3600 * PEAK
    with (
        running("naive", urls["naive"]) as naive,
        running("floor", urls["floor"]) as floor,
        running("ours", urls["ours"], token) as our,
    ):
        our.client().lifecycle()
        figures: Figures = {"memory_mb_at_start": round(our.memory_mb()), "peak_contacts_per_s": round(peak, 2)}
        bed.say(f"the peak hour, {peak:.1f} contacts a second")
        took = _arriving([our.client() for _ in range(CLIENTS)], peak, bed.some(PEAK_SECONDS, 5))
        figures |= {"peak_p50_ms": round(percentile(took, 0.5), 1), "peak_p99_ms": round(percentile(took, 0.99), 1)}
        bed.say(f"{count:,} contacts, each through four tasks; of the naive host and the floor a twentieth, in turns")
        part, rounds, memory = max(CLIENTS, count // PARTS), [], []
        for n in range(PARTS):
            rounds.append([played(naive, CLIENTS, part // 20), played(floor, CLIENTS, part // 20),
                           played(our, CLIENTS, part)])  # fmt: skip
            memory.append(round(our.memory_mb()))
            bed.say(f"{part * (n + 1):,} contacts: {rounds[-1][2][0]:.1f} closed a second, {memory[-1]} MB")
    figures |= compared("all", rounds, ["naive", "floor", "ours"])
    closed = figures["all_ours_cases_per_s"]
    bed.curves["MB of a web process, by contacts"] = [("ours", [(part * (n + 1.0), mb) for n, mb in enumerate(memory)])]
    return figures | {"contacts": part * PARTS, "closed_per_s_to_peak_ratio": round(closed / peak, 2),
                      "cpu_last_to_first_ratio": round(rounds[-1][2][1] / rounds[0][2][1], 2),
                      "memory_mb_at_end": memory[-1]}  # fmt: skip


def _arriving(clients: list[Client], rate: float, seconds: int) -> list[float]:
    """Milliseconds from when each contact came to when it was acknowledged, whether or not somebody was free."""
    free, moments, now = list(clients), [], 0.0
    while (now := now + random.expovariate(rate)) < seconds:
        moments.append(now)
    began = time.monotonic()

    def take(moment: float) -> float:
        client = free.pop()
        client.start()
        free.append(client)
        return (time.monotonic() - began - moment) * 1000

    with ThreadPoolExecutor(len(clients)) as pool:
        answers = []
        for moment in moments:
            time.sleep(max(0.0, began + moment - time.monotonic()))
            answers.append(pool.submit(take, moment))
        return [answer.result() for answer in answers]


def footprint(bed: Bed) -> Figures:
    """Start-up of a web server, and the bytes of database that a closed case of four tasks leaves"""
    url, naive_url = bed.make("footprint"), bed.make("footprint_naive")
    token = ours.prepare(url)
    figures: Figures = {}
    for name, where in (("naive", naive_url), ("ours", url)):
        starts = []
        for _ in range(3):
            began = time.monotonic()
            with running(name, where, token):
                starts.append(time.monotonic() - began)
        figures[f"{name}_start_s"] = round(min(starts), 2)
    figures["start_ours_to_naive_ratio"] = round(figures["ours_start_s"] / figures["naive_start_s"], 2)
    figures["import_s"] = round(timed(_import) / 1000, 2)
    count = bed.some(CLOSED, 50)
    with running("naive", naive_url) as naive, running("ours", url, token) as our:
        for host, where in ((naive, naive_url), (our, url)):
            host.client().lifecycle()
            client = host.client()
            for _ in range(2):  # the second time there is the room of rows that the first has left dead
                before = database_bytes(where)
                for _ in range(count):
                    client.lifecycle()
            figures[f"{host.name}_bytes_per_closed_case"] = round((database_bytes(where) - before) / count)
    figures["state_bytes_max"] = int(one(url, "SELECT max(length(state)) FROM instances"))
    return figures


def _import() -> None:
    import subprocess

    subprocess.run([sys.executable, "-c", "import webapi.api, webapi.server"], check=True, env=environment())

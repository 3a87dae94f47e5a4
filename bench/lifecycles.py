"""The life of a report, four tasks, over HTTP: ours beside the naive host and the floor, with 1, 4 and 8 clients;
and whether a call's cost grows with what a case has been through, or with how many there are."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from bench import fill, ours
from bench.bed import Bed, Figures, one
from bench.hosts import Client, Host, running

ROUNDS, CASES = 6, 25  # per host and number of clients
CLIENTS = (1, 4, 8)
LOOPS = 300
OPEN_CASES = 100_000


def lifecycle(bed: Bed) -> Figures:
    """The life of a report over HTTP, beside the naive host and the floor"""
    figures: Figures = {}
    urls = {name: bed.make(name) for name in ("naive", "floor", "ours")}
    ours.prepare(urls["floor"])
    token = ours.prepare(urls["ours"])
    with (
        running("naive", urls["naive"]) as naive,
        running("floor", urls["floor"]) as floor,
        running("ours", urls["ours"], token) as our,
    ):
        hosts = (naive, floor, our)
        for host in hosts:
            played(host, 1, 6)  # warm up
        figures |= by_clients(bed, hosts, CLIENTS)
        figures |= {f"{host.name}_memory_mb": round(host.memory_mb()) for host in hosts}
    figures["state_bytes_max"] = int(one(urls["ours"], "SELECT max(length(state)) FROM instances"))
    for unit, title in (("cases_per_s", "cases per second"), ("cpu_ms_per_call", "CPU ms per call")):
        bed.curves[f"lifecycle, {title}, by clients"] = [
            (host.name, [(n, figures[f"{n}_clients_{host.name}_{unit}"]) for n in CLIENTS]) for host in hosts
        ]
    return figures


def by_clients(bed: Bed, hosts: Sequence[Host], numbers: Sequence[int]) -> Figures:
    """The lifecycle at each host in turn, with each of these numbers of clients."""
    figures: Figures = {}
    for clients in numbers:
        bed.say(f"lifecycle of 4 tasks, {clients} client(s)")
        cases = bed.some(CASES * (1 if clients == 1 else 2), clients)
        rounds = [[played(host, clients, cases) for host in hosts] for _ in range(bed.some(ROUNDS, 3))]
        figures |= compared(f"{clients}_clients", rounds, [host.name for host in hosts])
    return figures


def said(what: str, rounds: list[list[tuple[float, float]]], names: list[str], each: str = "call") -> Figures:
    """What hosts did, the middle of their rounds: cases per second, and CPU milliseconds of each call (or case)."""
    figures: Figures = {}
    for index, name in enumerate(names):
        figures[f"{what}_{name}_cases_per_s"] = round(median(r[index][0] for r in rounds), 1)
        figures[f"{what}_{name}_cpu_ms_per_{each}"] = round(median(r[index][1] for r in rounds), 2)
    return figures


def compared(what: str, rounds: list[list[tuple[float, float]]], names: list[str], each: str = "call") -> Figures:
    """Hosts of the same round were equally disturbed, so ratios are taken within rounds."""
    figures = said(what, rounds, names, each)
    naive, floor, our = (names.index(name) for name in ("naive", "floor", "ours"))
    figures[f"{what}_cases_per_s_ours_to_naive_ratio"] = round(median(r[our][0] / r[naive][0] for r in rounds), 2)
    figures[f"{what}_cases_per_s_floor_to_naive_ratio"] = round(median(r[floor][0] / r[naive][0] for r in rounds), 2)
    figures[f"{what}_cpu_naive_to_ours_ratio"] = round(median(r[naive][1] / r[our][1] for r in rounds), 2)
    figures[f"{what}_cpu_ours_to_floor_ratio"] = round(median(r[our][1] / r[floor][1] for r in rounds), 2)
    return figures


def played(host: Host, clients: int, cases: int) -> tuple[float, float]:
    """Cases per second, and CPU milliseconds of the server per call."""
    calls, each = host.calls, cases // clients or 1
    speed, cpu = lived(host, [host.client().lifecycle for _ in range(clients)], each)
    return speed, cpu * each * clients / (host.calls - calls)


def lived(host: Host, lives: Sequence[Callable[[], object]], each: int) -> tuple[float, float]:
    """Cases per second, and CPU milliseconds of the server per case.

    Args:
        lives: what each of some clients does for a case,
        each: so many times.
    """
    cpu, began = host.cpu_seconds(), time.monotonic()
    with ThreadPoolExecutor(len(lives)) as threads:
        list(threads.map(lambda live: [live() for _ in range(each)], lives))  # raises what they raise
    count, took = each * len(lives), time.monotonic() - began
    return count / took, (host.cpu_seconds() - cpu) / count * 1000


def loops(bed: Bed) -> Figures:
    """The cost of a call in the first reopen loops of a case and in its last ones; beside naive host and floor"""
    count, urls = bed.some(LOOPS, 30), {name: bed.make(f"loops_{name}") for name in ("naive", "floor", "ours")}
    ours.prepare(urls["floor"])
    token, program = ours.prepare(urls["ours"]), (sys.executable, "-m", "bench.floor", str(count))
    with (
        running("naive", urls["naive"]) as naive,
        running("floor", urls["floor"], program=program) as floor,
        running("ours", urls["ours"], token) as our,
    ):
        hosts = (naive, floor, our)
        rounds = []
        for n in range(3):
            bed.say(f"one case through {count} reopen loops at each host, round {n + 1} of 3")
            rounds.append([_looped(host.client(), count) for host in hosts])
    took = {
        host.name: [median(times) for times in zip(*(one[n] for one in rounds), strict=True)]
        for n, host in enumerate(hosts)
    }
    figures: Figures = {"loops": count}
    for name, times in took.items():
        figures[f"{name}_last_loops_to_first_ratio"] = round(median(times[-10:]) / median(times[:10]), 2)
    for name in ("naive", "floor"):  # over all loops
        figures[f"ms_ours_to_{name}_ratio"] = round(sum(took["ours"]) / sum(took[name]), 2)
    bed.curves["one case, ms per call, by reopen loops so far"] = [
        (name, [(n + 1.0, ms) for n, ms in enumerate(times)]) for name, times in took.items()
    ]
    return figures


def _looped(client: Client, count: int) -> list[float]:
    case, tasks = client.start()
    took = []
    for _ in range(count):
        began = time.perf_counter()
        tasks = client.complete(case, tasks[0], again=True)
        took.append((time.perf_counter() - began) * 1000)
    return took


def full(bed: Bed) -> Figures:
    """The cost of a call beside 100,000 open cases, and beside none: two servers, in turns"""
    urls, cases = {name: bed.make(name) for name in ("empty", "full")}, bed.some(OPEN_CASES)
    with (
        running("ours", urls["empty"], ours.prepare(urls["empty"])) as empty,
        running("ours", urls["full"], ours.prepare(urls["full"])) as filled,
    ):
        bed.say(f"writing {cases:,} open cases")
        filled.client().start()  # a fresh one to copy
        fill.multiply(urls["full"], cases)
        return {"open_cases": cases, **in_turns(bed, empty, filled)}


def in_turns(bed: Bed, empty: Host, filled: Host) -> Figures:
    """What a call costs two servers, of which one has very many cases."""
    for host in (empty, filled):
        played(host, 1, 10)  # warm up
    rounds = [[played(host, 1, bed.some(CASES, 3))[1] for host in (empty, filled)] for _ in range(8)]
    return {
        "cpu_ms_per_call_empty": round(median(r[0] for r in rounds), 2),
        "cpu_ms_per_call_full": round(median(r[1] for r in rounds), 2),
        "full_to_empty_ratio": round(median(r[1] / r[0] for r in rounds), 2),
    }

"""What `./manage bench` measures, and how it says so.

Both hosts run at the same time and are asked in turns, so that a busy machine slows both: trust the ratios, not the
milliseconds. Each comparison has `ratio` in its key; above 1 is in our favour, and 1 means "flat" for the growth
figures.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import text

from bench import fill, ours
from bench.hosts import Client, Host, running
from engine.database import connect

ROUNDS, CASES = 6, 25  # per host, database and number of clients
LOOPS = 100
OPEN_CASES = 100_000


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="thongsuot bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work: to see that the bench runs")
    options = parser.parse_args(arguments)
    figures = measure(0.1 if options.quick else 1.0)
    print(json.dumps(figures, indent=2) if options.json else table(figures))


def measure(share: float = 1.0) -> dict[str, Any]:
    """All figures.

    Args:
        share: how much of the full amount of work.
    """
    figures: dict[str, Any] = {"machine": _machine(), "share_of_work": share}
    with _databases() as urls:
        for kind, (naive_url, our_url) in urls.items():
            _say(f"{kind}: starting a naive host and ours")
            token = ours.prepare(our_url)
            with running("naive", naive_url) as naive, running("ours", our_url, token) as our:
                figures |= _lifecycles(kind, naive, our, share)
                figures |= _loops(kind, naive, our, share)
            figures[f"{kind}_state_bytes_max"] = _state_bytes(our_url)
            figures |= _full(kind, our_url, token, share)
    return figures


# -- the four-task lifecycle ---------------------------------------------------------------------------------------


def _lifecycles(kind: str, naive: Host, our: Host, share: float) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for host in (naive, our):
        _round(host, 1, max(3, int(10 * share)))  # warm up
    for clients in (1, 8):
        _say(f"{kind}: lifecycle of 4 tasks, {clients} client(s)")
        rounds = [
            [_round(host, clients, max(2, int(CASES * share)) * (1 if clients == 1 else 2)) for host in (naive, our)]
            for _ in range(max(2, int(ROUNDS * share)))
        ]
        for index, name in enumerate(("naive", "ours")):
            figures[f"{kind}_{clients}_clients_{name}_cases_per_s"] = round(median(r[index][0] for r in rounds), 1)
            figures[f"{kind}_{clients}_clients_{name}_cpu_ms_per_call"] = round(median(r[index][1] for r in rounds), 2)
        speeds = sorted(our_speed / naive_speed for (naive_speed, _), (our_speed, _) in rounds)
        costs = sorted(naive_cpu / our_cpu for (_, naive_cpu), (_, our_cpu) in rounds)
        figures[f"{kind}_{clients}_clients_cases_per_s_ratio"] = round(median(speeds), 2)
        figures[f"{kind}_{clients}_clients_cpu_per_call_ratio"] = round(median(costs), 2)
    figures[f"{kind}_naive_memory_mb"] = round(naive.memory_mb())
    figures[f"{kind}_ours_memory_mb"] = round(our.memory_mb())
    return figures


def _round(host: Host, clients: int, cases: int) -> tuple[float, float]:
    """Cases per second, and CPU milliseconds of the server per call."""
    cpu, calls, began = host.cpu_seconds(), host.calls, time.monotonic()
    threads = [threading.Thread(target=_work, args=(host.client(), cases // clients or 1)) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    return (cases // clients or 1) * clients / took, (host.cpu_seconds() - cpu) / (host.calls - calls) * 1000


def _work(client: Client, cases: int) -> None:
    for _ in range(cases):
        client.lifecycle()


# -- growth ----------------------------------------------------------------------------------------------------------


def _loops(kind: str, naive: Host, our: Host, share: float) -> dict[str, Any]:
    """The cost of a call in the first loops of a case and in its last ones."""
    loops = max(20, int(LOOPS * share))
    figures: dict[str, Any] = {}
    for host in (naive, our):
        _say(f"{kind}: one case through {loops} reopen loops, {host.name}")
        client, first, last = host.client(), [], []
        for _ in range(3):
            case, tasks = client.start()
            took = []
            for _ in range(loops):
                began = time.perf_counter()
                tasks = client.complete(case, tasks[0], again=True)
                took.append(time.perf_counter() - began)
            first.append(median(took[:10]))
            last.append(median(took[-10:]))
        figures[f"{kind}_{host.name}_loop_{loops}_to_loop_1_cost_ratio"] = round(median(last) / median(first), 2)
    return figures


def _full(kind: str, url: str, token: str, share: float) -> dict[str, Any]:
    """The cost of a call beside many open cases: the same server, before and after the database is filled."""
    cases = int(OPEN_CASES * share)
    with running("ours", url, token) as host:
        _round(host, 1, 5)
        before = median(_round(host, 1, max(3, int(CASES * share)))[1] for _ in range(5))
        _say(f"{kind}: writing {cases:,} open cases")
        host.client().start()  # a fresh one to copy
        fill.copy_cases(url, cases)
        _round(host, 1, 5)
        after = median(_round(host, 1, max(3, int(CASES * share)))[1] for _ in range(5))
    return {
        f"{kind}_open_cases": cases,
        f"{kind}_cpu_ms_per_call_empty": round(before, 2),
        f"{kind}_cpu_ms_per_call_full": round(after, 2),
        f"{kind}_full_to_empty_cost_ratio": round(after / before, 2),
    }


def _state_bytes(url: str) -> int:
    database = connect(url)
    with database.connect() as connection:
        size = connection.execute(text("SELECT max(length(state)) FROM instances")).scalar()
    database.dispose()
    return int(size or 0)


# -- where, and how it is said ---------------------------------------------------------------------------------------


@contextmanager
def _databases() -> Iterator[dict[str, tuple[str, str]]]:
    """For each kind of database one URL for the naive host and one for ours."""
    from tests import databases
    from tests.embedded_pg import running as postgresql

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ts-bench-")))
        server = stack.enter_context(postgresql())
        pair = [stack.enter_context(databases.created(server.url, f"bench_{name}")) for name in ("naive", "ours")]
        yield {
            "sqlite": (f"sqlite:///{folder}/naive.db", f"sqlite:///{folder}/ours.db"),
            "postgresql": (pair[0], pair[1]),
        }


def _machine() -> str:
    import os

    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def table(figures: dict[str, Any]) -> str:
    width = max(len(key) for key in figures)
    lines = [f"{key.replace('_', ' '):<{width}}  {value}" for key, value in figures.items()]
    return "\n".join(lines)


def _say(sentence: str) -> None:
    print(f"» {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

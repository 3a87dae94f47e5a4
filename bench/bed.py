"""Where a workload runs: one kind of database, how much of the full work, and who is told how far it is."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from engine.storage.database import connect

Figures = dict[str, Any]
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Bed:
    """One kind of database for one workload.

    Attributes:
        kind: sqlite | postgresql.
        share: of the full amount of work; 0.1 is `--quick`.
        make: gives the URL of a new, empty database; removed with the bed.
        curves: what is drawn, by title: lists of (label, [(x, y), …]).
    """

    kind: str
    share: float
    make: Callable[[str], str]
    curves: dict[str, list[tuple[str, list[tuple[float, float]]]]] = field(default_factory=dict)

    def some(self, full: int, at_least: int = 1) -> int:
        """So many of something, of which the whole work has ``full``."""
        return max(at_least, int(full * self.share))

    def say(self, sentence: str) -> None:
        print(f"» {self.kind}: {sentence}", file=sys.stderr, flush=True)


@contextmanager
def beds(kinds: tuple[str, ...], share: float) -> Iterator[list[Bed]]:
    """A bed for each kind; a PostgreSQL is started only where it is wanted, and deleted at the end."""
    from tests import databases
    from tests.embedded_pg import running

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ts-bench-")))
        made: list[Bed] = []
        if "sqlite" in kinds:
            made.append(Bed("sqlite", share, lambda name: f"sqlite:///{folder}/{name}.db"))
        if "postgresql" in kinds:
            server = stack.enter_context(running())
            made.append(
                Bed("postgresql", share, lambda name: stack.enter_context(databases.created(server.url, f"b_{name}")))
            )
        yield made


def machine() -> Figures:
    """What it runs on, and how busy that was: on a busy machine only ratios mean anything."""
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores of {model}, {memory:.0f} GB, "
        f"Python {platform.python_version()}",
        "load_before": round(os.getloadavg()[0], 1),
    }


def process_cpu(pid: int) -> float:
    """Seconds of all processors' time that a process has used so far: the clock of `clock_getcpuclockid(3)`."""
    return time.clock_gettime((~pid << 3) | 2)


def database_cpu(url: str) -> float:
    """Seconds of a PostgreSQL's processes so far, those that have ended too; SQLite's are its caller's: 0."""
    if not url.startswith("postgresql"):
        return 0.0
    stays = one(url, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")  # ours may be gone by now
    postmaster = int(_lines(f"/proc/{stays}/stat")[0].rpartition(")")[2].split()[1])
    children = _lines(f"/proc/{postmaster}/task/{postmaster}/children")[0].split()
    used = 0.0
    for child in [postmaster, *children]:
        with suppress(OSError):  # it has ended: the next line counts it
            used += process_cpu(int(child))
    ended = _lines(f"/proc/{postmaster}/stat")[0].rpartition(")")[2].split()[13:15]
    return sum(map(int, ended)) / TICKS + used


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def one(url: str, query: str, **values: Any) -> Any:
    """The first value that a query finds."""
    database = connect(url)
    try:
        with database.connect() as connection:
            return connection.execute(text(query), values).scalar()
    finally:
        database.dispose()


def database_bytes(url: str) -> int:
    """All that is on disk, its indexes too; on PostgreSQL after a VACUUM, which it does by itself now and then."""
    database = connect(url)
    if url.startswith("postgresql"):
        with database.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM"))
        database.dispose()
        return int(one(url, "SELECT pg_database_size(current_database())"))
    with database.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
        return int(pages) * int(connection.execute(text("PRAGMA page_size")).scalar_one())


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def timed(do: Callable[[], Any]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000

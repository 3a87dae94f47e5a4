"""`thongsuot` with a clock that is wrong by as many seconds as a file says, at this moment; and, with SQLite, on a disk
that is full while there is a file `FULL` beside that; a worker holds what it does for as many seconds as `HOLDS` of the
environment says.

    python -m tests.chaos.actor FILE serve --port 8022
    python -m tests.chaos.actor FILE worker
"""

from __future__ import annotations

import ctypes
import datetime as module
import os
import signal
import sqlite3
import sys
from functools import partial
from pathlib import Path
from typing import Any

import apscheduler.schedulers.base as scheduler
from sqlalchemy.pool import PoolProxiedConnection

import webapi
import webapi.cli
import webapi.clock
import webapi.worker
from engine.storage.connections import Connections
from engine.work import worker

FULL = "full"
HOLDS = "CHAOS_HOLDS"
ANY = 4_294_967_294  # pages: as many as SQLite can have


def fill_disk_while(file: Path) -> None:
    """SQLite then may have no page more than there are, and says what it says when the disk is full."""

    take = Connections.take

    def limited(self: Connections) -> PoolProxiedConnection:
        pooled = take(self)
        if isinstance(pooled.driver_connection, sqlite3.Connection):
            pooled.driver_connection.execute(f"PRAGMA max_page_count = {1 if file.exists() else ANY}").close()
        return pooled

    Connections.take = limited  # type: ignore[method-assign]


def be_wrong_by(file: Path) -> None:
    class Wrong(module.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return module.datetime.now(tz) + module.timedelta(seconds=float(file.read_text() or 0))

    webapi.clock.datetime = webapi.cli.datetime = webapi.worker.datetime = scheduler.datetime = Wrong  # type: ignore[assignment,misc]


def hold_for(seconds: float) -> None:
    worker.Worker = partial(worker.Worker, lease=module.timedelta(seconds=seconds))  # type: ignore[misc,assignment]


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # nobody lives on when the one who started them has been killed
    clock = Path(sys.argv.pop(1))
    be_wrong_by(clock)
    fill_disk_while(clock.with_name(FULL))
    hold_for(float(os.environ[HOLDS]))
    webapi.cli.main()

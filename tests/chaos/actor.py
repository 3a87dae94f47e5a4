"""`thongsuot` with a clock that is wrong by as many seconds as a file says, at this moment.

    python -m tests.chaos.actor FILE serve --port 8022
    python -m tests.chaos.actor FILE worker
"""

from __future__ import annotations

import ctypes
import datetime as module
import signal
import sys
from pathlib import Path
from typing import Any

import apscheduler.schedulers.base as scheduler

import webapi
import webapi.cli
import webapi.clock
import webapi.worker


def be_wrong_by(file: Path) -> None:
    class Wrong(module.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return module.datetime.now(tz) + module.timedelta(seconds=float(file.read_text() or 0))

    webapi.clock.datetime = webapi.cli.datetime = webapi.worker.datetime = scheduler.datetime = Wrong  # type: ignore[assignment,misc]


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # nobody lives on when the one who started them has been killed
    be_wrong_by(Path(sys.argv.pop(1)))
    webapi.cli.main()

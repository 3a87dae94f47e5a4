"""On which CPU a web process runs.

Python lets one thread of a process run at a time. Left alone, Linux wakes each on whatever CPU is idle, and so with
every request Python's lock, and all that has just been read, go from one CPU to another. Here all threads stay on one;
every few seconds it is looked whether other programs leave much more of another one (docs/decisions/0026).
"""

from __future__ import annotations

import logging
import os
import random
import re
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Thread

log = logging.getLogger(__name__)

LOOK_SECONDS = (3.0, 7.0)  # at random: two processes that want the same CPU would follow each other for ever
BETTER = 0.2  # of a CPU; for less nobody moves
_SPENT = re.compile(r"^cpu(\d+) (\d+) (\d+) (\d+) \d+ \d+ (\d+) (\d+) (\d+)", re.MULTILINE)  # no idle, no iowait


def stay() -> None:
    """Keep the threads of this process together from now on; where it may use one CPU only, they are."""
    if hasattr(os, "sched_getaffinity") and len(allowed := sorted(os.sched_getaffinity(0))) > 1:
        Thread(target=_keep, args=(allowed,), name="cpu", daemon=True).start()


def where_to(here: int, busy: Mapping[int, float], own: float) -> int:
    """The CPU to be on: where others leave the most, if that is much more than here.

    Args:
        busy: how much of each CPU was in use lately, of 1.
        own: how much of this one by ourselves.
    """
    others = {**busy, here: busy[here] - own}
    best = min(others, key=lambda cpu: others[cpu])
    return best if others[here] - others[best] > BETTER else here


def _keep(allowed: list[int]) -> None:
    here = random.choice(allowed)
    try:
        while True:
            _gather(here)
            spent, own, began = _spent(), time.process_time(), time.monotonic()
            time.sleep(random.uniform(*LOOK_SECONDS))
            seconds, now = time.monotonic() - began, _spent()
            busy = {cpu: (now[cpu] - spent[cpu]) / seconds for cpu in allowed if cpu in now and cpu in spent}
            if here in busy:
                here = where_to(here, busy, (time.process_time() - own) / seconds)
    except OSError as error:
        log.info("The threads run on any CPU: %s", error, extra={"action": "not-kept-together"})


def _gather(cpu: int) -> None:
    """All threads; those that they begin later stay with them."""
    for thread in os.listdir("/proc/self/task"):
        try:
            os.sched_setaffinity(int(thread), {cpu})
        except ProcessLookupError:  # it has ended
            pass


def _spent() -> dict[int, float]:
    """Seconds that each CPU has worked since the machine started."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = _SPENT.findall(Path("/proc/stat").read_text())
    return {int(cpu): sum(map(int, times)) / ticks for cpu, *times in found}

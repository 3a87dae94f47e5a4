"""On which CPU a web process runs, and that it goes before workers.

Python lets one thread of a process run at a time. Left alone, Linux wakes each on whatever CPU is idle, and so with
every request Python's lock, and all that has just been read, go from one CPU to another. Here all threads stay on one,
each web process of a machine on one of its own as long as there are enough (docs/decisions/0026). Every few seconds it
is looked whether other programs leave much more of another one that nobody has taken.
"""

from __future__ import annotations

import logging
import os
import random
import re
import socket
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Thread

log = logging.getLogger(__name__)

LOOK_SECONDS = (3.0, 7.0)  # at random: two processes that want the same CPU would follow each other for ever
BETTER = 0.2  # of a CPU; for less nobody moves
NICE = 5  # of workers: where there is not enough for all, a third of what a web process gets
TAKEN = "\0thongsuot-cpu-{}"  # a socket's name, in no file system: it goes with the process
_SPENT = re.compile(r"^cpu(\d+) (\d+) (\d+) (\d+) ", re.MULTILINE)  # by programs, and by the kernel for them
_allowed: set[int] = set()  # the CPUs to choose from; nothing: threads run wherever they may


def stay() -> None:
    """Keep the threads of this process together from now on; where it may use one CPU only, they are."""
    if hasattr(os, "sched_getaffinity") and len(allowed := os.sched_getaffinity(0)) > 1:
        Thread(target=_keep, args=(allowed,), name="cpu", daemon=True).start()


def give_way() -> None:
    """Let web processes go before this one, where there is not enough for both: to be let in is more urgent than to be
    told. (Where that is not allowed, systemd has done it.)"""
    with suppress(OSError):
        os.nice(max(0, NICE - os.nice(0)))


@contextmanager
def anywhere() -> Iterator[None]:
    """This thread, and processes that it begins, may be on any CPU meanwhile."""
    if not _allowed:
        yield
        return
    here = os.sched_getaffinity(0)
    os.sched_setaffinity(0, _allowed)
    try:
        yield
    finally:
        os.sched_setaffinity(0, here)


def where_to(here: int, busy: Mapping[int, float], own: float) -> int:
    """The CPU to be on: where others leave the most, if that is much more than here.

    Args:
        busy: how much of each CPU was in use lately, of 1.
        own: how much of this one by ourselves.
    """
    others = {**busy, here: busy[here] - own}
    best = min(others, key=lambda cpu: others[cpu])
    return best if others[here] - others[best] > BETTER else here


def _keep(allowed: set[int]) -> None:
    with ExitStack() as kept:
        try:
            _move_about(allowed, kept)
        except (OSError, KeyError) as error:  # not allowed to; or no CPU is called what it is called elsewhere
            log.info("The threads run on any CPU: %r", error, extra={"action": "not-kept-together"})
            _allowed.clear()
            with suppress(OSError):
                _gather(allowed)


def _move_about(allowed: set[int], kept: ExitStack) -> None:
    """Args:
    kept: what says that the CPU is ours.
    """
    here, ours = random.choice(sorted(allowed)), False
    while True:
        own, began, before = time.process_time(), time.monotonic(), _spent()
        for cpu in [] if ours else random.sample(sorted(allowed), len(allowed)):
            if _take(cpu, kept):
                here, ours = cpu, True
                break
        _gather({here})
        _allowed.update(allowed)
        time.sleep(random.uniform(*LOOK_SECONDS))
        seconds, spent = time.monotonic() - began, _spent()
        busy = {cpu: (spent[cpu] - before[cpu]) / seconds for cpu in allowed}
        there = where_to(here, busy, (time.process_time() - own) / seconds)
        if there != here and _take(there, kept):
            here, ours = there, True


def _take(cpu: int, kept: ExitStack) -> bool:
    """Whether the CPU is ours from now on, and the one before no longer; not if another web process of this machine has
    it."""
    with ExitStack() as found:
        try:
            found.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)).bind(TAKEN.format(cpu))
        except OSError:
            return False
        kept.close()
        kept.push(found.pop_all())
    return True


def _gather(cpus: Collection[int]) -> None:
    """All threads; those that they begin later stay with them."""
    for thread in os.listdir("/proc/self/task"):
        with suppress(ProcessLookupError):  # it has ended
            os.sched_setaffinity(int(thread), cpus)


def _spent() -> dict[int, float]:
    """Seconds that each CPU has worked since the machine started."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = _SPENT.findall(Path("/proc/stat").read_text())
    return {int(cpu): sum(map(int, times)) / ticks for cpu, *times in found}

"""The threads of a web process stay together on one CPU, and leave it to others who want much of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Any

import pytest

from webapi import cpu

PATIENCE = 60.0
CPUS = sorted(os.sched_getaffinity(0))
PROCESS = r"""
import os, sys, threading, time
from webapi import cpu
cpu.LOOK_SECONDS, cpu.TAKEN, wanted = (0.2, 0.4), f"\0test-{os.getppid()}-{{}}", set()
cpu._spent = lambda: {one: time.monotonic() * (one in wanted) for one in os.sched_getaffinity(os.getppid())}
threading.Thread(target=sys.stdin.readline, daemon=True).start()
cpu.stay()
time.sleep(1)
threading.Thread(target=sys.stdin.readline, daemon=True).start()
while True:
    wanted |= WANTED
    print(*[os.sched_getaffinity(int(one)) for one in os.listdir("/proc/self/task")], sep=";", flush=True)
    time.sleep(0.2)
"""


@pytest.mark.parametrize(
    ("busy", "own", "there"),
    [
        ({0: 0.9, 1: 0.1}, 0.9, 0),  # all of it is ours
        ({0: 0.9, 1: 0.1}, 0.3, 1),
        ({0: 0.9, 1: 0.8}, 0.3, 0),
        ({0: 0.5, 1: 0.35}, 0.0, 0),  # hardly better
        ({0: 0.9, 1: 0.6, 2: 0.3, 3: 0.4}, 0.1, 2),
        ({0: 0.3, 1: 0.2}, 0.4, 0),  # clocks are not exact
    ],
)
def test_it_goes_where_others_leave_much_more(busy: dict[int, float], own: float, there: int):
    assert cpu.where_to(0, busy, own) == there


@pytest.mark.skipif(len(CPUS) < 2, reason="one CPU")
def test_all_threads_are_on_one_cpu_and_leave_when_somebody_else_wants_it():
    with process(PROCESS.replace("WANTED", "wanted or os.sched_getaffinity(0)  # by somebody else, all of it")) as kept:
        (home,) = affinities(kept.stdout.readline())
        until = time.monotonic() + PATIENCE
        while affinities(kept.stdout.readline()) == {home} and time.monotonic() < until:
            pass
        assert home not in affinities(kept.stdout.readline())


@pytest.mark.skipif(len(CPUS) < 2, reason="one CPU")
def test_two_web_processes_are_not_on_the_same_cpu_and_one_is_free_again_when_its_process_ends(monkeypatch):
    quiet = PROCESS.replace("WANTED", "set()")
    with process(quiet) as first:
        (one,) = affinities(first.stdout.readline())
        with process(quiet) as second:
            (another,) = affinities(second.stdout.readline())
            assert one != another
    monkeypatch.setattr(cpu, "TAKEN", f"\0test-{os.getpid()}-{{}}")
    with ExitStack() as kept, ExitStack() as others:
        assert cpu._take(one, kept) and not cpu._take(one, others)
        assert cpu._take(another, kept) and cpu._take(one, others)


def test_a_worker_gives_way():
    told = "import os; from webapi import cpu; cpu.give_way(); cpu.give_way(); print(os.nice(0))"
    with process(told) as worker:
        assert int(worker.stdout.readline()) == max(cpu.NICE, os.nice(0))


@pytest.mark.skipif(len(CPUS) < 2, reason="one CPU")
def test_what_a_cpu_has_worked_is_known():
    here, before, own = CPUS[-1], cpu._spent(), time.thread_time()
    os.sched_setaffinity(0, {here})
    try:
        while time.thread_time() - own < 0.5:
            pass
    finally:
        os.sched_setaffinity(0, CPUS)
    assert cpu._spent().keys() >= {*CPUS}
    assert cpu._spent()[here] - before[here] > 0.4


@pytest.mark.skipif(len(CPUS) < 2, reason="one CPU")
def test_where_it_is_not_allowed_to_they_run_on_any(monkeypatch: pytest.MonkeyPatch, caplog: Any):
    def refused(*_: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", refused)
    caplog.set_level("INFO")
    cpu._keep({*CPUS})
    assert "run on any CPU" in caplog.text
    with cpu.anywhere():
        pass


@pytest.mark.skipif(len(CPUS) < 2, reason="one CPU")
def test_where_nobody_tells_how_busy_the_cpus_are_they_run_on_any():
    program = PROCESS.replace("WANTED", "set()").replace("cpu.stay()", "cpu._spent = lambda: {}\ncpu.stay()")
    with process(program) as kept:
        assert [eval(one) for one in kept.stdout.readline().split(";")] == [{*CPUS}] * 3


@pytest.mark.skipif(len(CPUS) < 2, reason="one CPU")
def test_a_process_that_one_of_them_begins_may_run_on_any():
    begun = """
import subprocess
sys.stdout.reconfigure(line_buffering=True)
print(os.sched_getaffinity(0))
with cpu.anywhere():
    subprocess.run([sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"])
print(os.sched_getaffinity(0), flush=True)
"""
    with process(PROCESS[: PROCESS.rindex("threading")] + begun) as kept:
        before, child, after = (eval(kept.stdout.readline()) for _ in range(3))
    assert before == after and len(before) == 1 and child == {*CPUS}


def affinities(line: str) -> set[int]:
    """The CPU that all threads are on. (While they move, some have gone ahead.)"""
    each = [eval(one) for one in line.split(";")]
    assert [len(one) for one in each] == [1] * len(each) and len(each) >= 3
    return set().union(*each)


class process(subprocess.Popen):  # type: ignore[type-arg]
    def __init__(self, program: str) -> None:
        super().__init__([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __exit__(self, *why: Any) -> None:
        self.kill()
        super().__exit__(*why)

"""What a web process has loaded lies in large pages, where the kernel gives any; what a call has made goes with it."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from engine.errors import ProcessFault
from engine.flow.steps import Abandon, Complete, Start
from engine.flow.tokens import Moment
from tests.hotline import Hotline
from tests.running import BEGIN, Running
from webapi import memory

GIVEN = Path("/sys/kernel/mm/transparent_hugepage/enabled")
LARGE = r"""
from pathlib import Path
from webapi import memory

def large():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages"))

things, before = [[number] for number in range(300_000)], large()
memory.in_large_pages()
assert things == [[number] for number in range(300_000)]
print(before, large())
"""


@pytest.mark.skipif(not GIVEN.exists() or "[madvise]" not in GIVEN.read_text(), reason="the kernel gives none if asked")
def test_what_is_loaded_lies_in_large_pages_afterwards_and_is_what_it_was():
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True, check=True)
    before, after = map(int, done.stdout.split())
    assert before == 0
    assert after > 10_000  # KB


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Where the kernel is asked, and for how many bytes; it gives nothing at all of more than a piece, nor of the sixth
    piece."""
    asked: list[tuple[int, int]] = []

    class Library:
        def __init__(self, _name: None) -> None:
            pass

        @staticmethod
        def madvise(start: object, length: object, _wish: int) -> int:
            asked.append((start.value, length.value))  # type: ignore[attr-defined]
            return -1 if asked[-1][1] > memory.LARGE or asked[-1][0] == 5 * memory.LARGE else 0

    monkeypatch.setattr(memory.ctypes, "CDLL", Library)
    return asked


def test_a_piece_that_cannot_be_had_keeps_none_of_the_others_from_it(
    asked: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
):
    """As one that is in use just then: of many asked for at once the kernel gives those before it."""
    monkeypatch.setattr(memory, "_held", lambda: [(4 * memory.LARGE, 8 * memory.LARGE)])
    memory.in_large_pages()
    assert sorted({start // memory.LARGE for start, _ in asked}) == [4, 5, 6, 7]


def test_a_kernel_that_gives_none_leaves_all_as_it_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "_COLLAPSE", 9_999)
    monkeypatch.setattr(memory.mmap, "MADV_HUGEPAGE", 9_998)
    memory.in_large_pages()


def test_only_whole_large_pages_are_asked_for(asked: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch):
    large = memory.LARGE
    monkeypatch.setattr(memory, "_held", lambda: [(1, large), (large + 1, 5 * large - 1), (8 * large, 9 * large)])
    memory.in_large_pages()
    assert asked[::2] == [(2 * large, large), (3 * large, large), (8 * large, large)]


STATEMENTS = {"Instant", "SealedJSON", "SealedText", "SealedBytes"}  # parts of those, which SQLAlchemy keeps and drops


@contextmanager
def left() -> Iterator[set[str]]:
    """Of which of our kinds the collector has found something to collect, once it is over.

    What knows each other in circles stays until it comes by, and meanwhile every call is given memory that nobody has
    touched lately.
    """
    found: set[str] = set()
    for _ in range(3):  # what tests before have left, and what that has kept
        gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        kinds = {type(one) for one in gc.garbage}
        found |= {kind.__name__ for kind in kinds if kind.__module__.startswith("engine.")} - STATEMENTS
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def test_what_a_report_and_its_steps_have_made_goes_with_them(hotline: Hotline):
    hotline.settled()
    with left() as found:
        hotline.settled()
    assert not found


PARTS = """start s ; and split ; sub box { ; start sb ; user one ; user two ; end eb ; sb -> one -> two -> eb ; }
call q calls=Q ; user aside ; and meet ; end e ; s -> split ; split -> box -> meet ; split -> q -> meet
split -> aside -> meet ; meet -> e"""
CALLED = "start sq ; user deep ; end eq ; sq -> deep -> eq"
FAULTY = "start s ; user go ; and split ; script bad script='x = khong_co' ; user aside ; end e ; end f" \
    " ; s -> go -> split ; split -> bad -> e ; split -> aside -> f"  # fmt: skip


@pytest.mark.parametrize(
    ("before", "element"),
    [([], "aside"), ([], "one"), (["one"], "two"), ([], "deep"), (["one", "two", "aside"], "deep"), (["one"], None)],
)
def test_what_a_step_in_parts_of_a_diagram_has_made_goes_with_it(before: list[str], element: str | None):
    """Entered with the start, stayed in, left; given up in the middle."""
    case = Running(PARTS, calls={"Q": CALLED}).starts()
    for one in before:
        case.does(one)
    step = Complete(case.token_of(element), {}) if element else Abandon({})
    with left() as found:
        case.machine.take(None, Start({}), Moment(BEGIN))
        case.machine.take(case.state, step, Moment(BEGIN))
    assert not found


def test_what_a_step_has_made_that_failed_goes_with_it():
    case = Running(FAULTY).starts()
    with left() as found, suppress(ProcessFault):
        case.machine.take(case.state, Complete(case.token_of("go"), {}), Moment(BEGIN))
    assert not found

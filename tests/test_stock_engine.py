"""Where stock SpiffWorkflow is right, ours does the same: any nest of sequences, choices, branches and subprocesses."""

from __future__ import annotations

from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st
from SpiffWorkflow import TaskState

from tests.running import Running
from tests.stock import Stock

PAST = "'\"2020-01-01T00:00:00+00:00\"'"  # quoted: for SpiffWorkflow it is Python
LEAVES = st.sampled_from(["task", "task", "wait", "hasty"])
BLOCKS = st.recursive(
    LEAVES,
    lambda inner: st.tuples(st.sampled_from(["row", "xor", "and", "sub"]), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=8,
)


class Architect:
    """Draws a nest of blocks; every choice asks a variable of its own."""

    def __init__(self) -> None:
        self.number = count(1)
        self.choices: list[str] = []

    def draws(self, block) -> str:
        lines: list[str] = []
        self._draw(lines, block, "begin", "e")
        return "\n".join(["start s", "user begin", "end e", "s -> begin", *lines])

    def _draw(self, lines: list[str], block, before: str, after: str, condition: str = "") -> None:
        """The block between two nodes; ``condition`` is that of the flow into it."""
        n = next(self.number)
        kind, inner = block if isinstance(block, tuple) else (block, [])
        gated = kind in ("row", "xor", "and")
        first, last = (f"x{n}" if gated else f"n{n}"), (f"y{n}" if gated or kind == "hasty" else f"n{n}")
        lines += [f"{before} -> {first}{condition}", f"{last} -> {after}"]
        getattr(self, f"_{kind}")(lines, n, inner)

    def _task(self, lines: list[str], n: int, _) -> None:
        lines.append(f"user n{n}")

    def _wait(self, lines: list[str], n: int, _) -> None:
        lines.append(f"catch n{n} date={PAST}")

    def _hasty(self, lines: list[str], n: int, _) -> None:
        lines += [f"user n{n}", f"boundary b{n} on=n{n} date={PAST}", f"user h{n}", f"xor y{n}"]
        lines += [f"n{n} -> y{n}", f"b{n} -> h{n} -> y{n}"]

    def _sub(self, lines: list[str], n: int, inner) -> None:
        inside: list[str] = []
        self._row(inside, n, inner)
        lines += [f"sub n{n} {{", f"start s{n}", f"end e{n}", f"s{n} -> x{n}", f"y{n} -> e{n}", *inside, "}"]

    def _row(self, lines: list[str], n: int, inner) -> None:
        posts = [f"x{n}", *(f"p{n}_{k}" for k in range(1, len(inner))), f"y{n}"]
        lines += [f"xor {post}" for post in posts]
        for one, (before, after) in zip(inner, zip(posts, posts[1:], strict=False), strict=True):
            self._draw(lines, one, before, after)

    def _xor(self, lines: list[str], n: int, inner) -> None:
        self.choices.append(f"c{n}")
        lines += [f"xor x{n}", f"xor y{n}"]
        for k, one in enumerate(inner):
            self._draw(lines, one, f"x{n}", f"y{n}", " default" if k == 0 else f" : c{n} == {k}")

    def _and(self, lines: list[str], n: int, inner) -> None:
        lines += [f"and x{n}", f"and y{n}"]
        for one in inner:
            self._draw(lines, one, f"x{n}", f"y{n}")


def settled(stock: Stock) -> Stock:
    while any(not task.task_spec.manual for task in stock.workflow.get_tasks(state=TaskState.READY)):
        stock.looks_at_the_clock()
    return stock


@settings(max_examples=80, deadline=None)
@given(
    block=BLOCKS, answers=st.lists(st.integers(0, 2), min_size=8, max_size=8), order=st.randoms(use_true_random=False)
)
def test_the_same_tasks_open_and_the_same_ends_are_reached(block, answers, order):
    architect = Architect()
    drawing = architect.draws(block)
    data = dict(zip(architect.choices, answers * 4, strict=False))
    stock, ours = Stock(drawing), Running(drawing).starts()
    settled(stock.does("begin", **data))
    ours.does("begin", **data).waits("PT1M")

    for _ in range(30):
        assert sorted(ours.tasks) == sorted(stock.tasks)
        assert ours.finished == stock.finished
        if ours.finished:
            return
        element = order.choice(sorted(ours.tasks))
        settled(stock.does(element))
        ours.does(element).waits("PT1M")
    raise AssertionError("it does not end")

"""A token game written only to disagree: BPMN on blocks inside blocks, as simply as it can be said.

A block is a tuple: ``("task",)``, ``("hasty", aside)``, ``("row", …)``, ``("and", …)``, ``("sub", body, handler)``,
``("several", count, in turn, body)``, ``("again", rounds, body)``. A handler is ``None`` or (aside, body). Numbers are
given in the order in which blocks are met, to the drawing (`Drawn`) and to the game (`Play`) alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

Path = tuple[tuple[str, int], ...]
Thing = tuple[str, Path]  # a task that is open or a message that is awaited, and in which instances


def numbered(block: Any, numbers: Iterator[int]) -> Any:
    """The block with its number in front, and all within it likewise."""
    kind, *rest = block
    n = next(numbers)
    if kind in ("row", "and"):
        return (n, kind, *(numbered(one, numbers) for one in rest))
    if kind == "sub":
        body, handler = rest
        within = numbered(body, numbers)
        return (n, kind, within, handler and (handler[0], numbered(handler[1], numbers)))
    if kind in ("several", "again"):
        return (n, kind, *rest[:-1], numbered(rest[-1], numbers))
    return (n, kind, *rest)


# -- drawing it ------------------------------------------------------------------------------------------------------


def drawn(block: Any) -> str:
    lines, first, last = _draw(block)
    return "\n".join(["start s", "end e", f"s -> {first}", f"{last} -> e", *lines])


def _draw(block: Any) -> tuple[list[str], str, str]:
    n, kind, *rest = block
    if kind == "task":
        return [f"user t{n}"], f"t{n}", f"t{n}"
    if kind == "hasty":
        beside = f"end e{n} ; b{n} -> h{n} -> e{n}" if rest[0] else f"b{n} -> h{n} -> y{n}"
        side = " aside" if rest[0] else ""
        lines = [f"user t{n}", f"user h{n}", f"xor y{n}", f"boundary b{n} on=t{n} message=b{n}{side}", f"t{n} -> y{n}"]
        return [*lines, *beside.split(" ; ")], f"t{n}", f"y{n}"
    if kind in ("row", "and"):
        parts = [_draw(one) for one in rest]
        lines = [line for part in parts for line in part[0]]
        if kind == "row":
            lines += [f"{one[2]} -> {two[1]}" for one, two in zip(parts, parts[1:], strict=False)]
            return lines, parts[0][1], parts[-1][2]
        lines += [f"and x{n}", f"and y{n}", *(f"x{n} -> {one[1]}" for one in parts)]
        return [*lines, *(f"{one[2]} -> y{n}" for one in parts)], f"x{n}", f"y{n}"
    body = rest[0] if kind == "sub" else rest[-1]
    marker = {"sub": "", "again": f" rounds={rest[0]} again=true"}.get(kind)
    if marker is None:
        marker = f" multi={list(range(rest[0]))} item=i{n}".replace(" ", "").replace("multi", " multi")
        marker = marker.replace("item", " item") + (" in_turn" if rest[1] else "")
    inside, first, last = _draw(body)
    lines = [f"sub u{n}{marker} {{", f"start s{n}", f"end e{n}", f"s{n} -> {first}", f"{last} -> e{n}", *inside]
    if kind == "sub" and rest[1]:
        aside, handler = rest[1]
        inside, first, last = _draw(handler)
        lines += [f"sub k{n} handler {{", f"start ks{n} message=m{n}{' aside' if aside else ''}", f"end ke{n}"]
        lines += [f"ks{n} -> {first}", f"{last} -> ke{n}", *inside, "}"]
    return [*lines, "}"], f"u{n}", f"u{n}"


# -- playing it ------------------------------------------------------------------------------------------------------


class Play:
    """Attributes:
    waiting: what may happen, the oldest first: (thing, what to do when it happens, the run it belongs to).
    """

    def __init__(self, block: Any) -> None:
        self.waiting: list[tuple[Thing, Callable[[], None], Run]] = []
        self.finished = False
        self.main = Run(None, ())
        self.main.begin(self, block, self._end)

    def _end(self) -> None:
        self.finished = True

    def things(self) -> list[Thing]:
        return sorted(one[0] for one in self.waiting)

    def happens(self, thing: Thing) -> None:
        next(act for it, act, _ in self.waiting if it == thing)()

    def forget(self, run: Run) -> None:
        self.waiting = [one for one in self.waiting if not one[2].is_in(run)]

    def remove(self, thing: Thing, run: Run) -> None:
        self.waiting = [one for one in self.waiting if not (one[0] == thing and one[2] is run)]


class Run:
    """Something that runs and can be called off with all that it began: a process, a subprocess, a task."""

    def __init__(self, outer: Run | None, path: Path) -> None:
        self.outer = outer
        self.path = path
        self.threads = 0
        self.then: Callable[[], None] = lambda: None
        self.play: Any = None

    def is_in(self, run: Run) -> bool:
        return self is run or self.outer is not None and self.outer.is_in(run)

    def begin(self, play: Play, block: Any, then: Callable[[], None]) -> None:
        """A scope: over when its last thread is."""
        self.play, self.then = play, then
        self.thread(block)

    def thread(self, block: Any) -> None:
        self.threads += 1
        self.do(block, self.thread_ends)

    def thread_ends(self) -> None:
        self.threads -= 1
        if not self.threads:
            self.play.forget(self)  # its event subprocess, which waits in vain
            self.then()

    def wait(self, name: str, act: Callable[[], None], run: Run | None = None) -> None:
        self.play.waiting.append(((name, self.path), act, run or self))

    def do(self, block: Any, then: Callable[[], None]) -> None:
        n, kind, *rest = block
        getattr(self, f"_{kind}")(n, then, *rest)

    def _task(self, n: int, then: Callable[[], None], name: str = "t") -> None:
        task = Run(self, self.path)
        task.play = self.play

        def done() -> None:
            self.play.forget(task)
            then()

        self.wait(f"{name}{n}", done, task)

    def _hasty(self, n: int, then: Callable[[], None], aside: bool) -> None:
        task = Run(self, self.path)
        task.play = self.play

        def done() -> None:
            self.play.forget(task)
            then()

        def disturbed() -> None:
            if aside:
                self.threads += 1
                self._task(n, self.thread_ends, "h")
            else:
                self.play.forget(task)
                self._task(n, then, "h")

        self.wait(f"t{n}", done, task)
        self.wait(f"b{n}", disturbed, task)

    def _row(self, n: int, then: Callable[[], None], *blocks: Any) -> None:
        first, *others = blocks
        self.do(first, then if not others else lambda: self._row(n, then, *others))

    def _and(self, n: int, then: Callable[[], None], *blocks: Any) -> None:
        missing = [len(blocks)]

        def one_is_done() -> None:
            missing[0] -= 1
            if not missing[0]:
                then()

        for block in blocks:
            self.do(block, one_is_done)

    def _sub(self, n: int, then: Callable[[], None], body: Any, handler: Any) -> None:
        scope = Run(self, self.path)
        scope.play = self.play
        if handler:
            aside, does = handler

            def happens() -> None:
                if not aside:
                    self.play.forget(scope)
                    scope.threads = 0
                inner = Run(scope, scope.path)
                scope.threads += 1
                inner.begin(self.play, does, scope.thread_ends)

            scope.wait(f"m{n}", happens)
        scope.begin(self.play, body, then)

    def _several(self, n: int, then: Callable[[], None], many: int, in_turn: bool, body: Any) -> None:
        missing = [many]

        def begin(number: int) -> None:
            one = Run(self, tuple(sorted((*self.path, (f"i{n}", number)))))
            one.begin(self.play, body, lambda: one_is_done(number))

        def one_is_done(number: int) -> None:
            missing[0] -= 1
            if not missing[0]:
                then()
            elif in_turn:
                begin(number + 1)

        if not many:
            then()
        for number in range(min(many, 1) if in_turn else many):
            begin(number)

    def _again(self, n: int, then: Callable[[], None], rounds: int, body: Any) -> None:
        if not rounds:
            then()
            return
        Run(self, self.path).begin(self.play, body, lambda: self._again(n, then, rounds - 1, body))


def number(block: Any) -> Any:
    return numbered(block, count(1))

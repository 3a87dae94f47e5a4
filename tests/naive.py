"""A token game written only to disagree: BPMN on blocks inside blocks, as simply as it can be said.

A block is a tuple: its kind, and what belongs to it; `_draw` says how each is drawn. A *trigger* is ``message``,
``timer``, ``cycle`` (twice), ``signal`` or ``conditional``. Numbers are given in the order in which blocks are met, to
the drawing (`drawn`) and to the game (`Play`) alike; a timer takes as many hours as its block's number.

What BPMN leaves open (which of two things that happen at one moment comes first) is not drawn: behind everything that
a signal or a condition can begin there is a task, and before whatever throws something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

Path = tuple[tuple[str, int], ...]
Thing = tuple[str, Path, float | None]  # an element where something is waited for, in which instances, until when
Then = Callable[[], None]
_INNER = {"row": 0, "and": 0, "or": 1, "link": 0, "ends": 2, "several": 2, "again": 1, "call": 0}
HIGH, LOW = "cao", "thap"  # of the field that conditions look at


def number(block: Any) -> Any:
    return _numbered(block, count(1))


def _numbered(block: Any, numbers: Iterator[int]) -> Any:
    """The block with its number in front, and all within it likewise."""
    kind, *rest = block
    n = next(numbers)
    if kind == "sub":
        body, handler = rest
        within = _numbered(body, numbers)
        return (n, kind, within, handler and (*handler[:2], _numbered(handler[2], numbers)))
    own = _INNER.get(kind, len(rest))
    return (n, kind, *rest[:own], *(_numbered(one, numbers) for one in rest[own:]))


# -- drawing it ------------------------------------------------------------------------------------------------------


def drawn(block: Any) -> tuple[str, dict[str, str]]:
    """The process, and those that it calls."""
    calls: dict[str, str] = {}
    return _process(block, calls), calls


def _process(block: Any, calls: dict[str, str]) -> str:
    lines, first, last = _draw(block, calls)
    return "\n".join(["start s", "end e", f"s -> {first}", f"{last} -> e", *lines])


def _event(trigger: str, n: int, name: str) -> str:
    return {"message": f"message={name}", "timer": f"timer=PT{n}H", "cycle": f"cycle=R2/PT{n}H", "signal": "signal=g",
            "conditional": f"conditional='${{severity==\"{HIGH}\"}}'"}[trigger]  # fmt: skip


def _draw(block: Any, calls: dict[str, str]) -> tuple[list[str], str, str]:
    """The lines of it, where it begins and where it ends."""
    n, kind, *rest = block
    if kind not in _INNER and kind != "sub":
        return _leaf(n, kind, *rest)
    own = _INNER.get(kind, 0)
    parts = [_draw(one, calls) for one in rest[own:]] if kind not in ("call", "sub") else []
    lines = [line for part in parts for line in part[0]]
    if kind == "row":
        lines += [f"{one[2]} -> {two[1]}" for one, two in zip(parts, parts[1:], strict=False)]
        return lines, parts[0][1], parts[-1][2]
    if kind == "link":
        (_, first, middle), (_, again, last) = parts
        lines += [f"throw v{n} link=l{n}", f"catch z{n} link=l{n}", f"{middle} -> v{n}", f"z{n} -> {again}"]
        return lines, first, last
    if kind in ("and", "or"):
        lines += [f"{kind} x{n}", f"{kind} y{n}", *(f"{one[2]} -> y{n}" for one in parts)]
        for place, one in enumerate(parts):
            condition = f" : ${{{place} in {sorted(rest[0])}}}" if kind == "or" else ""
            lines.append(f"x{n} -> {one[1]}{condition}")
        return lines, f"x{n}", f"y{n}"
    if kind == "call":
        calls[f"Q{n}"] = _process(rest[0], calls)
        return [f"call u{n} calls=Q{n}"], f"u{n}", f"u{n}"
    if kind == "ends":
        return _ends(n, *rest[:2], *parts)
    if kind == "sub":
        return _sub(n, *rest, calls)
    marker = f"rounds={rest[0]} again=true"
    if kind == "several":
        marker = f"multi={_list(rest[0])} item=i{n}" + (" in_turn" if rest[1] else "")
    return _box(n, marker, parts[0]), f"u{n}", f"u{n}"


def _leaf(n: int, kind: str, *rest: Any) -> tuple[list[str], str, str]:
    if kind == "task":
        return [f"user t{n}"], f"t{n}", f"t{n}"
    if kind == "crowd":  # a task for each of several, until enough of them are done
        many, in_turn, enough = rest
        turn = " in_turn" if in_turn else ""
        until = f"until='${{nrOfCompletedInstances>={enough}}}'"
        return [f"user t{n} multi={_list(many)} item=i{n} {until}{turn}"], f"t{n}", f"t{n}"
    if kind == "hasty":  # a task with an event on its border
        return _hasty(n, *rest)
    if kind == "wait":
        return [f"catch c{n} {_event(rest[0], n, f'c{n}')}", f"user h{n}", f"c{n} -> h{n}"], f"c{n}", f"h{n}"
    if kind == "race":  # the first of several events
        lines = [f"race x{n}", f"xor y{n}", f"user h{n}", f"y{n} -> h{n}"]
        for place, trigger in enumerate(rest[0]):
            name = f"c{n}x{place}"
            lines += [f"catch {name} {_event(trigger, n + place, name)}", f"x{n} -> {name} -> y{n}"]
        return lines, f"x{n}", f"h{n}"
    return [f"user t{n}", f"throw w{n} signal=g", f"t{n} -> w{n}"], f"t{n}", f"w{n}"  # it throws


def _list(many: int) -> str:
    return str(list(range(many))).replace(" ", "")


def _box(n: int, marker: str, part: tuple[list[str], str, str], more: tuple[str, ...] = ()) -> list[str]:
    inside, first, last = part
    return [f"sub u{n} {marker} {{", f"start s{n}", f"end e{n}", f"s{n} -> {first}", f"{last} -> e{n}", *inside, *more,
            "}"]  # fmt: skip


def _hasty(n: int, trigger: str, aside: bool) -> tuple[list[str], str, str]:
    beside = [f"end e{n}", f"b{n} -> h{n} -> e{n}"] if aside else [f"b{n} -> h{n} -> y{n}"]
    event = f"boundary b{n} on=t{n} {_event(trigger, n, f'b{n}')}{' aside' if aside else ''}"
    return [f"user t{n}", f"user h{n}", f"xor y{n}", event, f"t{n} -> y{n}", *beside], f"t{n}", f"y{n}"


def _sub(n: int, body: Any, handler: Any, calls: dict[str, str]) -> tuple[list[str], str, str]:
    """A subprocess, perhaps with an event subprocess in it."""
    more: list[str] = []
    if handler:
        trigger, aside, does = handler
        inside, first, last = _draw(does, calls)
        begins = f"start k{n} {_event(trigger, n, f'k{n}')}{' aside' if aside else ''}"
        more = [f"sub j{n} handler {{", begins, f"end o{n}", f"k{n} -> {first}", f"{last} -> o{n}", *inside, "}"]
    return _box(n, "", _draw(body, calls), tuple(more)), f"u{n}", f"u{n}"


def _ends(n: int, how: str, deep: bool, one: Any, other: Any) -> tuple[list[str], str, str]:
    """A subprocess of two paths; the end of the first of them, perhaps in a subprocess of its own, throws something."""
    what = {"terminate": "terminate", "error": f"error=f{n}"}.get(how, f"escalation=f{n}")
    first, last = one[1:]
    path = [*one[0], f"user q{n}", f"end z{n} {what}", f"{last} -> q{n} -> z{n}"]
    if deep:
        path = [f"sub v{n} {{", f"start sv{n}", f"sv{n} -> {first}", *path, "}", f"end ev{n}", f"v{n} -> ev{n}"]
        first = f"v{n}"
    inside = [*path, *other[0], f"and x{n}", f"start s{n}", f"end e{n}", f"s{n} -> x{n}", f"x{n} -> {first}",
              f"x{n} -> {other[1]}", f"{other[2]} -> e{n}"]  # fmt: skip
    lines = [f"sub u{n} {{", *inside, "}", f"xor y{n}", f"u{n} -> y{n}"]
    if how != "terminate":
        lines += [f"boundary b{n} on=u{n} {what}{' aside' if how == 'aside' else ''}", f"user h{n}"]
        lines += [f"end a{n}", f"b{n} -> h{n} -> a{n}"] if how == "aside" else [f"b{n} -> h{n} -> y{n}"]
    return lines, f"u{n}", f"y{n}"


# -- playing it ------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Wait:
    """Attributes:
    kind: a trigger, ``task``, or ``running``: it waits for nothing, and can be called off.
    aside: it can happen again.
    guards: an event subprocess, which hears a signal after everybody else.
    left: how often it still happens, if it has a clock.
    """

    name: str
    kind: str
    act: Then
    run: Run
    due: float | None = None
    every: int = 0
    left: int = 1
    aside: bool = False
    guards: bool = False
    held: bool = False

    @property
    def thing(self) -> Thing:
        return self.name, self.run.path, self.due


class Play:
    """Attributes:
    waiting: whatever something is waited for with, the oldest first.
    severity: the field of the case that conditions look at.
    """

    def __init__(self, block: Any) -> None:
        self.waiting: list[Wait] = []
        self.now = 0.0
        self.severity = LOW
        self.finished = False
        Run(self, None, ()).begin(block, self._end)
        self._rest()

    def _end(self) -> None:
        self.finished = True

    def things(self) -> list[Thing]:
        return sorted((one.thing for one in self.waiting), key=str)

    def next(self) -> list[Wait]:
        """What may happen next; signals are thrown, conditions come true, clocks strike in their order."""
        first = min((one.due for one in self.waiting if one.due is not None), default=None)
        found: dict[Thing, Wait] = {}  # of those that nobody can tell apart, the oldest
        for one in self.waiting:
            if one.kind in ("task", "message") or one.due is not None and one.due == first:
                found.setdefault(one.thing, one)
        return list(found.values())

    def happens(self, one: Wait, severity: str | None) -> None:
        if one.due is not None:
            self.now = one.due
        self.severity = severity or self.severity
        self.hit(one)
        self._rest()

    def hit(self, one: Wait) -> None:
        one.left -= 1
        if one.due is not None and one.left:
            one.due += one.every
        elif one.due is not None or not one.aside:
            self.waiting.remove(one)
        one.act()

    def throw(self) -> None:
        for one in sorted((one for one in self.waiting if one.kind == "signal"), key=lambda one: one.guards):
            if one in self.waiting:
                self.hit(one)

    def _rest(self) -> None:
        """Conditions are looked at."""
        for one in self.waiting:
            if one.kind == "conditional":
                held, one.held = one.held, self.severity == HIGH
                if one.held and not held:
                    self.hit(one)
                    return self._rest()

    def forget(self, run: Run) -> None:
        self.waiting = [one for one in self.waiting if not one.run.is_in(run)]


class Run:
    """Something that runs and can be called off with all that it began: a process, a subprocess, a task."""

    def __init__(self, play: Play, outer: Run | None, path: Path) -> None:
        self.play = play
        self.outer = outer
        self.path = path
        self.threads = 0
        self.then: Then = lambda: None

    def within(self, *more: tuple[str, int]) -> Run:
        return Run(self.play, self, tuple(sorted((*self.path, *more))))

    def is_in(self, run: Run) -> bool:
        return self is run or self.outer is not None and self.outer.is_in(run)

    def begin(self, block: Any, then: Then) -> None:
        """A scope: over when its last thread is."""
        self.then = then
        self.threads += 1
        self.do(block, self.thread_ends)

    def thread_ends(self) -> None:
        self.threads -= 1
        if not self.threads:
            self.play.forget(self)  # its event subprocess, which waits in vain
            self.then()

    def aside(self, n: int) -> None:
        """A task on a path of its own."""
        self.threads += 1
        self._task(n, self.thread_ends, "h")

    def expects(self, name: str, trigger: str, hours: int, act: Then, **more: Any) -> Wait:
        timed = trigger in ("timer", "cycle")
        due = {"due": self.play.now + hours, "every": hours, "left": 2 if trigger == "cycle" else 1} if timed else {}
        self.play.waiting.append(one := Wait(name, trigger, act, self, **due, **more))
        return one

    def do(self, block: Any, then: Then) -> None:
        n, kind, *rest = block
        getattr(self, f"_{kind}")(n, then, *rest)

    def _task(self, n: int, then: Then, name: str = "t") -> None:
        self.within().expects(f"{name}{n}", "task", 0, then)

    def _crowd(self, n: int, then: Then, many: int, in_turn: bool, enough: int) -> None:
        whole = self.within()

        def begin(number: int, done: Then) -> None:
            whole.within((f"i{n}", number)).expects(f"t{n}", "task", 0, done)

        def ends() -> None:
            self.play.forget(whole)
            then()

        _so_many(begin, many, in_turn, enough, ends)

    def _hasty(self, n: int, then: Then, trigger: str, aside: bool) -> None:
        task = self.within()

        def done() -> None:
            self.play.forget(task)
            then()

        def disturbed() -> None:
            if aside:
                self.aside(n)
            else:
                self.play.forget(task)
                self._task(n, then, "h")

        task.expects(f"t{n}", "task", 0, done)
        task.expects(f"b{n}", trigger, n, disturbed, aside=aside)

    def _wait(self, n: int, then: Then, trigger: str) -> None:
        self.within().expects(f"c{n}", trigger, n, lambda: self._task(n, then, "h"))

    def _race(self, n: int, then: Then, triggers: tuple[str, ...]) -> None:
        all_of_them = self.within()

        def won() -> None:
            self.play.forget(all_of_them)
            self._task(n, then, "h")

        for place, trigger in enumerate(triggers):
            all_of_them.expects(f"c{n}x{place}", trigger, n + place, won)

    def _throws(self, n: int, then: Then) -> None:
        def thrown() -> None:
            here = self.within().expects("", "running", 0, then)
            self.play.throw()
            if here in self.play.waiting:  # what it threw may have called it off itself
                self.play.waiting.remove(here)
                then()

        self._task(n, thrown)

    def _row(self, n: int, then: Then, *blocks: Any) -> None:
        first, *others = blocks
        self.do(first, then if not others else lambda: self._row(n, then, *others))

    _link = _row

    def _and(self, n: int, then: Then, *blocks: Any) -> None:
        missing = [len(blocks)]

        def one_is_done() -> None:
            missing[0] -= 1
            if not missing[0]:
                then()

        for block in blocks:
            self.do(block, one_is_done)

    def _or(self, n: int, then: Then, chosen: frozenset[int], *blocks: Any) -> None:
        self._and(n, then, *(block for place, block in enumerate(blocks) if place in chosen))

    def _call(self, n: int, then: Then, body: Any) -> None:
        self.within().begin(body, then)

    def _sub(self, n: int, then: Then, body: Any, handler: Any) -> None:
        scope = self.within()
        if handler:
            trigger, aside, does = handler

            def happens() -> None:
                if not aside:
                    self.play.forget(scope)
                    scope.threads = 0
                scope.threads += 1
                scope.within().begin(does, scope.thread_ends)

            scope.expects(f"k{n}", trigger, n, happens, aside=aside, guards=True)
        scope.begin(body, then)

    def _ends(self, n: int, then: Then, how: str, deep: bool, first: Any, second: Any) -> None:
        whole = self.within()
        whole.threads, whole.then = 2, then
        place = whole.within() if deep else whole
        if deep:
            place.threads, place.then = 1, whole.thread_ends

        def thrown() -> None:
            if how == "terminate":
                self.play.forget(place)
                place.then()
            elif how == "aside":
                self.aside(n)
                place.thread_ends()
            else:
                self.play.forget(whole)
                self._task(n, then, "h")

        place.do(first, lambda: place._task(n, thrown, "q"))
        whole.do(second, whole.thread_ends)

    def _several(self, n: int, then: Then, many: int, in_turn: bool, body: Any) -> None:
        def begin(number: int, done: Then) -> None:
            self.within((f"i{n}", number)).begin(body, done)

        _so_many(begin, many, in_turn, many, then)

    def _again(self, n: int, then: Then, rounds: int, body: Any) -> None:
        if not rounds:
            then()
            return
        self.within().begin(body, lambda: self._again(n, then, rounds - 1, body))


def _so_many(begin: Callable[[int, Then], None], many: int, in_turn: bool, enough: int, then: Then) -> None:
    """Begin so many, together or one after the other, until enough of them are done."""
    done = [0]

    def begins(number: int) -> None:
        begin(number, lambda: one_is_done(number))

    def one_is_done(number: int) -> None:
        done[0] += 1
        if done[0] in (many, enough):
            then()
        elif in_turn:
            begins(number + 1)

    if not many:
        then()
    for number in range(min(many, 1) if in_turn else many):
        begins(number)

"""A running process without a database, for tests: what people, clocks and services do, a line each.

    case = Running("start s ; user verify ; end e ; s -> verify -> e").starts(loai="rac")
    case.does("verify", ket_qua="dung")
    assert case.finished

It keeps the books that the engine keeps in its tables, from outcomes alone, and after every step holds them against
the state: whatever a test is about, it also tests that outcomes tell the whole truth and that a step is a function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from SpiffWorkflow import TaskState

from engine.flow import codec, steps
from engine.flow.events import Alarm, Catch
from engine.flow.machine import Machine
from engine.flow.nodes import ServiceTask, UserTask
from engine.flow.parser import parse
from engine.flow.tokens import Moment
from engine.terms.calendar import ROUND_THE_CLOCK, Term
from tests.drawing import draw

BEGIN = datetime(2021, 9, 3, 3, 30, tzinfo=UTC)
MAIN = "P"


def machine(drawing: str, calls: Mapping[str, str] | None = None, files: Mapping[str, bytes] | None = None) -> Machine:
    """Args:
    drawing: text for `draw`; `` ; `` may stand for the end of a line.
    calls: called processes by id, drawn likewise.
    files: further files of the package.
    """
    drawn = {MAIN: drawing, **(calls or {})}
    made = {f"{key}.bpmn": draw(text.replace(" ; ", "\n"), key) for key, text in drawn.items()}
    return Machine(parse({**made, **(files or {})}, MAIN, {}))


class Running:
    """Attributes:
    now: what the next step takes for the present.
    outcome: of the last step; ``passed``: the elements completed in all steps.
    open, timers, awaited, asked: by token, what is open at present: tasks, timers, messages, calls of services.
    told: everything told to anybody.
    points: what ``due``, ``warn`` and ``late`` answer, by (term, mark).
    """

    def __init__(self, drawing: str | Machine, **more: Any) -> None:
        self.machine = drawing if isinstance(drawing, Machine) else machine(drawing, **more)
        self.now = BEGIN
        self.state: bytes | None = None
        self.outcome = steps.Outcome()
        self.passed: list[str] = []
        self.open: dict[int, steps.OpenTask] = {}
        self.timers: dict[int, steps.Timer] = {}
        self.awaited: dict[int, str] = {}
        self.asked: dict[int, steps.CallOut] = {}
        self.told: list[steps.Notify] = []
        self.points: dict[tuple[str, str | float], datetime] = {}

    # -- what happens ----------------------------------------------------------------------------------------------

    def starts(self, **data: Any) -> Running:
        return self.take(steps.Start(data))

    def does(self, element: str, **answers: Any) -> Running:
        """Somebody completes the oldest open task of that name."""
        return self.take(steps.Complete(self.token_of(element), answers))

    def waits(self, term: str) -> Running:
        """Time passes, and what falls due in it is fired when it is due."""
        until = ROUND_THE_CLOCK.add(self.now, Term.parse(term))
        while due := sorted((one for one in self.timers.values() if one.due_at <= until), key=lambda one: one.due_at):
            self.now = max(self.now, due[0].due_at)
            self.take(steps.Fire(due[0].token))
        self.now = until
        return self

    def hears(self, message: str, **payload: Any) -> Running:
        return self.take(steps.Deliver(message, payload))

    def is_answered(self, element: str, **result: Any) -> Running:
        """A service answers the oldest call of that element."""
        token = min(token for token, call in self.asked.items() if call.element == element)
        del self.asked[token]
        return self.take(steps.Answer(token, result))

    def take(self, step: steps.Step) -> Running:
        outcome = self.machine.take(self.state, step, self.moment())
        again = self.machine.take(self.state, step, self.moment())
        assert outcome == again, "the same step from the same state must come to the same"
        self._keep_books(outcome)
        self._check_books()
        return self

    def moment(self) -> Moment:
        """As the engine makes one: its functions note which point of which deadline they were asked for."""
        moment = Moment(self.now)

        def point(name: str, mark: str | float) -> str:
            value = self.points[name, mark].isoformat()
            moment.asked.append((value, name, mark))
            return value

        moment.functions = {
            "due": lambda name: point(name, "due"),
            "warn": lambda name: point(name, "warn"),
            "late": point,
        }
        return moment

    # -- what is seen ----------------------------------------------------------------------------------------------

    @property
    def tasks(self) -> list[str]:
        """The elements of open tasks, the oldest first."""
        return [self.open[token].element for token in sorted(self.open)]

    @property
    def clocks(self) -> list[str]:
        """The elements of armed timers, the earliest first."""
        return [timer.element for timer in sorted(self.timers.values(), key=lambda timer: timer.due_at)]

    @property
    def data(self) -> dict[str, Any]:
        return self.outcome.data

    @property
    def finished(self) -> bool:
        return self.outcome.finished

    def token_of(self, element: str) -> int:
        return min(token for token, task in self.open.items() if task.element == element)

    # -- the books -------------------------------------------------------------------------------------------------

    def _keep_books(self, outcome: steps.Outcome) -> None:
        self.state, self.outcome = outcome.state, outcome
        self.passed += outcome.passed
        for token, element in outcome.left_tasks.items():
            assert self.open.pop(token).element == element
        for token in outcome.left_timers:
            del self.timers[token]
        for token in outcome.left_messages:
            del self.awaited[token]
        _add(self.open, ((task.token, task) for task in outcome.opened))
        _add(self.awaited, outcome.awaited)
        self.timers |= {timer.token: timer for timer in outcome.armed}
        self.open |= {task.token: task for task in outcome.regrouped}
        for effect in outcome.effects:
            if isinstance(effect, steps.Notify):
                self.told.append(effect)
            else:
                _add(self.asked, [(effect.token, effect)])

    def _check_books(self) -> None:
        process = codec.decode(self.machine.definition, self.state or b"")
        living = {token.id: token for token in process.all_living()}
        at = {kind: {n for n, one in living.items() if isinstance(one.task_spec, kind)} for kind in _KINDS}
        waiting = {n: living[n].task_spec for n in at[Catch] if living[n]._state == TaskState.WAITING}

        assert codec.encode(process) == self.state
        assert process.scope == self.data
        assert process.completed == self.finished == (not living)
        assert len(living) == len(process.all_living()) and max(living, default=0) <= process.serial
        assert {token._state for token in living.values()} <= {TaskState.WAITING, TaskState.READY, TaskState.STARTED}
        assert {n for n, one in living.items() if one._state == TaskState.READY} == at[UserTask] == self.open.keys()
        assert {n for n, node in waiting.items() if isinstance(node.event_definition, Alarm)} == self.timers.keys()
        assert {n: node.message for n, node in waiting.items() if node.message} == self.awaited
        assert at[ServiceTask] <= self.asked.keys()
        assert all(one.internal_data["host"] in living for one in living.values() if one.is_watcher)
        assert all(living[host]._state == TaskState.STARTED for host in process.subprocesses)


_KINDS = (UserTask, ServiceTask, Catch)


def _add(book: dict[int, Any], new: Iterable[tuple[int, Any]]) -> None:
    for token, thing in new:
        assert token not in book, "a token's number is never used again"
        book[token] = thing

"""A running process is a value: (state, step, moment) in, new state and what follows from it out.

The machine touches no database, no clock and no network. Whatever goes wrong inside a diagram comes out as a
`ProcessFault`, and the state that went in is still good.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow import TaskState

from engine.errors import ProcessFault, WrongState
from engine.flow import codec, moves
from engine.flow.events import Alarm, Catch, hearing, spread, throw_error, waiting_for
from engine.flow.nodes import ServiceTask, UserTask
from engine.flow.parser import Definition
from engine.flow.steps import (
    Abandon,
    Amend,
    Answer,
    Arrive,
    Complete,
    Deliver,
    Fail,
    Fire,
    Hear,
    Modify,
    Notify,
    OpenTask,
    Outcome,
    Parting,
    Reassign,
    Start,
    Step,
)
from engine.flow.tokens import Moment, Process, Token

_REGROUPING = (Amend, Reassign)  # after these, tasks may be somebody else's
LIVING_MAX = 2_000  # tokens of one case: what it waits for at once


class Machine:
    """What a definition does with a step.

    >>> outcome = Machine(definition).take(None, Start({"number": "1022.BD.20210903.00001"}), moment)
    """

    def __init__(self, definition: Definition) -> None:
        self.definition = definition

    def take(self, state: bytes | None, step: Step, moment: Moment) -> Outcome:
        """Raises:
        WrongState: nothing waits for this step (any more).
        ProcessFault: the diagram, a table or an expression does not allow it.
        """
        process = self._process(state, step)
        process.moment = moment
        moment.data = process.scope
        before = {token.id: token.task_spec for token in process.all_living()}
        try:
            _TAKE[type(step)](process, step)
            process.run()
            return self._outcome(process, before, step)
        except (ProcessFault, WrongState):
            raise
        except RecursionError:
            raise ProcessFault("The diagram is nested or chained too deeply.") from None
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            raise ProcessFault(f"The step {type(step).__name__} failed: {said}") from error
        finally:
            process.fall_apart()

    def _process(self, state: bytes | None, step: Step) -> Process:
        if state and isinstance(step, Start):
            raise WrongState("The process has begun already.")
        if state:
            return codec.decode(self.definition, state)
        if not isinstance(step, Start | Abandon):
            raise WrongState("The process has not begun: its first step could not be taken.")
        return Process(self.definition.spec, self.definition.subprocesses, dict(step.data))

    def describe(self, element: str) -> str:
        """The name drawn on an element."""
        node = self.definition.nodes.get(element)
        return node.title if node else element

    def _outcome(self, process: Process, before: dict[int, Any], step: Step) -> Outcome:
        living = process.all_living()
        if len(living) > max(LIVING_MAX, len(before)):
            raise ProcessFault(f"The case would be at {len(living)} places of its diagram at once, and {LIVING_MAX} is "
                               "the most: does something begin again and again before it is done?")
        new = [token for token in living if token.id not in before]
        outcome = Outcome(data=process.scope, passed=process.passed)
        outcome.opened = [_open_task(token) for token in new if isinstance(token.task_spec, UserTask)]
        if type(step) in _REGROUPING:
            outcome.regrouped = _regroup([token for token in living if token.id in before])
        outcome.awaited = [(token.id, token.task_spec.message) for token in new if _message(token)]
        outcome.keys = {token.id: token.internal_data["key"] for token in new if "key" in token.internal_data}
        outcome.heard = [(token.id, token.task_spec.signal) for token in new if _signal(token)]
        outcome.aside = {token.id for token in new if token.is_watcher or token.is_sentry}
        outcome.came = [
            [token.id, token.task_spec.bpmn_id]
            for token in new
            if token.task_spec.bpmn_id and not token.is_watcher and not token.is_sentry
        ]
        alive = {token.id for token in living}
        outcome.gone = [number for number in before if number not in alive]
        _note_left(outcome, {number: node for number, node in before.items() if number not in alive})
        if outcome.left_timers:
            outcome.timers_wait = any(_is_timer(node) for number, node in before.items() if number in alive)
        if isinstance(step, Answer | Fail):
            outcome.left_calls.discard(step.token)
        outcome.armed = [timer for timer in process.armed if timer.token in alive]
        outcome.effects = [one for one in process.effects if isinstance(one, Parting) or one.token in alive]
        outcome.finished = process.completed
        outcome.state = codec.encode(process)
        return outcome


def _note_left(outcome: Outcome, left: dict[int, Any]) -> None:
    for number, node in left.items():
        if isinstance(node, UserTask):
            outcome.left_tasks[number] = node.bpmn_id
        elif _is_timer(node):
            outcome.left_timers.add(number)
        elif isinstance(node, Catch) and node.message:
            outcome.left_messages.add(number)
        elif isinstance(node, Catch) and node.signal:
            outcome.left_signals.add(number)
        elif isinstance(node, ServiceTask):
            outcome.left_calls.add(number)


def _is_timer(node: Any) -> bool:
    return isinstance(node, Catch) and isinstance(node.event_definition, Alarm)


def _open_task(token: Token) -> OpenTask:
    node: UserTask = token.task_spec
    group = token.internal_data["group"] = node.group_of(token)
    term = node.term_of(token) if node.term else ""
    return OpenTask(token.id, node.bpmn_id, node.title, group, node.form, term)


def _regroup(tokens: list[Token]) -> list[OpenTask]:
    tasks = [token for token in tokens if isinstance(token.task_spec, UserTask)]
    changed = [token for token in tasks if token.task_spec.group_of(token) != token.internal_data.get("group")]
    return [_open_task(token) for token in changed]


def _message(token: Token) -> str | None:
    node = token.task_spec
    return node.message if isinstance(node, Catch) and token._state == TaskState.WAITING else None


def _signal(token: Token) -> str | None:
    node = token.task_spec
    return node.signal if isinstance(node, Catch) and token._state == TaskState.WAITING else None


def _waiting(process: Process, number: int, kind: type[Any], state: int) -> Token:
    token = process.token(number)
    if token is None or token._state != state or not isinstance(token.task_spec, kind):
        raise WrongState("The process has moved past this step.")
    return token


def _start(process: Process, step: Start) -> None:
    process.start()


def _complete(process: Process, step: Complete) -> None:
    token = _waiting(process, step.token, UserTask, TaskState.READY)
    token.data.update(process.moment.succeeded(step.answers))
    token.complete()


def _fire(process: Process, step: Fire) -> None:
    token = _waiting(process, step.token, Catch, TaskState.WAITING)
    if not isinstance(token.task_spec.event_definition, Alarm):
        raise WrongState("The process waits there for something else than a moment.")
    token.task_spec.hit(token)


def _deliver(process: Process, step: Deliver) -> None:
    waiting = waiting_for(process, step.message)
    if step.token is not None:
        waiting = [token for token in waiting if token.id == step.token]
    if step.within is not None:
        around = _around(process, step.within, step.part)
        waiting = sorted((token for token in waiting if _hangs_on(token) in around),
                         key=lambda token: around.index(_hangs_on(token)))
    if not waiting:
        raise WrongState(f"The case does not wait for the message {step.message!r} (now).", message=step.message)
    waiting[0].data.update(step.payload)
    waiting[0].task_spec.hit(waiting[0])


def _hear(process: Process, step: Hear) -> None:
    hearers = [token for token in hearing(process, step.signal) if token.id <= step.last]
    if not hearers:
        raise WrongState(f"The case does not wait for the signal {step.signal!r} (any more).")
    spread(hearers, step.payload)


def _around(process: Process, number: int, part: bool) -> list[int]:
    """The token, and the hosts of all that it is in, the innermost first; 0 stands for the whole process.

    Args:
        part: stop at the instance of a multi-instance activity that it is part of; nothing if there is none.
    """
    found: list[int] = []
    token = process.token(number)
    while token is not None:
        found.append(token.id)
        whole = token.internal_data.get("of")
        if whole is not None and part:
            return found
        if whole is not None:
            found.append(whole)
        token = getattr(token.workflow, "host", None)
    return [] if part else [*found, 0]


def _hangs_on(token: Token) -> int | None:
    """What the event that a token waits for is drawn on: an element; for an event subprocess, all that is around it."""
    if token.task_spec.guards:
        host = getattr(token.workflow, "host", None)
        return host.id if host is not None else 0
    return token.internal_data.get("host")


def _answer(process: Process, step: Answer) -> None:
    token = _waiting(process, step.token, ServiceTask, TaskState.STARTED)
    token.task_spec.answer(token, step.result)


def _fail(process: Process, step: Fail) -> None:
    token = _waiting(process, step.token, ServiceTask, TaskState.STARTED)
    token.data.update(step.data)
    if not throw_error(token, step.code, step.message):
        said = f": {step.message}" if step.message else ""
        raise token.task_spec.fault(f"nothing catches the error {step.code!r} that the service ended with{said}")


def _amend(process: Process, step: Amend) -> None:
    process.amend(step.data)


def _reassign(process: Process, step: Reassign) -> None:
    token = _waiting(process, step.token, UserTask, TaskState.READY)
    token.internal_data["given"] = step.group


def _abandon(process: Process, step: Abandon) -> None:
    for token in process.living():
        token.cancel()
    process.scope.update(step.data)
    process.end()
    if step.text:
        process.effects.append(Notify(0, "", step.text, "reporter", process.scope, process.scope))


_TAKE: dict[type[Any], Any] = {
    Start: _start,
    Complete: _complete,
    Fire: _fire,
    Deliver: _deliver,
    Hear: _hear,
    Answer: _answer,
    Fail: _fail,
    Amend: _amend,
    Reassign: _reassign,
    Abandon: _abandon,
    Arrive: moves.arrive,
    Modify: moves.modify,
}

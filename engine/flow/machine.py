"""A running process is a value: (state, step, moment) in, new state and what follows from it out.

The machine touches no database, no clock and no network. Whatever goes wrong inside a diagram comes out as a
`ProcessFault`, and the state that went in is still good.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow import TaskState

from engine.errors import ProcessFault, WrongState
from engine.flow import codec
from engine.flow.events import Catch, waiting_for
from engine.flow.nodes import ServiceTask, UserTask
from engine.flow.parser import Definition
from engine.flow.steps import Abandon, Amend, Answer, Complete, Deliver, Fire, OpenTask, Outcome, Start, Step
from engine.flow.tokens import Moment, Process, Token


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
        if isinstance(step, Start):
            process = Process(self.definition.spec, self.definition.subprocesses, dict(step.data))
        else:
            process = codec.decode(self.definition, state or b"")
        process.moment = moment
        moment.data = process.scope
        before = {token.id for token in process.all_living()}
        try:
            _TAKE[type(step)](process, step)
            process.run()
            return self._outcome(process, before, step)
        except (ProcessFault, WrongState):
            raise
        except RecursionError:
            raise ProcessFault("The diagram is nested or chained too deeply.") from None
        except Exception as error:
            raise ProcessFault(f"The step {type(step).__name__} failed: {error!r}") from error

    def describe(self, element: str) -> str:
        """The name drawn on an element."""
        node = self.definition.nodes.get(element)
        return node.title if node else element

    def _outcome(self, process: Process, before: set[int], step: Step) -> Outcome:
        living = process.all_living()
        new = [token for token in living if token.id not in before]
        outcome = Outcome(data=process.scope, effects=process.effects, passed=process.passed)
        outcome.opened = [_open_task(token) for token in new if isinstance(token.task_spec, UserTask)]
        if isinstance(step, Amend):
            outcome.regrouped = _regroup([token for token in living if token.id in before])
        outcome.awaited = [(token.id, token.task_spec.message) for token in new if _message(token)]
        alive = {token.id for token in living}
        outcome.left = before - alive
        outcome.armed = [timer for timer in process.armed if timer.token in alive]
        outcome.finished = process.completed
        outcome.state = codec.encode(process)
        return outcome


def _open_task(token: Token) -> OpenTask:
    node: UserTask = token.task_spec
    group = token.internal_data["group"] = node.group_of(token)
    return OpenTask(token.id, node.bpmn_id, node.title, group, node.form)


def _regroup(tokens: list[Token]) -> list[OpenTask]:
    tasks = [token for token in tokens if isinstance(token.task_spec, UserTask)]
    changed = [token for token in tasks if token.task_spec.group_of(token) != token.internal_data.get("group")]
    return [_open_task(token) for token in changed]


def _message(token: Token) -> str | None:
    node = token.task_spec
    return node.message if isinstance(node, Catch) and token._state == TaskState.WAITING else None


def _waiting(process: Process, number: int, kind: type[Any], state: int) -> Token:
    token = process.token(number)
    if token is None or token._state != state or not isinstance(token.task_spec, kind):
        raise WrongState("The process has moved past this step.")
    return token


def _start(process: Process, step: Start) -> None:
    process.start()


def _complete(process: Process, step: Complete) -> None:
    token = _waiting(process, step.token, UserTask, TaskState.READY)
    token.data.update(step.answers)
    token.complete()


def _fire(process: Process, step: Fire) -> None:
    token = _waiting(process, step.token, Catch, TaskState.WAITING)
    token.task_spec.hit(token)


def _deliver(process: Process, step: Deliver) -> None:
    waiting = waiting_for(process, step.message)
    if step.token is not None:
        waiting = [token for token in waiting if token.id == step.token]
    if not waiting:
        raise WrongState(f"The case does not wait for the message {step.message!r} (now).", message=step.message)
    waiting[0].data.update(step.payload)
    waiting[0].task_spec.hit(waiting[0])


def _answer(process: Process, step: Answer) -> None:
    token = _waiting(process, step.token, ServiceTask, TaskState.STARTED)
    token.task_spec.answer(token, step.result)


def _amend(process: Process, step: Amend) -> None:
    for scope in process.scopes():
        scope.scope.update(step.data)


def _abandon(process: Process, step: Abandon) -> None:
    process.scope.update(step.data)
    for token in process.living():
        token.cancel()
    process.end()


_TAKE: dict[type[Any], Any] = {
    Start: _start,
    Complete: _complete,
    Fire: _fire,
    Deliver: _deliver,
    Answer: _answer,
    Amend: _amend,
    Abandon: _abandon,
}

"""Where a running process stands: tokens, in scopes.

SpiffWorkflow keeps the whole history of a case as a tree of tasks, predicts the tasks to come, and copies the data
from task to task. We keep only the tokens that are alive, predict nothing, and let every token of a scope look at the
same data: a case has one set of facts, whichever branch learned them (`docs/decisions/0002-one-set-of-data.md`).
History is in `events`.
"""

from __future__ import annotations

from collections import ChainMap, deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from time import thread_time
from typing import Any

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow
from SpiffWorkflow.task import Task

from engine.errors import ProcessFault
from engine.flow.steps import MIRRORED, Timer

SENTRY = ">sentry"  # after the name of an event subprocess: what watches for it
STEPS_MAX = 2_000  # automatic steps in one go; a diagram that needs more runs in circles
SECONDS_MAX = 5.0  # of the processor, for one step of a case and all that follows from it by itself
LOOK_EVERY = 16  # automatic steps: how often the processor's time is looked at


class Token(Task):
    """A SpiffWorkflow task that carries no data of its own and is numbered within its case."""

    def __init__(
        self,
        workflow: Any,
        task_spec: Any,
        parent: Task | None = None,
        state: int = TaskState.FUTURE,
        id: int | None = None,
    ) -> None:
        self.id = workflow.top_workflow.next_token() if id is None else id
        workflow.tasks[self.id] = self
        self.workflow = workflow
        self._parent = None if parent is None else parent.id
        self._children: list[int] = []
        self._state = state
        self.task_spec = task_spec
        self.triggered = False
        self.thread_id = 0
        self.internal_data: dict[str, Any] = {}
        self.last_state_change = 0.0
        if parent is not None:
            parent._children.append(self.id)

    @property
    def data(self) -> Any:
        """What the case knows, seen from here: an instance of a multi-instance activity has facts of its own."""
        scope = self.workflow.scope
        return Local(self.internal_data["own"], scope) if "own" in self.internal_data else scope

    @data.setter
    def data(self, value: dict[str, Any]) -> None:
        raise TypeError("tokens have no data of their own")

    @property
    def alive(self) -> bool:
        return self._state < TaskState.COMPLETED

    @property
    def is_watcher(self) -> bool:
        """Whether it stands at a boundary event, waiting beside its host."""
        return "host" in self.internal_data

    @property
    def is_sentry(self) -> bool:
        """Whether it waits for the event of an event subprocess: nothing is kept going by it alone."""
        return self.task_spec.guards  # type: ignore[no-any-return]

    def follow(self, spec: Any) -> Token:
        """Send a token on along a flow to ``spec``."""
        token = Token(self.workflow, spec, self)
        token.internal_data["from"] = self.task_spec.name
        return token

    def _add_child(self, task_spec: Any, state: int = TaskState.FUTURE) -> Token:
        return Token(self.workflow, task_spec, self, state)

    def _inherit_data(self) -> None:
        """Every token of a scope sees the same data already."""

    def _set_state(self, value: int) -> None:
        self._state = value
        if value == TaskState.READY:
            self.workflow.top_workflow.agenda.append(self)

    def run(self) -> None:
        going_on = self.task_spec._run_hook(self)
        if not self.alive:  # what it did has cancelled it: an error end inside a subprocess
            self.workflow._task_completed_notify(self)
        elif going_on:
            self.complete()
        else:
            self._set_state(TaskState.STARTED)

    def complete(self) -> None:
        self._state = TaskState.COMPLETED
        self.task_spec._on_complete(self)

    def cancel(self) -> None:
        if self.alive:
            self._state = TaskState.CANCELLED
            self.task_spec._on_cancel(self)


class Scope:
    """What a process and a subprocess have in common: tokens, and the data they share."""

    tasks: dict[int, Token]
    scope: Any
    completed: bool

    def _open(self, spec: Any) -> None:
        self.spec = spec
        self.data: dict[str, Any] = {}
        self.tasks = {}
        self.last_task = None
        self.success = True
        self.completed = False

    def root(self) -> Token:
        """The token from which all others in the scope descend; it is always there and always done."""
        return Token(self, self.spec.start, state=TaskState.COMPLETED, id=0)

    def living(self) -> list[Token]:
        return [token for token in self.tasks.values() if token.alive]

    def get_tasks_iterator(self, first_task: Any = None, state: int = TaskState.ANY_MASK, **_: Any) -> Iterator[Token]:
        return (token for token in self.tasks.values() if token._state & state)

    def _task_completed_notify(self, token: Token) -> None:
        self.top_workflow.passed_by(token)  # type: ignore[attr-defined]

    def end_with_last_token(self) -> None:
        """A path of the scope has come to its end; with the last one, so has the scope."""
        living = self.living()
        for token in living:
            if not token.task_spec.guards:
                return
        for sentry in living:  # which would wait in vain
            sentry.cancel()
        self.end()

    def end(self) -> None:
        self.completed = True

    def collect_log_extras(self, dct: dict[str, Any] | None = None) -> dict[str, Any]:
        return dct or {}


class Process(Scope, BpmnWorkflow):
    """A case's process.

    Attributes:
        agenda: tokens ready to run.
        moment: the instant of the present step and what depends on it; set by the machine.
        effects, armed, passed: collected during the step.
    """

    def __init__(self, spec: Any, subprocess_specs: dict[str, Any], data: dict[str, Any]) -> None:
        self._open(spec)
        self.subprocess_specs = subprocess_specs
        self.subprocesses: dict[int, Subprocess] = {}
        self._opened: list[Subprocess] = []  # those, and what has been closed since
        self.correlations: dict[str, Any] = {}
        self.scope = data
        self.serial = 0
        self.agenda: deque[Token] = deque()
        self.moment: Moment | None = None
        self.effects: list[Any] = []
        self.armed: list[Timer] = []
        self.passed: list[str] = []
        self._began: float | None = None
        self.root()

    def fall_apart(self) -> None:
        """It is not needed any more. All its parts know each other: they would lie about until Python's collector came
        by, and every call would be given memory that nobody has touched lately."""
        for scope in (self, *self._opened):
            scope.tasks.clear()
        self._opened.clear()
        self.subprocesses.clear()
        self.agenda.clear()
        if self.moment is not None:
            self.moment.functions = {}

    def next_token(self) -> int:
        self.serial += 1
        return self.serial

    def scopes(self) -> list[Any]:
        return [self, *self.subprocesses.values()]

    def all_living(self) -> list[Token]:
        return [token for scope in self.scopes() for token in scope.tasks.values() if token.alive]

    def token(self, number: int) -> Token | None:
        for scope in self.scopes():
            token = scope.tasks.get(number) if number else None
            if token is not None:
                return token  # type: ignore[no-any-return]
        return None

    def start(self) -> None:
        self.tasks[0].complete()

    def run(self) -> None:
        """Run everything automatic until only people, timers, messages and services are waited for."""
        for count in range(STEPS_MAX):
            if not self.agenda and not self._poll():
                return
            token = self.agenda.popleft()
            if count % LOOK_EVERY == 0 and count:
                self.look_at_the_time(token)
            if token._state == TaskState.READY and not token.task_spec.manual:
                token.run()
        element = token.task_spec.name
        raise ProcessFault(f"The process runs in circles: {STEPS_MAX} automatic steps without a pause.", element)

    def look_at_the_time(self, token: Token) -> None:
        """Each evaluation is bounded by itself (`engine.flow.operations`); this bounds them together.

        Raises:
            ProcessFault: the step has kept the processor busy for too long.
        """
        spent = thread_time()
        if self._began is None:
            self._began = spent
        elif spent - self._began > SECONDS_MAX:
            raise ProcessFault(f"The step takes more than {SECONDS_MAX:g} seconds of computing: scripts, tables or "
                               "conditions do too much.", token.task_spec.bpmn_id)

    def _poll(self) -> bool:
        """Whether inclusive joins or conditions let something go on; only a process at rest can tell."""
        self.publish()
        known = None
        while known != self.serial:  # a condition may have brought tokens that only wait, for conditions perhaps
            known = self.serial
            for token in self.all_living():
                if token._state == TaskState.WAITING:
                    token.task_spec.look_again(token)
                    if self.agenda:
                        return True
        return False

    def amend(self, changes: dict[str, Any]) -> None:
        """Change what is the case's own: it holds in called processes too, at once."""
        for scope in self.scopes():
            if not isinstance(scope.scope, Local):  # which sees what is around it
                dict.update(scope.scope, changes)

    def publish(self) -> None:
        """What is said of the case itself holds everywhere at once: a called process's words outside, and in it what
        is said outside."""
        called = [scope.scope for scope in self.scopes() if isinstance(scope.scope, Borrowed)]
        for scope in called:
            self.amend(scope.give_up(MIRRORED))
        for scope in called:
            dict.update(scope, {name: self.scope[name] for name in MIRRORED if name in self.scope})

    def passed_by(self, token: Token) -> None:
        if token.task_spec.bpmn_id is not None and "of" not in token.internal_data:
            self.passed.append(token.task_spec.bpmn_id)

    def open_subprocess(self, host: Token, name: str, scope: Any) -> Subprocess:
        subprocess = Subprocess(self.subprocess_specs[name], host, self, scope)
        self.subprocesses[host.id] = subprocess
        self._opened.append(subprocess)
        return subprocess

    def close_subprocess(self, host: Token) -> None:
        self.subprocesses.pop(host.id, None)


class Borrowed(dict[str, Any]):
    """A called process's copy of the data. It remembers what is written to it: only that goes back in the end, so
    that the process does not undo what others have learned meanwhile."""

    def __init__(self, data: dict[str, Any], written: Iterable[str] = ()) -> None:
        super().__init__(data)
        self.written = dict.fromkeys(written)

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        self.written[name] = None

    def update(self, changes: dict[str, Any]) -> None:  # type: ignore[override]
        super().update(changes)
        self.written.update(dict.fromkeys(changes))

    def changes(self) -> dict[str, Any]:
        return {name: self[name] for name in self.written}

    def give_up(self, names: Iterable[str]) -> dict[str, Any]:
        """Those of the changes; from now on they are none of its own."""
        written = [name for name in names if name in self.written]
        for name in written:
            del self.written[name]
        return {name: self[name] for name in written}


class Local(ChainMap[str, Any]):
    """What is known inside one instance of a multi-instance activity: its own facts before those around it.

    What it learns stays its own, so that instances do not overwrite each other; only the case's own fields hold
    everywhere at once (`docs/decisions/0010-an-instance-keeps-its-answers.md`).
    """

    def __setitem__(self, name: str, value: Any) -> None:
        own, around = self.maps
        (around if name in MIRRORED else own)[name] = value


class Subprocess(Scope, BpmnSubWorkflow):
    """An embedded subprocess (it shares its host's data) or a called process (it has its own)."""

    def __init__(self, spec: Any, host: Token, top: Process, scope: Any) -> None:
        self._open(spec)
        self.top_workflow = top
        self.parent_task_id = host.id
        self.host = host
        self.correlations: dict[str, Any] = {}
        self.scope = scope
        self.root()

    def end(self) -> None:
        super().end()
        self.host.task_spec.inner_ended(self.host, self)

    def abandon(self) -> None:
        self.completed = True
        for token in self.living():
            token.cancel()


class Moment:
    """The instant of a step and what an expression may ask of it. Made by whoever takes the step.

    Attributes:
        now: aware UTC.
        functions: what expressions may call: ``now``, ``today``, ``due``, ``warn``, ``late``.
        data: the case's data, for those functions; set by the machine.
        asked: the (value, term, mark) that ``due``, ``warn`` and ``late`` answered, so that a timer knows which
            deadline it follows.
        heirs: who goes on for agencies that are no more, by key.
    """

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.functions: dict[str, Any] = {}
        self.data: dict[str, Any] = {}
        self.asked: list[tuple[str, str, str | float]] = []
        self.heirs: Mapping[str, str] = {}

    def succeeded(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a table or a person says, with those at work for the agencies that are no more."""
        heirs = self.heirs
        if not heirs:
            return said
        return {name: heirs.get(value, value) if isinstance(value, str) else value for name, value in said.items()}

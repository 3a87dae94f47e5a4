"""What the elements of a diagram do when a token reaches them: tasks, subprocesses, called processes.

Each class stands where SpiffWorkflow's class of the same element would, and does what BPMN says where that one does
not; `tests/test_faults.py` shows the differences. Gateways are in `gateways`, what waits for an event in `events`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.mixins import (
    BpmnSpecMixin,
    CallActivityMixin,
    SubWorkflowTaskMixin,
)
from SpiffWorkflow.specs import WorkflowSpec

from engine.errors import ProcessFault
from engine.flow.decisions import Decision, DecisionFault
from engine.flow.scripts import Expression, Script, ScriptError, check_value
from engine.flow.steps import CallOut, FindDuplicates, Notify, StartCase
from engine.flow.tokens import Borrowed, Moment, Subprocess, Token

Value = Expression | str
Given = Value | list["Given"] | dict[str, "Given"]


class Node(BpmnSpecMixin):
    """One element of a diagram.

    Attributes:
        boundary: names of the boundary events attached to it.
        marks: case fields it sets on entry (``status``, ``outcome``).
        guards: whether it is the sentry of an event subprocess.
    """

    guards = False

    def __init__(self, wf_spec: Any, bpmn_id: str, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.boundary: list[str] = []
        self.marks: dict[str, Value] = {}

    @cached_property
    def nexts(self) -> list[Node]:
        return self.outputs  # type: ignore[no-any-return]

    @property
    def title(self) -> str:
        return self.bpmn_name or self.name

    # -- SpiffWorkflow's hooks -------------------------------------------------------------------------------------

    def test(self) -> None:
        """The gate has checked the diagram; nothing is checked again at every step."""

    def _predict(self, *_args: Any, **_kwargs: Any) -> None:
        """What may come is not worked out before it comes."""

    def _on_ready(self, token: Token) -> None:
        """Nothing of ours listens."""

    def _update(self, token: Token) -> None:
        if self._update_hook(token):
            token._set_state(TaskState.READY)

    def _update_hook(self, token: Token) -> bool:
        return True

    def _run_hook(self, token: Token) -> bool:
        return True

    def _on_complete(self, token: Token) -> None:
        self._detach(token)
        token.workflow._task_completed_notify(token)
        nexts = self.flows_of(token)
        for node in nexts:
            node.enter(token.follow(node))
        if not nexts:
            token.workflow.end_with_last_token()

    def _on_cancel(self, token: Token) -> None:
        self._detach(token)

    # -- ours ------------------------------------------------------------------------------------------------------

    def enter(self, token: Token) -> None:
        """A token arrives."""
        self.mark(token)
        for name in self.boundary:
            event = self._wf_spec.task_specs[name]
            watcher = Token(token.workflow, event)
            watcher.internal_data["host"] = token.id
            event._update(watcher)
        self._update(token)

    def mark(self, token: Token) -> None:
        """Set the case's fields that are written on the element."""
        for field, value in self.marks.items():
            token.workflow.top_workflow.amend({field: self.value_of(value, token)})

    def look_again(self, token: Token) -> None:
        """Everything else has come to rest; inclusive joins wait for that."""

    def flows_of(self, token: Token) -> list[Node]:
        """The elements a completed token goes on to."""
        return self.nexts

    def _detach(self, token: Token) -> None:
        if self.boundary:
            for watcher in token.workflow.living():
                if watcher.internal_data.get("host") == token.id:
                    watcher.cancel()

    def value_of(self, value: Value, token: Token) -> Any:
        return value if isinstance(value, str) else self.ask(value, token.data, token)

    def filled(self, given: Given, token: Token) -> Any:
        """What was drawn, with every ``${…}`` in it worked out."""
        if isinstance(given, list):
            return [self.filled(one, token) for one in given]
        if isinstance(given, dict):
            return {key: self.filled(one, token) for key, one in given.items()}
        return self.value_of(given, token)

    def ask(self, expression: Expression, data: Mapping[str, Any], token: Token) -> Any:
        """What an expression says about these data.

        Raises:
            ProcessFault: it cannot say.
        """
        try:
            return expression.evaluate(data, token.workflow.top_workflow.moment.functions)
        except ScriptError as error:
            raise self.fault(str(error)) from None

    def fault(self, reason: str) -> ProcessFault:
        return ProcessFault(f"{self.title!r}: {reason}", self.bpmn_id)


class Start(Node):
    """SpiffWorkflow's invisible start; its name cannot be an element's id."""

    def __init__(self, wf_spec: Any) -> None:
        super().__init__(wf_spec, ">start")
        self.bpmn_id = None
        self.sentries: list[Node] = []

    def _on_complete(self, token: Token) -> None:
        """Event subprocesses of the scope are on their guard before anything in it happens."""
        for sentry in self.sentries:
            sentry.enter(Token(token.workflow, sentry))
        super()._on_complete(token)


class End(Node):
    """Where all paths of a scope meet."""

    def __init__(self, wf_spec: Any) -> None:
        super().__init__(wf_spec, ">end")
        self.bpmn_id = None


class ProcessSpec(BpmnProcessSpec):
    """A process or subprocess as drawn."""

    def __init__(self, name: str, description: str, filename: str | None) -> None:
        WorkflowSpec.__init__(self, name=name, filename=filename)
        self.description = description
        self.io_specification = None
        self.data_objects: dict[str, Any] = {}
        self.data_stores: dict[str, Any] = {}
        self.correlation_keys: dict[str, Any] = {}
        self.bpmn_start_events: list[Any] = []
        self.start = Start(self)
        self.end = End(self)


class UserTask(Node):
    """Work for a person. Waits until somebody answers it."""

    def __init__(self, wf_spec: Any, bpmn_id: str, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.manual = True
        self.group: Value = ""
        self.form: str | None = None
        self.term: Value = ""

    def group_of(self, token: Token) -> str:
        group = token.internal_data.get("given") or self.value_of(self.group, token)
        if not isinstance(group, str) or not group:
            raise self.fault(f"its group came out as {group!r}, not as an agency's key")
        heirs: Mapping[str, str] = token.workflow.top_workflow.moment.heirs
        return heirs.get(group, group)

    def term_of(self, token: Token) -> str:
        """The name of the promise it is due by, if the diagram says one; else it is the task's own."""
        term = self.value_of(self.term, token)
        if not isinstance(term, str):
            raise self.fault(f"its term came out as {term!r}, not as the name of a deadline")
        return term


class ScriptTask(Node):
    def __init__(self, wf_spec: Any, bpmn_id: str, script: Script, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.script = script

    def _run_hook(self, token: Token) -> bool:
        try:
            self.script.run(token.data, token.workflow.top_workflow.moment.functions)
        except ScriptError as error:
            raise self.fault(str(error)) from None
        return True


class BusinessRuleTask(Node):
    """Asks a decision table. Its outputs join the case's data, or go into one variable."""

    decision: Decision
    result_variable: str | None = None
    mapping: str | None = None  # camunda:mapDecisionResult

    def _run_hook(self, token: Token) -> bool:
        try:
            result = self.decision.decide(token.data, token.workflow.top_workflow.moment.functions)
            result = check_value(result, self.title)
        except (DecisionFault, ScriptError) as error:
            raise self.fault(str(error)) from None
        result = self._mapped(result, token.workflow.top_workflow.moment)
        if self.result_variable:
            token.data[self.result_variable] = result
        elif isinstance(result, Mapping):
            token.data.update(result)
        else:
            raise self.fault("the table gives a list; name a result variable for it")
        return True

    def _mapped(self, result: Any, moment: Moment) -> Any:
        """As Camunda maps it: ``singleEntry`` is the one output without its name, ``collectEntries`` a list of these,
        ``resultList`` a list of rows; otherwise one row, or a list of rows if the table gives one."""
        rows = [moment.succeeded(row) for row in (result if isinstance(result, list) else [result])]
        if self.mapping == "collectEntries":
            return [next(iter(row.values()), None) for row in rows]
        if isinstance(result, list) or self.mapping == "resultList":
            return rows
        return next(iter(rows[0].values()), None) if self.mapping == "singleEntry" else rows[0]


NOTIFY, START_CASE, FIND_DUPLICATES = "notify", "start_case", "find_duplicates"
AT_ONCE = frozenset({NOTIFY, START_CASE, FIND_DUPLICATES})  # the topics that are no service's: nobody waits for them
PRIORITY = r"-?\d{1,9}"  # of a service call: a whole number
NEW_NUMBER = "so_vu_moi"  # the variable for a new case's number, where the diagram names none


class ServiceTask(Node):
    """Tells somebody something, starts a case of another type, or asks a service and waits for its answer."""

    topic = ""
    text = ""
    to: Value = ""
    report_type = ""
    result = NEW_NUMBER
    result_variable: str | None = None
    priority: Value = ""

    def __init__(self, wf_spec: Any, bpmn_id: str, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.inputs_given: dict[str, Given] = {}

    def _run_hook(self, token: Token) -> bool:
        top = token.workflow.top_workflow
        if self.topic == NOTIFY:
            to = self.value_of(self.to, token)
            told = (token.id, self.bpmn_id, self.text, str(to or ""))
            top.effects.append(Notify(*told, dict(token.data), token.data))
            return True
        payload = self.filled(self.inputs_given, token)
        if self.topic == START_CASE:
            top.effects.append(StartCase(token.id, self.bpmn_id, self.report_type, payload, self.result))
        elif self.topic == FIND_DUPLICATES:
            top.effects.append(FindDuplicates(token.id, self.bpmn_id, payload.get("days", 7)))
        else:
            top.effects.append(CallOut(token.id, self.bpmn_id, self.topic, payload, self._priority_of(token)))
        return False

    def _priority_of(self, token: Token) -> int:
        found = self.value_of(self.priority, token)
        if isinstance(found, bool) or not re.fullmatch(PRIORITY, str(found or 0)):
            raise self.fault(f"its priority is {found!r}, which is no whole number of at most nine digits")
        return int(found or 0)

    def answer(self, token: Token, result: dict[str, Any]) -> None:
        if self.result_variable:
            token.data[self.result_variable] = result
        else:
            token.data.update(result)
        token.complete()


class Inner(Node):
    """An element with a process inside."""

    def _update_hook(self, token: Token) -> bool:
        token._set_state(TaskState.STARTED)
        inner = token.workflow.top_workflow.open_subprocess(token, self.spec, self.scope_for(token))  # type: ignore[attr-defined]
        inner.tasks[0].complete()
        return False

    def scope_for(self, token: Token) -> Any:
        return token.data

    def inner_ended(self, token: Token, inner: Subprocess) -> None:
        self.bring_back(token, inner)
        token.workflow.top_workflow.close_subprocess(token)
        token.complete()

    def bring_back(self, token: Token, inner: Subprocess) -> None:
        """The inner process is over: what it learned stays."""

    def _on_cancel(self, token: Token) -> None:
        super()._on_cancel(token)
        inner = token.workflow.top_workflow.subprocesses.get(token.id)
        if inner is not None:
            inner.abandon()
            self.bring_back(token, inner)
            token.workflow.top_workflow.close_subprocess(token)


class EmbeddedSubprocess(Inner, SubWorkflowTaskMixin):  # type: ignore[misc]
    """Part of the process, with a border round it: it shares the data."""


class CallActivity(Inner, CallActivityMixin):  # type: ignore[misc]
    """A process of its own: it is given a copy of the data, and what it wrote comes back however it ends."""

    def scope_for(self, token: Token) -> dict[str, Any]:
        return Borrowed(token.data)

    def bring_back(self, token: Token, inner: Subprocess) -> None:
        token.data.update(inner.scope.changes())  # type: ignore[attr-defined]

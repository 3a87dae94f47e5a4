"""What the elements of a diagram do when a token reaches them: tasks, gateways, subprocesses.

Each class stands where SpiffWorkflow's class of the same element would, and does what BPMN says where that one does
not; `tests/test_faults.py` shows the differences. Those that wait for an event are in `events`.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import cached_property
from typing import Any

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.mixins import (
    BpmnSpecMixin,
    CallActivityMixin,
    ExclusiveGatewayMixin,
    SubWorkflowTaskMixin,
)
from SpiffWorkflow.specs import WorkflowSpec
from SpiffWorkflow.specs.MultiChoice import MultiChoice

from engine.errors import ProcessFault
from engine.flow.decisions import Decision, DecisionFault
from engine.flow.scripts import Expression, Script, ScriptError, check_value
from engine.flow.steps import CallOut, Notify
from engine.flow.tokens import Subprocess, Token

Value = Expression | str


class Node(BpmnSpecMixin):
    """One element of a diagram.

    Attributes:
        boundary: names of the boundary events attached to it.
        marks: case fields it sets on entry (``status``, ``outcome``).
        polls: whether a token waiting here must be looked at again when everything else has come to rest.
    """

    polls = False

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
        for node in self.flows_of(token):
            node.enter(token.follow(node))

    def _on_cancel(self, token: Token) -> None:
        self._detach(token)

    # -- ours ------------------------------------------------------------------------------------------------------

    def enter(self, token: Token) -> None:
        """A token arrives."""
        for field, value in self.marks.items():
            token.data[field] = self.value_of(value, token)
        for name in self.boundary:
            event = self._wf_spec.task_specs[name]
            watcher = Token(token.workflow, event)
            watcher.internal_data["host"] = token.id
            event.enter(watcher)
        self._update(token)

    def flows_of(self, token: Token) -> list[Node]:
        """The elements a completed token goes on to."""
        return self.nexts

    def _detach(self, token: Token) -> None:
        if self.boundary:
            for watcher in token.workflow.living():
                if watcher.internal_data.get("host") == token.id:
                    watcher.cancel()

    def value_of(self, value: Value, token: Token) -> Any:
        if isinstance(value, str):
            return value
        try:
            return value.evaluate(token.data, token.workflow.top_workflow.moment.functions)
        except ScriptError as error:
            raise self.fault(str(error)) from None

    def fault(self, reason: str) -> ProcessFault:
        return ProcessFault(f"{self.title!r}: {reason}", self.bpmn_id)


class Start(Node):
    """SpiffWorkflow's invisible start; its name cannot be an element's id."""

    def __init__(self, wf_spec: Any) -> None:
        super().__init__(wf_spec, ">start")
        self.bpmn_id = None
        self.trigger_specs: list[str] = []


class End(Node):
    """Where all paths of a scope meet. The scope ends with its last token."""

    def __init__(self, wf_spec: Any) -> None:
        super().__init__(wf_spec, ">end")
        self.bpmn_id = None

    def _on_complete(self, token: Token) -> None:
        if not token.workflow.living():
            token.workflow.end()


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

    def group_of(self, token: Token) -> str:
        group = self.value_of(self.group, token)
        if not isinstance(group, str) or not group:
            raise self.fault(f"its group came out as {group!r}, not as an agency's key")
        return group


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
    single_entry = False  # camunda:mapDecisionResult="singleEntry": the one output, without its name

    def _run_hook(self, token: Token) -> bool:
        try:
            result = self.decision.decide(token.data, token.workflow.top_workflow.moment.functions)
            result = check_value(result, self.title)
        except (DecisionFault, ScriptError) as error:
            raise self.fault(str(error)) from None
        if self.single_entry and isinstance(result, Mapping):
            result = next(iter(result.values()), None)
        if self.result_variable:
            token.data[self.result_variable] = result
        elif isinstance(result, Mapping):
            token.data.update(result)
        else:
            raise self.fault("the table gives a list; name a result variable for it")
        return True


class ServiceTask(Node):
    """Tells somebody something, or asks a service and waits for its answer. Both leave through the outbox."""

    topic = ""
    text = ""
    to: Value = ""
    result_variable: str | None = None

    def __init__(self, wf_spec: Any, bpmn_id: str, **kwargs: Any) -> None:
        super().__init__(wf_spec, bpmn_id, **kwargs)
        self.inputs_given: dict[str, Value] = {}

    def _run_hook(self, token: Token) -> bool:
        top = token.workflow.top_workflow
        if self.topic == "notify":
            to = self.value_of(self.to, token)
            top.effects.append(Notify(token.id, self.bpmn_id, self.text, str(to or "")))
            return True
        payload = {name: self.value_of(value, token) for name, value in self.inputs_given.items()}
        top.effects.append(CallOut(token.id, self.bpmn_id, self.topic, payload))
        return False

    def answer(self, token: Token, result: dict[str, Any]) -> None:
        if self.result_variable:
            token.data[self.result_variable] = result
        else:
            token.data.update(result)
        token.complete()


class Condition:
    """What is written on a flow out of a gateway."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression


class _Choice(Node):
    """Gateways that choose among their flows by conditions, in the order drawn."""

    def connect_outgoing_if(self, condition: Condition | None, node: Node) -> None:
        self.connect_if(condition, node)  # type: ignore[attr-defined]

    def _true_of(self, token: Token) -> list[Node]:
        choices = self.cond_task_specs  # type: ignore[attr-defined]
        found = (name for condition, name in choices if condition and self.value_of(condition.expression, token))
        return [self._wf_spec.task_specs[name] for name in found]

    def _default(self) -> list[Node]:
        choices = self.cond_task_specs  # type: ignore[attr-defined]
        return [self._wf_spec.task_specs[name] for condition, name in choices if condition is None]

    def _chosen(self, token: Token, limit: int | None) -> list[Node]:
        chosen = self._true_of(token)[:limit] or self._default()
        if not chosen:
            raise self.fault("no condition holds and there is no default flow; add one for the case's data as it is")
        return chosen


class ExclusiveGateway(_Choice, ExclusiveGatewayMixin):  # type: ignore[misc]
    def flows_of(self, token: Token) -> list[Node]:
        return self._chosen(token, 1)


def _arrivals(node: Node, token: Token) -> list[Token]:
    """The tokens waiting at a join, the newest included, the oldest first."""
    return [one for one in token.workflow.living() if one.task_spec is node]


class ParallelGateway(Node):
    """Waits for one token on each incoming flow and consumes exactly one of each; a surplus keeps waiting."""

    def _update_hook(self, token: Token) -> bool:
        if len(self._inputs) < 2:
            return True
        wanted = list(self._inputs)
        consumed = []
        for one in _arrivals(self, token):
            if one.internal_data["from"] in wanted:
                wanted.remove(one.internal_data["from"])
                consumed.append(one)
        if wanted:
            token._set_state(TaskState.WAITING)
            return False
        for one in consumed:
            if one is not token:
                one._state = TaskState.COMPLETED
        return True


class InclusiveGateway(_Choice, MultiChoice):  # type: ignore[misc]
    """Waits for every token that can still arrive; sends one along every flow whose condition holds."""

    polls = True

    def _update_hook(self, token: Token) -> bool:
        if len(set(self._inputs)) < 2:
            return True
        token._set_state(TaskState.WAITING)
        top = token.workflow.top_workflow
        arrived = _arrivals(self, token)
        if top.agenda or token is not arrived[0] or self._may_still_come(token, arrived):
            return False
        for one in arrived[1:]:
            one._state = TaskState.COMPLETED
        return True

    def _may_still_come(self, token: Token, arrived: list[Token]) -> bool:
        """BPMN 2.0.2 §13.3.3: some token can reach an empty incoming flow, and none that has a token already."""
        full = {one.internal_data["from"] for one in arrived}
        to_empty = self._upstream_of({name for name in self._inputs if name not in full})
        to_full = self._upstream_of(full)
        elsewhere = (one.task_spec.name for one in token.workflow.living() if one.task_spec is not self)
        return any(name in to_empty and name not in to_full for name in elsewhere)

    def _upstream_of(self, names: set[str]) -> set[str]:
        """The elements from which one of ``names`` can be reached without passing this gateway."""
        found: set[str] = set()
        todo = list(names)
        hosts = {event: node.name for node in self._wf_spec.task_specs.values() for event in node.boundary}
        while todo:
            name = todo.pop()
            if name in found or name == self.name:
                continue
            found.add(name)
            todo += self._wf_spec.task_specs[name]._inputs
            todo += [hosts[name]] if name in hosts else []
        return found

    def flows_of(self, token: Token) -> list[Node]:
        return self._chosen(token, None)


class _Inner(Node):
    """An element with a process inside."""

    def _update_hook(self, token: Token) -> bool:
        token._set_state(TaskState.STARTED)
        inner = token.workflow.top_workflow.open_subprocess(token, self.spec, self.scope_for(token))  # type: ignore[attr-defined]
        inner.tasks[0].complete()
        return False

    def scope_for(self, token: Token) -> dict[str, Any]:
        return token.data

    def inner_ended(self, token: Token, inner: Subprocess) -> None:
        token.workflow.top_workflow.close_subprocess(token)
        if token.alive:
            token.data.update(inner.scope)
            token._set_state(TaskState.READY)

    def _on_cancel(self, token: Token) -> None:
        super()._on_cancel(token)
        inner = token.workflow.top_workflow.subprocesses.get(token.id)
        if inner is not None:
            inner.abandon()
            token.workflow.top_workflow.close_subprocess(token)


class EmbeddedSubprocess(_Inner, SubWorkflowTaskMixin):  # type: ignore[misc]
    """Part of the process, with a border round it: it shares the data."""


class CallActivity(_Inner, CallActivityMixin):  # type: ignore[misc]
    """A process of its own: it is given a copy of the data, and what it changed comes back when it ends."""

    def scope_for(self, token: Token) -> dict[str, Any]:
        return deepcopy(token.data)

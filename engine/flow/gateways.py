"""Where branches part and meet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.specs.mixins import ExclusiveGatewayMixin
from SpiffWorkflow.specs.MultiChoice import MultiChoice

from engine.flow.nodes import Node
from engine.flow.scripts import Expression
from engine.flow.tokens import Token


class Condition:
    """What is written on a flow out of a gateway."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression


class _Choice(Node):
    """Chooses among its flows by conditions, in the order drawn."""

    def connect_outgoing_if(self, condition: Condition | None, node: Node) -> None:
        self.connect_if(condition, node)  # type: ignore[attr-defined]

    def _true_of(self, token: Token) -> Iterator[str]:
        for condition, name in self.cond_task_specs:  # type: ignore[attr-defined]
            if condition is not None and self.value_of(condition.expression, token):
                yield name

    def _chosen(self, token: Token, limit: int | None) -> list[Node]:
        """Conditions behind the last flow needed are not asked."""
        choices = self.cond_task_specs  # type: ignore[attr-defined]
        default = [name for condition, name in choices if condition is None]
        chosen = list(islice(self._true_of(token), limit)) or default
        if not chosen:
            raise self.fault("no condition holds and there is no default flow; add one for the case's data as it is")
        return [self._wf_spec.task_specs[name] for name in chosen]


class ExclusiveGateway(_Choice, ExclusiveGatewayMixin):  # type: ignore[misc]
    def flows_of(self, token: Token) -> list[Node]:
        return self._chosen(token, 1)


class _Join(Node):
    """Tokens wait in it for each other. It consumes at most one from each incoming flow; a surplus keeps waiting."""

    def enter(self, token: Token) -> None:
        token._set_state(TaskState.WAITING)
        self.look(token)

    def look(self, token: Token) -> None:
        """Go on if nothing is missing any more."""
        raise NotImplementedError

    def _arrived(self, token: Token) -> list[Token]:
        """The oldest waiting token of each incoming flow. Flows are told apart by where they come from."""
        free = list(self._inputs)
        found = []
        for one in token.workflow.living():
            if one.task_spec is self and one._state == TaskState.WAITING and one.internal_data["from"] in free:
                free.remove(one.internal_data["from"])
                found.append(one)
        return found

    def _go_on(self, arrived: list[Token]) -> None:
        *others, last = arrived
        for one in others:
            one._state = TaskState.COMPLETED
        self.mark(last)
        last._set_state(TaskState.READY)


class ParallelGateway(_Join):
    """Waits for one token on each incoming flow."""

    def look(self, token: Token) -> None:
        arrived = self._arrived(token)
        if len(arrived) == len(self._inputs):
            self._go_on(arrived)

    look_again = look  # a case that was moved to another diagram may stand here complete, with nobody to come


class InclusiveGateway(_Join, _Choice, MultiChoice):  # type: ignore[misc]
    """Waits for every token that can still arrive; sends one along every flow whose condition holds."""

    def look(self, token: Token) -> None:
        if len(self._inputs) == 1:
            self._go_on([token])

    def look_again(self, token: Token) -> None:
        """Everything else has come to rest: what can still arrive will be there."""
        arrived = self._arrived(token)
        if not self._may_still_come(token, arrived):
            self._go_on(arrived)

    def _may_still_come(self, token: Token, arrived: list[Token]) -> bool:
        """BPMN 2.0.2 §13.3.3: some token can reach an empty incoming flow, and none that has a token already."""
        full = {one.internal_data["from"] for one in arrived}
        to_empty = self._upstream_of({name for name in self._inputs if name not in full})
        to_full = self._upstream_of(full)
        elsewhere = (one for one in token.workflow.living() if one.task_spec is not self and not one.is_watcher)
        return any(one.task_spec.name in to_empty and one.task_spec.name not in to_full for one in elsewhere)

    def _upstream_of(self, names: set[str]) -> set[str]:
        """The elements from which one of ``names`` can be reached without passing this gateway.

        A boundary event is reached from its host.
        """
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

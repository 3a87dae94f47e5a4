"""Steps that no diagram provides for: arriving in another version, and putting tokens where a person says.

Only what BPMN lets happen anyway is done by them: a token is cancelled as an interrupting event cancels it, and enters
an element as along a flow.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow import TaskState

from engine.errors import WrongState
from engine.flow.events import BoundaryEvent, EventGateway
from engine.flow.gateways import InclusiveGateway, ParallelGateway
from engine.flow.nodes import Node
from engine.flow.steps import Arrive, Modify
from engine.flow.tokens import Process, Token
from engine.flow.transfer import label


def arrive(process: Process, step: Arrive) -> None:
    """Wait for what nobody has waited for yet."""
    for host, name, notes in step.fresh:
        scope: Any = process.subprocesses[host] if host else process
        token = Token(scope, scope.spec.task_specs[name])
        token.internal_data |= notes
        token.task_spec._update(token)


def modify(process: Process, step: Modify) -> None:
    """Put tokens, then take tokens away: a scope does not end in between.

    Raises:
        WrongState: a token is gone, an element is not there or in no scope that is open, or nothing would be left.
    """
    cancelled = [_standing(process, number) for number in step.cancel]
    for element, place, within in step.start:
        node, scope = _place(process, element, within)
        _start(scope, node, place)
    for token in cancelled:
        _cancel(token)
    for scope in process.scopes():
        left = [token for token in scope.living() if not token.is_watcher and not token.is_sentry]
        if not left and not scope.completed:
            raise WrongState("Nothing would be left that moves the case: say where it goes on.")


def _standing(process: Process, number: int) -> Token:
    token = process.token(number)
    if token is None or not token.alive:
        raise WrongState(f"There is no token {number} in the case (any more).")
    whole = token.workflow.tasks.get(token.internal_data.get("of"))
    if whole is not None and len(whole.task_spec.instances_of(whole)) == 1:
        raise WrongState(f"The token {number} is the last that does {label(token.task_spec)}: cancel {whole.id}, which "
                         "stands for all of them.")
    return token


def _cancel(token: Token) -> None:
    """With the other events that race with it, if it is one of several."""
    race = token.internal_data.get("race")
    runners = [one for one in token.workflow.living() if one.internal_data.get("race") == race] if race else [token]
    for one in runners:
        one.cancel()


def _place(process: Process, element: str, within: int | None) -> tuple[Node, Any]:
    scopes = [scope for scope in process.scopes() if element in scope.spec.task_specs
              and within in (None, scope.host.id if hasattr(scope, "host") else 0)]  # fmt: skip
    if not scopes or ">" in element:
        raise WrongState(f"There is no element {element!r} in the case's process, nor in a subprocess that is open.")
    if len(scopes) > 1:
        hosts = ", ".join(str(scope.host.id) for scope in scopes)
        raise WrongState(f"{element!r} lies in a subprocess that is open several times: say within which ({hosts}).")
    return scopes[0].spec.task_specs[element], scopes[0]


def _start(scope: Any, node: Node, place: str) -> None:
    if isinstance(node, BoundaryEvent):
        raise WrongState(f"{label(node)} is waited for beside another element: no token can be put there.")
    if place == "before":
        if isinstance(node, ParallelGateway | InclusiveGateway) and len(node._inputs) > 1:
            raise WrongState(f"Tokens meet in {label(node)}: start after it, or before what leads to it.")
        node.enter(Token(scope, node))
        return
    passed = Token(scope, node, state=TaskState.COMPLETED)
    following = [one for one in node.flows_of(passed) if one.bpmn_id is not None]
    if not following or isinstance(node, EventGateway):
        raise WrongState(f"Nothing can be started after {label(node)}: start before it.")
    for one in following:
        one.enter(passed.follow(one))

"""A running process as bytes, and back.

Only what is alive is written, beside the definition's names for it, never the definition itself: the size of a state
depends on how many tokens wait and how much the case knows, not on how long it has lived. A case's data is written
as it is and never interpreted, so no field name in it can do harm.

    [1, serial, data, [[token, element, state, notes], …], [[host, subprocess, own, tokens], …], completed]

where ``own`` is ``null`` for an embedded subprocess, and [data, names written] for a called one.
"""

from __future__ import annotations

from typing import Any

import orjson
from SpiffWorkflow import TaskState

from engine.flow.parser import Definition
from engine.flow.tokens import Borrowed, Process, Scope, Subprocess, Token

FORMAT = 1


def encode(process: Process) -> bytes:
    inner = [[host, sub.spec.name, _own(sub), _tokens_of(sub)] for host, sub in process.subprocesses.items()]
    return orjson.dumps([FORMAT, process.serial, process.scope, _tokens_of(process), inner, process.completed])


def _own(subprocess: Subprocess) -> list[Any] | None:
    scope = subprocess.scope
    return None if scope is subprocess.host.data else [scope, list(scope.written)]  # type: ignore[attr-defined]


def _tokens_of(scope: Scope) -> list[list[Any]]:
    return [
        [token.id, token.task_spec.name, token._state, token.internal_data]
        for token in scope.tasks.values()
        if token.alive
    ]


def data_of(state: bytes) -> dict[str, Any]:
    """What the case knows, without waking its process; empty before it has begun."""
    return orjson.loads(state)[2] if state else {}  # type: ignore[no-any-return]


def decode(definition: Definition, state: bytes) -> Process:
    _, serial, data, tokens, inner, completed = orjson.loads(state)
    process = Process(definition.spec, definition.subprocesses, data)
    process.serial, process.completed = serial, completed
    _restore(process, tokens)
    for host_id, name, own, tokens in inner:
        host = process.token(host_id)
        if host is None:
            raise ValueError(f"the state speaks of a subprocess {name!r} whose token {host_id} is gone")
        scope = host.data if own is None else Borrowed(*own)
        _restore(process.open_subprocess(host, name, scope), tokens)
    return process


def _restore(scope: Scope, tokens: list[list[Any]]) -> None:
    root = scope.tasks[0]
    for number, name, state, notes in tokens:
        token = Token(scope, scope.spec.task_specs[name], root, TaskState.FUTURE, number)
        token._state = state
        token.internal_data = notes

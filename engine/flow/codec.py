"""A running process as bytes, and back.

Only what is alive is written, beside the definition's names for it, never the definition itself: the size of a state
depends on how many tokens wait and how much the case knows, not on how long it has lived. A case's data is written
as it is and never interpreted, so no field name in it can do harm.

    [1, serial, data, [[token, element, state, notes], …], [[host, subprocess, own, tokens], …], completed]

where ``own`` is ``null`` for an embedded subprocess, and [data, names written] for a called one. The facts of an
instance of a multi-instance activity are in its token's notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from SpiffWorkflow import TaskState

from engine.flow.parser import Definition
from engine.flow.tokens import SENTRY, Borrowed, Local, Process, Scope, Subprocess, Token

FORMAT = 1


def encode(process: Process) -> bytes:
    inner = [[host, sub.spec.name, _own(sub), _tokens_of(sub)] for host, sub in process.subprocesses.items()]
    return orjson.dumps([FORMAT, process.serial, process.scope, _tokens_of(process), inner, process.completed])


def _own(subprocess: Subprocess) -> list[Any] | None:
    scope = subprocess.scope
    is_called = isinstance(scope, Borrowed) and scope is not subprocess.host.workflow.scope
    return [scope, list(scope.written)] if is_called else None


def _tokens_of(scope: Scope) -> list[list[Any]]:
    return [
        [token.id, token.task_spec.name, token._state, token.internal_data]
        for token in scope.tasks.values()
        if token.alive
    ]


def data_of(state: bytes) -> dict[str, Any]:
    """What the case knows, without waking its process; empty before it has begun."""
    return orjson.loads(state)[2] if state else {}  # type: ignore[no-any-return]


def data_at(state: bytes, number: int) -> Mapping[str, Any]:
    """What is known where a token stands: in a called process its own data, in an instance its own facts first."""
    _, _, data, tokens, inner, _ = orjson.loads(state)
    around: dict[int, tuple[int, Any]] = {}  # token -> host of its scope (0: none), its own facts
    called: dict[int, Any] = {}  # host -> the data of the called process
    for host, own, inside in [(0, None, tokens), *((host, own, inside) for host, _, own, inside in inner)]:
        around |= {token: (host, notes.get("own")) for token, _, _, notes in inside}
        if own is not None:
            called[host] = own[0]
    facts: list[Any] = []  # of the instances it is part of, the innermost first
    known: Mapping[str, Any] = data
    while number in around:
        number, own = around[number]
        facts += [] if own is None else [own]
        if number in called:
            known = called[number]
            break
    for own in reversed(facts):
        known = Local(own, known)
    return known


def own_of(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of what `data_at` tells, what is only known inside the instances that the token is part of."""
    own: dict[str, Any] = {}
    while isinstance(facts, Local):
        own = {**facts.maps[0], **own}
        facts = facts.maps[1]
    return own


def emptied(state: bytes) -> bytes:
    """The state of a process that has ended, without anything that its case knew."""
    _, serial, _, _, _, completed = orjson.loads(state)
    return orjson.dumps([FORMAT, serial, {}, [], [], completed])


def standing(state: bytes) -> list[dict[str, Any]]:
    """Where the tokens stand: {token, element, within, beside, race, guards}.

    ``within``: the token of the subprocess they are in; ``beside``: the one that they wait beside; ``race``: that of
    the event-based gateway behind which they wait; ``guards``: it watches for an event subprocess.
    """
    _, _, _, tokens, inner, _ = orjson.loads(state) if state else (0, 0, {}, [], [], False)
    scopes = [(None, tokens), *((host, inside) for host, _, _, inside in inner)]
    return [
        {"token": number, "element": name.partition(">")[0], "within": host, "beside": notes.get("host"),
         "race": notes.get("race"), "guards": name.endswith(SENTRY)}
        for host, inside in scopes
        for number, name, _, notes in inside
    ]


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

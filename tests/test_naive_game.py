"""Whatever is drawn with blocks inside blocks, our engine does what a token game does that shares nothing with it.

    FUZZ_DIAGRAMS=50000 python -m pytest -n 0 tests/test_naive_game.py      by hand: so many diagrams, 100 in a second
"""

from __future__ import annotations

import os
from datetime import timedelta
from random import Random
from typing import Any

from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.specs.event_definitions.item_aware_event import ErrorEventDefinition, EscalationEventDefinition

from engine.flow import codec
from engine.flow.events import Catch
from engine.flow.nodes import UserTask
from engine.flow.steps import Complete, Deliver, Fire
from tests.naive import HIGH, LOW, Play, Thing, drawn, number
from tests.running import BEGIN, Running

DIAGRAMS = int(os.environ.get("FUZZ_DIAGRAMS", 400))
DEPTH = 3
STEPS = 60
THROWN = (ErrorEventDefinition, EscalationEventDefinition)  # by the process itself: nobody waits for them
TRIGGERS = ("message", "timer", "signal", "conditional")
TASK = ("task",)


def beside(dice: Random) -> tuple[str, bool]:
    """What may disturb something, and whether that goes on."""
    return dice.choice([*((one, aside) for one in TRIGGERS for aside in (True, False)), ("cycle", True)])


def leaf(dice: Random) -> Any:
    return dice.choice([
        TASK,
        ("throws",),
        ("hasty", *beside(dice)),
        ("wait", dice.choice(TRIGGERS)),
        ("race", tuple(dice.choices(TRIGGERS, k=dice.randint(2, 4)))),
        ("crowd", dice.randrange(4), dice.random() < 0.5, dice.randint(1, 3)),
    ])  # fmt: skip


def block(dice: Random, depth: int) -> Any:
    if depth == 0 or dice.random() < 0.2:
        return leaf(dice)
    some = [block(dice, depth - 1) for _ in range(dice.randint(1, 3))]
    one, other = some[0], block(dice, depth - 1)
    return dice.choice([
        ("row", *some),
        ("and", *some),
        ("or", frozenset(n for n in range(len(some)) if dice.random() < 0.6) or frozenset({0}), *some),
        ("sub", one, None),
        ("sub", one, (*beside(dice), ("row", TASK, other))),
        ("several", dice.randrange(4), dice.random() < 0.5, one),
        ("again", dice.randrange(4), one),
        ("link", one, other),
        ("call", one),
        ("ends", dice.choice(["error", "escalation", "aside", "terminate"]), dice.random() < 0.5, one, other),
    ])  # fmt: skip


def things(case: Running) -> list[tuple[Thing, int]]:
    """What may happen, with the token that waits for it; of those that nobody can tell apart, the oldest first."""
    found = []
    for token in codec.decode(case.machine.definition, case.state or b"").all_living():
        node = token.task_spec
        waits = isinstance(node, Catch) and token._state == TaskState.WAITING
        if isinstance(node, UserTask) or waits and not isinstance(node.event_definition, THROWN):
            path = tuple(sorted((key, token.data[key]) for key in token.data if key[0] == "i"))
            timer = case.timers.get(token.id)
            due = (timer.due_at - BEGIN) / timedelta(hours=1) if timer else None
            found.append(((node.bpmn_id, path, due), token.id))
    return sorted(found, key=lambda one: (str(one[0]), one[1]))


def plays(seed: int) -> None:
    dice = Random(seed)
    drawing = number(("row", TASK, block(dice, dice.randint(1, DEPTH))))
    text, calls = drawn(drawing)
    game, case = Play(drawing), Running(text, calls=calls).starts(severity=LOW)
    for _ in range(STEPS):
        assert [thing for thing, _ in things(case)] == game.things(), (seed, drawing)
        assert case.finished == game.finished, (seed, drawing)
        if game.finished or not game.next():
            return
        one = dice.choice(game.next())
        token = next(token for thing, token in things(case) if thing == one.thing)
        said = dice.choice([None, None, HIGH, LOW]) if one.kind == "task" else None
        if one.due is not None:
            case.now = BEGIN + timedelta(hours=one.due)
            case.take(Fire(token))
        elif one.kind == "task":
            case.take(Complete(token, {"severity": said} if said else {}))
        else:
            case.take(Deliver(one.name, {}, token=token))
        game.happens(one, said)


def test_the_same_things_may_happen_until_the_same_end():
    for seed in range(DIAGRAMS):
        plays(seed)

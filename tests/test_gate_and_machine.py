"""The gate and the machine mean the same: in a diagram that passes the one, the other never comes to a standstill."""

from __future__ import annotations

from random import Random

import pytest

from engine.flow.check import check
from engine.flow.steps import Complete, Fire
from tests.drawing import package
from tests.running import Running, machine

STRUCTURAL = {"deadlock", "tokens-without-bound", "loop-without-wait", "never-ends"}


def scribble(dice: Random) -> str:
    """Tasks and gateways, wildly connected. Conditions ask whether the list ``c`` has the flow's name."""
    kinds = {f"n{n}": dice.choices(["user", "xor", "and", "or"], [4, 2, 3, 2])[0] for n in range(dice.randint(4, 9))}
    lines, flows = ["start s", "end e", *(f"{kind} {key}" for key, kind in kinds.items())], ["s -> n0"]
    for key, following in zip(kinds, [*list(kinds)[1:], "e"], strict=True):
        targets = [following]
        if kinds[key] != "user":
            targets += [one for one in dice.choices([*kinds, "e"], k=dice.randint(1, 2)) if one not in (key, following)]
        elif dice.random() < 0.25:
            lines.append(f"boundary b{key} on={key} timer=PT1H {dice.choice(['', 'aside'])}")
            flows.append(f"b{key} -> {dice.choice([*kinds, 'e'])}")
        dice.shuffle(targets)
        chooses = kinds[key] in ("xor", "or") and len(targets) > 1
        for n, target in enumerate(targets):
            condition = (f' : contains(c, "{key}{n}")' if n else " default") if chooses else ""
            flows.append(f"{key} -> {target}{condition}")
    return "\n".join(lines + flows)


def passes(drawing: str) -> bool:
    faults = {fault.code for fault in check(package(drawing)) if fault.severity == "error"}
    return not faults & STRUCTURAL


@pytest.mark.parametrize("seed", range(4))
def test_a_diagram_that_passes_the_gate_never_stands_still(seed):
    dice, accepted, finished = Random(seed), 0, 0

    for drawing in filter(passes, (scribble(dice) for _ in range(120))):
        accepted += 1
        made = machine(drawing)
        for _ in range(6):
            finished += walks(Running(made), dice)

    assert accepted > 5 and finished > 30, "the test has become empty"


def walks(case: Running, dice: Random) -> bool:
    """Goes forty steps at random; says whether that was enough."""

    def choices() -> list[str]:
        return [f"n{node}{flow}" for node in range(9) for flow in (1, 2) if dice.random() < 0.5]

    case.starts(c=choices())
    for _ in range(40):
        if case.finished:
            return True
        possible = [Complete(token, {"c": choices()}) for token in sorted(case.open)]
        possible += [Fire(token) for token in sorted(case.timers)]
        assert possible, f"nobody can move it any more, after {case.passed}"
        case.take(dice.choice(possible))
    return False

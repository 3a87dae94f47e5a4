"""The token game finds what trying every order of events finds, with fewer states."""

from __future__ import annotations

import random

import pytest

from engine.flow.board import FRESH, Board, Exit, State
from engine.flow.bpmn import read_diagram
from engine.flow.check import check
from engine.flow.diagram import Node
from engine.flow.tokengame import play
from engine.flow.xml import parse_xml
from tests.drawing import draw, package
from tests.running import Running

KINDS = ("user", "user", "user", "xor", "xor", "and", "and", "or", "tell")
MOST = 4_000  # states of a diagram that is tried in every order


def scribble(seed: int) -> str:
    """Any nodes, connected in any way; which ways are taken depends on the names in the list ``go``."""
    dice = random.Random(seed)
    nodes = {f"n{n}": dice.choice(KINDS) for n in range(dice.randint(3, 9))}
    ends = [f"e{n}" for n in range(dice.randint(1, 2))]
    lines = ["start s", *(f"{kind} {name}" for name, kind in nodes.items())]
    lines += [f"end {end}{dice.choice(['', '', ' terminate'])}" for end in ends]
    targets = [*nodes, *ends]
    flows = [f"s -> {dice.choice(list(nodes))}"]
    for name, kind in nodes.items():
        ways = 1 if kind in ("user", "tell") else dice.randint(1, 3)
        *chosen, last = dice.sample(targets, min(ways, len(targets)))
        asks = " : '{}' in go" if kind in ("xor", "or") else ""
        flows += [f"{name} -> {target}" + asks.format(target) for target in chosen]
        flows.append(f"{name} -> {last}" + (" default" if asks and chosen else ""))
        if kind == "user" and dice.random() < 0.35:
            lines.append(f"boundary b{name} on={name} timer=PT1H{dice.choice(['', ' aside'])}")
            flows.append(f"b{name} -> {dice.choice(targets)}")
    return "\n".join(lines + flows)


def board(seed: int, telling: bool) -> Board:
    scope = read_diagram(parse_xml(draw(scribble(seed)), "x"), "x").processes[0]
    return Board(scope, lambda node, phase: frozenset({Exit("done", None, phase)}), _tells if telling else None)


def _tells(node: Node) -> bool:
    return node.properties.get("text") == "T01"


def every_order(board: Board) -> tuple[set[int], set[str], bool] | None:
    """The phases it can end in, the joins that can wait for ever, whether there is a state without a way out."""
    first = (board.start(), FRESH)
    ahead: dict[State, list[State]] = {}
    ends, phases, todo = set(), set(), [first]
    while todo:
        state = todo.pop()
        if state in ahead:
            continue
        following = [after for after, _ in board.next(state, every=True)]
        ahead[state] = [after for after in following if after[0]]
        if len(ahead[state]) < len(following):
            ends.add(state)
            phases |= {phase for places, phase in following if not places}
        todo += ahead[state]
        if len(ahead) > MOST or any(state[0].count(place) > 4 for place in state[0]):
            return None
    while True:
        saved = ends | {state for state, following in ahead.items() if not ends.isdisjoint(following)}
        if saved == ends:
            break
        ends = saved
    dead = [state for state in ahead if state not in ends and not ahead[state]]
    return phases, _joins(board, dead), ahead.keys() != ends


def _joins(board: Board, states: list[State]) -> set[str]:
    return {board.node_at(place).id for state in states for place in state[0] if board.is_waiting_at_join(place)}


@pytest.mark.parametrize("begin", range(0, 400, 50))
def test_leaving_out_orders_leaves_out_no_end_and_no_dead_end(begin: int):
    compared = 0
    for seed in range(begin, begin + 50):
        for telling in (False, True):
            expected = every_order(board(seed, telling))
            found = play(board(seed, telling))
            if expected is None or found.growing or found.capped:
                continue
            compared += 1
            phases = {exit.phase for exit, _ in found.exits if exit.kind == "done"}
            assert phases == expected[0], scribble(seed)
            if not telling:
                assert _joins(found.board, found.dead_ends()) == expected[1], scribble(seed)
                assert bool(found.hopeless()) == expected[2], scribble(seed)
    assert compared > 50


def test_a_way_to_a_state_can_be_told():
    scope = read_diagram(parse_xml(draw("start s ; user a ; xor x ; end e ; s -> a -> x ; x -> a ; x -> e"), "x"), "x")
    found = play(Board(scope.processes[0], lambda node, phase: frozenset()))

    [(exit, last)] = found.exits
    assert [node.id for node in found.path(found.exits[exit, last])] == ["s", "a", "x"]


@pytest.mark.parametrize("begin", range(0, 1200, 200))
def test_no_case_gets_stuck_in_a_diagram_that_the_gate_lets_in(begin: int):
    """Hundreds of scribbles, those that pass are run on the machine, at random, with everything that may happen."""
    let_in = 0
    for seed in range(begin, begin + 200):
        drawing = scribble(seed)
        faults = {fault.code for fault in check(package(drawing)) if fault.severity == "error"}
        if faults - {"citizen-not-told"}:
            continue
        let_in += 1
        for walk in range(5):
            wander(Running(drawing), random.Random(walk))
    assert let_in > 10


def wander(case: Running, dice: random.Random) -> None:
    case.starts(go=[])
    for _ in range(30):
        if case.finished:
            return
        assert case.tasks or case.clocks, "nothing is left that could happen"
        if case.clocks and (not case.tasks or dice.random() < 0.3):
            case.waits("PT1H")
        else:
            go = [f"{kind}{n}" for kind in "ne" for n in range(9) if dice.random() < 0.4]
            case.does(dice.choice(case.tasks), go=go)

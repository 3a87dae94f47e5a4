"""The token game: every state a diagram can be in, whatever people answer and whichever clock runs out first.

Of tokens that cannot disturb each other only one is moved at a time (a *stubborn set*): that leaves out orders of
events, never ends or dead ends. A token that goes in circles does not keep the others from their move.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.flow.board import FRESH, Board, Exit, Marking, State
from engine.flow.diagram import Node

CAP = 10_000  # states of one board
CROWD = 4  # tokens on one place


@dataclass
class Play:
    """Every state of a board that can be reached.

    Attributes:
        came: state -> the state before it and the node passed; ``None`` for the first.
        ahead: state -> the states that may follow.
        exits: how it can be left and past which node, with the state before.
        leaving: the states from which it can be left at once.
        stirred: the states in which every token was given a move.
        capped: there are more states than were looked at.
        growing: a state that holds all tokens of one before it, and more: it can go on growing for ever.
    """

    board: Board
    came: dict[State, tuple[State, Node] | None] = field(default_factory=dict)
    ahead: dict[State, list[State]] = field(default_factory=dict)
    exits: dict[tuple[Exit, Node], State] = field(default_factory=dict)
    leaving: set[State] = field(default_factory=set)
    stirred: set[State] = field(default_factory=set)
    capped: bool = False
    growing: State | None = None

    def path(self, state: State) -> list[Node]:
        """The nodes passed on a shortest way to a state."""
        found: list[Node] = []
        before = self.came[state]
        while before is not None:
            found.append(before[1])
            before = self.came[before[0]]
        return found[::-1]

    def kinds(self) -> frozenset[Exit]:
        return frozenset(exit for exit, _ in self.exits)

    def hopeless(self) -> set[State]:
        """The states from which there is no way out."""
        return self.came.keys() - self._leading_to(self.leaving)

    def dead_ends(self) -> list[State]:
        """The states after which nothing can happen, and that are no end; those found first, first."""
        return [state for state, following in self.ahead.items() if not following and state not in self.leaving]

    def circles(self) -> set[State]:
        """The states that can only be followed by one another, for ever."""
        return self.hopeless() - self._leading_to(self.dead_ends())

    def _leading_to(self, goals: Iterable[State]) -> set[State]:
        before: dict[State, list[State]] = {}
        for state, following in self.ahead.items():
            for one in following:
                before.setdefault(one, []).append(state)
        found = set(goals)
        todo = list(found)
        while todo:
            for one in before.get(todo.pop(), ()):
                if one not in found:
                    found.add(one)
                    todo.append(one)
        return found


def play(
    board: Board, phase: int = FRESH, frozen: int = -1, cap: int = CAP, marking: Marking | None = None
) -> Play:
    """Visit every state of a board, nearest first.

    Args:
        frozen: a node whose tokens stay where they are; ``-1`` for none.
        marking: where the tokens are at first; left out, at the start.
    """
    found = Play(board)
    first = (board.start() if marking is None else marking, phase)
    found.came[first] = None
    queue = deque([first])
    while queue and not found.capped and found.growing is None:
        _visit(found, queue, frozen, cap)
        queue = deque(_circling(found)) if frozen < 0 else deque()
        found.stirred.update(queue)
    return found


def _visit(found: Play, queue: deque[State], frozen: int, cap: int) -> None:
    while queue:
        state = queue.popleft()
        following = found.board.next(state, state in found.stirred, frozen)
        found.ahead[state] = [after for after, _ in following if after[0]]
        for after, move in following:
            if move.exit is not None:
                found.exits.setdefault((move.exit, move.past), state)
            if not after[0]:
                found.leaving.add(state)
                if move.exit is None or move.exit.kind != "error":
                    found.exits.setdefault((Exit("done", None, after[1]), move.past), state)
            elif after not in found.came:
                found.came[after] = (state, move.past)
                queue.append(after)
                if len(after[0]) > len(state[0]) and _grows(found, after):
                    found.growing = after
                    return
        if len(found.came) > cap:
            found.capped = True
            return


def _grows(found: Play, state: State) -> bool:
    """Whether a state before this one had some of its tokens and no others.

    What could be done there can be done again then, and again. Not so where an inclusive join takes all tokens it
    finds or a non-interrupting event may happen once; there, a crowd on one place must show that it does grow.
    """
    if not found.board.is_monotone and max(map(state[0].count, state[0])) < CROWD:
        return False
    before = found.came[state]
    while before is not None:
        earlier = before[0]
        if earlier[1] == state[1] and len(earlier[0]) < len(state[0]) and _covers(state[0], earlier[0]):
            return True
        before = found.came[earlier]
    return False


def _covers(more: Marking, less: Marking) -> bool:
    rest = list(more)
    for place in less:
        if place not in rest:
            return False
        rest.remove(place)
    return True


def _circling(found: Play) -> list[State]:
    """States that go in circles while some token has not been given its move."""
    if found.capped or found.growing is not None:
        return []
    board = found.board
    circles = found.circles() - found.stirred
    return [state for state in circles if len(board.next(state, True)) > len(board.next(state, False))]

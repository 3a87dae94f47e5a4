"""Rules about where cases can get to: dead ends, circles, and ends at which the citizen was not told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.flow.board import FRESH, TOLD_EARLY, WORKED, Board, Exit, State
from engine.flow.diagram import ACTIVITIES, GATEWAYS, Node, Scope
from engine.flow.draft import Draft
from engine.flow.faults import Fault, error, warning
from engine.flow.rules.pauses import Pauses
from engine.flow.rules.wording import is_notice
from engine.flow.tokengame import CAP, Play, play

_WORK = ACTIVITIES - {"receiveTask"}
STATES = 40_000  # of all boards of a package
_MEETING = frozenset({"parallelGateway", "inclusiveGateway"})


def routes(draft: Draft, broken: set[str]) -> Iterator[Fault]:
    """Args: broken: files whose diagrams are too faulty to be played."""
    plays, pauses = Plays(draft, broken), Pauses(draft)
    for process in draft.reached:
        for scope in process.scopes():
            if scope.file not in broken and not scope.odd:
                yield from _ways(scope, plays.of(scope, FRESH))
                yield from _twice(scope, plays)
                yield from _circles(scope, pauses)
    if draft.main is not None and draft.main.file not in broken:
        yield from _untold(draft.main, Plays(draft, broken, tells_the_reporter))


class Plays:
    """The plays of a package's scopes, each played once per phase it is entered in."""

    def __init__(self, draft: Draft, broken: set[str], tells: Callable[[Node], bool] | None = None) -> None:
        self.draft, self.broken, self.tells = draft, broken, tells
        self._played: dict[tuple[int, int], Play] = {}
        self._playing: set[int] = set()
        self.left = STATES

    def of(self, scope: Scope, phase: int) -> Play:
        key = (id(scope), phase)
        if key not in self._played:
            self._playing.add(id(scope))
            found = self.play(Board(scope, self.inside, self.tells), phase)
            self._playing.discard(id(scope))
            self._handle(scope, found)
            self._played[key] = found
        return self._played[key]

    def _handle(self, scope: Scope, found: Play) -> None:
        """What an interrupting event subprocess leads to, whichever state it finds the scope in, is a way out of it.

        One that runs beside the scope keeps it from nothing, but may throw what ends it; what it leads to by itself
        is judged by itself. None catches what is thrown in it, and those that interrupt call off their neighbours.
        """
        begun = [(handler, start) for handler in scope.handlers()
                 for start in (handler.body.starts()[:1] if handler.body else ()) if start.events]
        for handler, start in begun:
            if not start.interrupting:
                self._lead_out(handler, found, _phases(found), "error")
        entered = [(handler, _thrown_to(start, found) if start.event.kind in ("error", "escalation") else
                    _phases(found)) for handler, start in begun if start.interrupting]
        for handler, phases in entered:
            self._lead_out(handler, found, phases)

    def _lead_out(self, handler: Node, found: Play, phases: dict[int, State], kind: str = "") -> None:
        for phase, state in phases.items():
            for exit in sorted(self.inside(handler, phase), key=str):
                if kind in ("", exit.kind):
                    found.exits.setdefault((exit, handler), state)

    def play(self, board: Board, phase: int = FRESH, frozen: int = -1) -> Play:
        """A play within what is left of the states that may be looked at for one package."""
        found = play(board, phase, frozen, min(CAP, self.left))
        self.left -= len(found.came)
        return found

    def inside(self, node: Node, phase: int) -> frozenset[Exit]:
        """How a token that enters a subprocess or a called process may leave it."""
        nothing = frozenset({Exit("done", None, phase)} if node.marker and node.marker.may_be_nothing else ())
        scope = node.body or self.draft.processes.get(node.called or "")
        if scope is None or id(scope) in self._playing or scope.file in self.broken or scope.odd:
            return frozenset({Exit("done", None, phase)})
        found = self.of(scope, phase)
        unsure = found.capped or found.growing is not None
        kinds = found.kinds() | nothing
        return kinds | {Exit("done", None, phase)} if unsure and self.tells is None else kinds

    @property
    def capped(self) -> bool:
        return any(found.capped for found in self._played.values())


def _phases(found: Play) -> dict[int, State]:
    """The phases in which a scope can be while anything is going on in it, with a state of each."""
    phases: dict[int, State] = {}
    for state in found.came:
        phases.setdefault(state[1], state)
    return phases


def _thrown_to(start: Node, found: Play) -> dict[int, State]:
    """The phases in which an event subprocess catches what is thrown in its scope; it goes no further then."""
    phases: dict[int, State] = {}
    for (exit, last), state in list(found.exits.items()):
        if exit.kind == start.event.kind and start.event.name in (None, exit.code):
            phases.setdefault(exit.phase, state)
            del found.exits[exit, last]
    return phases


def tells_the_reporter(node: Node) -> bool:
    if node.properties.get("tells") == "reporter":
        return True
    return is_notice(node) and node.properties.get("to", "reporter").strip() == "reporter"


# -- dead ends -------------------------------------------------------------------------------------------------------


def _ways(scope: Scope, found: Play) -> Iterator[Fault]:
    if found.growing is not None:
        path = found.path(found.growing)
        yield error(path[-1], "tokens-without-bound", f"Join the paths that part before {path[-1].label} again before "
                    f"they come back to it: each round leaves one more token behind ({told(path)}).")
        return
    if found.capped:
        yield warning(scope, "too-many-states", f"Check {scope.label} by hand, or split it: it has too many possible "
                      f"states ({len(found.came):,} were looked at) to say whether all of them lead to an end.")
    stuck: dict[str, tuple[Node, list[Node]]] = {}
    for state in found.dead_ends():
        for place in state[0]:
            if found.board.is_waiting_at_join(place):
                node = found.board.node_at(place)
                stuck.setdefault(node.id, (node, found.path(state)))
    for node, path in stuck.values():
        yield error(node, "deadlock", f"Correct what leads to {node.label}: it can wait for ever for a token that does "
                    f"not come ({told(path)}).")
    circles = set() if found.capped else found.circles()
    first = next((state for state in found.came if state in circles), None)
    if first is not None:
        path = told(found.path(first)) or "from its start"
        yield error(scope, "never-ends", f"Draw a way out of {scope.label}: it can get to where no end can be reached "
                    f"any more ({path}).")


def told(path: list[Node]) -> str:
    """A path as people read it: unnamed gateways left out, the middle of a long one too."""
    names = [f"“{node.name}”" if node.name else node.id for node in path if node.name or node.kind not in GATEWAYS]
    return " → ".join(names if len(names) <= 12 else [*names[:4], "…", *names[-7:]])


def _twice(scope: Scope, plays: Plays) -> Iterator[Fault]:
    """Where parallel paths meet without a join, everything behind is done once for each."""
    if not any(node.kind in _MEETING and len(node.outgoing) > 1 for node in scope.nodes):
        return
    board = Board(scope, plays.inside, sideways=False)
    for n, node in enumerate(scope.nodes):
        if len(node.incoming) < 2 or node.kind in _MEETING or not _works_behind(board, node):
            continue
        found = plays.play(board, frozen=n)
        state = next((state for state in found.came if state[0].count(n) > 1), None)
        if state is not None:
            yield warning(node, "runs-twice", f"Put a parallel gateway before {node.label}, if it should wait for all "
                          f"paths: as drawn, it and what follows is done once for each ({told(found.path(state))}).")


def _works_behind(board: Board, node: Node) -> bool:
    todo, seen = [node], set()
    while todo:
        one = todo.pop()
        if one.id in seen or one.kind in _MEETING:
            continue
        if one.kind in _WORK:
            return True
        seen.add(one.id)
        todo += [board.nodes[board.number[flow.target]] for flow in one.outgoing]
    return False


# -- circles without a pause -----------------------------------------------------------------------------------------


def _circles(scope: Scope, pauses: Pauses) -> Iterator[Fault]:
    nodes = {node.id: node for node in scope.nodes}
    ahead = {node.id: [] if pauses.at(node) else [flow.target for flow in node.outgoing] for node in scope.nodes}
    told_of: set[str] = set()
    for start in ahead:
        if start in told_of:
            continue
        ring = _ring(start, ahead)
        if ring:
            told_of.update(ring)
            yield error(nodes[ring[0]], "loop-without-wait", f"Put a task or a timer into the loop "
                        f"{told([nodes[one] for one in [*ring, ring[0]]])}: it would run round without a pause.")


def _ring(start: str, ahead: dict[str, list[str]]) -> list[str]:
    """A shortest way from a node back to it."""
    came: dict[str, str] = {}
    queue = [start]
    for one in queue:
        for after in ahead[one]:
            if after == start:
                way = [one]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1]
            if after not in came:
                came[after] = one
                queue.append(after)
    return []


# -- the citizen is told ---------------------------------------------------------------------------------------------


def _untold(main: Scope, plays: Plays) -> Iterator[Fault]:
    found = plays.of(main, FRESH)
    if plays.capped:
        yield warning(main, "too-many-states", f"Check by hand that every way through {main.label} tells the citizen: "
                      "it has too many possible states.")
    untold = {last.id: (last, exit, state) for (exit, last), state in reversed(found.exits.items())
              if exit.kind == "done" and exit.phase != TOLD_EARLY and last.properties.get("tells") != "nobody"}
    aside = {key for key in untold if found.board.number[key] in found.board.side_places}
    for last, exit, state in [one for key, one in untold.items() if key not in aside or len(aside) == len(untold)]:
        since = " A text sent before anybody has worked on the case does not count." if exit.phase == WORKED else ""
        yield error(last, "citizen-not-told", f"Send the reporter a text before {last.label}: a case can end there "
                    f"without one ({told([*found.path(state), last])}).{since}")

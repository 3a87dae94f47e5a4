"""Whether a running process can get stuck from where it stands: the token game, begun in the middle.

A checked diagram has no dead end that can be reached from its start. A process that was carried over, or whose tokens
somebody has put elsewhere, may stand where no way from the start leads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from engine.flow.board import Board, Marking
from engine.flow.diagram import Node, Scope
from engine.flow.draft import Draft
from engine.flow.rules.routes import Plays
from engine.flow.tokengame import play


class Outlook:
    """The boards of a package, and what has been found out about them."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._draft = Draft.read(files)
        self._plays = Plays(self._draft, set())
        self._boards: dict[int, Board] = {}
        self._found: dict[tuple[int, Marking], Node | None] = {}

    def dead_end(self, state: bytes) -> str | None:
        """A sentence about where the process may wait for ever; ``None``: nowhere."""
        for scope, tokens in self._scopes(state):
            marking = self._marking(scope, tokens)
            join = self._stuck(scope, marking) if marking else None
            if join is not None:
                return f"{join.label} could then wait for ever for a token that does not come."
        return None

    def _scopes(self, state: bytes) -> Iterator[tuple[Scope, list[Any]]]:
        _, _, _, tokens, inner, _ = orjson.loads(state)
        assert self._draft.main is not None
        around = {number: node for number, node in _nodes(self._draft.main, tokens)}
        yield self._draft.main, tokens
        for host, _, _, inside in inner:
            scope = around[host].body or self._draft.processes[around[host].called or ""]
            around |= dict(_nodes(scope, inside))
            yield scope, inside

    def _marking(self, scope: Scope, tokens: list[Any]) -> Marking:
        board, nodes, races = self._board(scope), dict(_nodes(scope, tokens)), set()
        places = []
        for number, name, _, notes in tokens:
            node = nodes[number]
            if "host" in notes or "of" in notes or name.endswith(">sentry") or notes.get("race") in races:
                continue
            if "race" in notes:
                races.add(notes["race"])
                node = board.nodes[board.number[notes["from"]]]
            flow = next((one for one in node.incoming if one.source == notes.get("from")), None)
            is_at_join = node.kind in ("parallelGateway", "inclusiveGateway") and flow is not None
            places.append(board.flow_place[id(flow)] if is_at_join else board.number[node.id])
        return tuple(sorted(places))

    def _board(self, scope: Scope) -> Board:
        return self._boards.setdefault(id(scope), Board(scope, self._plays.inside))

    def _stuck(self, scope: Scope, marking: Marking) -> Node | None:
        """The join that can wait for ever. What is too large to be played is believed."""
        key = (id(scope), marking)
        if key not in self._found:
            board = self._board(scope)
            found = play(board, marking=marking)
            waiting = (place for state in found.dead_ends() for place in state[0] if board.is_waiting_at_join(place))
            place = None if found.capped or found.growing is not None else next(waiting, None)
            self._found[key] = None if place is None else board.node_at(place)
        return self._found[key]


def _nodes(scope: Scope, tokens: list[Any]) -> Iterator[tuple[int, Node]]:
    by_id = {node.id: node for node in scope.nodes}
    return ((number, by_id[name.partition(">")[0]]) for number, name, _, _ in tokens)

"""What turns the tree of an expression into closures, and the list of what exists.

A node of the tree can be compiled only if a function in `expressions`, `loops` or `calls` says so with `@compiles`;
whatever is not on that list is refused. There is no `exec`, `eval` or code object anywhere, and no way from a value to
its attributes. A closure takes the Frame of an evaluation and returns a value. Straight-line work is bounded by the
length of the source and is not counted; each pass of a loop spends as many steps as its body has nodes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from engine.flow.dialect import INPUT, Source
from engine.flow.functions import PURE
from engine.flow.operations import Frame
from engine.flow.values import ScriptError

Closure = Callable[[Frame], Any]
LEVELS = 60  # of nodes inside nodes; a closure calls another for each
NAME = 100  # characters
CONSTANTS = {"true": True, "false": False, "null": None}

_INSTEAD: dict[type[ast.AST], str] = {
    ast.Lambda: "Functions cannot be made here.",  # only in a text with {…} do these two get as far as this
    ast.NamedExpr: "':=' is not allowed: use a script task.",
    ast.Starred: "'*' may only multiply.",
    ast.Pow: "'**' is not allowed: write x * x.",
    ast.BitAnd: "'&' is not allowed: write 'and'.",
    ast.BitOr: "'|' is not allowed: write 'or'.",
    ast.While: "'while' is not allowed: write 'for x in …'.",
    ast.FunctionDef: "Functions cannot be made here.",
    ast.Import: "Nothing can be imported here.",
    ast.ImportFrom: "Nothing can be imported here.",
    ast.Return: "'return' is not allowed: set a field instead.",
    ast.Break: "'break' is not allowed: choose the items first, [x for x in … if …].",
    ast.Continue: "'continue' is not allowed: write 'if' instead.",
}


class Code(NamedTuple):
    """A compiled expression: to be run with a Frame of as many cells as it says.

    Attributes:
        names: the names it reads from the data.
        calls: the functions it calls.
    """

    run: Closure
    cells: int
    names: frozenset[str]
    calls: frozenset[str]

    @property
    def is_constant(self) -> bool:
        return not self.names and self.cells == 0 and self.calls <= PURE.keys()


class Compiler:
    """Makes closures of one source, and notes on the way what it reads, calls and costs.

    Attributes:
        bound: the names of the loops we are in -> the cell of the Frame where their value is.
        cells: how many cells the Frame must have.
        nodes: how many nodes were compiled so far: the cost of a body is the difference.
    """

    def __init__(self, source: Source, in_cell: bool = False) -> None:
        """Args: in_cell: whether `?` stands for the input, in cell 0 of the Frame."""
        self.source = source
        self.bound: dict[str, int] = {INPUT: 0} if in_cell else {}
        self.cells = len(self.bound)
        self.names: set[str] = set()
        self.calls: set[str] = set()
        self.nodes = 0
        self._level = 0

    def code(self, tree: ast.expr) -> Code:
        run = self.closure(tree)
        return Code(run, self.cells, frozenset(self.names), frozenset(self.calls))

    def closure(self, node: ast.AST) -> Closure:
        """The closure of a node.

        Raises:
            ScriptError: it, or something in it, is not part of the language.
        """
        compile_node = _COMPILES.get(type(node))
        if compile_node is None:
            raise self.refuse_kind(node, node)
        with self.inside(node):
            return compile_node(self, node)

    @contextmanager
    def inside(self, node: ast.AST) -> Iterator[None]:
        """Count a node, and how deep it is."""
        self.nodes += 1
        self._level += 1
        if self._level > LEVELS:
            raise self.refuse(node, f"This is nested more than {LEVELS} deep.")
        yield
        self._level -= 1

    def refuse(self, node: ast.AST, reason: str) -> ScriptError:
        return self.source.fault(reason, node)

    def refuse_kind(self, kind: ast.AST, node: ast.AST) -> ScriptError:
        """The error for something that is not on the list at all."""
        reason = _INSTEAD.get(type(kind)) or f"'{type(kind).__name__}' is not part of the language."
        return self.refuse(node, reason)

    def allowed(self, name: str, node: ast.AST) -> str:
        """The name, if it may be used."""
        if name.startswith("_"):
            raise self.refuse(node, f"Names may not begin with '_', as '{name[:40]}' does.")
        if len(name) > NAME:
            raise self.refuse(node, f"The name '{name[:40]}…' is longer than {NAME} characters.")
        return name

    def cell(self, node: ast.Name) -> int:
        """A new cell for the name of a loop."""
        name = self.allowed(node.id, node)
        if name in CONSTANTS or name == INPUT:
            raise self.refuse(node, f"'{name}' cannot be the name of something else.")
        self.bound[name] = self.cells
        self.cells += 1
        return self.bound[name]


Handler = Callable[[Compiler, Any], Closure]
_COMPILES: dict[type[ast.AST], Handler] = {}


def compiles(*kinds: type[ast.AST]) -> Callable[[Handler], Handler]:
    """Put kinds of nodes on the list of what exists."""

    def register(function: Handler) -> Handler:
        for kind in kinds:
            _COMPILES[kind] = function
        return function

    return register

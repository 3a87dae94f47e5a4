"""Analysts' expressions and scripts: untrusted, and therefore allow-listed, bounded and without attribute access.

    compile_expression   `${severity == "khan" && !empty(khu_pho)}` -> what it says about a case's data
    compile_script       assignments, `if`, `for` -> changed data, or no change at all
    check_value          anything from outside -> fit to become case data, or refused

How: `dialect` reads the text with Python's parser, `compiler` and its neighbours turn the allowed nodes into closures,
`operations` keeps each of them small. A script works on a copy: when it fails, the data are as they were.

>>> compile_expression("${len(huyen) > 3 && loai != null}").evaluate({"huyen": "Dĩ An", "loai": 1})
True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.flow import expressions  # noqa: F401  without it, nothing is on the list
from engine.flow.calls import KNOWN_FUNCTIONS
from engine.flow.compiler import Code, Compiler
from engine.flow.dialect import read_expression, read_script, strip_expression
from engine.flow.operations import STEPS, Frame
from engine.flow.statements import ScriptCompiler, Statement
from engine.flow.values import DURATIONS, SCALARS, ScriptError, check_value, written

__all__ = [
    "KNOWN_FUNCTIONS", "STEPS", "Expression", "Script", "ScriptError",
    "check_value", "compile_expression", "compile_script", "strip_expression",
]  # fmt: skip

Functions = Mapping[str, Callable[..., Any]]
NONE: Functions = {}


class Expression:
    """A compiled expression; may be kept for ever and used by several threads.

    Attributes:
        source: as it was written.
        names: what it reads from the data (asking ``defined(x)`` or ``empty(x)`` is not reading ``x``).
        calls: the functions it calls; those outside ``KNOWN_FUNCTIONS`` must be passed by the host.
        cells: how many cells a Frame must have for it.
    """

    __slots__ = ("source", "names", "calls", "cells", "_code")

    def __init__(self, source: str, code: Code) -> None:
        self.source = source
        self.names = code.names
        self.calls = code.calls
        self.cells = code.cells
        self._code = code

    def __repr__(self) -> str:
        return f"<Expression {self.source!r}>"

    def evaluate(self, data: Mapping[str, Any], functions: Functions = NONE) -> Any:
        """The value for these data: a JSON value that shares nothing with them, or what a host's function returned.

        Raises:
            ScriptError: something is missing, of the wrong kind, too large, or too much work.
        """
        value = self.evaluate_in(Frame(data, functions, self._code.cells))
        return written(value) if type(value) in DURATIONS else value

    def evaluate_in(self, frame: Frame) -> Any:
        """As `evaluate`, paid for from the steps of a frame that has at least ``cells`` cells; a duration stays one."""
        try:
            value = self._code.run(frame)
        except RecursionError:
            raise ScriptError("The expression is nested too deeply.") from None
        if type(value) in SCALARS or not isinstance(value, list | dict):
            return value
        return check_value(value, "the result")


class Script:
    """A compiled script.

    Attributes:
        source, names, calls: as of an `Expression`; a name counts as read even if the script sets it first.
        assigned: the names it may set.
    """

    __slots__ = ("source", "names", "calls", "assigned", "_body", "_cells")

    def __init__(self, source: str, body: list[Statement], compiler: ScriptCompiler) -> None:
        self.source = source
        self.names = frozenset(compiler.names)
        self.calls = frozenset(compiler.calls)
        self.assigned = frozenset(compiler.assigned)
        self._body = body
        self._cells = compiler.cells

    def __repr__(self) -> str:
        return f"<Script {self.source!r}>"

    def run(self, data: dict[str, Any], functions: Functions = NONE) -> None:
        """Change the data: the names the script sets, and no others. All of them, or none if it fails.

        Raises:
            ScriptError: as `Expression.evaluate`; ``line`` says in which line.
        """
        scope = dict(data)
        frame = Frame(scope, functions, self._cells)
        try:
            for statement in self._body:
                statement(frame)
        except RecursionError:
            raise ScriptError("The script is nested too deeply.") from None
        touched = self.assigned & scope.keys()
        changed = {name: scope[name] for name in touched if name not in data or scope[name] is not data[name]}
        data.update(check_value(changed, "what the script sets"))


def compile_expression(source: str) -> Expression:
    """Read an expression, with or without ``${…}`` around it.

    Raises:
        ScriptError: it cannot be read or uses what does not exist; ``column`` (and ``line``) say where.
    """
    tree, read = read_expression(source)
    return Expression(source, Compiler(read).code(tree))


def compile_script(source: str) -> Script:
    """Read a script.

    Raises:
        ScriptError: as `compile_expression`.
    """
    statements, read = read_script(source)
    compiler = ScriptCompiler(read)
    return Script(source, compiler.block(statements), compiler)

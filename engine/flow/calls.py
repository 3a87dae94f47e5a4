"""Calling functions: those of `PURE`, those the host passes, and two that may be asked about what is not there.

A function is found by its name in a call, never among the data, so no field of a form can take its place; nor can a
host take the place of one in `PURE`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from inspect import signature
from typing import Any

from engine.flow.compiler import Closure, Compiler, compiles
from engine.flow.dialect import INPUT
from engine.flow.functions import PURE, READING
from engine.flow.operations import Frame, bounded
from engine.flow.values import ScriptError

SPECIAL = frozenset({"defined", "empty"})
KNOWN_FUNCTIONS = frozenset(PURE) | SPECIAL
_UNREAD = ": leave it out, nobody reads what a script prints"
_ELSEWHERE = {  # what scripts for other engines call on an object, and what is said here instead
    "setVariable": ": write name = value", "getVariable": ": write the variable's name alone",
    "hasVariable": ": write defined(name)", **dict.fromkeys(("log", "info", "debug", "println"), _UNREAD),
}  # fmt: skip


@compiles(ast.Call)
def call(c: Compiler, node: ast.Call) -> Closure:
    if not isinstance(node.func, ast.Name):
        raise c.refuse(node, f"Only functions can be called, by their name{_hint(node.func)}.")
    name = c.allowed(node.func.id, node.func)
    if node.keywords:
        raise c.refuse(node, f"Give {name}(…) its values in order, without names.")
    c.calls.add(name)
    if name in SPECIAL:
        return _asks_about(c, name, node)
    arguments = [c.closure(part) for part in node.args]
    if name in PURE:
        try:
            signature(PURE[name]).bind(*arguments)
        except TypeError as error:
            raise c.refuse(node, f"{name}(…) was given too few or too many values ({error}).") from None
    if name in READING and all(isinstance(part, ast.Constant) for part in node.args):
        return _read(c, _called(name, arguments), node)
    return _called(name, arguments)


def _hint(called: ast.expr) -> str:
    name = called.attr if isinstance(called, ast.Attribute) else ""
    return f": write {name}(x)" if name in KNOWN_FUNCTIONS else _ELSEWHERE.get(name, "")


def _read(c: Compiler, reading: Closure, node: ast.Call) -> Closure:
    """A date, time or duration that is written there: what cannot be read is refused before a case comes by."""
    try:
        value = reading(Frame({}, {}, 0))
    except ScriptError as error:
        raise c.refuse(node, error.reason) from None
    return lambda frame: value


def _called(name: str, arguments: list[Closure]) -> Closure:
    pure = PURE.get(name)

    def call(frame: Frame) -> Any:
        function = pure or frame.functions.get(name)
        if function is None:
            raise ScriptError(f"There is no function '{name}'.")
        values = [argument(frame) for argument in arguments]
        for value in values:
            frame.spend_on(value)
        try:
            result = bounded(function(*values))
        except (TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise ScriptError(f"{name}(…) has no answer: {error}") from None
        frame.spend_on(result)
        return result

    return call


def _asks_about(c: Compiler, name: str, node: ast.Call) -> Closure:
    """`defined(a.b)` and `empty(a.b)`: the only places where a name or field may be missing."""
    if len(node.args) != 1 or not is_path(node.args[0]):
        raise c.refuse(node, f"{name}(…) takes one field, such as {name}(a) or {name}(a.b).")
    find = _finder(c, node.args[0])
    if name == "defined":
        return lambda frame: find(frame)[0]

    def is_empty(frame: Frame) -> bool:
        value = find(frame)[1]
        return value is None or type(value) in (str, list, dict) and not value

    return is_empty


def _finder(c: Compiler, part: ast.expr) -> Callable[[Frame], tuple[bool, Any]]:
    """A closure that says whether the field is there, and its value."""
    path: list[str] = []
    while isinstance(part, ast.Attribute):
        path.insert(0, c.allowed(part.attr, part))
        part = part.value
    assert isinstance(part, ast.Name)
    root = c.allowed(part.id, part)
    if root == INPUT and root not in c.bound:
        raise c.refuse(part, "'?' stands for the input, and only in a cell of a decision table.")
    cell = c.bound.get(root)

    def find(frame: Frame) -> tuple[bool, Any]:
        if cell is None and root not in frame.scope:
            return False, None
        value = frame.scope[root] if cell is None else frame.cells[cell]
        for key in path:
            if type(value) is not dict or key not in value:
                return False, None
            value = value[key]
        return True, value

    return find


def is_path(node: ast.AST) -> bool:
    """Whether this is a field of a field … of a name: `a`, `a.b`, `a.b.c`."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)

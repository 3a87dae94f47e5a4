"""Literals, names, operators and fields: what each means, as a closure.

`a.b` reads the field ``b`` of a dictionary and nothing else, `!x` binds as it does in Camunda, `and` and `or` give
back one of their sides as in Python.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any

from engine.flow import calls, loops  # noqa: F401  they put their nodes on the list
from engine.flow import operations as does
from engine.flow.comparing import may_say_when, same
from engine.flow.compiler import CONSTANTS, NAME, Closure, Compiler, compiles
from engine.flow.dialect import INPUT
from engine.flow.functions import PURE
from engine.flow.moments import part_of
from engine.flow.operations import ARITHMETIC, Frame
from engine.flow.values import SCALARS, TEXT, WHOLE, ScriptError, clean_text, kind_of

Test = Callable[[Frame, Any, Any], bool]

_ORDER: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}
_TESTS: dict[type[ast.cmpop], Test] = {
    ast.Eq: does.equal,
    ast.NotEq: lambda frame, left, right: not does.equal(frame, left, right),
    ast.In: does.member,
    ast.NotIn: lambda frame, left, right: not does.member(frame, left, right),
    ast.Is: lambda frame, left, right: left is right,
    ast.IsNot: lambda frame, left, right: left is not right,
}
_SIGNS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%"}


# -- leaves ----------------------------------------------------------------------------------------------------------


@compiles(ast.Constant)
def constant(c: Compiler, node: ast.Constant) -> Closure:
    value = node.value
    if type(value) not in SCALARS:
        raise c.refuse(node, "Only text, numbers, true, false and null can be written here.")
    if type(value) is float and not math.isfinite(value) or type(value) is int and value >= WHOLE:
        raise c.refuse(node, "The number is too large.")
    if type(value) is str:
        value = clean_text(value, "The expression")
    return lambda frame: value


@compiles(ast.Name)
def name(c: Compiler, node: ast.Name) -> Closure:
    name = c.allowed(node.id, node)
    if name in CONSTANTS:
        value = CONSTANTS[name]
        return lambda frame: value
    if name in c.bound:
        cell = c.bound[name]
        return lambda frame: frame.cells[cell]
    if name == INPUT:
        raise c.refuse(node, "'?' stands for the input, and only in a cell of a decision table.")
    c.names.add(name)

    def read(frame: Frame) -> Any:
        try:
            return frame.scope[name]
        except KeyError:
            raise ScriptError(f"The name '{name}' is not defined: the case has no field called that.") from None

    return read


@compiles(ast.JoinedStr)
def joined_text(c: Compiler, node: ast.JoinedStr) -> Closure:
    parts = [c.closure(part) for part in node.values]
    to_text = PURE["str"]

    def join(frame: Frame) -> str:
        pieces = [to_text(part(frame)) for part in parts]
        if sum(map(len, pieces)) > TEXT:
            raise ScriptError(f"The result would be a text of more than {TEXT:,} characters.")
        text = "".join(pieces)
        frame.spend_on(text)
        return text

    return join


@compiles(ast.FormattedValue)
def formatted(c: Compiler, node: ast.FormattedValue) -> Closure:
    if node.format_spec is not None or node.conversion != -1:
        raise c.refuse(node, "A text with {…} takes no format such as ':>10' or '!r'.")
    return c.closure(node.value)


# -- operators -------------------------------------------------------------------------------------------------------


@compiles(ast.BoolOp)
def logic(c: Compiler, node: ast.BoolOp) -> Closure:
    first, *rest = [c.closure(part) for part in node.values]
    stops_at = isinstance(node.op, ast.Or)

    def decide(frame: Frame) -> Any:
        value = first(frame)
        for part in rest:
            if bool(value) is stops_at:
                return value
            value = part(frame)
        return value

    return decide


@compiles(ast.UnaryOp)
def sign(c: Compiler, node: ast.UnaryOp) -> Closure:
    operand, subtract = c.closure(node.operand), ARITHMETIC["-"]
    if isinstance(node.op, ast.Not | ast.Invert):  # `!` was translated to Invert, which binds as tightly
        return lambda frame: not operand(frame)
    if isinstance(node.op, ast.USub):
        return lambda frame: subtract(frame, 0, operand(frame))
    return lambda frame: subtract(frame, operand(frame), 0)


@compiles(ast.BinOp)
def arithmetic(c: Compiler, node: ast.BinOp) -> Closure:
    operate = operation(c, node.op, node)
    left, right = c.closure(node.left), c.closure(node.right)
    return lambda frame: operate(frame, left(frame), right(frame))


def operation(c: Compiler, sign: ast.operator, node: ast.AST) -> Callable[[Frame, Any, Any], Any]:
    """What `+ - * / // %` do; no other operator exists."""
    if type(sign) not in _SIGNS:
        raise c.refuse_kind(sign, node)
    return ARITHMETIC[_SIGNS[type(sign)]]


@compiles(ast.Compare)
def comparison(c: Compiler, node: ast.Compare) -> Closure:
    first, *others = [c.closure(part) for part in (node.left, *node.comparators)]
    tests = [_test(c, sign, right) for sign, right in zip(node.ops, node.comparators, strict=True)]
    if len(tests) == 1:
        return _compared(tests[0], first, others[0])
    links = list(zip(tests, others, strict=True))

    def chain(frame: Frame) -> bool:
        left = first(frame)
        for test, other in links:
            right = other(frame)
            if not test(frame, left, right):
                return False
            left = right
        return True

    return chain


def _test(c: Compiler, sign: ast.cmpop, right: ast.expr) -> Test:
    if type(sign) in _ORDER:
        return ordering(*_ORDER[type(sign)])
    if isinstance(sign, ast.Is | ast.IsNot):
        written = right.value if isinstance(right, ast.Constant) else CONSTANTS.get(ast.unparse(right), 0)
        if not (written is None or type(written) is bool):
            raise c.refuse(right, "'is' compares only with null, true or false: write '=='.")
    return _TESTS[type(sign)]


def ordering(symbol: str, operate: Callable[[Any, Any], bool]) -> Test:
    """`<`, `<=`, `>`, `>=`, quick for what is compared most."""
    slow = does.ordered

    def test(frame: Frame, left: Any, right: Any) -> bool:
        kind = type(left)
        if kind is type(right) and (kind is int or kind is float or kind is str and not may_say_when(left)):
            return operate(left, right)
        return slow(symbol, operate, left, right)

    return test


def _compared(test: Test, left: Closure, right: Closure) -> Closure:
    if test is not does.equal:
        return lambda frame: test(frame, left(frame), right(frame))

    def equal(frame: Frame) -> bool:  # the commonest question gets the shortest way
        a, b = left(frame), right(frame)
        return same(a, b) if type(b) in SCALARS or type(a) in SCALARS else does.equal(frame, a, b)

    return equal


@compiles(ast.IfExp)
def choice(c: Compiler, node: ast.IfExp) -> Closure:
    test, then, otherwise = (c.closure(part) for part in (node.test, node.body, node.orelse))
    return lambda frame: then(frame) if test(frame) else otherwise(frame)


# -- parts -----------------------------------------------------------------------------------------------------------


@compiles(ast.Attribute)
def field(c: Compiler, node: ast.Attribute) -> Closure:
    container, name = c.closure(node.value), c.allowed(node.attr, node)
    group_name = f"'{ast.unparse(node.value)[-NAME:]}'" if calls.is_path(node.value) else "this"

    def read(frame: Frame) -> Any:
        group = container(frame)
        if type(group) is not dict:
            if (part := part_of(group, name)) is not None:
                return part
            raise ScriptError(f"There is no field '{name}' in {group_name}, which is {kind_of(group)}.")
        if name not in group:
            raise ScriptError(f"There is no field '{name}' in {group_name}.")
        return group[name]

    return read


@compiles(ast.Subscript)
def item(c: Compiler, node: ast.Subscript) -> Closure:
    container, read = c.closure(node.value), does.item_of
    if isinstance(node.slice, ast.Slice):
        return _part(c, container, node.slice)
    key = c.closure(node.slice)
    return lambda frame: read(container(frame), key(frame))


def _part(c: Compiler, container: Closure, node: ast.Slice) -> Closure:
    if node.step is not None:
        raise c.refuse(node, "A part of a list is written a[from:to], without a step.")
    nothing = ast.copy_location(ast.Constant(None), node)
    lower, upper = (c.closure(end or nothing) for end in (node.lower, node.upper))

    def cut(frame: Frame) -> Any:
        whole, first, last = container(frame), lower(frame), upper(frame)
        if type(whole) not in (list, str) or {type(first), type(last)} - {int, type(None)}:
            raise ScriptError("a[from:to] needs a text or a list, and whole numbers.")
        part = whole[first:last]
        frame.spend_on(part)
        return part

    return cut

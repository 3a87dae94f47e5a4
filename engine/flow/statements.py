"""Statements: assignments, `if`, `for`, and expressions that stand alone.

A name of the case is given a new value; what it held is never changed in place. The name of a `for` belongs to it and
does not become a field of the case.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from engine.flow import expressions, operations
from engine.flow.compiler import CONSTANTS, Closure, Compiler
from engine.flow.dialect import INPUT
from engine.flow.loops import binder, iterated
from engine.flow.operations import Frame
from engine.flow.values import ScriptError

Statement = Callable[[Frame], None]


class _Place(NamedTuple):
    """What stands left of `=`: a name, and the keys that lead into its value."""

    name: str
    keys: list[Closure]


class ScriptCompiler(Compiler):
    """Statements on top of expressions."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.assigned: set[str] = set()

    def block(self, statements: list[ast.stmt]) -> list[Statement]:
        made = (self._statement(statement) for statement in statements)
        return [statement for statement in made if statement is not None]

    def _statement(self, node: ast.stmt) -> Statement | None:
        with self.inside(node):
            match node:
                case ast.Pass():
                    return None
                case ast.Expr():
                    return _placed(self.closure(node.value), node.lineno)
                case ast.Assign():
                    return self._assign(node)
                case ast.AugAssign():
                    return self._augment(node)
                case ast.If():
                    return self._branches(node)
                case ast.For():
                    return self._for(node)
        raise self.refuse_kind(node, node)

    def _assign(self, node: ast.Assign) -> Statement:
        value = self.closure(node.value)
        stores = [self._store(self._place(target)) for target in node.targets]

        def assign(frame: Frame) -> None:
            result = value(frame)
            if isinstance(result, date):
                result = result.isoformat()  # what a host's function gave; case data are JSON
            for store in stores:
                store(frame, result)

        return _placed(assign, node.lineno)

    def _augment(self, node: ast.AugAssign) -> Statement:
        operate = expressions.operation(self, node.op, node)
        reads, value = self.closure(node.target), self.closure(node.value)
        store = self._store(self._place(node.target))
        return _placed(lambda frame: store(frame, operate(frame, reads(frame), value(frame))), node.lineno)

    def _place(self, target: ast.expr) -> _Place:
        keys: list[Closure] = []
        while isinstance(target, ast.Subscript | ast.Attribute):
            keys.insert(0, self._key(target))
            target = target.value
        if not isinstance(target, ast.Name):
            raise self.refuse(target, "Only a name, or a field of a name, can be set.")
        name = self.allowed(target.id, target)
        if name in CONSTANTS or name in (INPUT, "typename"):
            raise self.refuse(target, f"'{name}' cannot be set.")
        if name in self.bound:
            raise self.refuse(target, f"'{name}' belongs to the loop: choose another name.")
        if keys:
            self.names.add(name)
        self.assigned.add(name)
        return _Place(name, keys)

    def _key(self, target: ast.Subscript | ast.Attribute) -> Closure:
        if isinstance(target, ast.Attribute):
            return self.closure(ast.copy_location(ast.Constant(self.allowed(target.attr, target)), target))
        if isinstance(target.slice, ast.Slice):
            raise self.refuse(target, "Only single items can be set, not a[from:to].")
        return self.closure(target.slice)

    def _store(self, place: _Place) -> Callable[[Frame, Any], None]:
        name, keys = place

        def store(frame: Frame, value: Any) -> None:
            if keys:
                if name not in frame.scope:
                    raise ScriptError(f"The name '{name}' is not defined: write {name} = {{}} first.")
                value = operations.with_item(frame, frame.scope[name], [key(frame) for key in keys], value)
            frame.scope[name] = value  # type: ignore[index]  # a script's scope is its own copy

        return store

    def _branches(self, node: ast.If) -> Statement:
        branches: list[tuple[Closure, list[Statement]]] = []
        otherwise: list[ast.stmt] = [node]
        while len(otherwise) == 1 and isinstance(otherwise[0], ast.If):  # `elif` is an `if` alone in an `else`
            branch = otherwise[0]
            branches.append((_placed(self.closure(branch.test), branch.lineno), self.block(branch.body)))
            otherwise = branch.orelse
        branches.append((lambda frame: True, self.block(otherwise)))

        def choose(frame: Frame) -> None:
            for test, body in branches:
                if test(frame):
                    for statement in body:
                        statement(frame)
                    return

        return choose

    def _for(self, node: ast.For) -> Statement:
        if node.orelse:
            raise self.refuse(node, "'for' takes no 'else'.")
        over = _placed(self.closure(node.iter), node.lineno)
        outside, before = dict(self.bound), self.nodes
        bind = binder(self, node.target)
        body = self.block(node.body)
        self.bound, cost = outside, 1 + self.nodes - before

        def repeat(frame: Frame) -> None:
            for item in iterated(over(frame)):
                frame.spend(cost)
                bind(frame, item)
                for statement in body:
                    statement(frame)

        return _placed(repeat, node.lineno)


def _placed(closure: Closure, line: int) -> Closure:
    """The closure, whose errors say in which line they happened."""

    def run(frame: Frame) -> Any:
        try:
            return closure(frame)
        except ScriptError as error:
            if error.line is None:
                error.line = line
            raise

    return run

"""Lists, groups of fields, and going through them.

What Python calls tuples and sets are lists here, because JSON has no other; a set has each item once, in the order
written. The names of a loop are its own: they hide a field of the case inside it, and are gone after it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Any

from engine.flow.compiler import Closure, Compiler, compiles
from engine.flow.operations import Frame, bounded
from engine.flow.values import ITEMS, SCALARS, ScriptError, kind_of

Binder = Callable[[Frame, Any], None]
Loop = tuple[Closure, Binder, list[Closure]]


@compiles(ast.List, ast.Tuple)
def sequence(c: Compiler, node: ast.List | ast.Tuple) -> Closure:
    parts = [c.closure(part) for part in node.elts]
    return lambda frame: [part(frame) for part in parts]


@compiles(ast.Set)
def distinct(c: Compiler, node: ast.Set) -> Closure:
    parts = [c.closure(part) for part in node.elts]
    return lambda frame: _distinct([part(frame) for part in parts])


@compiles(ast.Dict)
def group(c: Compiler, node: ast.Dict) -> Closure:
    if None in node.keys:
        raise c.refuse(node, "'**' is not allowed here.")
    pairs = [(c.closure(key), c.closure(value)) for key, value in zip(node.keys, node.values, strict=True)]
    return lambda frame: {_key(key(frame)): value(frame) for key, value in pairs}


@compiles(ast.ListComp, ast.SetComp, ast.GeneratorExp)
def comprehension(c: Compiler, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Closure:
    loops, (made,), cost = _loops(c, node.generators, node.elt)
    gather = _gatherer(loops, lambda frame, results: results.append(made(frame)), cost)
    if isinstance(node, ast.SetComp):
        return lambda frame: _distinct(gather(frame, []))
    return lambda frame: gather(frame, [])


@compiles(ast.DictComp)
def group_comprehension(c: Compiler, node: ast.DictComp) -> Closure:
    loops, (key, value), cost = _loops(c, node.generators, node.key, node.value)
    gather = _gatherer(loops, lambda frame, results: results.update({_key(key(frame)): value(frame)}), cost)
    return lambda frame: gather(frame, {})


def _loops(c: Compiler, generators: list[ast.comprehension], *made: ast.expr) -> tuple[list[Loop], list[Closure], int]:
    """The loops, outermost first; what is made in the innermost; and how many nodes there are in all."""
    outside, before = dict(c.bound), c.nodes
    loops: list[Loop] = []
    for generator in generators:
        if generator.is_async:
            raise c.refuse(generator.target, "'async' is not allowed.")
        over = c.closure(generator.iter)
        bind = binder(c, generator.target)
        loops.append((over, bind, [c.closure(test) for test in generator.ifs]))
    parts = [c.closure(part) for part in made]
    c.bound = outside
    return loops, parts, c.nodes - before


def _gatherer(loops: list[Loop], add: Callable[[Frame, Any], None], cost: int) -> Callable[[Frame, Any], Any]:
    """A closure that goes through the loops and adds to the results at the innermost."""

    def go(frame: Frame, results: Any, depth: int) -> None:
        over, bind, tests = loops[depth]
        for item in iterated(over(frame)):
            frame.spend(1 + cost)
            bind(frame, item)
            if tests and not all(test(frame) for test in tests):
                continue
            if depth + 1 < len(loops):
                go(frame, results, depth + 1)
            else:
                add(frame, results)
                if len(results) > ITEMS:
                    bounded(results)

    def gather(frame: Frame, results: Any) -> Any:
        go(frame, results, 0)
        return results

    return gather


def iterated(value: Any) -> Iterable[Any]:
    """What a loop goes through: the items of a list, the keys of a group, the characters of a text."""
    if type(value) not in (list, dict, str):
        raise ScriptError(f"A loop goes through a list, a group or a text, not through what is {kind_of(value)}.")
    return value


def binder(c: Compiler, target: ast.expr) -> Binder:
    """Give the names of a loop cells of their own."""
    if isinstance(target, ast.Name):
        cell = c.cell(target)

        def bind(frame: Frame, value: Any) -> None:
            frame.cells[cell] = value

        return bind
    if not isinstance(target, ast.Tuple) or not all(isinstance(part, ast.Name) for part in target.elts):
        raise c.refuse(target, "A loop goes 'for x in …' or 'for key, value in items(…)'.")
    cells = [c.cell(part) for part in target.elts]

    def unpack(frame: Frame, value: Any) -> None:
        if type(value) is not list or len(value) != len(cells):
            raise ScriptError(f"The loop wants lists of {len(cells)} items each.")
        for cell, item in zip(cells, value, strict=True):
            frame.cells[cell] = item

    return unpack


def _key(value: Any) -> str:
    if type(value) is not str:
        raise ScriptError(f"The fields of a group are named by texts, not by what is {kind_of(value)}.")
    return value


def _distinct(items: list[Any]) -> list[Any]:
    if any(type(item) not in SCALARS for item in items):
        raise ScriptError("{…} may hold text and numbers only.")
    return list(dict.fromkeys(items))

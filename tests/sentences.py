"""Every sentence that some modules can say, as templates: "Give {0} a topic.", found in their source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PLACE = "\0"


def of(path: Path) -> list[tuple[int, str]]:
    """Line and template of each text with words in it."""
    tree = ast.parse(path.read_text())
    docs = {id(node.value) for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}  # fmt: skip
    return [(line, numbered(said)) for line, said in _texts(tree, docs) if _is_sentence(said)]


def given_to(path: Path, names: set[str]) -> Iterator[tuple[int, str]]:
    """Line and template of each text that is given to one of these functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", None)) in names:
            for said in filter(None, map(_said, node.args)):
                if _is_sentence(said):
                    yield node.lineno, numbered(said)


def numbered(said: str) -> str:
    parts = said.split(PLACE)
    return parts[0] + "".join(f"{{{number}}}{part}" for number, part in enumerate(parts[1:]))


def _is_sentence(said: str) -> bool:
    words = said.replace(PLACE, "")
    return " " in said.strip() and any(letter.islower() for letter in words) and "(?P" not in words


def _texts(node: ast.AST, docs: set[int]) -> Iterator[tuple[int, str]]:
    if id(node) in docs:
        return
    said = _said(node)
    if said is None:
        for child in ast.iter_child_nodes(node):
            yield from _texts(child, docs)
        return
    yield node.lineno, said  # type: ignore[attr-defined]
    for part in _parts(node):
        yield from _texts(part, docs)


def _said(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value.replace("{}", PLACE) if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else PLACE for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _said(node.left), _said(node.right)
        if left is not None or right is not None:
            return (PLACE if left is None else left) + (PLACE if right is None else right)
    return None


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """What stands in the places."""
    if isinstance(node, ast.JoinedStr):
        yield from (part.value for part in node.values if isinstance(part, ast.FormattedValue))
    elif isinstance(node, ast.BinOp):
        for side in (node.left, node.right):
            yield from _parts(side) if _said(side) is not None else [side]

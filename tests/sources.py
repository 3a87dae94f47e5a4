"""The project's own files, for tests that read them rather than run them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MADE = {".git", ".venv", ".hypothesis", "instance", "build", "dist", "htmlcov", "screenshots", "site", "node_modules",
        "__pycache__"}  # fmt: skip
GENERATED = ROOT / "webapi" / "migrations" / "versions"


@cache
def tracked() -> list[Path]:
    """What is in the repository, and what is about to be; without git, everything that is not made here."""
    paths = _known_to_git()
    if paths is None:
        paths = [path for path in ROOT.rglob("*") if not _is_made(path.relative_to(ROOT))]
    return sorted(path for path in paths if path.is_file())


def _known_to_git() -> list[Path] | None:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):  # a machine without git, or a copy without a repository
        return None
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def _is_made(path: Path) -> bool:
    return any(part in MADE or part.endswith((".egg-info", "_cache")) for part in path.parts)


def texts() -> Iterator[tuple[Path, str]]:
    """Every tracked file that is text."""
    for path in tracked():
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def modules(*folders: str) -> list[Path]:
    """Python files under these folders of the repository, without generated ones."""
    wanted = [ROOT / folder for folder in folders]
    return [
        path
        for path in tracked()
        if path.suffix == ".py" and GENERATED not in path.parents and any(folder in path.parents for folder in wanted)
    ]


def nodes(*folders: str) -> Iterator[tuple[Path, ast.AST]]:
    """Every syntax node of every module under these folders."""
    for path in modules(*folders):
        for node in _walked(path):
            yield path, node


@cache
def _walked(path: Path) -> list[ast.AST]:
    """Finding the nodes takes longer than looking at each."""
    return list(ast.walk(tree(path)))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def place(path: Path, node: ast.AST) -> str:
    """What an editor jumps to."""
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"

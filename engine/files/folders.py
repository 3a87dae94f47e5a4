"""Report types on disk: from an analyst's folders to the flat packages that are checked and deployed.

    bpmn/<province>/province.toml
    bpmn/<province>/<TYPE>/{type.toml, process.bpmn, *.dmn}
    bpmn/shared/*.bpmn                       processes that others call
    forms/<province>/<TYPE>/*.form           beside the folder `bpmn`

A folder that holds everything itself, province.toml and forms included, is read as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.errors import InvalidRequest

KINDS = (".toml", ".bpmn", ".dmn", ".form")
LARGEST = 5_000_000  # bytes of a whole package
_CALLED = re.compile(r'\bcalledElement="([^"]+)"')
_STARTED = re.compile(r'\bname="report_type" value="(\w+)"')
_PROCESS = re.compile(r'<(?:\w+:)?process\b[^>]*?\bid="([^"]+)"')


def types_in(root: Path) -> list[Path]:
    """Every folder under ``root`` (or ``root`` itself) that holds a report type, in order."""
    return sorted(path.parent for path in root.rglob("type.toml"))


def read(folder: Path) -> dict[str, str]:
    """The package of one report type: file name -> text.

    Raises:
        InvalidRequest: there is no report type in that folder, a file is not UTF-8, or all of it is too large.
    """
    if not (folder / "type.toml").is_file():
        raise InvalidRequest(f"{folder} holds no report type: there is no type.toml in it.")
    folder = folder.resolve()
    files = {path.name: _text(path) for path in _sources(folder)}
    for name, text in _called(files, folder.parent.parent / "shared"):
        files[name] = text
    if sum(map(len, files.values())) > LARGEST:
        raise InvalidRequest(f"The report type in {folder} is larger than {LARGEST} bytes.")
    return files


def with_those_it_starts(folder: Path) -> list[dict[str, str]]:
    """The packages of a report type and of those beside it that its cases start, or theirs; its own comes last."""
    needed, found = [folder.resolve()], [read(folder)]
    for files in found:
        for beside in (needed[0].parent / code for code in started(files)):
            if beside not in needed and (beside / "type.toml").is_file():
                needed.append(beside)
                found.append(read(beside))
    return found[::-1]


def started(files: Mapping[str, str]) -> list[str]:
    """The codes of the report types that a package's diagrams say they start cases of."""
    return [code for name, text in files.items() if name.endswith(".bpmn") for code in _STARTED.findall(text)]


def _sources(folder: Path) -> Iterator[Path]:
    province = folder.parent / "province.toml"
    if province.is_file():
        yield province
    forms = folder.parent.parent.parent / "forms" / folder.parent.name / folder.name
    for place in (forms, folder):
        yield from sorted(path for path in place.glob("*") if path.suffix in KINDS and path.is_file())


def _called(files: dict[str, str], shared: Path) -> Iterator[tuple[str, str]]:
    """The shared processes that these files call, and those that these call in turn."""
    offered = {path.name: _text(path) for path in sorted(shared.glob("*.bpmn"))}
    homes = {process: name for name, text in offered.items() for process in _PROCESS.findall(text)}
    waiting = [text for name, text in files.items() if name.endswith(".bpmn")]
    taken = set(files)
    while waiting:
        for process in _CALLED.findall(waiting.pop()):
            name = homes.get(process)
            if name is not None and name not in taken:
                taken.add(name)
                waiting.append(offered[name])
                yield name, offered[name]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{path} is not UTF-8 text.") from error

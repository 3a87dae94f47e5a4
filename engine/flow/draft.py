"""A package as it was sent, read once: whatever can be read of it, and what could not."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from engine.flow.bpmn import read_diagram
from engine.flow.decisions import Decision, DecisionFault, parse_decisions
from engine.flow.diagram import BPMN, Diagram, Node, Scope
from engine.flow.faults import Fault
from engine.flow.places import Place
from engine.flow.toml import read_toml
from engine.flow.xml import XmlFault, parse_xml
from engine.forms import Form

TYPE, PROVINCE = "type.toml", "province.toml"
_HEADER = re.compile(r"\s*\[\[?\s*([^\]]*?)\s*\]")
_ENTRY = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([\w-]+))\s*[=.]""")
_KINDS = (".bpmn", ".dmn", ".form", ".toml")


@lru_cache(maxsize=8)
def read_province(text: str) -> dict[str, Any]:
    """province.toml as a table. All types of a province bring the same one along, which is read once: nobody writes
    into it.

    Raises:
        tomllib.TOMLDecodeError: it cannot be read.
    """
    return read_toml(text)


@dataclass
class Draft:
    """What is in a package, however broken.

    Attributes:
        files: name -> text.
        type, province: the two tables; ``{}`` for one that cannot be read.
        places: what is known of the province's areas beside province.toml.
        readable: the names of the files that could be read.
        faults: what could not be read, and why.
        others: the intake forms of the province's report types, by code; ``None``: nobody knows which there are.
        begun: the codes of the province's other report types that a message begins, by its name.
    """

    files: dict[str, str]
    diagrams: list[Diagram] = field(default_factory=list)
    decisions: dict[str, Decision] = field(default_factory=dict)
    decision_files: dict[str, str] = field(default_factory=dict)
    forms: dict[str, Form | None] = field(default_factory=dict)
    type: dict[str, Any] = field(default_factory=dict)
    province: dict[str, Any] = field(default_factory=dict)
    places: tuple[Place, ...] = ()
    readable: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    others: Mapping[str, Form] | None = None
    begun: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls, files: Mapping[str, str | bytes], places: Iterable[Place] = (), others: Mapping[str, Form] | None = None,
        begun: Mapping[str, str] | None = None,
    ) -> Draft:  # fmt: skip
        draft = cls({}, places=tuple(places), others=others, begun=begun or {})
        for name, source in sorted(files.items()):
            draft._read_file(name, source)
        for name in (TYPE, PROVINCE):
            if name not in files:
                draft.faults.append(Fault(name, 1, None, "file-missing", f"Add the file {name} to the package."))
        if not any(name.endswith(".bpmn") for name in files):
            draft.faults.append(Fault("process.bpmn", 1, None, "file-missing", "Add a .bpmn diagram to the package."))
        return draft

    def _read_file(self, name: str, source: str | bytes) -> None:
        kind = name[name.rfind("."):]
        if kind not in _KINDS or kind == ".toml" and name not in (TYPE, PROVINCE):
            message = f"Nothing reads {name}: a package holds .bpmn, .dmn and .form files, {TYPE} and {PROVINCE}."
            self.faults.append(Fault(name, 1, None, "file-unknown", message, "warning"))
            return
        try:
            self.files[name] = source.decode("utf-8-sig") if isinstance(source, bytes) else source
        except UnicodeDecodeError:
            self._refuse(name, 1, "file-unreadable", f"Save {name} as UTF-8 text: it cannot be read as it is.")
            return
        faults = len(self.faults)
        {".bpmn": self._bpmn, ".dmn": self._dmn, ".form": self._form, ".toml": self._toml}[kind](name)
        if len(self.faults) == faults:
            self.readable.add(name)

    def _bpmn(self, name: str) -> None:
        try:
            root = parse_xml(self.files[name], name)
        except XmlFault as fault:
            self._refuse(name, fault.line, "file-unreadable", fault.message)
            return
        if root.tag != BPMN + "definitions":
            self._refuse(name, 1, "file-unreadable", f"{name} is not a BPMN 2.0 diagram: draw it in a BPMN modeler.")
            return
        self.diagrams.append(read_diagram(root, name))

    def _dmn(self, name: str) -> None:
        try:
            found = parse_decisions(self.files[name].encode(), name)
        except DecisionFault as fault:
            for one in fault.faults or (fault,):
                self._refuse(name, one.line or 1, "decision", one.message, one.element)
            return
        for key, decision in found.items():
            if key in self.decisions:
                self._refuse(name, 1, "id-duplicate", f"Rename the decision {key!r}: another table has that id.", key)
            self.decisions[key], self.decision_files[key] = decision, name

    def _form(self, name: str) -> None:
        key = name.removesuffix(".form")
        self.forms[key] = None  # it is there, even if it cannot be read
        try:
            self.forms[key] = Form.parse(self.files[name], key)
        except ValueError as error:
            self._refuse(name, 1, "form", str(error), key)

    def _toml(self, name: str) -> None:
        try:
            table = read_toml(self.files[name]) if name == TYPE else read_province(self.files[name])
        except tomllib.TOMLDecodeError as error:
            line = re.search(r"at line (\d+)", str(error))
            self._refuse(name, int(line[1]) if line else 1, "file-unreadable", f"{name} is not TOML: {error}.")
            return
        if name == TYPE:
            self.type = table
        else:
            self.province = table

    def _refuse(self, file: str, line: int, code: str, message: str, element: str | None = None) -> None:
        self.faults.append(Fault(file, line, element, code, message))

    # -- looking things up -----------------------------------------------------------------------------------------

    @cached_property
    def processes(self) -> dict[str, Scope]:
        """By id; of two with one id, the first."""
        found: dict[str, Scope] = {}
        for diagram in self.diagrams:
            for process in diagram.processes:
                if process.id:
                    found.setdefault(process.id, process)
        return found

    @cached_property
    def main(self) -> Scope | None:
        """The process that a case starts with."""
        return self.processes.get(str(self.type.get("process", "")))

    @cached_property
    def reached(self) -> list[Scope]:
        """The main process and every process it calls, and those call. All of them if there is no main one."""
        if self.main is None:
            return list(self.processes.values())
        found = [self.main]
        for process in found:
            calls = (self.processes.get(node.called or "") for node in process.walk())
            found += [one for one in dict.fromkeys(calls) if one is not None and one not in found]
        return found

    def callers(self, process: Scope) -> list[Node]:
        return [node for one in self.reached for node in one.walk() if node.called == process.id]

    def nodes(self) -> Iterator[Node]:
        for diagram in self.diagrams:
            yield from diagram.nodes()

    def has(self, name: str) -> bool:
        """Whether a file could be read: rules that need it keep silent otherwise."""
        return name in self.readable

    def table(self, file: str, key: str) -> dict[str, Any]:
        """A table of type.toml or province.toml; ``{}`` if it is missing or no table."""
        found = (self.type if file == TYPE else self.province).get(key, {})
        return found if isinstance(found, dict) else {}

    @cached_property
    def drawings_readable(self) -> bool:
        """Whether every diagram could be read: what is missing may stand in one that could not."""
        return not any(one.file.endswith(".bpmn") and one.code == "file-unreadable" for one in self.faults)

    def line(self, file: str, *keys: str) -> int:
        """The line of a TOML file where a table or key is written; 1 if it cannot be found."""
        headers, entries = self._written.get(file, ({}, {}))
        if header := headers.get(".".join(keys)):
            return header
        start = self.line(file, *keys[:-1]) if len(keys) > 1 else 1
        lines = entries.get(keys[-1], []) if keys else []
        place = bisect_left(lines, start)
        return lines[place] if place < len(lines) else start

    @cached_property
    def _written(self) -> dict[str, tuple[dict[str, int], dict[str, list[int]]]]:
        """Of each TOML file the first line of every table's header, and the lines of every key: read once, so that a
        file of nothing but faults is judged in no time, too."""
        found: dict[str, tuple[dict[str, int], dict[str, list[int]]]] = {}
        for file in (TYPE, PROVINCE):
            headers, entries = found[file] = {}, {}
            for number, line in enumerate(self.files.get(file, "").splitlines(), 1):
                if header := _HEADER.match(line):
                    headers.setdefault(re.sub(r"[\"']", "", header[1]), number)
                elif entry := _ENTRY.match(line):
                    entries.setdefault(entry[1] or entry[2] or entry[3], []).append(number)
        return found

"""What the gate says about a package that cannot be deployed as it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from engine.flow.sentences import in_vietnamese
from engine.flow.vietnamese import VIETNAMESE


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to change.

    Attributes:
        file: the file of the package it is in.
        line: counted from 1; 1 where nothing better is known.
        element: the id of the BPMN element, form, decision or table it is about, or ``None``.
        code: for machines, and for ever; `engine.flow.rules.CODES` says what each means.
        message: one sentence for an analyst, saying what to change.
        severity: ``error`` (nothing with one is deployed) or ``warning``.
    """

    file: str
    line: int
    element: str | None
    code: str
    message: str
    severity: str = "error"

    def to_json(self) -> dict[str, Any]:
        """With ``vi``, what kind of fault it is, and ``message_vi``, what to change, in Vietnamese."""
        return asdict(self) | {"vi": VIETNAMESE.get(self.code, self.code), "message_vi": in_vietnamese(self.message)}

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return f"{place}: {self.severity} [{self.code}] {self.message}"


def error(thing: Any, code: str, message: str) -> Fault:
    """An error at something drawn: a node, a flow, a scope."""
    return Fault(thing.file, thing.line, thing.id or None, code, message)


def warning(thing: Any, code: str, message: str) -> Fault:
    """A warning at something drawn: a node, a flow, a scope."""
    return Fault(thing.file, thing.line, thing.id or None, code, message, "warning")

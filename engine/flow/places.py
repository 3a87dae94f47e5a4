"""The areas that a package's tables are asked about, where somebody knows more of them than its province.toml."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Place:
    """A district or commune on the day the package is to come into force.

    Attributes:
        parent: a commune's district; ``None``: cases are kept by this area itself.
        gone: the first day that it is no more, if that has come.
        after: what it has become by then, as "25741.2025 (Phường …)".
    """

    code: str
    name: str
    parent: str | None = None
    gone: date | None = None
    after: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

"""What a report is made of: by what it is grouped, and what each of its columns counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause

from engine.people.access import Columns
from engine.runtime import Unit

Names = Callable[[Unit, str], Mapping[str, str]]  # what the values of a dimension are called in a province


def themselves(_unit: Unit, _province: str) -> Mapping[str, str]:
    """Values that need no name: days, hours."""
    return {}


@dataclass(frozen=True)
class Base:
    """What is counted.

    Attributes:
        at: the instant by which a thing belongs to a period.
        number: how a thing is called in a list of those behind a figure.
        access: where its rows keep what the access rules ask about.
        always: what holds for all that is counted.
    """

    name: str
    rows: FromClause
    id: ColumnElement[int]
    at: ColumnElement[Any]
    number: ColumnElement[Any]
    access: Columns
    see: str
    always: ColumnElement[bool]


@dataclass(frozen=True)
class Dimension:
    key: str
    vi: str
    en: str
    value: ColumnElement[Any]
    names: Names = themselves


@dataclass(frozen=True)
class Column:
    """One column of a report.

    Attributes:
        where: which things it counts, or measures.
        kind: ``count``; ``sum`` of ``value``; ``share``: of those for which ``of`` holds, in per cent; ``mean`` and
            ``p90`` of ``value``. The ninth decile is the smallest value that at least 90 % do not exceed: always one
            that occurred.
        part_of: the count of which this is a part: who reads both reads the rest, too.
        unit: what a ``mean`` or ``p90`` is shown in, as seconds: 3600 for hours, 1 for a value shown as it is.
    """

    key: str
    vi: str
    en: str
    where: ColumnElement[bool]
    kind: str = "count"
    of: ColumnElement[bool] | None = None
    value: ColumnElement[Any] | None = None
    unit: int = 1
    part_of: str | None = None


@dataclass(frozen=True)
class Statistic:
    """A report.

    Attributes:
        key: its name in the address.
        number: in F.2 of the domain report.
        published: it may leave the house, then without small numbers (`engine.statistics.small`).
    """

    key: str
    number: int
    vi: str
    en: str
    base: Base
    by: tuple[Dimension, ...]
    columns: tuple[Column, ...]
    published: bool = False

"""Makes a report from its description, and lists what is behind each of its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from engine.errors import InvalidRequest, NotAllowed, NotFound
from engine.paging import Page, page, read_cursor
from engine.people import access
from engine.people.access import Account, Target
from engine.runtime import Unit
from engine.statistics import lookups, small
from engine.statistics.catalogue import STATISTICS
from engine.statistics.description import Column, Dimension, Statistic
from engine.terms.calendar import ZONE

LONGEST = timedelta(days=366)
OTHERS = "*"  # the key of the row in which small ones were put together
NOT_KNOWN = ""  # and of things that have none: no district known yet, no agency chosen
_TENTH = Decimal("0.1")


@dataclass(frozen=True)
class Row:
    """One row: the keys it stands for, what they are called, and its numbers in the order of the columns.

    A number is ``None`` where there is nothing to divide by, or to measure.
    """

    keys: tuple[str, ...]
    names: tuple[str, ...]
    values: tuple[int | float | None, ...]


@dataclass(frozen=True)
class Table:
    """A report.

    Attributes:
        columns: those of the statistic; a published one has its counts only.
        total: counted by itself, not added up; ``None``: withheld, for it would tell of few people.
        published: small numbers are not in it.
    """

    statistic: Statistic
    province: str
    begins: datetime
    ends: datetime
    published: bool
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    total: Row | None


def find(key: str) -> Statistic:
    """Raises:
    NotFound: there is no such report.
    """
    if key not in STATISTICS:
        raise NotFound(f"There is no report {key[:40]!r}: there are {', '.join(STATISTICS)}.")
    return STATISTICS[key]


def make(
    unit: Unit, account: Account, key: str, province: str, begins: datetime, ends: datetime, published: bool = False
) -> Table:
    """A report of what was received from ``begins`` on and before ``ends``, both aware.

    Args:
        published: without numbers from which few people could be told. Who may not see exact figures gets only these.

    Raises:
        NotFound: there is no such report.
        NotAllowed: the account may not count here, or this report is not for publication.
        InvalidRequest: the period is none, too long, or (published) not one calendar month that is over.
    """
    statistic = find(key)
    access.require(account, "count", Target(province), unit)
    published = published or not access.allows(account, "figure", Target(province), unit)
    if published and not statistic.published:
        raise NotAllowed(f"The report {key} tells of few people: it is not for publication.")
    _check_period(unit, begins, ends, published)
    columns = tuple(one for one in statistic.columns if one.kind == "count" or not published)
    came = and_(access.permits(account, "count", statistic.base.access), _came(statistic, province, begins, ends))
    given = lookups.values(unit, province, begins, ends)
    rows = _rows(unit, statistic, columns, came, statistic.by, province, given)
    total: Row | None = _rows(unit, statistic, columns, came, (), province, given)[0]
    if published:
        rows, total = _without_small(columns, rows, total)
    return Table(statistic, province, begins, ends, published, columns, rows, total)


def behind(
    unit: Unit, account: Account, key: str, province: str, begins: datetime, ends: datetime, column: str,
    at: Mapping[str, str], *, limit: int = 50, after: str | None = None,
) -> Page:  # fmt: skip
    """What a number of a report counts, oldest first: ``id``, ``number`` and ``at``.

    Args:
        column: of a share, those that it counts; of a mean, those that were measured.
        at: the keys of the row by dimension; left out, of all rows.

    Raises:
        NotFound, NotAllowed, InvalidRequest: as for `make`; or there is no such column or dimension.
    """
    statistic = find(key)
    access.require(account, "figure", Target(province), unit)
    access.require(account, statistic.base.see, Target(province), unit)
    _check_period(unit, begins, ends, published=False)
    by = {dimension.key: dimension.value for dimension in statistic.by}
    of = {one.key: one for one in statistic.columns}
    if column not in of or set(at) - set(by):
        raise InvalidRequest(f"The report {key} has the columns {', '.join(of)}, by {', '.join(by)}.", field="column")
    base = statistic.base
    conditions = [_came(statistic, province, begins, ends), of[column].where]
    conditions += [access.permits(account, what, base.access) for what in ("count", base.see)]
    conditions += [by[name].is_(None) if value == NOT_KNOWN else by[name] == value for name, value in at.items()]
    if of[column].of is not None:
        conditions.append(of[column].of)
    if after is not None:
        conditions.append(base.id > read_cursor(after)[1])
    query = select(base.id.label("id"), base.number.label("number"), base.at.label("at")).select_from(base.rows)
    given = lookups.values(unit, province, begins, ends)
    return page(unit.all(query.where(*conditions).order_by(base.id).limit(limit + 1), given), limit)


def _check_period(unit: Unit, begins: datetime, ends: datetime, published: bool) -> None:
    if not begins < ends <= begins + LONGEST:
        raise InvalidRequest(f"A period begins before it ends, and is no longer than {LONGEST.days} days.", field="to")
    if published:
        first = begins.astimezone(ZONE)
        midnight = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        after = (midnight + timedelta(days=32)).replace(day=1)
        # taken from each other, the numbers of two periods that overlap would tell what neither does
        if (first, ends) != (midnight, after) or ends > unit.now:
            raise InvalidRequest("What is published is published by calendar months that are over.", field="from")


def _came(statistic: Statistic, province: str, begins: datetime, ends: datetime) -> ColumnElement[bool]:
    base = statistic.base
    return and_(base.access.province == province, base.at >= begins, base.at < ends, base.always)


# -- numbers -----------------------------------------------------------------------------------------------------------


def _rows(
    unit: Unit, statistic: Statistic, columns: tuple[Column, ...], came: ColumnElement[bool],
    by: tuple[Dimension, ...], province: str, given: dict[str, Any],
) -> list[Row]:  # fmt: skip
    keys = [dimension.value.label(f"key_{number}") for number, dimension in enumerate(by)]
    counted = [part.label(f"c_{n}_{m}") for n, one in enumerate(columns) for m, part in enumerate(_counted(one))]
    query: Select[Any] = select(*keys, *counted).select_from(statistic.base.rows).where(came).group_by(*keys)
    found = unit.all(query.order_by(*(key.nulls_last() for key in keys)), given)
    measured = [n for n, one in enumerate(columns) if one.kind == "p90"]
    deciles = {n: _deciles(unit, statistic, columns[n], came, keys, given) for n in measured}
    names = [dimension.names(unit, province) for dimension in by]
    made = []
    for row in found:
        key = tuple(row)[: len(keys)]
        values = [
            _shown(one, deciles[n].get(key)) if n in deciles else _value(one, row._mapping, n)
            for n, one in enumerate(columns)
        ]
        said = tuple(NOT_KNOWN if part is None else str(part) for part in key)
        made.append(Row(said, tuple(called.get(part, part) for called, part in zip(names, said, strict=True)),
                        tuple(values)))  # fmt: skip
    return made


def _counted(column: Column) -> list[ColumnElement[Any]]:
    """What the database adds up for a column: whole numbers only, so that both databases say the same."""
    if column.kind == "share":
        return [func.count(case((and_(column.where, column.of), 1))), func.count(case((column.of, 1)))]
    count = func.count(case((column.where, 1)))
    if column.value is None or column.kind == "p90":
        return [count]
    return [func.coalesce(func.sum(case((column.where, column.value))), 0), count]


def _value(column: Column, row: Mapping[Any, Any], n: int) -> int | float | None:
    if column.kind in ("count", "sum"):
        return int(row[f"c_{n}_0"])
    part, whole = int(row[f"c_{n}_0"]), int(row[f"c_{n}_1"])
    if not whole:
        return None
    return _rounded(Decimal(part * 100) / whole if column.kind == "share" else Decimal(part) / whole / column.unit)


def _deciles(
    unit: Unit, statistic: Statistic, column: Column, came: ColumnElement[bool], keys: list[Any],
    given: dict[str, Any],
) -> dict[tuple[Any, ...], int]:
    assert column.value is not None
    place = func.row_number().over(partition_by=keys or None, order_by=column.value)
    among = func.count().over(partition_by=keys or None)
    ranked = select(*keys, column.value.label("value"), place.label("place"), among.label("among"))
    inner = ranked.select_from(statistic.base.rows).where(came, column.where).subquery()
    # the first whose place is at least nine tenths of all; in whole numbers, for the databases round differently
    reached = and_(inner.c.place * 10 >= inner.c.among * 9, (inner.c.place - 1) * 10 < inner.c.among * 9)
    query = select(*(inner.c[key.name] for key in keys), inner.c.value).where(reached)
    return {tuple(row)[:-1]: int(row.value) for row in unit.all(query, given)}


def _shown(column: Column, value: int | None) -> float | None:
    return None if value is None else _rounded(Decimal(value) / column.unit)


def _rounded(value: Decimal) -> float:
    return float(value.quantize(_TENTH, ROUND_HALF_UP))


# -- small numbers -----------------------------------------------------------------------------------------------------


def _without_small(
    columns: tuple[Column, ...], rows: list[Row], total: Row
) -> tuple[list[Row], Row | None]:
    if small.tells(_readable(columns, total.values)):
        return [], None
    hidden = small.together([_readable(columns, row.values) for row in rows])
    if not hidden:
        return rows, total
    whole = [sum(column) for column in zip(*(rows[place].values for place in hidden), strict=True)]
    keys = len(rows[0].keys)
    others = Row((OTHERS,) * keys, ("Khác",) * keys, tuple(whole))
    return [*(row for place, row in enumerate(rows) if place not in hidden), others], total


def _readable(columns: tuple[Column, ...], values: Sequence[Any]) -> list[int]:
    """The counts of a row, and what is left of a count without its part."""
    counts = {one.key: int(value) for one, value in zip(columns, values, strict=True)}
    rests = [counts[one.part_of] - counts[one.key] for one in columns if one.part_of in counts]
    return [*counts.values(), *rests]

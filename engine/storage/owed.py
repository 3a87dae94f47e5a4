"""What a unit owes the database, sent in as few statements as will do.

SQLite is asked one by one: it is in our own process. PostgreSQL gets all at once, and several writes as one statement:
half of what a small INSERT costs there, and here, is its being a statement (`bench`, ``cpu_per_call_ratio``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from psycopg.errors import DivisionByZero
from sqlalchemy import Dialect, Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from engine.storage.prepared import Made, Prepared, Values
from engine.storage.wire import Answer, Asked, Wire

SHARED_MAX = 500  # sequences of statements; each may make one or more that every connection to PostgreSQL keeps
LOOK, WRITE = "look", "write"
LONGEST = 30  # what is longer comes from a list of something, and hardly twice alike
_PLACE = re.compile(r"\$(\d+)")
_shared_out: dict[str, dict[Any, list[_Share]]] = {"sqlite": {}, "postgresql": {}}


class Owed(NamedTuple):
    """A statement to be run no later than the next look at the database.

    Attributes:
        otherwise: what to raise if it finds or changes no row.
        found: where its rows go; without it they are of no interest.
    """

    statement: Prepared
    values: Values
    otherwise: Exception | None = None
    found: list[Row[Any]] | None = None


def run(
    dialect: Dialect, pooled: PoolProxiedConnection, owed: Iterable[Sequence[Owed]], *, commit: bool,
    ahead: Sequence[Owed] = (),
) -> None:  # fmt: skip
    """Run statements in order; PostgreSQL gets them all at once.

    Args:
        owed: sequences of them; none is made one statement with those of another.
        commit: commit then, if nothing failed. (On SQLite that is left to the unit: it costs no exchange.)
        ahead: for PostgreSQL, before all others and in a transaction of their own.

    Raises:
        DBAPIError: the driver's error, as SQLAlchemy would raise it.
        whatever a statement asks to be raised.
    """
    shares = [(share, matter) for matter in ([[one] for one in ahead] + [*owed]) for share in _shared(dialect, matter)]
    asked = [(share.sql, share.bind(matter)) for share, matter in shares]
    if dialect.name == "postgresql":
        answers = _wire(pooled).run(asked, commit, pooled.info["begin"], len(ahead))
    else:
        answers = _on_sqlite(pooled.driver_connection, asked)
    errors: Any = dialect.loaded_dbapi.Error  # type: ignore[attr-defined]
    done = 0
    try:
        for (rows, count), (share, matter) in zip(answers, shares, strict=True):
            one = matter[share.asker]
            done += 1
            if count == 0 and one.otherwise is not None:
                raise one.otherwise
            if one.found is not None:
                one.found.extend([share.made.row(row) for row in rows])
    except errors as error:
        share, matter = shares[done] if done < len(shares) else (None, ())
        otherwise = matter[share.asker].otherwise if share is not None else None
        if otherwise is not None and isinstance(error, DivisionByZero):
            raise otherwise from None
        sql = ";\n".join(sql for sql, _ in asked)
        raise DBAPIError.instance(sql, None, error, errors, hide_parameters=True) from error


def begin(dialect: Dialect, pooled: PoolProxiedConnection) -> None:
    """Begin the unit's transaction for statements that are not sent here, unless it has begun: the driver would do it
    otherwise, in as many exchanges.

    Raises:
        DBAPIError: as `run`.
    """
    errors: Any = dialect.loaded_dbapi.Error  # type: ignore[attr-defined]
    if dialect.name == "postgresql":
        try:
            _wire(pooled).begin(pooled.info["begin"])
        except errors as error:
            raise DBAPIError.instance("BEGIN", None, error, errors, dialect=dialect) from error


class _Part(NamedTuple):
    """One of the statements that are owed: the how-manieth, whether it must find a row, what it can be joined to."""

    place: int
    made: Made
    must: bool
    kind: str | None


class _Share:
    """What goes out as one statement: on PostgreSQL writes to several tables, where nobody looks in between; or looks
    whether something is still so.

    Attributes:
        asker: the place, among what is owed, of the part that wants rows, or of the first that must find one; else of
            the first.
    """

    def __init__(self, parts: Sequence[_Part]) -> None:
        self._parts = [(part.place, part.made) for part in parts]
        self.asker, self.made, must, _ = next((part for part in parts if part.must), parts[0])
        self.sql = _together(parts) if len(parts) > 1 else self.made.demand if must else self.made.sql

    def bind(self, owed: Sequence[Owed]) -> list[Any]:
        if len(self._parts) == 1:
            return self.made.bind(owed[self.asker].values)
        return [value for place, made in self._parts for value in made.bind(owed[place].values)]


def _shared(dialect: Dialect, owed: Sequence[Owed]) -> list[_Share]:
    """How these are shared out to statements; found once for each sequence of them."""
    asked = tuple([(one.statement, one.otherwise is not None, one.found is not None) for one in owed])
    known = _shared_out[dialect.name]
    shares = known.get(asked)
    if shares is None:
        room = len(known) < SHARED_MAX and len(owed) <= LONGEST
        shares = [_Share(parts) for parts in _parted(dialect, asked, room and dialect.name == "postgresql")]
        if room:
            known[asked] = shares
    return shares


def _parted(dialect: Dialect, asked: Any, join: bool) -> list[list[_Part]]:
    """What follows each other is joined: looks whether something is still so (`Unit.sure`), for all of them say the
    same if it is not; and writes, as long as each is to another table, so that in which order they happen makes no
    difference, and one at most must find a row, for nobody is told which has not. Writes never join such a look: they
    are to see all that was committed before its lock was to be had.
    """
    shares: list[list[_Part]] = []
    written: set[str] = set()  # by the last share
    for place, (statement, must, reads) in enumerate(asked):
        made = statement.on(dialect)
        kind = None if reads or not join else LOOK if must and made.looks else WRITE if made.writes else None
        part, last = _Part(place, made, must, kind), shares[-1] if shares else []
        fits = kind is not None and any(one.kind == kind for one in last)
        if kind == WRITE:
            fits = fits and made.writes not in written and not (must and any(one.must for one in last))
        if fits:
            last.append(part)
        else:
            shares.append([part])
            written = set()
        written |= {made.writes} if made.writes else set()
    return shares


def _together(parts: Sequence[_Part]) -> str:
    """One statement of several, as PostgreSQL's WITH allows; they happen at the same instant.

    Foreign keys are looked at after all of them.
    """
    said, before, must = [], 0, []
    for number, (_, made, demanded, _) in enumerate(parts):
        sql = _PLACE.sub(lambda found, before=before: f"${int(found[1]) + before}", made.sql)  # type: ignore[misc]
        said.append(f"part_{number} AS ({sql}{' RETURNING 1' if demanded and not made.looks else ''})")
        before += made.size
        if demanded:
            must.append(f"1 / (SELECT count(*) FROM part_{number})")
    return f"WITH {', '.join(said)} SELECT {', '.join(must) or '1'}"


def _on_sqlite(driver: Any, asked: Sequence[Asked]) -> Iterator[Answer]:
    for sql, values in asked:
        cursor = driver.execute(sql, values)
        rows = cursor.fetchall()
        yield rows, len(rows) if cursor.description else cursor.rowcount


def _wire(pooled: PoolProxiedConnection) -> Wire:
    """A connection's wire, which the pool keeps as long as the connection."""
    wire: Wire | None = pooled.info.get("wire")
    if wire is None:
        wire = pooled.info["wire"] = Wire(pooled.driver_connection)
    return wire

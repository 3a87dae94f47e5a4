"""A unit of work: one transaction, one instant.

Everything that changes the database happens inside ``Runtime.begin()``; it commits once, at the end, or not at all.
Reads that lead to no change happen inside ``Runtime.read()``. Nothing in the engine asks what time it is: the unit
knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cached_property
from threading import Lock
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Executable, Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from engine import model
from engine.errors import Outdated
from engine.spans import span
from engine.storage.database import BUSY_SECONDS, connect, transaction
from engine.storage.owed import Owed, begin, run
from engine.storage.prepared import Prepared
from engine.terms.calendar import ZONE

_RECORD = Prepared.insertion(model.events, "case_id", "at", "kind", "actor", "element", "data")


class Unit:
    """One transaction and the instant at which everything in it happens.

    Attributes:
        database: what the transaction is of.
        now: aware UTC; the same for the whole unit.
        catalogue: the report types, by version.
        callers: who held a token when last seen, by the token's hash (`engine.people.accounts.recall`).
        views: who has been shown the words of a case of which every view is recorded: its secrecy class, by the
            case's id and the log-in (`engine.privacy.firewall`).
        deployed: ids of the versions that this unit has brought; nobody else knows of them yet.
        spare_numbers: of cases that came to nothing, by series (`engine.numbers`).
        number: that of its next case.
        born: how many cases its steps have started (`engine.births`).
        recent: what this process has just written of cases, and when, by task (`engine.recent`).
        may_recall: who has opened the unit does everything once more if what it recalls is no longer so, or leads to a
            refusal; has_recalled: it did.
        states: of processes, as it has written them, with the revision, by case.
        has_begun: the database has been asked for something.
    """

    def __init__(self, runtime: Runtime, pooled: PoolProxiedConnection, now: datetime) -> None:
        self.database = runtime.database
        self.catalogue = runtime.catalogue
        self.callers = runtime.callers
        self.recent = runtime.recent
        self.spare_numbers = runtime.spare_numbers
        self._pooled = pooled
        self.now = now
        self.deployed: set[int] = set()
        self.views: dict[tuple[int, str], str] = {}
        self.number: Any = None
        self.born = 0
        self.states: dict[int, tuple[int, bytes | None]] = {}
        self.has_begun = False
        self.may_recall = self.has_recalled = False
        self._at_end: list[Callable[[bool], None]] = []
        self._ahead: list[Owed] = []
        self._owed: list[list[Owed]] = [[]]
        self._known: dict[tuple[Any, ...], list[Row[Any]]] = {}
        self._broken: BaseException | None = None

    @cached_property
    def connection(self) -> Connection:
        """SQLAlchemy's, in the unit's transaction: for statements that nobody has prepared.

        It is never closed, nor its transaction ended: both are the unit's.
        """
        self.has_begun = True
        begin(self.database.dialect, self._pooled)
        return Connection(self.database, connection=self._pooled)

    def execute(self, statement: Any, values: Any = None) -> CursorResult[Any]:
        self._forget(statement)
        self.flush()
        return self.connection.execute(statement, values)

    def first(self, statement: Any, values: Any = None) -> Row[Any] | None:
        if isinstance(statement, Prepared):
            found = self.all(statement, values)
            return found[0] if found else None
        return self.execute(statement, values).first()

    def all(self, statement: Any, values: Any = None) -> list[Row[Any]]:
        if isinstance(statement, Prepared):
            found = self.later(statement, values or {})
            self.flush()
            return found
        return list(self.execute(statement, values))

    def later(self, statement: Prepared, values: Mapping[str, Any]) -> list[Row[Any]]:
        """What this will have found by the next look at the database, or the end of the unit; empty until then."""
        found: list[Row[Any]] = []
        self._owed[-1].append(Owed(statement, values, found=found))
        return found

    def ahead(self, statement: Prepared, values: Mapping[str, Any]) -> list[Row[Any]]:
        """As `later`; but PostgreSQL does it in a transaction of its own: whatever becomes of the unit, that has
        happened, and nobody else waits until the unit is done. If the unit has begun, on another connection."""
        if not self.locks_rows:
            return self.later(statement, values)
        found: list[Row[Any]] = []
        self._ahead.append(Owed(statement, values, found=found))
        if self.has_begun:
            with transaction(self.database, writes=True) as other:
                ahead, self._ahead = self._ahead, []
                run(self.database.dialect, other, [], ahead=ahead, commit=False)
        return found

    def at_end(self, call: Callable[[bool], None]) -> None:
        """Have this called when the unit has ended, with whether all of it is done; not at all if nobody knows."""
        self._at_end.append(call)

    def end(self, done: bool) -> None:
        calls, self._at_end, self.number = self._at_end, [], None  # they know it: as in `Process.fall_apart`
        for call in calls:
            call(done)

    def close(self) -> None:
        """It has ended: the connection is another's from now on."""
        self._broken = RuntimeError("The unit has ended.")
        self.__dict__.pop("connection", None)
        del self._pooled

    def soon(self, statement: Prepared, values: Mapping[str, Any]) -> None:
        """`known` will be asked for this: have it looked up along with what is looked up next."""
        key = (statement, *values.values())
        if key not in self._known:
            self._known[key] = self.later(statement, values)

    def know(self, statement: Prepared, values: Mapping[str, Any], found: list[Any]) -> None:
        """What `known` would find, by who has just written it: things like its rows."""
        self._known[statement, *values.values()] = found

    def known(self, statement: Prepared, values: Mapping[str, Any]) -> list[Row[Any]]:
        """As `all`; but what this unit has looked up already, and written to none of its tables since, it does not look
        up again."""
        self.soon(statement, values)
        found = self._known[statement, *values.values()]
        if any(one.found is found for matter in self._owed for one in matter):
            self.flush()
        return found

    def known_row(self, statement: Prepared, values: Mapping[str, Any]) -> Row[Any] | None:
        """The first of what is `known`, if there is any."""
        return next(iter(self.known(statement, values)), None)

    def anew(self) -> None:
        """Whatever was `known` is looked up again: while the unit waits for a lock, others may change it."""
        self._known = {}

    def _forget(self, statement: Any) -> None:
        """What was `known` of a table that is now written to."""
        if self._known and not statement.is_select:
            changed = {statement.table.name} if statement.is_dml else None
            for key in [key for key in self._known if changed is None or key[0].tables & changed]:
                del self._known[key]

    def scalar(self, statement: Any, values: Any = None) -> Any:
        row = self.first(statement, values)
        return None if row is None else row[0]

    def claims(self, change: Executable) -> bool:
        """Make a conditional change and say whether it happened: the idiom wherever two may want one thing."""
        return self.execute(change).rowcount > 0

    def write(self, statement: Prepared, values: Mapping[str, Any], otherwise: Exception | None = None) -> None:
        """Write something no later than the next look at the database, or the end of the unit.

        What is put off is sent together: PostgreSQL gets it, and the commit, in one exchange.

        Args:
            otherwise: raised if it finds or changes no row.
        """
        self._forget(statement.statement)
        self._owed[-1].append(Owed(statement, values, otherwise))

    def sure(self, look: Prepared, values: Mapping[str, Any]) -> None:
        """What is computed with from memory must still be so: this finds a row, before anything is written that comes
        after it.

        Raises:
            Outdated: by the next look at the database, or the end of the unit: it finds none.
        """
        self._owed[-1].append(Owed(look, values, otherwise=Outdated()))

    def flush(self, *, commit: bool = False) -> None:
        """Send what `write` and `later` have put off.

        What it raises it raises again whenever the unit is asked for more: an expression that looks at the database
        may take it for the diagram's fault, or for nothing, but nothing comes of that unit any more.
        """
        if self._broken is not None:
            raise self._broken
        if self._owed[0] or self._ahead or commit:
            owed, self._owed = self._owed, [[]]
            ahead, self._ahead, self.has_begun = self._ahead, [], True
            try:
                run(self.database.dialect, self._pooled, owed, ahead=ahead, commit=commit)
            except BaseException as error:
                self._broken = error
                raise

    def set_apart(self) -> None:
        """What was put off so far is another matter than what follows: it is sent together with that, but never made
        one statement with it, which would be one that was never seen before."""
        if self._owed[-1]:
            self._owed.append([])

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What happens inside is undone if it raises; what was before is not."""
        self.flush()
        try:
            with self.connection.begin_nested():
                yield
                self.flush()
        except BaseException:
            self._owed, self._known, self._broken, self.number = [[]], {}, None, None
            raise

    @property
    def today(self) -> date:
        """In Vietnam."""
        return self.now.astimezone(ZONE).date()

    @property
    def locks_rows(self) -> bool:
        """PostgreSQL locks rows; SQLite has let nobody else write since the unit began."""
        return self.database.dialect.name == "postgresql"

    def record(self, case_id: int, kind: str, actor: str, element: str | None = None, **data: Any) -> None:
        """Add a line to a case's history."""
        line = {"case_id": case_id, "at": self.now, "kind": kind, "actor": actor, "element": element, "data": data}
        self.write(_RECORD, line)

    def note_views(self, views: Mapping[tuple[int, str], str]) -> None:
        for (case_id, login), secrecy in views.items():
            self.record(case_id, "case-viewed", login, secrecy=secrecy)


class Runtime:
    """The engine bound to a database and a clock.

    >>> from engine.runtime import Runtime
    >>> runtime = Runtime.open("sqlite:///:memory:")
    """

    def __init__(self, database: Engine, clock: Callable[[], datetime]) -> None:
        """Args:
        database: prepared by `engine.storage.database.connect` (Flask-SQLAlchemy's engine is, through its options).
        clock: returns an aware instant. The engine itself never asks the wall clock.
        """
        from engine.packages import Catalogue

        self.database = database
        self.clock = clock
        self._writing = Lock()
        self.catalogue = Catalogue()
        self.callers: dict[str, Any] = {}
        self.recent: dict[int, Any] = {}
        self.spare_numbers: dict[str, list[int]] = {}
        self.used: dict[str, datetime] = {}  # when the use of a token was last written down

    @classmethod
    def open(cls, url: str, clock: Callable[[], datetime]) -> Runtime:
        return cls(connect(url), clock)

    @contextmanager
    def begin(self) -> Iterator[Unit]:
        """A unit that may write. Commits at the end, rolls back on any exception."""
        with span("unit"), self._turn(), transaction(self.database, writes=True) as pooled:
            unit = self._unit(pooled)
            try:
                yield unit
                unit.note_views(unit.views)
                unit.flush(commit=True)
            except DBAPIError:
                raise
            except BaseException:
                unit.end(done=False)
                raise
            finally:
                unit.close()
        unit.end(done=True)

    @contextmanager
    def read(self) -> Iterator[Unit]:
        """A unit that only reads, and all that it reads is of one moment. What it has to leave behind follows."""
        with span("read"), transaction(self.database, writes=False) as pooled:
            unit = self._unit(pooled)
            try:
                yield unit
                unit.flush()
            finally:
                unit.close()
        if unit.views:
            with self.begin() as after:
                after.note_views(unit.views)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """SQLite lets one unit write at a time. Those of this process wait here, where the next one wakes at once,
        rather than at the file, which SQLite looks at again after ever longer naps."""
        waits = self.database.dialect.name == "sqlite" and self._writing.acquire(timeout=BUSY_SECONDS)
        try:
            yield
        finally:
            if waits:
                self._writing.release()

    def _unit(self, pooled: PoolProxiedConnection) -> Unit:
        return Unit(self, pooled, self.clock().astimezone(UTC))

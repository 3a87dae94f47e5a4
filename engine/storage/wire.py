"""PostgreSQL's prepared statements, several in one exchange, spoken through libpq as psycopg hands it out.

What an exchange costs is mostly waiting for the other process to wake up, so that ten small statements sent together
cost little more than one; what is sent together is one transaction, unless it says otherwise. A psycopg cursor sends
each alone and decides anew each time how. psycopg still turns the values into PostgreSQL's words and back, waits
without holding Python's lock, and asks libpq whether a transaction is open: its own cursors, commit and rollback can be
used beside this.
"""

from __future__ import annotations

import ctypes
import select
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from psycopg import Connection, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import OperationalError, error_from_result
from psycopg.generators import send

Asked = tuple[str, Sequence[Any]]  # SQL with $1, $2, … whose types it makes plain, and the values
Answer = tuple[list[tuple[Any, ...]], int]  # the rows, and how many were read or changed

WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED"
# All that is read is of one moment, that of the first statement. Only who writes can be refused for it.
READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_COMMIT = "COMMIT"
# What goes ahead is on the disk before anything that follows it, or neither is: it need not wait for that by itself.
_UNHURRIED = "SET LOCAL synchronous_commit TO off"
# libpq's function itself: ctypes lets go of Python's lock, psycopg's `pipeline_sync` does not. The kernel likes to run
# PostgreSQL on our processor as soon as it has something to read, and all other threads would wait for it.
_sync = ctypes.CDLL(sys.modules[pq.PGconn.__module__].__file__).PQpipelineSync
_sync.argtypes = [ctypes.c_void_p]
_SYNCED = pq.ExecStatus.PIPELINE_SYNC
_DONE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class Wire:
    """One connection, and what it has prepared so far."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection, self._libpq = connection, connection.pgconn
        self._words = Transformer(connection)
        self._names: dict[str, bytes] = {}
        self._socket = select.poll()
        self._socket.register(self._libpq.socket, select.POLLIN)

    def begin(self, how: str) -> None:
        """Begin a transaction, unless one is open.

        Raises:
            psycopg.Error
        """
        if self._libpq.transaction_status == pq.TransactionStatus.IDLE:
            self._read(self._libpq.exec_prepared(self._named(how), None))

    def run(self, asked: Sequence[Asked], commit: bool, how: str, ahead: int = 0) -> Iterator[Answer]:
        """Run statements in order, in the transaction that is open or else a new one.

        Args:
            commit: and end it with them.
            how: a new one begins.
            ahead: so many of the first are done before it, in a transaction of their own.

        Raises:
            psycopg.Error: of the first that failed, in its place; none after it was run.
        """
        idle = self._libpq.transaction_status == pq.TransactionStatus.IDLE
        if idle and not asked:
            return
        named = [(self._named(sql), self._bound(values)) for sql, values in asked]
        if len(named) == 1 and not idle and not commit:
            yield self._read(self._libpq.exec_prepared(*named[0]))
            return
        before = [self._plain(WRITING), self._plain(_UNHURRIED), *named[:ahead], self._plain(_COMMIT)] if ahead else []
        begin = [self._plain(how)] if idle and len(named) > ahead and not commit else []
        end = [self._plain(_COMMIT)] if commit and not idle else []
        commands = [*before, *begin, *named[ahead:], *end]
        for (_, values), result in zip(commands, self._exchange(commands), strict=True):
            answer = self._read(result)
            if values is not None:  # else nobody has asked for it
                yield answer

    def _plain(self, sql: str) -> tuple[bytes, None]:
        return self._named(sql), None

    def _exchange(self, commands: Sequence[Any]) -> list[pq.abc.PGresult]:
        """One result for each command, in order; those after one that failed say so too.

        Raises:
            psycopg.Error: it could not be committed, although none of its commands failed.
        """
        self._libpq.enter_pipeline_mode()
        try:
            for name, bound in commands:
                self._libpq.send_query_prepared(name, bound)
            if not _sync(self._libpq.pgconn_ptr):
                raise OperationalError(self._libpq.get_error_message())
            if self._libpq.flush():  # more than the socket takes at once
                self._connection.wait(send(self._libpq))
            results = self._results()
        finally:
            self._libpq.exit_pipeline_mode()
        for unasked in results[len(commands) :]:
            self._read(unasked)
        return results

    def _results(self) -> list[pq.abc.PGresult]:
        """What came back, up to the end of the exchange; libpq says ``None`` after each command."""
        results: list[pq.abc.PGresult] = []
        before: pq.abc.PGresult | None = None
        while True:
            while self._libpq.is_busy():
                self._socket.poll()
                self._libpq.consume_input()
            result = self._libpq.get_result()
            if result is not None and result.status == _SYNCED:
                return results
            if result is not None:
                results.append(result)
            elif before is None:
                raise OperationalError("PostgreSQL ended the conversation before it had answered.")
            before = result

    def _named(self, sql: str) -> bytes:
        name = self._names.get(sql)
        if name is None:
            name = b"ts_%d" % len(self._names)
            self._read(self._libpq.prepare(name, sql.encode()))
            self._names[sql] = name
        return name

    def _bound(self, values: Sequence[Any]) -> Sequence[Any]:
        return self._words.dump_sequence(values, [PyFormat.TEXT] * len(values))

    def _read(self, result: pq.abc.PGresult) -> Answer:
        if result.status not in _DONE:
            error = error_from_result(result, self._words.encoding)
            if error.sqlstate is None:  # libpq's own words: nobody is there; it does not always call that broken
                self._connection.close()
            raise error
        if not result.ntuples:
            return [], result.command_tuples or 0
        self._words.set_pgresult(result)
        return self._words.load_rows(0, result.ntuples, tuple), result.command_tuples or 0

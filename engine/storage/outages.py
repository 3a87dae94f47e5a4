"""When the machinery refuses, and nobody is to blame: the database is busy, away or full, or the disk is.

Whatever happens then is undone and may simply be done again; an attempt does not count.
"""

from __future__ import annotations

import errno
from datetime import timedelta

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

BUSY, AWAY, FULL = "busy", "away", "full"
_REST = {BUSY: timedelta(milliseconds=50), AWAY: timedelta(seconds=1), FULL: timedelta(seconds=5)}

_POSTGRESQL = {
    "40001": BUSY, "40P01": BUSY, "55P03": BUSY,  # serialization failure, deadlock, lock not available
    "57P01": AWAY, "57P02": AWAY, "57P03": AWAY,  # shutting down, crashed, starting
    "25006": AWAY, "53300": AWAY,  # only to be read, which a standby is; too many connections
    "25P03": AWAY,  # it has hung up on a transaction in which nothing happened for long
    "53100": FULL,
}  # fmt: skip
_SQLITE = {5: BUSY, 6: BUSY, 13: FULL}  # another process, or another connection of this one, holds the lock; no room
# No room for a person's quota, or for the index of the log: SQLITE_IOERR_WRITE, _FSYNC, _SHMSIZE and _SHMMAP
_SQLITE_EXTENDED = dict.fromkeys((778, 1034, 4874, 5386), FULL)
_FULL = {errno.ENOSPC, errno.EDQUOT}
_UNSAID = ("OperationalError", "DatabaseError")  # the latter when libpq itself ends a pipeline
_LOST = "08"  # PostgreSQL's class of errors of the connection


def kind(error: BaseException) -> str | None:
    """busy, away or full; ``None``: something else is the matter."""
    if isinstance(error, OSError):
        return FULL if error.errno in _FULL else None
    if isinstance(error, NoConnection):
        return BUSY
    if not isinstance(error, DBAPIError):
        return None
    if error.connection_invalidated:
        return AWAY
    if (code := getattr(error.orig, "sqlite_errorcode", None)) is not None:
        return _SQLITE_EXTENDED.get(code) or _SQLITE.get(code & 0xFF)
    state = getattr(error.orig, "sqlstate", None)
    if state is None:  # psycopg or libpq said it, not the server
        return AWAY if type(error.orig).__name__ in _UNSAID else None
    return AWAY if state.startswith(_LOST) else _POSTGRESQL.get(state)


def rest(error: BaseException) -> timedelta:
    """After how long it is worth being tried again."""
    return _REST[kind(error) or BUSY]

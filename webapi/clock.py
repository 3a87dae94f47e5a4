"""What time it is for a process: the same for every node of a database, whatever the node's own clock says.

Time goes on with the machine's steady clock, which nobody sets. Every `LOOK_SECONDS` a thread holds it against the
database's clock (SQLite: the machine's, which all its processes share); where they differ by more than `TOLERATED`, the
database is right, and the log says so. So nothing falls due early on a node whose clock is ahead, and no worker takes
another's lease for over; where the database's clock itself is set, all nodes follow within those seconds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Thread

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from engine.runtime import Runtime

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
TOLERATED = timedelta(seconds=2)  # deadlines are minutes, leases a minute
SAID = "This machine's clock is {:+.0f} s from the database's, which counts: have it set by NTP."


def since_boot() -> float:
    """Seconds that nobody can set back, those that a virtual machine sleeps included."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class NodeClock:
    """The instant, in aware UTC.

    Args:
        wall: the machine's clock.

    Attributes:
        wrong: by how much the machine's clock is ahead of the one that counts, when last looked at.
    """

    def __init__(
        self, wall: Callable[[], datetime] = lambda: datetime.now(UTC), steady: Callable[[], float] = since_boot
    ) -> None:
        self._wall, self._steady = wall, steady
        self._jumps = self._began = wall() - timedelta(seconds=steady())
        self.wrong = timedelta()

    def __call__(self) -> datetime:
        return self._began + timedelta(seconds=self._steady())

    def put_right(self, database: Engine) -> bool:
        """Hold it against the clock that counts; returns whether the machine's clock was set since the last look.

        Raises:
            TimeoutError: the database took too long to tell; nothing is changed.
        """
        here = self._zero(self._wall)
        counts = here
        if database.dialect.name == "postgresql":
            with database.connect() as connection:
                counts = self._zero(lambda: connection.execute(select(func.clock_timestamp())).scalar_one())
        if abs(counts - self._began) > TOLERATED:
            was, self._began = self._began, counts
            moved = (self._began - was).total_seconds()
            log.warning("The time was put right by %+.0f s.", moved, extra={"action": "clock-put-right"})
        was_wrong, self.wrong = self.is_wrong, here - counts
        if self.is_wrong and not was_wrong:
            log.warning(SAID.format(self.wrong.total_seconds()), extra={"action": "clock-wrong"})
        jumped = abs(here - self._jumps) > TOLERATED
        self._jumps = here
        return jumped

    def _zero(self, ask: Callable[[], datetime]) -> datetime:
        """When the steady clock was at zero, by the clock that is asked.

        Raises:
            TimeoutError: it took so long to say that its answer could be of before or of now; the process may have been
                frozen meanwhile.
        """
        began = self._steady()
        told = ask()
        took = self._steady() - began
        if took > TOLERATED.total_seconds():
            raise TimeoutError(f"It took {took:.1f} s to be told what time it is.")
        return told - timedelta(seconds=began + took / 2)

    @property
    def is_wrong(self) -> bool:
        return abs(self.wrong) > TOLERATED

    def keep_right(self, database: Engine, jumped: Callable[[], object] = lambda: None) -> None:
        """Look now, and again and again in a thread of its own.

        Args:
            jumped: what to do when the machine's clock was set.
        """
        self._look(database)
        Thread(target=self._go_on, args=(database, jumped), name="clock", daemon=True).start()

    def _go_on(self, database: Engine, jumped: Callable[[], object]) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            if self._look(database):
                jumped()

    def _look(self, database: Engine) -> bool:
        try:
            return self.put_right(database)
        except (SQLAlchemyError, OSError):  # others say that it is away or slow; what was known before still holds
            return False


def node_clock(runtime: Runtime) -> NodeClock | None:
    """The clock of a process that works on real time; ``None``: somebody else moves it, as tests do."""
    return runtime.clock if isinstance(runtime.clock, NodeClock) else None

"""Who empties a mailbox: each letter is kept, and only then put away.

A letter is kept under its `letter.identity`, so that it makes one arrival however often it is fetched: by a second
postman at the same moment, or after one has died between keeping it and putting it away.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from engine.channels.mailbox.imap import Mailbox, MailboxProblem, opened
from engine.errors import EngineError
from engine.queues import leases

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)
BACK_OFF_MAX = timedelta(minutes=30)

Keep = Callable[[str, bytes], None]  # (province, letter as it came); returns when the letter cannot be lost any more


class Postman:
    """Goes to one mailbox, again and again.

    >>> postman = Postman(mailbox, keep, clock)
    >>> postman.goes()
    0
    """

    def __init__(self, mailbox: Mailbox, keep: Keep, clock: Callable[[], datetime]) -> None:
        self.mailbox = mailbox
        self._keep = keep
        self._clock = clock
        self._failures = 0
        self._not_before: datetime | None = None

    def goes(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Empty the mailbox, unless it could not be used lately. A failure is one line in the log, and we stay away
        for a while: a minute at first, twice as long each time.

        Returns:
            How many letters were fetched.
        """
        if self._not_before is not None and self._clock() < self._not_before:
            return 0
        try:
            fetched = empty(self.mailbox, self._keep, stopping)
        except (MailboxProblem, EngineError) as problem:
            self._stay_away(str(problem))
            return 0
        except SQLAlchemyError as error:
            self._stay_away(f"the database failed ({leases.reason(error)})")
            return 0
        self._failures, self._not_before = 0, None
        return fetched

    def _stay_away(self, problem: str) -> None:
        wait = min(EVERY * 2**self._failures, BACK_OFF_MAX)
        self._failures = min(self._failures + 1, 10)
        self._not_before = self._clock() + wait
        log.warning(
            "The mailbox of %s at %s cannot be used: %s; the next look is in %d minutes.",
            self.mailbox.province, self.mailbox.host, problem, wait.total_seconds() // 60,
            extra={"action": "mailbox-failed"},
        )  # fmt: skip


def empty(mailbox: Mailbox, keep: Keep, stopping: Callable[[], bool] = lambda: False) -> int:
    """Keep all letters that wait, each before it is put away; returns how many.

    Raises:
        MailboxProblem: the mail server cannot be used; what has been kept so far stays kept.
    """
    fetched = 0
    with opened(mailbox) as folder:
        for uid in folder.waiting():
            if stopping():
                break
            letter = folder.fetch(uid)
            if letter is None:  # another postman was faster
                continue
            keep(mailbox.province, letter)
            folder.put_away(uid)
            fetched += 1
    return fetched

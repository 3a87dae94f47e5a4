"""How fast reports and messages may come in by one channel; who is faster is told when to come again.

Each web process counts for itself and in memory, so that no report costs a statement for it: with four processes, four
times as many come through. A tenth of a minute's number may come at once. Emergencies are never held back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from time import monotonic

from flask import current_app

from engine import branches
from engine.errors import TooMany
from engine.runtime import Unit

AT_ONCE = 0.1  # of a minute's number
REMEMBERED_MAX = 10_000


class Limits:
    def __init__(self, a_minute: Mapping[str, int], clock: Callable[[], float] = monotonic) -> None:
        """Args:
        a_minute: how many, by channel; what is not named is not held back.
        """
        self._a_minute, self._clock = dict(a_minute), clock
        self._free_at: dict[tuple[str, str], float] = {}  # when this source would have used up what it may

    def wait(self, channel: str, source: str) -> int:
        """After how many seconds one more may come by this channel from this source; 0: now, and it is counted."""
        many = self._a_minute.get(channel, 0)
        if not many:
            return 0
        now, apart = self._clock(), 60 / many
        free_at = max(self._free_at.get((channel, source), now), now)
        too_soon = free_at + apart - now - max(60 * AT_ONCE, apart)
        if too_soon > 1e-6:
            return math.ceil(too_soon)
        if len(self._free_at) >= REMEMBERED_MAX:
            self._free_at = {key: at for key, at in self._free_at.items() if at > now}
        self._free_at[channel, source] = free_at + apart
        return 0


def hold_back(channel: str, source: str, is_urgent: Callable[[], bool]) -> None:
    """Refuse what comes too fast.

    Args:
        source: an account, or a province's channel.
        is_urgent: asked only of what would be refused.

    Raises:
        TooMany: with ``retry_after``, in seconds.
    """
    limits: Limits = current_app.extensions["thongsuot.limits"]
    if (seconds := limits.wait(channel, source)) and not is_urgent():
        raise TooMany(f"More comes by the channel {channel} than is taken in a minute: send this again in {seconds} "
                      "seconds. For an emergency call 112, 113, 114 or 115.", retry_after=seconds)  # fmt: skip


def report(unit: Unit, channel: str, source: str, report_type: str) -> None:
    """`hold_back` for a report, of which we know whether it is an emergency."""
    hold_back(channel, source, lambda: report_type in branches.put_through(unit))

"""Files that no case has: whoever wrote one was killed before its row, or somebody began a form and never sent it.

    in its place ──a day──► aside ──30 days──► gone
         ▲                    │
         └─ asked for ────────┘

A server that is pointed at the wrong database, or at a new one before a copy was put back into it, knows none of its
files: so they are kept aside first, and what a case has after all is brought back.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import select, text

from engine.files.attachments import PARTS, Store
from engine.model import attachments
from engine.runtime import Runtime, Unit

log = logging.getLogger(__name__)

FRESH = timedelta(days=1)  # far longer than it takes to write a row, or to correct a form
ASIDE = timedelta(days=30)
AT_ONCE = 500


def sweep(runtime: Runtime, store: Store) -> int:
    """Set aside what no case has, in one part of the store each hour; returns how many files."""
    now = runtime.clock()
    _bring_back(runtime, store)
    gone, aside = store.discard(now - ASIDE), 0
    names = store.lying(now - FRESH, now.hour % PARTS)
    for at in range(0, len(names), AT_ONCE):
        with runtime.read() as unit:
            unknown = _unknown(unit, names[at : at + AT_ONCE])
        if unknown:
            with runtime.begin() as unit:
                aside += sum(store.set_aside(one, now - FRESH, now) for one in of_no_case(unit, unknown))
    if gone or aside:
        told = {"action": "files-unclaimed", "aside": aside, "gone": gone}
        log.warning("%d files that no case has were set aside, %d of before removed.", aside, gone, extra=told)
    return aside


def _bring_back(runtime: Runtime, store: Store) -> None:
    """What lies aside and a case has after all: the right database is there again."""
    names = store.lying_aside()
    for at in range(0, len(names), AT_ONCE):
        some = names[at : at + AT_ONCE]
        with runtime.read() as unit:
            unknown = _unknown(unit, some)
        for one in set(some) - unknown:
            store.find(one)


def of_no_case(unit: Unit, files: Collection[str]) -> set[str]:
    """Those of these files that no case has. Who is just adding one of them to a case is waited for; who comes after
    finds it gone (`attachments.add`)."""
    if unit.locks_rows:
        unit.execute(text("LOCK TABLE attachments IN SHARE MODE"))
    return _unknown(unit, files)


def _unknown(unit: Unit, files: Collection[str]) -> set[str]:
    had = unit.all(select(attachments.c.sha256).where(attachments.c.sha256.in_(files)))
    return set(files) - {row.sha256 for row in had}

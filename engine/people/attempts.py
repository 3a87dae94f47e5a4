"""How often somebody may be wrong: failures are counted in the database, by name and by network address; from a browser
that is known, by that.

Many web processes count together that way, and a restart forgives nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from ipaddress import ip_network

from sqlalchemy import and_, delete, func, insert, select, text

from engine.errors import TooMany
from engine.model import login_failures
from engine.runtime import Unit
from engine.storage import sealing

WINDOW = timedelta(minutes=15)  # failures older than this are forgiven
PER_SUBJECT = 5  # failures of one log-in name, of one browser, or of one case's tracking secret, in a window
PER_ADDRESS = 20  # failures from one network address in a window


def subjects(kind: str, name: str, address: str) -> dict[str, int]:
    """What an attempt counts against, and how often each may fail. The name is not kept as it was typed, for people
    type their passwords there.

    >>> list(subjects("login", "anna", "10.0.0.7"))
    ['login:5d0c…', 'address:10.0.0.7']
    """
    return {f"{kind}:{sealing.digest(name)}": PER_SUBJECT, f"address:{network(address)}": PER_ADDRESS}


def of_browser(name: str) -> dict[str, int]:
    """What an attempt counts against that comes from a browser in which the same person has logged in before: it alone.
    Whoever guesses elsewhere at the log-in name, or from the same network address, does not shut them out.

    >>> of_browser("k3Jx")
    {'browser:k3Jx': 5}
    """
    return {f"browser:{name}": PER_SUBJECT}


def of_present(login: str) -> dict[str, int]:
    """What an attempt counts against that comes from somebody who is logged in, and is asked for their password: nobody
    else uses that up, and it keeps nobody from logging in.

    >>> of_present("anna")
    {'present:anna': 5}
    """
    return {f"present:{login}": PER_SUBJECT}


def network(address: str) -> str:
    """What one subscriber has: an address, or of IPv6 the 18 trillion million that begin alike.

    >>> network("2001:db8::1"), network("10.0.0.7")
    ('2001:db8::/64', '10.0.0.7')
    """
    try:
        wide = ip_network((address, 64), strict=False) if ":" in address else address
    except ValueError:
        return address
    return str(wide)


def hold_back(unit: Unit, subjects: dict[str, int]) -> None:
    """Refuse once any of these subjects has failed its number of times within the `WINDOW`.

    Raises:
        TooMany: with ``retry_after``, in seconds.
    """
    if unit.locks_rows:
        for subject in sorted(subjects):
            unit.execute(text("SELECT pg_advisory_xact_lock(hashtext(:subject))"), {"subject": subject})
    failures = login_failures.c
    counts = unit.all(
        select(failures.subject, func.count().label("failed"), func.min(failures.at).label("first"))
        .where(failures.subject.in_(subjects), failures.at > unit.now - WINDOW)
        .group_by(failures.subject)
    )
    full = [row.first for row in counts if row.failed >= subjects[row.subject]]
    if full:
        seconds = max(1, int((max(full) + WINDOW - unit.now).total_seconds()))
        raise TooMany(f"Too many failed attempts: try again in {seconds} seconds.", retry_after=seconds)


def note_failure(unit: Unit, subjects: Iterable[str]) -> list[int]:
    """Write a failure of these subjects down, and forget what is older than the window."""
    forgiven = and_(login_failures.c.subject.in_(list(subjects)), login_failures.c.at <= unit.now - WINDOW)
    unit.execute(delete(login_failures).where(forgiven))
    rows = [{"subject": subject, "at": unit.now} for subject in subjects]
    return [unit.scalar(insert(login_failures).returning(login_failures.c.id), row) for row in rows]


def forget(unit: Unit, subject: str, attempt: Iterable[int] = ()) -> None:
    """Forgive a subject that got it right, and the attempt that turned out to be no failure."""
    unit.execute(delete(login_failures).where(login_failures.c.subject == subject))
    take_back(unit, attempt)


def take_back(unit: Unit, attempt: Iterable[int]) -> None:
    """Forgive the attempt that turned out to be no failure."""
    unit.execute(delete(login_failures).where(login_failures.c.id.in_(list(attempt))))

"""The files of a case, for whoever reads it; behind the veil (`engine.privacy.firewall`) nothing that tells unseen.

A file says more than it shows: where a photo was taken and with whose device, who wrote a paper. Of photos and films
that is left out (`engine.files.pictures`, `boxes`), so that nobody has to look at them first. A file of any other kind
is *withheld* from those behind the veil until somebody who may know who reported has looked at it and lets it go
(`release`); or until they may know themselves.
What somebody has added who did not know who reported tells nobody anything new: whether they did is noted when they add
it, for they may know later, or be somebody else by then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from io import BytesIO
from types import SimpleNamespace
from typing import IO, Any

from sqlalchemy import Row, select

from engine.errors import NotAllowed, NotFound, WrongState
from engine.files import boxes, pictures
from engine.model import attachments, cases, events
from engine.model.records import DOUBTFUL
from engine.paging import EPOCH, OfCase, Page, page, read_cursor, write_cursor
from engine.people import access
from engine.people.access import Account
from engine.privacy import firewall, unmasking
from engine.runtime import Unit
from engine.storage.prepared import Prepared

RELEASED = "file-released"
LOOKED_AT = 1_000
BARED = frozenset(pictures.KINDS) | boxes.KINDS
_FILES = OfCase(attachments)
_NEWEST = Prepared(
    select(*(attachments.c[name] for name in ("id", "case_id", "at", "author_knew", "media_type")))
    .where(DOUBTFUL)
    .order_by(attachments.c.id.desc())
    .limit(LOOKED_AT)
)


def ask(unit: Unit, case_id: int, limit: int) -> None:
    """`of_case` will be asked for this."""
    _FILES.ask(unit, case_id, limit)


def of_case(unit: Unit, account: Account, number: str, limit: int = 50, after: str | None = None) -> Page:
    """Oldest first; each also says whether it is ``withheld``: from this account, or from those behind the veil if this
    one is not behind it.

    Raises:
        NotFound, NotAllowed: the case is not for this account to read.
    """
    case = access.find(unit, account, "read", number)
    found = _FILES.page(unit, case.id, limit, after)
    rows = firewall.over_rows(firewall.over(unit, account, case), found.items, "name")
    held = _withheld(unit, {case.id: case}, rows)
    return Page([SimpleNamespace(**row._mapping, withheld=row.id in held) for row in rows], found.after)


def waiting(unit: Unit, by: Account) -> list[SimpleNamespace]:
    """What this account can let go (`release`), and whoever works on the case waits for: {id, number, many, at}, of
    open cases, the one that has waited longest first; ``at``: since when. Of the newest `LOOKED_AT` files of such
    kinds."""
    rows = unit.all(_NEWEST)
    theirs = (cases.c.id.in_({row.case_id for row in rows}), cases.c.closed_at.is_(None))
    query = select(cases).where(*theirs, cases.c.secrecy.in_(firewall.VEILED))
    found = {case.id: case for case in unit.all(query.where(access.permits(by, "person", access.CASES)))}
    rows = [row for row in rows if row.case_id in found]
    held, since = _withheld(unit, found, rows), defaultdict(list)
    for row in rows:
        if row.id in held:
            since[row.case_id].append(row.at)
    waits = [SimpleNamespace(id=case_id, number=found[case_id].number, many=len(at), at=min(at))
             for case_id, at in since.items()]  # fmt: skip
    return sorted(waits, key=lambda one: (one.at, one.id))


def waiting_page(unit: Unit, by: Account, limit: int = 50, after: str | None = None) -> Page:
    """`waiting`, a page at a time."""
    at, last = (None, 0) if after is None else read_cursor(after)
    left = [one for one in waiting(unit, by) if (one.at, one.id) > (at or EPOCH, last)]
    return page(left[: limit + 1], limit, lambda one: write_cursor(one.at, one.id))


def open_one(unit: Unit, account: Account, number: str, attachment_id: int) -> tuple[Row[Any], bool]:
    """A file, and whether this account sees it bare (`bared`): without what it says beside what is to be seen.

    Raises:
        NotFound: there is no such file, or its case is not for this account to read.
        NotAllowed: it is withheld.
    """
    case, row = _find(unit, account, "read", number, attachment_id)
    knows = firewall.may_know(account, case, unit)
    if not knows and _withheld(unit, {case.id: case}, [row]):
        if unmasking.granted(unit, account, case.id) is None:
            raise NotAllowed(f"The attachment {attachment_id} may tell who reported {number}, where nobody sees it: "
                             "somebody who may know that has to look at it first, and let it go.")  # fmt: skip
        unit.views[case.id, account.login] = case.secrecy
    return firewall.behind(firewall.over(unit, account, case), row, "name"), not knows


def bared(file: IO[bytes], row: Row[Any]) -> IO[bytes]:
    """A photo or a film without what it says beside what is to be seen and heard; a file of another kind as it is.

    Raises:
        NotAllowed: it was kept before films were looked at, and cannot be bared.
    """
    if row.media_type in pictures.KINDS:
        with file:
            return BytesIO(pictures.bare(file.read(), row.media_type))
    try:
        return boxes.bare(file) if row.media_type in boxes.KINDS else file
    except boxes.Unreadable as error:
        file.close()
        raise NotAllowed(f"The attachment {row.id} may tell who reported, and that cannot be taken out: {error}. "
                         "Somebody who may know it can add a picture of what is to be seen.") from error  # fmt: skip


def release(unit: Unit, number: str, attachment_id: int, *, by: Account) -> None:
    """Let those behind the veil have a file; whoever does has looked at it, and answers for it.

    Raises:
        NotFound, NotAllowed: the file is not for this account, or it may not know itself.
        WrongState: nobody withholds it.
    """
    case, row = _find(unit, by, "person", number, attachment_id)
    if not _withheld(unit, {case.id: case}, [row]):
        raise WrongState(f"The attachment {attachment_id} of {number} is not withheld from anybody.")
    unit.record(case.id, RELEASED, by.login, attachment=attachment_id)


def _find(unit: Unit, account: Account, action: str, number: str, attachment_id: int) -> tuple[Row[Any], Row[Any]]:
    case = access.find(unit, account, action, number)
    row = unit.first(select(attachments).where(attachments.c.case_id == case.id, attachments.c.id == attachment_id))
    if row is None:
        raise NotFound(f"Case {number} has no attachment {attachment_id}.")
    return case, row


def _withheld(unit: Unit, of: Mapping[int, Row[Any]], rows: list[Row[Any]]) -> set[int]:
    """Which of these files those behind the veil may not have; ``of``: their cases, by id."""
    doubtful = [one for one in rows if one.media_type not in BARED and one.author_knew
                and of[one.case_id].secrecy in firewall.VEILED]  # fmt: skip
    if not doubtful:
        return set()
    theirs = events.c.case_id.in_({row.case_id for row in doubtful})
    lines = unit.all(select(events.c.data).where(theirs, events.c.kind == RELEASED))
    return {row.id for row in doubtful} - {line.data["attachment"] for line in lines}

"""The files of a case, for whoever reads it; behind the veil (`engine.privacy.firewall`) nothing that tells unseen.

A file says more than it shows: where a photo was taken and with whose device, who wrote a paper. Of photos and films
that is left out (`engine.files.pictures`, `boxes`), so that nobody has to look at them first. A file of any other kind
is *withheld* from those behind the veil until somebody who may know who reported has looked at it and lets it go
(`release`); or until they may know themselves.
What somebody behind the veil has added tells nobody there anything new.
"""

from __future__ import annotations

from io import BytesIO
from types import SimpleNamespace
from typing import IO, Any

from sqlalchemy import Row, select

from engine.errors import NotAllowed, NotFound, WrongState
from engine.files import boxes, pictures
from engine.model import attachments, events
from engine.paging import Page, oldest_first
from engine.people import access, accounts
from engine.people.access import Account
from engine.privacy import firewall, unmasking
from engine.runtime import Unit

RELEASED = "file-released"
BARED = frozenset(pictures.KINDS) | boxes.KINDS


def of_case(unit: Unit, account: Account, number: str, limit: int = 50, after: str | None = None) -> Page:
    """Oldest first; each also says whether it is ``withheld``: from this account, or from those behind the veil if this
    one is not behind it.

    Raises:
        NotFound, NotAllowed: the case is not for this account to read.
    """
    case = access.find(unit, account, "read", number)
    mine = select(attachments).where(attachments.c.case_id == case.id)
    found = oldest_first(unit, mine, attachments.c.id, limit, after)
    rows = firewall.over_rows(firewall.over(unit, account, case), found.items, "name")
    held = _withheld(unit, case, rows)
    return Page([SimpleNamespace(**row._mapping, withheld=row.id in held) for row in rows], found.after)


def open_one(unit: Unit, account: Account, number: str, attachment_id: int) -> tuple[Row[Any], bool]:
    """A file, and whether this account sees it bare (`bared`): without what it says beside what is to be seen.

    Raises:
        NotFound: there is no such file, or its case is not for this account to read.
        NotAllowed: it is withheld.
    """
    case, row = _find(unit, account, "read", number, attachment_id)
    knows = firewall.may_know(account, case, unit)
    if not knows and _withheld(unit, case, [row]):
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
    if not _withheld(unit, case, [row]):
        raise WrongState(f"The attachment {attachment_id} of {number} is not withheld from anybody.")
    unit.record(case.id, RELEASED, by.login, attachment=attachment_id)


def _find(unit: Unit, account: Account, action: str, number: str, attachment_id: int) -> tuple[Row[Any], Row[Any]]:
    case = access.find(unit, account, action, number)
    row = unit.first(select(attachments).where(attachments.c.case_id == case.id, attachments.c.id == attachment_id))
    if row is None:
        raise NotFound(f"Case {number} has no attachment {attachment_id}.")
    return case, row


def _withheld(unit: Unit, case: Row[Any], rows: list[Row[Any]]) -> set[int]:
    """Which of these files those behind the veil may not have."""
    doubtful = [row for row in rows if row.media_type not in BARED]
    if not doubtful or case.secrecy not in firewall.VEILED:
        return set()
    lines = unit.all(select(events.c.data).where(events.c.case_id == case.id, events.c.kind == RELEASED))
    released = {line.data["attachment"] for line in lines}
    veiled = {login for login in {row.author for row in doubtful} if _is_veiled(unit, case, login)}
    return {row.id for row in doubtful if row.id not in released and row.author not in veiled}


def _is_veiled(unit: Unit, case: Row[Any], login: str) -> bool:
    """Whether somebody is behind the veil of a case; citizens, channels, and who is not there any more, are not."""
    author = accounts.known(unit, login)
    return author is not None and not firewall.may_know(author, case, unit)

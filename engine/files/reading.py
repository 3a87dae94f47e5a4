"""The files of a case, for whoever reads it; behind the veil (`engine.privacy.firewall`) nothing that tells unseen.

A file says more than it shows: where a photo was taken and with whose device, who wrote a paper. Of JPEG, PNG and WebP
that is left out (`engine.files.pictures`). A file of any other kind is *withheld* from those behind the veil until
somebody who may know who reported has looked at it and lets it go (`release`); or until they may know themselves.
What somebody behind the veil has added tells nobody there anything new.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, select

from engine.errors import NotAllowed, NotFound, WrongState
from engine.files import pictures
from engine.model import attachments, events
from engine.paging import OfCase, Page
from engine.people import access, accounts
from engine.people.access import Account
from engine.privacy import firewall, unmasking
from engine.runtime import Unit

RELEASED = "file-released"
_FILES = OfCase(attachments)


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
    held = _withheld(unit, case, rows)
    return Page([SimpleNamespace(**row._mapping, withheld=row.id in held) for row in rows], found.after)


def open_one(unit: Unit, account: Account, number: str, attachment_id: int) -> tuple[Row[Any], bool]:
    """A file, and whether this account sees it bare: without what a photo says beside itself.

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
    doubtful = [row for row in rows if row.media_type not in pictures.KINDS]
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

"""What the public is told of closed cases: texts that somebody has edited and, where the type asks for it, a second
person has approved (type.toml: ``[publication] approval = true``).

Only cases of class C0 whose type still is of class C0, and only while they are closed: a case that becomes secret, or
is opened again, is not shown from that moment on. Nothing that `people` keeps of a person of the case may be in a text.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, insert, or_, select, tuple_, update

from engine.errors import InvalidRequest, WrongState
from engine.language.vietnamese import fold, nfc
from engine.model import cases, people, publications
from engine.paging import Page, page, read_cursor, write_cursor
from engine.people import access
from engine.people.access import Account
from engine.public.open_data import IS_PUBLIC, IS_SHOWN, PUBLIC, province_of, public_types
from engine.reasons import checked_reason
from engine.runtime import Unit

TEXTS = {"subject": 200, "words": 4_000, "result": 4_000}  # characters at most
_COLUMNS = (cases.c.id, cases.c.number, cases.c.report_type, cases.c.province, cases.c.area, cases.c.closed_at)
_NATIONAL = 9  # the digits of a telephone number without 0 or +84


def queue(unit: Unit, account: Account, limit: int = 50, after: str | None = None) -> Page:
    """The closed public cases that wait for a decision, or for a second person; oldest first.

    Each with its ``subject`` as received, and ``proposed`` (the texts, ``by`` and ``at``) or ``None``.
    """
    waits = or_(
        publications.c.case_id.is_(None),
        and_(publications.c.approved_at.is_(None), publications.c.withheld.is_(None)),
        publications.c.withdrawn_at.is_not(None),
    )
    query = select(*_COLUMNS, cases.c.subject, *_proposal()).outerjoin(publications).where(
        access.permits(account, "publish"), *_may_be_public(unit), waits
    )  # fmt: skip
    if after is not None:
        query = query.where(cases.c.id > read_cursor(after)[1])
    found = page(unit.all(query.order_by(cases.c.id).limit(limit + 1)), limit)
    return Page([_waiting(row) for row in found.items], found.after)


def show(unit: Unit, account: Account, number: str) -> Row[Any]:
    """What was decided of one case, as `publish` answers it; all is ``None`` while nothing was.

    Raises:
        NotFound, NotAllowed: as for `publish`.
    """
    case = access.find(unit, account, "publish", number)
    row = unit.first(select(cases.c.number, *publications.c).outerjoin(publications).where(cases.c.id == case.id))
    assert row is not None
    return row


def publish(unit: Unit, account: Account, number: str, texts: dict[str, str]) -> Row[Any]:
    """Give a closed public case its texts for the public: ``subject``, ``words`` and ``result``.

    They are shown at once, or as soon as somebody else approves them if the type asks for it.

    Raises:
        NotFound, NotAllowed: the case is not for this account; nobody may publish any that is not of class C0.
        WrongState: it is still open, or is published already.
        InvalidRequest: a text is empty or too long, or has a telephone number, e-mail address or full name of a
            person of the case.
    """
    case = _publishable(unit, account, number)
    said = {name: nfc(texts[name]).strip() for name in TEXTS}
    _refuse_empty(said)
    _refuse_personal(unit, case.id, said)
    approval = unit.catalogue.current(unit, case.report_type).type.get("publication", {}).get("approval", False)
    _decide(unit, case, account, **said, approved_at=None if approval else unit.now)
    unit.record(case.id, "publication-proposed" if approval else "published", account.login, **said)
    return _now(unit, case.id)


def withhold(unit: Unit, account: Account, number: str, reason: str) -> Row[Any]:
    """Decide that a closed public case is not published. Its reporter's own words are not shown any more either.

    Raises:
        NotFound, NotAllowed, WrongState: as for `publish`.
        InvalidRequest: no reason.
    """
    case = _publishable(unit, account, number)
    reason = nfc(checked_reason(reason))
    _decide(unit, case, account, withheld=reason)
    unit.record(case.id, "not-published", account.login, reason=reason)
    return _now(unit, case.id)


def approve(unit: Unit, account: Account, number: str) -> Row[Any]:
    """Let the texts that somebody else has proposed be shown.

    Raises:
        NotFound, NotAllowed: as for `publish`.
        WrongState: nothing waits for it, it is the account's own proposal, or the case has been opened again.
        InvalidRequest: as for `publish`; a person may have become known since.
    """
    case = _closed(unit, account, number)
    row = _decision(unit, case.id)
    if row is None or row.withheld or row.approved_at or row.withdrawn_at:
        raise WrongState(f"Nothing about {number} waits to be approved.")
    if row.by == account.login:
        raise WrongState(f"Somebody else has to approve what you wrote about {number}.")
    _refuse_personal(unit, case.id, {name: getattr(row, name) for name in TEXTS})
    _set(unit, case.id, approved_at=unit.now, approved_by=account.login)
    unit.record(case.id, "published", account.login, **{name: getattr(row, name) for name in TEXTS})
    return _now(unit, case.id)


def withdraw(unit: Unit, account: Account, number: str, reason: str) -> Row[Any]:
    """Show a text no more, or drop a proposal. The case waits for a decision again.

    Raises:
        NotFound, NotAllowed: as for `publish`.
        WrongState: nothing of it is published or proposed.
        InvalidRequest: no reason.
    """
    case = access.find(unit, account, "publish", number, lock=True)
    row = _decision(unit, case.id)
    if row is None or row.withheld or row.withdrawn_at:
        raise WrongState(f"Nothing about {number} is published.")
    reason = nfc(checked_reason(reason))
    _set(unit, case.id, approved_at=None, withdrawn_at=unit.now, withdrawn_by=account.login, withdrawn_reason=reason)
    unit.record(case.id, "publication-withdrawn", account.login, reason=reason)
    return _now(unit, case.id)


def published(
    unit: Unit, province: str | None = None, report_type: str | None = None,
    between: tuple[datetime, datetime] | None = None, limit: int = 50, after: str | None = None,
) -> Page:  # fmt: skip
    """For anybody: what is published, the newest first.

    Args:
        province: a jurisdiction as `open_data.province_of` knows it.
        between: published at the first instant or later, and before the second.

    Raises:
        NotFound: there is no such jurisdiction.
    """
    query = select(*_COLUMNS, *(publications.c[name] for name in TEXTS), publications.c.approved_at).join(publications)
    query = query.where(*_may_be_public(unit), IS_SHOWN)
    wanted = {cases.c.province: province_of(unit, province), cases.c.report_type: report_type}
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if between:
        query = query.where(publications.c.approved_at >= between[0], publications.c.approved_at < between[1])
    if after is not None:
        at, key = read_cursor(after)
        if at is None:
            raise InvalidRequest(f"after={after[:40]!r} is not what a list gave to go on with.", field="after")
        query = query.where(tuple_(publications.c.approved_at, publications.c.case_id) < tuple_(at, key))
    newest_first = (publications.c.approved_at.desc(), publications.c.case_id.desc())
    rows = unit.all(query.order_by(*newest_first).limit(limit + 1))
    return page(rows, limit, lambda row: write_cursor(row.approved_at, row.id))


def _may_be_public(unit: Unit) -> tuple[Any, ...]:
    return (IS_PUBLIC, cases.c.closed_at.is_not(None), cases.c.report_type.in_(public_types(unit)))


def _proposal() -> tuple[Any, ...]:
    return (*(publications.c[name].label(f"proposed_{name}") for name in (*TEXTS, "by", "at")),
            publications.c.withdrawn_at)  # fmt: skip


def _waiting(row: Row[Any]) -> dict[str, Any]:
    told = {name: getattr(row, f"proposed_{name}") for name in (*TEXTS, "by", "at")}
    waits = told["by"] is not None and row.withdrawn_at is None
    return dict(row._mapping) | {"proposed": told if waits else None}


def _closed(unit: Unit, account: Account, number: str) -> Row[Any]:
    case = access.find(unit, account, "publish", number, lock=True)
    if case.secrecy != PUBLIC or case.report_type not in public_types(unit):
        raise WrongState(f"The case {number} is not of class {PUBLIC}: it is never published.")
    if case.closed_at is None:
        raise WrongState(f"The case {number} is still open.")
    return case


def _publishable(unit: Unit, account: Account, number: str) -> Row[Any]:
    case = _closed(unit, account, number)
    row = _decision(unit, case.id)
    if row is not None and row.approved_at is not None:
        raise WrongState(f"The case {number} is published already: withdraw it first.")
    return case


def _refuse_empty(texts: dict[str, str]) -> None:
    wrong = {field: f"Write 1 to {TEXTS[field]} characters." for field, text in texts.items()
             if not 0 < len(text) <= TEXTS[field]}  # fmt: skip
    if wrong:
        raise InvalidRequest("; ".join(f"{field}: {fault}" for field, fault in wrong.items()), errors=wrong)


def _refuse_personal(unit: Unit, case_id: int, texts: dict[str, str]) -> None:
    """One fault for each text that tells who somebody is; the fault does not repeat it."""
    persons = unit.all(select(people.c.name, people.c.phone, people.c.email).where(people.c.case_id == case_id))
    faults = {}
    for field, text in texts.items():
        if found := {what for person in persons for what in _told(text, person)}:
            faults[field] = f"It has the {' and the '.join(sorted(found))} of a person of this case: take it out."
    if faults:
        raise InvalidRequest("; ".join(f"{field}: {fault}" for field, fault in faults.items()), errors=faults)


def _told(text: str, person: Row[Any]) -> set[str]:
    """Which of a person's data are in a text, however they are spaced, marked or written in capitals.

    A name of a single word is not looked for: it would be found in Thái *Bình* and *An* Giang.
    """
    folded, found = fold(text), set()
    if person.phone and re.sub(r"\D", "", person.phone)[-_NATIONAL:] in re.sub(r"(?<=\d)[\s.\-()/]+(?=\d)", "", text):
        found.add("telephone number")
    if person.email and person.email.casefold() in nfc(text).casefold():
        found.add("e-mail address")
    name = fold(person.name or "")
    if " " in name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", folded):
        found.add("full name")
    return found


def _decide(unit: Unit, case: Row[Any], account: Account, **values: Any) -> None:
    """The case's row is held: nobody else decides at the same time."""
    empty: dict[str, Any] = dict.fromkeys(column.name for column in publications.c if column.name != "case_id")
    row = empty | {"at": unit.now, "by": account.login} | values
    if _decision(unit, case.id) is None:
        unit.execute(insert(publications).values(case_id=case.id, **row))
    else:
        _set(unit, case.id, **row)


def _set(unit: Unit, case_id: int, **values: Any) -> None:
    unit.execute(update(publications).where(publications.c.case_id == case_id).values(values))


def _decision(unit: Unit, case_id: int) -> Row[Any] | None:
    return unit.first(select(publications).where(publications.c.case_id == case_id))


def _now(unit: Unit, case_id: int) -> Row[Any]:
    row = unit.first(select(cases.c.number, *publications.c).join(publications).where(cases.c.id == case_id))
    assert row is not None
    return row

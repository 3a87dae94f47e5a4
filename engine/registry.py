"""The register of cases: a new one gets its number, its row and its clock.

Whoever enters a case, a citizen's report (`intake`) or another case (`births`), then begins its process.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from sqlalchemy import bindparam, func, literal_column, select

from engine import clocks, model, numbers
from engine.flow.steps import MIRRORED
from engine.language.masks import known, masked, tells
from engine.language.vietnamese import fold, nfc, words
from engine.packages import Package
from engine.runtime import Unit
from engine.storage.prepared import PerDatabase, Prepared

Numbered = Callable[[], tuple[str, int]]

SUBJECT_MAX = 120
SEARCHED_MAX = 4_000  # characters
# Of these nothing that was said lies where it can be read: they are found by other things. C3, hunger and illness, is
# not among them: in a surge a desk has to find out by a few words that somebody has called already.
UNSEARCHED = ("C4",)
TOLD = ("channel", "area", "commune", "place", "severity", "subject")  # what a report says beside its form
RESERVED = {*MIRRORED, "number", "report_type", "province", "channel", "opened_at"}
# What `instances.load` would find beside a case whose process has no row yet.
UNBORN: dict[str, Any] = {"state": None, "revision": 0, "finished_at": None}

_COLUMNS = (
    *("number", "definition_id", "report_type", "province", "area", "place", "channel", "secrecy", "subject"),
    *("report", "status", "severity", "opened_at", "opened_by", "secret_hash", "search_text", "due_at"),
    *("commune", "born_of", "search_place"),
)
_NEW_CASE = Prepared.insertion(model.cases, "id", *_COLUMNS)
_BLANK = dict.fromkeys(model.cases.c.keys()) | {"extensions": 0, "returns": 0, "reopenings": 0, "version": 1}
# Known beforehand, so that a case and all that belongs to it can be written in one exchange.
_NEXT_ID = PerDatabase(
    sqlite=select(func.coalesce(func.max(model.cases.c.id), 0) + 1),  # nobody else writes meanwhile
    postgresql=select(func.nextval(literal_column("'cases_id_seq'"))),  # as PostgreSQL names it itself
)
# Likewise; nth: of those that the unit asks for at once.
_NEXT_PERSON = PerDatabase(
    sqlite=select((func.coalesce(func.max(model.people.c.id), 0) + bindparam("nth")).label("id")),
    postgresql=select(func.nextval(literal_column("'people_id_seq'")).label("id")),
)
NEW_PERSON = Prepared.insertion(
    model.people, "id", "case_id", "part", "name", "phone", "email", "address", "zalo", "facebook", "viber", "kind",
    "anonymous",
)


def next_number(unit: Unit, package: Package) -> Numbered:
    """The number of a new case (`engine.numbers`), and its id.

    Returns:
        What tells both; they are asked for no later than the next look at the database.
    """
    number, new_id = numbers.ask(unit, str(package.province["short"])), unit.later(_NEXT_ID, {})

    def tell() -> tuple[str, int]:
        if not new_id:
            unit.flush()
        return number.use(), new_id[0][0]

    return tell


def next_people(unit: Unit, count: int) -> list[list[Any]]:
    """The ids of so many new people: each a list that holds its row by the next look at the database."""
    return [unit.later(_NEXT_PERSON, {"nth": nth + 1}) for nth in range(count)]


def enter(
    unit: Unit,
    package: Package,
    answers: dict[str, Any],
    numbered: Numbered,
    *,
    by: str,
    channel: str,
    area: str | None,
    commune: str | None,
    place: str,
    severity: str | None = None,
    subject: str = "",
    secrecy: str | None = None,
    born_of: int | None = None,
    people: Iterable[Any] = (),
) -> tuple[Any, str]:
    """Write a new case, and start its clock.

    Args:
        answers: of the type's intake form, checked.
        numbered: by `next_number`, which may have been asked some time ago.
        by: log-in, or "system".
        secrecy: the type's own, if left out.
        born_of: id of the case whose process started this one.
        people: its rows of `people`, or what they will be: nothing of them stands in the subject or is searched.

    Returns:
        Its row with `UNBORN` beside it, for `instances.begin`, and the citizen's tracking secret.
    """
    (number, case_id), secret = numbered(), secrets.token_urlsafe(12)
    deadline = package.terms.due(clocks.CASE, unit.now, severity) if clocks.CASE in package.terms else None
    said = str(answers.get("noi_dung") or "")
    said = masked(nfc(said))  # whole: of a part nobody knows what it was
    title = masked(nfc(subject))
    place, names = masked(nfc(place).strip()), known(people)
    where = place
    if tells(f"{title} {place} {said}", names):
        title, said, where = (masked(one, names) for one in (title, said, place))
        place = masked(place, known(people, at_home=False))  # the place is what it is about, whoever lives there
    subject = _shortened((title or said).replace("\n", " ").strip())
    secrecy = secrecy or package.secrecy
    searched = "" if secrecy in UNSEARCHED else f"{subject} {where} {said}"[:SEARCHED_MAX]
    values = {
        "id": case_id,
        "number": number,
        "definition_id": package.id,
        "report_type": package.code,
        "province": str(package.province["code"]),
        "area": area,
        "commune": commune,
        "place": place,
        "channel": channel,
        "secrecy": secrecy,
        "subject": subject,
        "report": answers,
        "status": package.first_status(),
        "severity": severity,
        "opened_at": unit.now,
        "opened_by": by,
        "secret_hash": secret_hash(secret),
        "search_text": " ".join(sorted({*words(searched)})),  # in no order that tells what was said
        "due_at": deadline.due_at if deadline else None,
        "born_of": born_of,
        "search_place": fold(place),
    }
    unit.write(_NEW_CASE, values)
    if deadline:
        clocks.start_case(unit, case_id, deadline)
    return SimpleNamespace(**_BLANK | UNBORN | values), secret


def _shortened(words: str) -> str:
    """Cut between words: half a word says nothing, and half a telephone number would not be known for one."""
    if len(words) <= SUBJECT_MAX:
        return words
    begun = words[:SUBJECT_MAX]
    return (begun.rpartition(" ")[0] or begun[:-1]) + "…"


def facts(unit: Unit, package: Package, case: Any) -> dict[str, Any]:
    """What the process knows from the start; no field of a form can take the place of what the engine says."""
    told = {
        "number": case.number, "report_type": package.code, "province": case.province,
        "area": case.area, "commune": case.commune, "channel": case.channel, "opened_at": unit.now.isoformat(),
        "status": package.first_status(), "secrecy": case.secrecy,
    }  # fmt: skip
    said = {key: value for key, value in case.report.items() if key not in RESERVED or key == "severity"}
    return {**said, **told, **({"severity": case.severity} if case.severity else {})}


def secret_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

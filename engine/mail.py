"""Who is told what: from a diagram's `Notify` and a clock's mark to rows of the outbox.

A text that would be untrue for the case's outcome is never sent: it becomes an incident instead (the exact SMS of
Đồng Nai says "đã được giải quyết", and must not be said of a report that was refused).
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, select, union_all

from engine import clocks
from engine.errors import ProcessFault
from engine.flow.steps import MIRRORED, CallOut, Notify, Outcome
from engine.language.masks import veiled
from engine.language.texts import Text, local_time, time_left
from engine.model import agencies, cases, people
from engine.packages import Package
from engine.privacy import firewall
from engine.queues import outbox
from engine.runtime import Unit
from engine.storage.prepared import Prepared

CITIZENS = ("reporter", "beneficiary")
_OF_THE_CLOCK = frozenset({"han", "con_lai", "qua"})  # what a text says of the case's deadline

_CALLED = select(people, cases.c.channel, cases.c.number).join(cases, cases.c.id == people.c.case_id)
_OF_PART = people.c.part == bindparam("part")
_CALLERS = Prepared(  # two looks by an index each; one with OR would read every person there is
    union_all(
        _CALLED.where(people.c.case_id == bindparam("case"), _OF_PART),
        _CALLED.where(cases.c.duplicate_of == bindparam("case"), _OF_PART),
    )
)
_AGENCY = Prepared(
    select(agencies.c.name, agencies.c.phone, agencies.c.email).where(agencies.c.key == bindparam("key"))
)


class Letter(NamedTuple):
    """One row to be put into the outbox. ``kind`` ``None``: there is nobody to reach, and the history says so."""

    case_id: int
    kind: str | None
    topic: str
    token: int
    payload: dict[str, Any]
    key: str
    to: str
    person_id: int | None = None
    agency: str | None = None
    element: str | None = None
    priority: int = 0


def compose(unit: Unit, package: Package, case: Row[Any], outcome: Outcome) -> list[Letter]:
    """Everything a step owes to the world, in words; nothing is written yet.

    Raises:
        ProcessFault: a text is missing, incomplete, or would be untrue.
    """
    letters: list[Letter] = []
    for effect in outcome.effects:
        if isinstance(effect, Notify):
            _look_ahead(unit, package, case, effect)
    for effect in outcome.effects:
        if isinstance(effect, CallOut):
            key = f"{case.number}:{effect.token}"
            call = (effect.topic, effect.token, effect.payload, key, effect.topic)
            letters.append(Letter(case.id, "service", *call, element=effect.element, priority=effect.priority))
        elif isinstance(effect, Notify):
            letters += _notices(unit, package, case, effect)
    return letters


def post(unit: Unit, letters: list[Letter]) -> None:
    for letter in letters:
        if letter.kind is None:
            unit.record(letter.case_id, "nobody-to-tell", "system", text=letter.topic, to=letter.to)
            continue
        outbox.put(
            unit,
            letter.case_id,
            letter.kind,
            letter.topic,
            letter.token,
            letter.payload,
            letter.key,
            person_id=letter.person_id,
            agency=letter.agency,
            element=letter.element,
            priority=letter.priority,
        )


def remind(
    unit: Unit, package: Package, case: Row[Any], text: str, agency: str, key: str, words: dict[str, Any]
) -> None:
    """Tell an agency about a deadline, if the province has a text for it and the agency an address."""
    if text not in package.texts:
        return
    rendered = package.texts[text].render({"ma": case.number, "loai": package.name.get("vi", package.code), **words})
    letter = _to_agency(unit, case.id, agency, text, 0, {"text": rendered.text, "segments": rendered.segments}, key)
    if letter.kind is not None:
        post(unit, [letter])


def introduce(unit: Unit, case: Any, persons: list[dict[str, Any]]) -> None:
    """The people of a case that this unit has just entered: to tell them something nobody need look them up.

    Args:
        persons: their rows.
    """
    for part in CITIZENS:
        called = [SimpleNamespace(**one, channel=case.channel, number=case.number) for one in persons
                  if one["part"] == part]  # fmt: skip
        unit.know(_CALLERS, {"case": case.id, "part": part}, called)


def _look_ahead(unit: Unit, package: Package, case: Row[Any], notify: Notify) -> None:
    """What messages of a step need is looked up together, not for each in turn."""
    if notify.to in CITIZENS:
        unit.soon(_CALLERS, {"case": case.id, "part": notify.to})
    else:
        unit.soon(_AGENCY, {"key": _heir(unit, _agency(notify))})
    text = package.texts.get(notify.text)
    if text is not None and "don_vi" in text.placeholders:
        unit.soon(_AGENCY, {"key": str(notify.data.get("lead_agency"))})
    if text is not None and text.placeholders & _OF_THE_CLOCK:
        clocks.look_ahead(unit, case.id)


def _notices(unit: Unit, package: Package, case: Row[Any], notify: Notify) -> list[Letter]:
    """A diagram may set the outcome behind the text that tells of it, and the deadline that a text names is the one
    that the case keeps: both as they are when the step is over."""
    text, outcome = package.texts.get(notify.text), notify.settled.get("outcome")
    if text is None:
        raise ProcessFault(f"There is no text {notify.text!r}; write [texts.{notify.text}].", notify.element)
    if not text.may_be_sent(outcome):
        raise ProcessFault(
            f"The text {text.key!r} would be untrue for a case whose outcome is {outcome!r}.", notify.element
        )
    said = values(unit, package, case, notify.data, notify.settled, text.placeholders)
    said["buoc"] = package.machine.describe(notify.element)
    if package.personal & _named_in(text) and not _may_know(unit, case, notify):
        said = veiled(said, (), package.personal)

    def payload(number: str) -> dict[str, Any]:
        try:
            rendered = text.render(said | _own(package, number))
        except ProcessFault as fault:
            raise ProcessFault(fault.message, notify.element) from None
        only_for = {"only_for": sorted(text.only_for_outcomes)} if text.only_for_outcomes else {}
        return {"text": rendered.text, "segments": rendered.segments, **only_for}

    key = f"{case.number}:{notify.token}"
    if notify.to in CITIZENS:
        called = unit.known(_CALLERS, {"case": case.id, "part": notify.to})
        return _to_citizens(case, called, notify, text, payload, key)
    return [_to_agency(unit, case.id, _agency(notify), notify.text, notify.token, payload(case.number), key)]


def _named_in(text: Text) -> set[str]:
    return {part for name in text.placeholders for part in name.split(".")}


def _may_know(unit: Unit, case: Row[Any], notify: Notify) -> bool:
    """Whether who is told may know who reported, as the step leaves the case; asked again when the letter leaves."""
    if notify.to in CITIZENS:
        return True
    now = {name: notify.settled.get(name) or getattr(case, name) for name in MIRRORED}
    now["secrecy"] = max(case.secrecy, str(now["secrecy"]))
    then = SimpleNamespace(id=case.id, number=case.number, province=case.province, report_type=case.report_type, **now)
    return firewall.may_know(firewall.reader(_heir(unit, _agency(notify)), then), then, unit)


def _agency(notify: Notify) -> str:
    """The key of the one to tell; empty if the case has none."""
    named = notify.data.get(notify.to) if notify.to in ("lead_agency", "monitor_agency") else notify.to
    return str(named or "")


def _heir(unit: Unit, agency: str) -> str:
    return unit.catalogue.heirs.of(unit).get(agency, agency)


def _to_citizens(
    case: Row[Any],
    called: list[Row[Any]],
    notify: Notify,
    text: Text,
    payload: Callable[[str], dict[str, Any]],
    key: str,
) -> list[Letter]:
    """The person of this case, and of every case that was joined to it; each once, however often they called, and each
    with the number of their own case, whose secret they have."""
    own_words = payload(case.number)  # whoever is told, a text that cannot be said is the analyst's fault
    letters, told = [], set()
    for person in called:
        kind = _way(person, text)
        address = (kind, getattr(person, _ADDRESS[kind])) if kind else None
        if address in told:
            continue
        told |= {address} if address else set()
        mine = person.case_id == case.id
        own, words = (key, own_words) if mine else (f"{key}:{person.number}", payload(person.number))
        letters.append(Letter(person.case_id, kind, text.key, notify.token, words, own, notify.to, person.id))
    return letters or [Letter(case.id, None, text.key, notify.token, own_words, key, notify.to)]


_BY_CHANNEL = {"dien_thoai": "sms"}
_ADDRESS = {"sms": "phone", "email": "email", "zalo": "zalo", "facebook": "facebook", "viber": "viber"}


def way_to(person: Row[Any]) -> str | None:
    """The way a person came, else any way that reaches them; ``person``: with the case's ``channel``."""
    came = _BY_CHANNEL.get(person.channel, person.channel)
    order = sorted(_ADDRESS, key=lambda kind: kind != came)
    return next((kind for kind in order if getattr(person, _ADDRESS[kind])), None)


def _way(person: Row[Any], text: Text) -> str | None:
    """The way a person came, else any way that reaches them and that the text may go."""
    allowed = text.goes_by(person.channel)
    order = sorted(allowed, key=lambda kind: kind != person.channel)
    have = {kind: getattr(person, column) for kind, column in _ADDRESS.items()}
    found = next((kind for kind in order if have[kind]), None)
    if found is None and text.channels is None:  # no phone was left, but another address was
        found = next((kind for kind, address in have.items() if address), None)
    return found


def _to_agency(
    unit: Unit, case_id: int, agency: str, topic: str, token: int, payload: dict[str, Any], key: str
) -> Letter:
    agency = _heir(unit, agency)
    row = _named(unit, agency)
    kind = "sms" if row and row.phone else "email" if row and row.email else None
    return Letter(case_id, kind, topic, token, payload, key, agency, agency=agency if row else None)


def values(
    unit: Unit,
    package: Package,
    case: Row[Any],
    data: dict[str, Any],
    settled: dict[str, Any],
    wanted: frozenset[str],
) -> dict[str, Any]:
    """What a text may say of a case: its variables, and the words of the case itself; never personal data.

    Args:
        data: its variables when the text's element was reached; ``settled``: when the step is over.
        wanted: by the text; what it does not say is not looked up.
    """
    deadline = clocks.promised(unit, package, case, settled) if wanted & _OF_THE_CLOCK else None
    words = _own(package, case.number) | {
        "loai": package.name.get("vi", package.code),
        "han": local_time(deadline.due_at) if deadline else None,
        "con_lai": time_left(deadline.due_at - unit.now) if deadline else None,
        "qua": max(int((unit.now - deadline.due_at).total_seconds() // 60), 0) if deadline else None,
        "don_vi": name_of(unit, data.get("lead_agency")) if "don_vi" in wanted else None,
    }
    return {**data, **{name: value for name, value in words.items() if value is not None}}


def _own(package: Package, number: str) -> dict[str, Any]:
    """What a text says of a case to whoever has its secret."""
    return {"ma": number, "link": str(package.province.get("tracking_url", "")).replace("{number}", number)}


def name_of(unit: Unit, agency: Any) -> str | None:
    """An agency's name, by its key."""
    row = _named(unit, agency) if agency and isinstance(agency, str) else None
    return row.name if row else None


def _named(unit: Unit, agency: str) -> Row[Any] | None:
    return unit.known_row(_AGENCY, {"key": agency})

"""The first door: a citizen's report becomes a case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from engine import contacts, instances, mail, numbers, packages, registry
from engine.errors import InvalidRequest, NotFound
from engine.forms import contacts as addresses
from engine.language.vietnamese import nfc
from engine.packages import Package
from engine.people import access
from engine.people.access import Account, Target
from engine.places import areas
from engine.runtime import Unit

CHANNEL_NAMES = {
    "dien_thoai": "Điện thoại", "sms": "Tin nhắn SMS", "zalo": "Zalo", "web": "Trang web", "app": "Ứng dụng",
    "email": "Thư điện tử", "facebook": "Facebook", "viber": "Viber", "chatbot": "Trả lời tự động",
    "truc_tiep": "Trực tiếp", "pc_covid": "PC-Covid", "cong_quoc_gia": "Cổng Dịch vụ công quốc gia",
    "duong_day_nong_xa": "Đường dây nóng xã",
}  # fmt: skip
CHANNELS = tuple(CHANNEL_NAMES)
KINDS = ("ca_nhan", "to_chuc", "doanh_nghiep")
INSTEAD_MAX = 2_000  # characters of a report that another type takes; all of it is in the history

@dataclass(frozen=True)
class Person:
    """Who reports, or who needs help: everything is optional, a caller may stay unknown."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    address: str | None = None
    zalo: str | None = None
    facebook: str | None = None
    viber: str | None = None
    kind: str = "ca_nhan"
    anonymous: bool = False


@dataclass(frozen=True)
class Report:
    """What a citizen tells us, through any channel.

    Attributes:
        report_type: its code, "BDTT".
        answers: what the type's intake form asks for.
        area: code of the district it is about, or of a commune in it, if known.
        beneficiary: who needs help, if not the reporter (HC-02).
        branch: the keys the caller pressed, "5" or "5.1".
        contact: id of the call or message it came by, if that has been noted already; else one is noted now.
        commune: found by `receive` if ``area`` names one; ``area`` is its district from then on.
        listed: it stands in an agency's list: nobody has called us, so no contact is noted.
    """

    report_type: str
    answers: dict[str, Any]
    channel: str = "web"
    area: str | None = None
    place: str = ""
    reporter: Person | None = None
    beneficiary: Person | None = None
    severity: str | None = None
    subject: str = ""
    branch: str | None = None
    contact: int | None = None
    commune: str | None = None
    listed: bool = False


@dataclass(frozen=True)
class Receipt:
    """What the citizen is given: the number to speak of, and the secret that proves it is theirs."""

    case_id: int
    number: str
    secret: str
    note: str | None = None  # what else they are told: another desk takes it


def receive(unit: Unit, report: Report, *, by: Account) -> Receipt:
    """Register a report and start its process. Once this unit commits, the report cannot be lost.

    Raises:
        NotFound: there is no such report type.
        NotAllowed: the account may not send reports of this type.
        InvalidAnswers: the form is not filled in as it asks.
        InvalidRequest: channel, area or contact cannot be.
    """
    likely = unit.catalogue.likely(report.report_type)
    numbered = registry.next_number(unit, likely) if likely else None  # asked along with what is looked at next
    ids = registry.next_people(unit, sum(person is not None for person in (report.reporter, report.beneficiary)))
    if likely and report.area:
        areas.ask(unit, report.area, str(likely.province["code"]))
    try:
        package = unit.catalogue.current(unit, report.report_type)
    except NotFound:
        return _received_instead(unit, report, by)
    if not (likely and numbered and package.province["short"] == likely.province["short"]):
        numbered = registry.next_number(unit, package)
    province = str(package.province["code"])
    report = _placed(unit, report, package)
    access.require(by, "report", Target(province, package.code, report.area), unit)
    _check(report)
    answers = package.intake_form.check_first(report.answers, today=unit.today)
    people = [row for row in (_person("reporter", report.reporter), _person("beneficiary", report.beneficiary)) if row]
    told = {name: getattr(report, name) for name in registry.TOLD}
    case, secret = registry.enter(unit, package, answers, numbered, by=by.login, people=people, **told)
    people = [row | {"id": found[0].id, "case_id": case.id} for row, found in zip(people, ids, strict=True)]
    for row in people:
        unit.write(registry.NEW_PERSON, row)
    mail.introduce(unit, case, people)
    if not report.listed:
        _note_contact(unit, report, case, by)
    if by.agency:
        instances.concern(unit, case.id, by.agency, "task")
    facts = registry.facts(unit, package, case)
    come_by = {"channel": report.channel, "report_type": package.code}
    instances.begin(unit, case, facts, by=by.login, concerned=by.agency, **come_by)
    return Receipt(case.id, case.number, secret)


def number(unit: Unit, _by: Account, report: Report) -> None:
    """Ask for the report's number, before the unit begins: then nobody who reports waits for another."""
    likely = unit.catalogue.likely(report.report_type)
    if likely:
        numbers.ask_ahead(unit, str(likely.province["short"]))


def _received_instead(unit: Unit, report: Report, by: Account) -> Receipt:
    """Every version of the type is suspended: its report is a case of the province's general type, whose desk reads
    what was reported.

    Raises:
        NotFound: there is no such type, or no general one.
    """
    held = packages.suspended(unit, report.report_type)
    general = packages.general_type(unit, str(held.province["code"])) if held else None
    if held is None or general is None or general == report.report_type:
        raise NotFound(f"There is no report type {report.report_type!r}: GET /report-types lists those there are.")
    access.require(by, "report", Target(str(held.province["code"]), held.code, report.area), unit)
    name = held.name.get("vi", held.code)
    said = [f"{key}: {value}" for key, value in report.answers.items() if value not in (None, "", [])]
    words = nfc(f"[{name}] " + "; ".join(said))[:INSTEAD_MAX]
    if by.report_types is not None:  # they may report this; that another type takes it is not their doing
        by = replace(by, report_types=(*by.report_types, general))
    receipt = receive(unit, replace(report, report_type=general, answers={"noi_dung": words}), by=by)
    unit.record(receipt.case_id, "received-instead", by.login, report_type=held.code, answers=report.answers)
    note = f"Loại phản ánh “{name}” đang tạm ngừng tiếp nhận; tổng đài đã nhận phản ánh của bạn và sẽ chuyển xử lý."
    return replace(receipt, note=note)


def _placed(unit: Unit, report: Report, package: Package) -> Report:
    """The report under the area that its case is kept by.

    Where province.toml lists areas, its tables ask for those and no others; else for all that are loaded.
    """
    if report.area is None:
        return replace(report, commune=None)
    listed = {one.get("code") for one in package.province.get("areas", ()) if not one.get("parent")}
    area, commune = areas.placed(unit, report.area, str(package.province["code"]), listed or None)
    return replace(report, area=area, commune=commune)


def _note_contact(unit: Unit, report: Report, case: Any, by: Account) -> None:
    """Every case has come by exactly one contact: that is what figures count."""
    if report.contact is not None:
        gone = InvalidRequest(
            f"There is no contact {report.contact} in the province {case.province} that could still become a case.",
            field="contact",
        )
        known = {"contact": report.contact, "of_province": case.province, "case": case.id, "who": by.login}
        unit.write(contacts.BECAME_A_CASE, known, otherwise=gone)
        return
    row = {"province": case.province, "channel": report.channel, "branch": report.branch, "call_id": None,
           "started_at": unit.now, "area": report.area, "agency": by.agency, "taken_by": by.login,
           "case_id": case.id}  # fmt: skip
    unit.write(contacts.RECEIVED, row)


def _check(report: Report) -> None:
    if report.channel not in CHANNELS:
        raise InvalidRequest(f"There is no channel {report.channel!r}; use one of {', '.join(CHANNELS)}.")


def _person(part: str, person: Person | None) -> dict[str, Any] | None:
    if person is None:
        return None
    if person.kind not in KINDS:
        raise InvalidRequest(f"{part}.kind is {person.kind!r}; use one of {', '.join(KINDS)}.")
    row = {name: nfc(value).strip() or None for name, value in vars(person).items() if isinstance(value, str)}
    if row.get("phone"):
        row["phone"] = addresses.phone(str(row["phone"]))
        if row["phone"] is None:
            raise InvalidRequest(
                f"{part}.phone is no number we can reach; write it like 0912345678, or leave it out.",
                field=f"{part}.phone",
            )
    if row.get("email") and not addresses.is_email(str(row["email"])):
        raise InvalidRequest(
            f"{part}.email is no e-mail address; write it like ten@example.vn, or leave it out.", field=f"{part}.email"
        )
    if row.get("email"):
        row["email"] = str(row["email"]).lower()  # as nobody distinguishes, and answers are compared with it
    whole: dict[str, Any] = dict.fromkeys(("name", "phone", "email", "address", "zalo", "facebook", "viber"))
    return whole | row | {"part": part, "anonymous": person.anonymous}

"""What citizens can send by themselves, without an operator: the report types that say so in their type.toml.

    [web]
    title = {vi = "Khó khăn cần nhu yếu phẩm", en = "In need of food"}
    hint = {vi = "…", en = "…"}
    anonymous = true     # may be sent without a name; left out: name and telephone are asked for
    beneficiary = true   # may be about somebody else, who needs help

Which words and files a citizen sends along, how often from one address, and that the same form sent twice is one case,
is decided here or in `engine.intake`; a web page only reads and shows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, select

from engine import branches, intake
from engine.errors import InvalidRequest, NotFound, TooMany
from engine.files import attachments
from engine.files.attachments import Stored
from engine.intake import Receipt, Report
from engine.model import provinces
from engine.packages import Package
from engine.people import access, attempts
from engine.places import areas
from engine.runtime import Unit

PER_ADDRESS = 60  # reports from one network address in `attempts.WINDOW`: many telephones share one
FILES_MAX = 10


def served(unit: Unit) -> list[Row[Any]]:
    """The provinces, by name."""
    return unit.all(select(provinces).order_by(provinces.c.name))


def province(unit: Unit, name: str) -> Row[Any]:
    """The province with this code, or this short name in small letters: "74" or "bd".

    Raises:
        NotFound: this server serves none of that name.
    """
    for row in served(unit):
        if name.lower() in (row.code.lower(), row.short.lower()):
            return row
    raise NotFound(f"This server serves no province {name!r}.")


def offered(unit: Unit, code: str) -> list[Package]:
    """What a province offers, in the order of its folders' codes."""
    found = unit.catalogue.all_current(unit)
    return [one for one in found if str(one.province["code"]) == code and one.type.get("web")]


def offer(unit: Unit, province_code: str, report_type: str) -> Package:
    """Raises:
    NotFound: the province does not offer this.
    """
    package = unit.catalogue.current(unit, report_type)
    if str(package.province["code"]) != province_code or not package.type.get("web"):
        raise NotFound(f"The province {province_code} does not offer {report_type!r} on the web.")
    return package


def districts(unit: Unit, package: Package) -> list[Row[Any]]:
    """What a report of this type can name as its district today, by name: those that its province lists, or, if it
    lists none any more, the communes that are in no district. None are left where it lists only what has ended."""
    known = {str(one["code"]) for one in package.province.get("areas", ()) if not one.get("parent")}
    found = areas.search(unit, province=str(package.province["code"]), at=unit.today, limit=1000)
    return [row for row in found if row.parent is None and (not known or row.code in known)]


def communes(unit: Unit, district: str) -> list[Row[Any]]:
    """The communes of a district, as of today or as the district last had them."""
    return areas.search(unit, parent=district, limit=1000)


def send(
    unit: Unit, province_code: str, report: Report, files: Iterable[tuple[Stored, str]] = (), *, address: str
) -> Receipt:
    """A citizen's report from the web becomes a case, with its files.

    Raises:
        NotFound: the province does not offer this report type.
        InvalidAnswers: the form is not filled in as it asks.
        InvalidRequest: a name or telephone is missing, an area cannot be, or there are too many files.
        TooMany: too many reports from this network address; ``retry_after`` in seconds.
    """
    package = offer(unit, province_code, report.report_type)
    for field in lacking(package, report):
        raise InvalidRequest(f"Reports of the type {package.code} need the reporter's {field}.", field=field)
    files = list(files)
    if len(files) > FILES_MAX:
        raise InvalidRequest(f"At most {FILES_MAX} files can be sent along.", field="files")
    subjects = {f"web:{attempts.network(address)}": PER_ADDRESS}
    try:
        attempts.hold_back(unit, subjects)
    except TooMany:
        if package.code not in branches.put_through(unit):  # an emergency is never held back
            raise
    attempts.note_failure(unit, subjects)  # not a failure, but counted like one
    receipt = intake.receive(unit, report, by=access.visitor(province_code, (package.code,)))
    for stored, name in files:
        attachments.add(unit, receipt.number, stored, name, by=access.citizen(receipt.number))
    return receipt


def admit_files(unit: Unit, address: str) -> None:
    """Before a stranger's files are taken: nobody fills our disk.

    Raises:
        TooMany: too many times from this network address; ``retry_after`` in seconds.
    """
    subjects = {f"web-files:{attempts.network(address)}": PER_ADDRESS}
    attempts.hold_back(unit, subjects)
    attempts.note_failure(unit, subjects)


def lacking(package: Package, report: Report) -> list[str]:
    """What is missing of the reporter: where a report cannot be anonymous, somebody must be there to call."""
    if package.type["web"].get("anonymous"):
        return []
    return [field for field in ("name", "phone") if not (getattr(report.reporter, field, None) or "").strip()]

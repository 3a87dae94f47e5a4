"""What a citizen has written on our page: read from the form, kept while something is wrong, sent once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict

from engine.errors import EngineError, InvalidAnswers, InvalidRequest, TooMany, Unscanned
from engine.files.attachments import Stored
from engine.intake import Person, Report
from engine.packages import Package
from engine.public import offers
from engine.runtime import Unit
from webapi import auth, idempotency
from webapi.bodies import dump
from webapi.ui import forms, uploads
from webapi.ui.words import _

PLACE = "dia_diem"  # the question of an intake form that says where: then the page does not ask it once more
SENDER = "web"  # whose keys a page's are, among those of the API's callers
_PERSON = ("name", "phone", "email", "address")


@dataclass
class Letter:
    """A citizen's page as it was sent.

    Attributes:
        fields: everything outside the type's form, as written.
        files: what was sent along so far, each with its name; they need not be chosen again.
        faults: pairs of (id on the page, sentence).
        wrong: the faults of the type's form, by key.
    """

    package: Package
    answers: dict[str, Any] | None = None
    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[Stored, str]] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """So that a form sent twice is one case."""
        return self.fields.get("key") or secrets.token_urlsafe(16)

    @property
    def asks_place(self) -> bool:
        return all(one.key != PLACE for one in self.package.intake_form.fields)

    def fault(self, id: str) -> str:
        return dict(self.faults).get(id, "")

    def kept(self) -> list[tuple[str, str, int]]:
        """The files as the page keeps them: a signed slip, the name, the size."""
        return [(uploads.slip(file, name), name, file.size) for file, name in self.files]


def read(package: Package, posted: MultiDict[str, str]) -> Letter:
    letter = Letter(package, forms.read(package.intake_form, posted))
    letter.fields = {name: posted[name][:2000] for name in posted if not name.startswith(forms.PREFIX)}
    letter.files = uploads.kept(posted.getlist("kept"))
    try:
        letter.files += uploads.received()
    except (InvalidRequest, TooMany, Unscanned) as error:
        note(letter, error)
    return letter


def send(unit: Unit, province: str, letter: Letter) -> dict[str, Any]:
    """Send it; the same letter sent again gets the same number and secret.

    Raises:
        InvalidAnswers, InvalidRequest, TooMany: as `offers.send`.
    """
    fields, files = letter.fields, letter.files
    request.environ["thongsuot.content"] = dump([letter.answers, _said(fields), [file.sha256 for file, _name in files]])

    def make() -> dict[str, Any]:
        report = _report(letter, _area(unit, fields))
        receipt = offers.send(unit, province, report, files, address=auth.address())
        return {"number": receipt.number, "secret": receipt.secret}

    return idempotency.keep(unit, SENDER, letter.key[:60], make)


def note(letter: Letter, error: EngineError) -> None:
    """What was refused, in the citizen's words and at the question it is about."""
    if isinstance(error, InvalidAnswers):
        letter.wrong = error.facts.get("errors", {})
        if not letter.wrong:
            letter.faults.append(("", error.detail))
    elif isinstance(error, TooMany):
        letter.faults.append(("", uploads.busy()))
    elif error.facts.get("field") in uploads.FIELDS:
        letter.faults.append(("files", uploads.sentence(error)))
    else:
        letter.faults.append(_sentences().get(error.facts.get("field", ""), ("", _("Nội dung gửi chưa đúng."))))


def look_through(letter: Letter, today: date) -> None:
    """Something was refused: say at once what else would be, rather than one thing after another."""
    named = {id for id, _sentence in letter.faults}
    missing = offers.lacking(letter.package, _report(letter, None))
    letter.faults += [_sentences()[name] for name in missing if name not in named]
    if not letter.wrong:
        try:
            letter.package.intake_form.check_first(letter.answers or {}, today=today)
        except InvalidAnswers as error:
            note(letter, error)


def _sentences() -> dict[str, tuple[str, str]]:
    phone = _("Số điện thoại chưa đúng. Hãy viết như 0912345678.")
    return {
        "area": ("area", _("Nơi này không chọn được: hãy để “Không rõ” và ghi địa chỉ bằng lời.")),
        "name": ("name", _("Hãy cho biết họ tên của ông (bà).")),
        "phone": ("phone", _("Hãy cho biết số điện thoại để chúng tôi gọi lại.")),
        "reporter.phone": ("phone", phone),
        "reporter.email": ("email", _("Địa chỉ thư điện tử chưa đúng. Hãy viết như ten@example.vn.")),
        "beneficiary.phone": ("b_phone", phone),
    }


def _area(unit: Unit, fields: dict[str, str]) -> str | None:
    """The commune, if it is one of the district that was chosen: without JavaScript the list may be another one's."""
    district, commune = fields.get("area") or None, fields.get("commune")
    if district and commune and commune in {row.code for row in offers.communes(unit, district)}:
        return commune
    return district


def _report(letter: Letter, area: str | None) -> Report:
    fields = letter.fields
    place = fields.get("place", "") if letter.asks_place else str((letter.answers or {}).get(PLACE) or "")
    other = fields.get("for_other") and _person(fields, "b_")
    return Report(
        letter.package.code, letter.answers or {}, "web",
        area=area, place=place[:300],
        reporter=_person(fields, "", anonymous="anonymous" in fields), beneficiary=other or None,
    )  # fmt: skip


def _person(fields: dict[str, str], prefix: str, *, anonymous: bool = False) -> Person | None:
    said = {name: fields.get(prefix + name, "").strip()[:300] or None for name in _PERSON}
    if anonymous:
        said["name"] = None
    return Person(**said, anonymous=anonymous) if anonymous or any(said.values()) else None


def _said(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in ("csrf_token", "key", "kept", "refresh")}

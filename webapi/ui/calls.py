"""What an operator takes down while a caller speaks: read from the page, kept while something is wrong, sent once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import request
from sqlalchemy import Row
from werkzeug.datastructures import MultiDict

from engine import intake
from engine.errors import EngineError, InvalidAnswers, InvalidRequest
from engine.intake import CHANNEL_NAMES, Person, Report
from engine.packages import Package
from engine.people import access
from engine.people.access import Account, Target
from engine.places import areas
from engine.runtime import Unit
from webapi import idempotency
from webapi.bodies import dump
from webapi.ui import forms
from webapi.ui.letters import PLACE
from webapi.ui.words import _

_CODE = re.compile(r"\[([0-9A-Za-z.]{1,20})\]\s*\Z")  # behind a name that was chosen from the list
_PERSON = ("name", "phone", "email", "address")


@dataclass
class Call:
    """The page as it was sent.

    Attributes:
        fields: everything outside the type's form, as written.
        posted: all of it, with the answers to the type's form.
        known: the report type whose form the answers belong to.
        faults: pairs of (id on the page, sentence).
        wrong: the faults of the type's form, by key.
    """

    fields: dict[str, str] = field(default_factory=dict)
    posted: MultiDict[str, str] | None = None
    known: str = ""
    faults: list[tuple[str, str]] = field(default_factory=list)
    wrong: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """So that a page sent twice is one case."""
        return self.fields.get("key") or secrets.token_urlsafe(16)

    def fault(self, id: str) -> str:
        return dict(self.faults).get(id, "")


def read(posted: MultiDict[str, str]) -> Call:
    fields = {name: posted[name][:2000] for name in posted if not name.startswith(forms.PREFIX)}
    return Call(fields, posted, fields.get("known", ""))


def types(unit: Unit, caller: Account) -> list[Package]:
    """What this operator may take down."""
    found = unit.catalogue.all_current(unit)
    ours = [one for one in found if str(one.province["code"]) == caller.province]
    return [one for one in ours if access.allows(caller, "report", Target(caller.province, one.code), unit)]


def follow(call: Call, keys: Iterable[Row[Any]], offered: Iterable[Package]) -> Package | None:
    """The report type: as chosen; a key that was pressed anew chooses what it stands for."""
    by_code = {one.code: one for one in offered}
    pressed = {row.key: row.report_type for row in keys}.get(call.fields.get("phim", ""))
    anew = call.fields.get("phim") != call.fields.get("phim_cu", "")
    if pressed in by_code and (anew or not call.fields.get("loai")):
        call.fields["loai"] = str(pressed)
    return by_code.get(call.fields.get("loai", ""))


def send(unit: Unit, caller: Account, call: Call) -> list[str]:
    """It becomes a case; sent again, the same one.

    Returns:
        Number and secret.

    Raises:
        InvalidAnswers, InvalidRequest: as `intake.receive`; or there is no such area, or several.
    """
    package = {one.code: one for one in types(unit, caller)}.get(call.fields.get("loai", ""))
    if package is None:
        raise InvalidRequest("Choose what it is about.", field="loai")
    answers = forms.read(package.intake_form, call.posted or MultiDict())
    said = {name: value for name, value in call.fields.items() if name not in ("csrf_token", "key")}
    request.environ["thongsuot.content"] = dump([answers, said])

    def make() -> dict[str, Any]:
        receipt = intake.receive(unit, _report(unit, caller, call, answers), by=caller)
        return {"number": receipt.number, "secret": receipt.secret}

    kept = idempotency.keep(unit, f"desk:{caller.login}", call.key[:60], make)
    return [kept["number"], kept["secret"]]


def _report(unit: Unit, caller: Account, call: Call, answers: dict[str, Any]) -> Report:
    said = call.fields
    place = area(unit, caller, said.get("noi", ""))
    channel = said.get("channel") if said.get("channel") in CHANNEL_NAMES else "dien_thoai"
    other = "for_other" in said or any(said.get(f"b_{name}", "").strip() for name in _PERSON)
    return Report(
        said["loai"], answers, str(channel), area=place.code if place else None,
        place=(said.get("place") or str(answers.get(PLACE) or ""))[:300],
        reporter=_person(said, "", "anonymous" in said), beneficiary=_person(said, "b_") if other else None,
        branch=said.get("phim") or None, contact=contact(said),
    )  # fmt: skip


def contact(said: Mapping[str, str]) -> int | None:
    """The call that the exchange has told of, if the operator says which it is: it is not counted twice then."""
    number = said.get("contact", "")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else None


def _person(said: dict[str, str], prefix: str, anonymous: bool = False) -> Person | None:
    values = {name: said.get(prefix + name, "").strip()[:300] or None for name in _PERSON}
    if anonymous:
        values["name"] = None
    return Person(**values, anonymous=anonymous) if anonymous or any(values.values()) else None


def area(unit: Unit, caller: Account, written: str) -> Row[Any] | None:
    """The area that was chosen from the list, or the only one whose name begins so.

    Raises:
        InvalidRequest: there is none, or several.
    """
    if not written.strip():
        return None
    if chosen := _CODE.search(written):
        return areas.in_province(unit, chosen[1], str(caller.province))
    found = areas.search(unit, province=caller.province, q=written[:80], at=unit.today, limit=5)
    if len(found) == 1:
        return found[0]
    raise InvalidRequest("There is no such area, or several.", field="noi", several=labels(unit, found))


def labels(unit: Unit, found: list[Row[Any]]) -> list[str]:
    """Phường Phú Hoà, Thành phố Thủ Dầu Một [25744]"""
    parents = {row.parent for row in found if row.parent}
    names = {code: areas.show(unit, code).name for code in sorted(parents)}
    return [f"{row.name}{', ' + names[row.parent] if row.parent else ''} [{row.code}]" for row in found]


def note(call: Call, error: EngineError) -> None:
    """What was refused, in words, and at the question it is about."""
    if isinstance(error, InvalidAnswers):
        call.wrong = error.facts.get("errors", {})
        if not call.wrong:
            call.faults.append(("", _("Biểu mẫu chưa điền đúng")))
        return
    where = error.facts.get("field", "")
    phone = _("Số điện thoại chưa đúng. Hãy viết như 0912345678.")
    known = {
        "loai": ("loai", _("Hãy chọn loại việc.")),
        "contact": ("contact", _("Cuộc gọi này đã có người ghi: hãy chọn cuộc gọi khác.")),
        "noi": ("noi", _unknown(error.facts.get("several", []))),
        "area": ("noi", _("Loại việc này không chia theo nơi đã chọn: hãy để trống và ghi địa chỉ bằng lời.")),
        "reporter.phone": ("phone", phone), "beneficiary.phone": ("b_phone", phone),
        "reporter.email": ("email", _("Địa chỉ thư điện tử chưa đúng. Hãy viết như ten@example.vn.")),
    }  # fmt: skip
    call.faults.append(known.get(where, ("noi", _("Nơi xảy ra hoặc nội dung chưa đúng: hãy kiểm tra lại."))))


def _unknown(several: list[str]) -> str:
    if several:
        return _("Có nhiều nơi tên như vậy, hãy chọn một: %(names)s.", names="; ".join(several))
    return _("Không có quận, huyện, phường, xã nào tên như vậy.")


def outcomes(names: Iterable[str]) -> list[tuple[str, str]]:
    words = {"answered": _("đã trả lời"), "wrong_number": _("nhầm số"), "refused": _("từ chối, không thuộc phạm vi"),
             "duplicate": _("trùng cuộc gọi trước")}  # fmt: skip
    return [(name, words[name]) for name in names]

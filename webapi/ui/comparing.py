"""What one version of a report type changes in another, as sentences and on both diagrams, and what that means for the
cases that run; of the draft, too. Whoever decides about a parked version does it here, having seen it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from engine import anatomy, diffs, drafts
from engine.access import Account
from engine.diffs import Change, Difference
from engine.drafts import Draft
from engine.errors import NotFound
from engine.packages import Package
from engine.runtime import Unit
from webapi.ui import analyst
from webapi.ui.pages import Pages, page
from webapi.ui.words import _, in_language

bp = Pages("ui_comparing")
PAGE = f"{analyst.TYPE}/so-sanh"
DRAFT = "nhap"  # instead of a version's number
NUMBERS = 5  # of cases, beside each reason
Version = dict[str, Any]


@dataclass(frozen=True)
class Drawing:
    """A file that is drawn: of which version, and how its elements are marked: added, changed, removed."""

    of: str
    file: str
    marks: dict[str, str]

    @property
    def notes(self) -> dict[str, str]:
        """What stands at its elements."""
        return {element: " ".join(hows()[how][:2]) for element, how in self.marks.items()}


@bp.read(PAGE)
def show(unit: Unit, caller: Account, code: str) -> Any:
    """?moi=3&cu=2; left out, the draft (or without one the newest version) and what it would replace."""
    newest, versions = analyst.mine(unit, caller, code)
    draft = drafts.show(unit, code, by=caller)
    which = request.args.get("moi") or (DRAFT if draft.changed_at else str(newest.version))
    chosen = None if which == DRAFT else _numbered(versions, which)
    old = _numbered(versions, request.args["cu"]) if request.args.get("cu") else before(versions, chosen)
    new = unit.catalogue.pinned(unit, chosen["id"]) if chosen else _faultless(unit, draft)
    found = diffs.told(unit, unit.catalogue.pinned(unit, old["id"]), new, by=caller) if old and new else None
    return page("ui/comparison.html", code=code, name=in_language(newest.name, code), versions=versions, draft=draft,
                which=which, chosen=chosen, old=old, faulty=new is None, found=found, me=caller,
                states=analyst.states(), offered=analyst.OFFERED, labels=analyst.labels(), kinds=kinds(), hows=hows(),
                numbers=NUMBERS, **_told(found, which) if found else {})  # fmt: skip


@bp.read(f"{PAGE}/<name:which>/<name:file>")
def diagram(unit: Unit, caller: Account, code: str, which: str, file: str) -> Any:
    versions = analyst.mine(unit, caller, code)[1]
    if which == DRAFT:
        files = drafts.show(unit, code, by=caller).files
    else:
        files = unit.catalogue.pinned(unit, _numbered(versions, which)["id"]).files
    if not file.endswith(".bpmn") or file not in files:
        raise NotFound(f"There is no diagram {file!r}.")
    return Response(files[file], mimetype="application/xml")


def before(versions: Sequence[Version], new: Version | None) -> Version | None:
    """What it is compared with unless somebody asks: the version in force, or for that one, or if none is, the version
    before; of the draft (``None``) likewise."""
    accepted = [one for one in versions if one["state"] != "refused"]
    earlier = [one for one in accepted if new is None or one["version"] < new["version"]]
    current = next((one for one in versions if one["current"] and one is not new), None)
    return current or next(iter(earlier), None)


def grouped(changes: Sequence[Change]) -> dict[str, list[Change]]:
    """By kind, in the order of `anatomy.KINDS`."""
    found = {kind: [one for one in changes if one.kind == kind] for kind in anatomy.KINDS}
    return {kind: those for kind, those in found.items() if those}


def drawings(found: Difference, which: str) -> list[Drawing]:
    """The newer diagrams where something is marked; the older ones where something was removed."""
    newer = _drawn(found.new, which, _marks(found.changes, but="removed"))
    older = _drawn(found.old, str(found.old.version), _marks(found.changes, but="added"))
    return newer + [one for one in older if "removed" in one.marks.values()]


def _marks(changes: Sequence[Change], but: str) -> dict[str, str]:
    """Only a step itself comes or goes; if a question, a row or a deadline does, its steps have changed."""
    marks: dict[str, str] = {}
    for one in changes:
        how = one.how if one.kind == "step" else "changed"
        if how != but:
            marks |= {element: how for element in one.elements if how != "changed" or element not in marks}
    return marks


def _drawn(package: Package, of: str, marks: dict[str, str]) -> list[Drawing]:
    found = []
    for one in anatomy.diagrams(package):
        here = {node.id for node in one.nodes()} | {flow.id for flow in one.flows()}
        found.append(Drawing(of, one.file, {element: how for element, how in marks.items() if element in here}))
    return [one for one in found if one.marks]


def _told(found: Difference, which: str) -> dict[str, Any]:
    return {"groups": grouped(found.changes), "drawings": drawings(found, which), "summary": _either(found),
            "impact": _impact(found)}  # fmt: skip


def _impact(found: Difference) -> str:
    if found.impact is None:
        return ""
    if not found.impact.running:
        return _("Không có vụ việc nào đang chạy theo phiên bản khác.")
    return in_language(dict(zip(("vi", "en"), diffs.impact_told(found.impact), strict=True)))


def _either(one: Change | Difference) -> str:
    return in_language({"vi": one.vi, "en": one.en})


def _numbered(versions: Sequence[Version], number: str) -> Version:
    found = next((one for one in versions if str(one["version"]) == number), None)
    if found is None:
        raise NotFound(f"There is no version {number!r}.")
    return found


def _faultless(unit: Unit, draft: Draft) -> Package | None:
    """The draft, if the gate finds no error: else it cannot be read as what it means."""
    wrong = any(fault.severity == "error" for fault in drafts.judged(unit, draft))
    return None if wrong else draft.package


# -- words ---------------------------------------------------------------------------------------------------------


def kinds() -> dict[str, str]:
    return {
        "step": _("Bước và sự kiện"), "flow": _("Đường nối và điều kiện"), "decision": _("Bảng quyết định"),
        "rule": _("Dòng của bảng quyết định"), "form": _("Biểu mẫu"), "question": _("Câu hỏi"),
        "deadline": _("Thời hạn"), "text": _("Mẫu tin"), "setting": _("Thiết lập"),
    }  # fmt: skip


def hows() -> dict[str, tuple[str, str, str]]:
    """A sign and a word for each, which say it without colour, and its colour."""
    return {"added": ("+", _("thêm"), "closed"), "changed": ("±", _("đổi"), "waiting"),
            "removed": ("−", _("bỏ"), "bad")}  # fmt: skip

"""What one version of a report type changes in another, as sentences and on both diagrams, and what that means for the
cases that run; of the draft, too. Whoever decides about a parked version does it here, having seen it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from engine.errors import NotFound
from engine.packages import Package
from engine.people.access import Account
from engine.runtime import Unit
from engine.versions import anatomy, diffs, drafts, migrations
from engine.versions.diffs import Change, Difference
from engine.versions.drafts import Draft
from engine.versions.migrations import Obstacle, Preview
from webapi.bodies import dump
from webapi.ui import analyst, moving
from webapi.ui.pages import Pages, page
from webapi.ui.words import _, in_language

bp = Pages("ui_comparing")
PAGE = f"{analyst.TYPE}/so-sanh"
DRAFT = "nhap"  # instead of a version's number
NUMBERS = 5  # of cases, beside each reason
REASONS = 20  # that are carried from one look at the running cases to the next
AT_ONCE = 500  # running cases that are looked at in one request
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
    asked = asked_for(unit, caller, code, newest, versions)
    found = diffs.compared(unit.catalogue.pinned(unit, asked.old["id"]), asked.new) if asked.old and asked.new else None
    moves = found is not None and diffs.may_move(unit, found.new, caller)
    return page("ui/comparison.html", code=code, name=in_language(newest.name, code), versions=versions,
                which=asked.which, chosen=asked.chosen, old=asked.old, faulty=asked.new is None, found=found, me=caller,
                states=analyst.states(), offered=analyst.OFFERED, labels=analyst.labels(), kinds=kinds(), hows=hows(),
                moves=moves, sources=moving.sources(unit, caller, versions, asked.chosen) if moves else [],
                **_told(found, asked.which) if found else {})  # fmt: skip


@bp.read(f"{PAGE}/anh-huong")
def impact(unit: Unit, caller: Account, code: str) -> Any:
    """What it means for the running cases: some at once, added to what the page has been told already."""
    newest, versions = analyst.mine(unit, caller, code)
    asked = asked_for(unit, caller, code, newest, versions)
    if asked.old is None or asked.new is None or not diffs.may_move(unit, asked.new, caller):
        raise NotFound("There is nothing to compare, or no case that you may move.")
    renamed = diffs.between(unit.catalogue.pinned(unit, asked.old["id"]), asked.new)[1]
    so_far = _so_far()
    some = migrations.preview(unit, asked.new, None, renamed, by=caller, after=so_far.after or 0, most=AT_ONCE)
    found, every = so_far.plus(some), migrations.running(unit, asked.new)
    return page("ui/impact.html", code=code, which=asked.which, old=asked.old, found=found, every=every,
                sentence=_impact(found), numbers=NUMBERS, told=_kept(found))  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What is compared: the address's ``moi`` and ``cu``. ``new`` is ``None``: a draft with errors."""

    which: str
    chosen: Version | None
    old: Version | None
    new: Package | None


def asked_for(unit: Unit, caller: Account, code: str, newest: Package, versions: Sequence[Version]) -> Asked:
    draft = drafts.show(unit, code, by=caller)
    which = request.args.get("moi") or (DRAFT if draft.changed_at else str(newest.version))
    chosen = None if which == DRAFT else _numbered(versions, which)
    old = _numbered(versions, request.args["cu"]) if request.args.get("cu") else before(versions, chosen)
    return Asked(which, chosen, old, unit.catalogue.pinned(unit, chosen["id"]) if chosen else _faultless(unit, draft))


def _kept(found: Preview) -> str:
    """What has been found so far, for the page to send along when it asks for more."""
    reasons = [[one.why, one.cases, one.numbers[: NUMBERS + 1]] for one in found.cannot[:REASONS]]
    return dump([found.running, found.can_move, found.after, reasons]).decode()


def _so_far() -> Preview:
    """What the page has been told, if it is what `_kept` writes; it is shown to nobody else."""
    try:
        running, can_move, after, reasons = json.loads(request.args.get("da-xem", "null"))
        told = [Obstacle(str(why), int(cases), [str(one) for one in numbers]) for why, cases, numbers in reasons]
        return Preview(int(running), int(can_move), told, int(after))
    except (TypeError, ValueError):
        return Preview()


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
    return {"groups": grouped(found.changes), "drawings": drawings(found, which), "summary": _either(found)}


def _impact(found: Preview) -> str:
    if not found.running:
        return _("Không có vụ việc nào đang chạy theo phiên bản khác.")
    return in_language(dict(zip(("vi", "en"), diffs.impact_told(found), strict=True)))


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

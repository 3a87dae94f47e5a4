"""Running cases that move to another version: begun where the versions are compared, watched, gone on with, undone.

docs/migrating.md says what moves and what stays; `engine/versions/migrations.py` does it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import redirect, request, url_for

from engine.errors import EngineError, InvalidRequest, NotFound, WrongState
from engine.people.access import Account
from engine.reasons import REASON_MAX
from engine.runtime import Unit
from engine.statistics import overview
from engine.versions import deployments, diffs, migrations
from webapi.ui import analyst, door, pages
from webapi.ui.pages import Pages, done, page
from webapi.ui.words import _, in_language

bp = Pages("ui_moving")
BEGIN = f"{analyst.TYPE}/chuyen"
MIGRATION = f"{BEGIN}/<key:migration_id>"
NUMBERS = 20  # of cases, beside each reason

STEPS: dict[str, Callable[..., None]] = {
    "di-tiep": migrations.go_on, "dung": migrations.cancel, "chuyen-lai": migrations.undo,
}  # fmt: skip
OFFERED = {"running": ("dung",), "canary": ("di-tiep", "dung", "chuyen-lai"), "done": ("chuyen-lai",),
           "cancelled": ("chuyen-lai",)}  # fmt: skip


def sources(
    unit: Unit, caller: Account, versions: Sequence[Mapping[str, Any]], to: Mapping[str, Any] | None
) -> list[tuple[Mapping[str, Any], int]]:
    """The other versions whose cases could move to this one, if it is approved, and how many are open."""
    if to is None or to["state"] not in ("current", "past", "planned"):
        return []
    open_cases = overview.by_version(unit, caller)
    return [(one, open_cases[one["id"]]) for one in versions if one["id"] != to["id"] and one["id"] in open_cases]


@bp.open("POST", BEGIN)
def begin(code: str) -> Any:
    try:
        made = _begin(code)
    except (InvalidRequest, WrongState) as error:
        back = door.safe_address(request.form.get("back"), url_for("ui_comparing.show", code=code))
        return pages.undone(_refusal(error), back)
    return redirect(url_for("ui_moving.show", code=code, migration_id=made), 303)


@door.changes
def _begin(unit: Unit, caller: Account, code: str) -> int:
    """Elements that only got another id go along, as the comparison tells them."""
    source, target = (_version(unit, code, request.form.get(name, "")) for name in ("tu", "den"))
    renamed = diffs.between(unit.catalogue.pinned(unit, source), unit.catalogue.pinned(unit, target))[1]
    first = request.form.get("thu-truoc", "").strip()
    if first and not (first.isascii() and first.isdecimal() and 0 < int(first[:9]) < 10**6):
        raise InvalidRequest("That is no number of cases.", field="canary")
    return migrations.start(unit, source, target, request.form.get("reason", ""), renamed,
                            int(first) if first else None, by=caller)  # fmt: skip


@bp.read(MIGRATION)
def show(unit: Unit, caller: Account, code: str, migration_id: int) -> Any:
    found = migrations.show(unit, migration_id, by=caller)
    if found["report_type"] != code:
        raise NotFound(f"There is no migration {migration_id} of {code}.")
    name = in_language(unit.catalogue.pinned(unit, found["target_id"]).name, code)
    state, counts = found["state"], found["counts"]
    return page("ui/moving.html", code=code, name=name, one=found, every=sum(counts.values()), counts=_counts(counts),
                under_way=state in migrations.ACTIVE, left=counts.get(migrations.ACTIVE.get(state), 0),
                states=analyst.moving_states(), steps=labels(), offered=OFFERED.get(state, ()),
                numbers=NUMBERS)  # fmt: skip


@bp.open("POST", f"{MIGRATION}/<name:step>")
def act(code: str, migration_id: int, step: str) -> Any:
    if step not in STEPS:
        raise NotFound(f"There is no step {step!r}.")
    here = url_for("ui_moving.show", code=code, migration_id=migration_id)
    try:
        door.changes(lambda unit, caller: STEPS[step](unit, migration_id, by=caller))()
    except WrongState:
        return pages.undone(_("Chưa làm được: việc chuyển đã sang trạng thái khác."), here)
    return done(_("Đã ghi nhận."), "ui_moving.show", code=code, migration_id=migration_id)


def _version(unit: Unit, code: str, number: str) -> int:
    found = next((one for one in deployments.list_versions(unit, code) if str(one["version"]) == number), None)
    if found is None:
        raise NotFound(f"There is no version {number!r} of {code}.")
    return int(found["id"])


# -- words ---------------------------------------------------------------------------------------------------------


def labels() -> dict[str, tuple[str, str]]:
    """Each step's button, and what is asked before."""
    return {
        "di-tiep": (_("Chuyển tiếp"), _("Những vụ việc đã thử đều ổn: chuyển nốt các vụ việc còn lại.")),
        "dung": (_("Dừng"), _("Không chuyển thêm vụ việc nào; vụ việc đã chuyển ở lại phiên bản mới.")),
        "chuyen-lai": (_("Chuyển lại"), _("Vụ việc đã chuyển về phiên bản cũ, trừ vụ việc đã đi tiếp từ đó.")),
    }  # fmt: skip


def _counts(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    words = {
        "waiting": _("Còn chờ"), "moved": _("Đã chuyển"), "refused": _("Không chuyển được"),
        "gone": _("Đã kết thúc trong lúc chờ"), "undone": _("Đã chuyển lại"), "kept": _("Không chuyển lại được"),
    }  # fmt: skip
    return [(word, counts[state]) for state, word in words.items() if counts.get(state)]


def _refusal(error: EngineError) -> str:
    if isinstance(error, WrongState):
        return _("Chưa chuyển được: một lần chuyển khác của loại này chưa xong, hoặc phiên bản chưa được duyệt.")
    return _("Chưa chuyển được: hãy ghi lý do (tối đa %(most)s ký tự); số vụ việc thử trước là một số từ 1.",
             most=REASON_MAX)  # fmt: skip

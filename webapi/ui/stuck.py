"""What is stuck, why, in the reader's language, and what can be done about it right here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request, url_for

from engine import absences, directory, queries, stuck
from engine.errors import InvalidRequest
from engine.packages import Package
from engine.people import access
from engine.people.access import Account
from engine.queries import CaseFilter
from engine.queues import outbox
from engine.runtime import Unit
from engine.versions import modifications
from engine.work import repairs
from webapi.ui import door, office, steps
from webapi.ui.pages import Pages, done, page, undone
from webapi.ui.words import _, channels, in_language, step, translated

bp = Pages("ui_stuck")


@bp.read("/tinh/ket")
def index(unit: Unit, caller: Account) -> Any:
    office.must_be_office(unit, caller)
    found = stuck.list_stuck(unit, caller, CaseFilter(after=request.args.get("after"), limit=25))
    packages = {one["definition_id"]: unit.catalogue.pinned(unit, one["definition_id"]) for one in found.items}
    shown = [case | {"stuck": one["stuck"] | {"why": why(one["stuck"], packages[one["definition_id"]])}}
             for case, one in zip(office.impersonal(unit, found.items), found.items, strict=True)]  # fmt: skip
    agencies = [row for row in directory.list_agencies(unit, caller.province, at=unit.today) if row.kind != "overseer"]
    return page("ui/stuck.html", cases=shown, after=found.after, agencies=agencies, labels=labels(), here=HERE,
                colleagues=absences.colleagues(unit, _given(shown)), lost=queries.lost_reports(unit, caller),
                may_resend=access.allows(caller, "resend"))  # fmt: skip


@bp.change("/tinh/ket/bao-cao/<key:letter_id>/gui-lai")
def resend(unit: Unit, caller: Account, letter_id: int) -> Any:
    """A report of a week or a month that could not be sent."""
    letter = queries.show_letter(unit, caller, letter_id, "resend")
    outbox.resend(unit, letter_id, caller.login)
    return done(_("Đã xếp vào hàng gửi lại: %(what)s", what=letter.payload.get("subject") or letter.topic),
                "ui_stuck.index")  # fmt: skip


def _given(shown: list[dict[str, Any]]) -> list[int]:
    """The tasks that can be given to a colleague here."""
    return [one["id"] for case in shown for one in case["stuck"]["next"] if one["action"] == "delegate-task"]


@bp.open("POST", "/tinh/ket/<name:number>/<name:action>")
def act(number: str, action: str) -> Any:
    if action not in HERE:
        raise InvalidRequest(f"Nothing here is called {action!r}.")
    what, back = labels()[action], door.safe_address(request.form.get("back"), url_for("ui_stuck.index"))
    try:
        moved = door.changes(lambda unit, caller: HERE[action](unit, caller, number))()
    except steps.REFUSALS as error:
        return undone(f"{number}: {steps.refusal(REFUSED_AS.get(action, action), error)}", back)
    if moved is False:
        return undone(_("Chưa qua được, vẫn như cũ: %(what)s (%(number)s)", what=what, number=number), back)
    return done(_("Đã thực hiện: %(what)s (%(number)s)", what=what, number=number), "ui_stuck.index")


# -- what can be done here -----------------------------------------------------------------------------------------


Act = Callable[[Unit, Account, str], bool | None]


def _case(name: str) -> Act:
    """A step that the case's own page has, too."""
    return lambda unit, caller, number: steps.CASE_STEPS[name](unit, caller, number, request.form)


def _release(unit: Unit, caller: Account, number: str) -> None:
    modifications.release(unit, number, by=caller)


def _delegate(unit: Unit, caller: Account, number: str) -> None:
    steps.TASK_STEPS["giao"](unit, caller, _thing(), request.form)


def _retry(unit: Unit, caller: Account, number: str) -> bool:
    """Whether the step was taken; if not, the incident stays, with what went wrong this time."""
    queries.show_incident(unit, caller, _thing(), "retry")
    return repairs.retry(unit, _thing(), caller.login)


def _resend(unit: Unit, caller: Account, number: str) -> None:
    queries.show_letter(unit, caller, _thing(), "resend")
    outbox.resend(unit, _thing(), caller.login)


HERE: dict[str, Act] = {
    "extend-case": _case("gia-han"), "reassign-case": _case("giao-don-vi"), "resume-case": _case("chay-tiep"),
    "release-case": _release, "delegate-task": _delegate, "retry-incident": _retry, "resend-letter": _resend,
}  # fmt: skip
REFUSED_AS = {"extend-case": "gia-han", "reassign-case": "giao-don-vi", "resume-case": "chay-tiep",
              "delegate-task": "giao"}  # fmt: skip


def _thing() -> int:
    said = request.form.get("id", "")
    if not (said.isascii() and said.isdigit() and len(said) < 16):
        raise InvalidRequest("This is not what the page offered: open it again.", field="id")
    return int(said)


# -- words ---------------------------------------------------------------------------------------------------------


def labels() -> dict[str, str]:
    """What each of `stuck`'s actions is called; those that are not in `HERE` are done elsewhere, by whoever can."""
    return {
        "extend-case": _("Gia hạn"), "reassign-case": _("Giao cơ quan khác"), "resume-case": _("Cho chạy tiếp"),
        "delegate-task": _("Giao đồng nghiệp"), "retry-incident": _("Thử lại bước lỗi"),
        "resend-letter": _("Gửi lại tin"), "repair-report-type": _("Sửa quy trình của loại phản ánh này"),
        "release-case": _("Cho vụ việc chạy tiếp"),
        "add-account": _("Mở tài khoản cho cơ quan này"), "start-worker": _("Khởi động tiến trình nền (worker)"),
        "send-message": _("Xem vụ việc, báo cho quy trình điều nó đang chờ"),
    }  # fmt: skip


def job_names() -> dict[str, str]:
    """What the workers' jobs are called."""
    return {"timer": _("hẹn giờ của quy trình"), "warning": _("nhắc sắp đến hạn"), "breach": _("báo quá hạn"),
            "answer": _("nhận trả lời của dịch vụ"), "message": _("nhận thông điệp"),
            "retry": _("thử lại bước lỗi")}  # fmt: skip


def why(found: dict[str, Any], package: Package) -> str:
    """The reason in one sentence: the same facts as the engine's English one, a step by its name."""
    nobody = {"login": _("chưa ai"), "agency": _("chưa có")}
    said = {name: value or nobody.get(name, "–") for name, value in found["facts"].items()}
    of_us = {"incident": "message", "suspended-job": "error", "dead-letter": "error"}.get(found["reason"])
    if of_us:
        said[of_us] = translated(said[of_us])
    if "kind" in said:
        said["kind"] = (job_names() | channels()).get(said["kind"], said["kind"])
    if "element" in said:
        said["element"] = step(package, said["element"])
    said |= {name: in_language(said[name], own=package.english) for name in ("task", "agency") if name in said}
    return {
        "incident": _("Bước %(element)s không thực hiện được: %(message)s"),
        "held": _("Vụ việc đang bị tạm giữ: không bước nào chạy cho đến khi có người cho chạy tiếp."),
        "suspended-job": _("Việc định giờ (%(kind)s) bị treo: %(error)s"),
        "nobody": _("Việc “%(task)s” chờ %(agency)s, nhưng cơ quan này chưa có ai có tài khoản."),
        "overdue-task": _("Việc “%(task)s” của %(agency)s đã quá hạn; người nhận: %(login)s."),
        "dead-letter": _("Không gửi được “%(topic)s” (%(kind)s): %(error)s"),
        "no-answer": _("Quy trình chờ thông điệp “%(message)s”, trong khi vụ việc đã quá hạn."),
        "unrun-job": _("Việc định giờ (%(kind)s) đã đến giờ mà chưa chạy: tiến trình nền có đang chạy không?"),
        "lost-job": _("Việc định giờ (%(kind)s) làm dở thì tiến trình nền chết, chưa ai nhận lại: có tiến trình nền "
                      "nào đang chạy không?"),
        "unserved": _("Dịch vụ “%(topic)s” chưa có chương trình nào nhận: chương trình đó có đang chạy không?"),
        "unfinished": _("Dịch vụ “%(topic)s” đã được chương trình nhận %(times)s lần mà chưa lần nào trả lời: chương "
                        "trình đó bị dừng giữa chừng, hay cần lâu hơn thời gian đã xin?"),
        "overdue-case": _("Vụ việc đã quá hạn; cơ quan chủ trì: %(agency)s."),
    }[found["reason"]] % said  # fmt: skip

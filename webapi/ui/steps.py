"""What people do to a task or a case by a button: each step's engine call, what is said when it is done, and why not.

A page posts to an address that ends with the step's name; the answer is the page itself once more, with the sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import flash, redirect, request

from engine import cases, reasons, tasks
from engine.errors import (
    EngineError,
    InvalidAnswers,
    InvalidRequest,
    NotAllowed,
    NotFound,
    Stale,
    Unscanned,
    WrongState,
)
from engine.messaging import bridge, relay
from engine.people import access
from engine.people.access import Account
from engine.privacy import unmasking
from engine.runtime import Unit
from engine.terms.calendar import ZONE
from webapi.ui import door, pages
from webapi.ui.words import _

Step = Callable[[Unit, Account, Any, Mapping[str, str]], Any]
_HOURS = {"from": bridge.FROM, "until": bridge.UNTIL}
REFUSALS = (InvalidAnswers, InvalidRequest, NotAllowed, Stale, Unscanned, WrongState)

TASK_STEPS: dict[str, Step] = {
    "nhan": lambda unit, by, task, said: tasks.claim(unit, task, by=by),
    "tra-ve-nhom": lambda unit, by, task, said: tasks.release(unit, task, by=by),
    "giao": lambda unit, by, task, said: tasks.delegate(unit, task, said.get("to", ""), by=by),
    "giao-cap-duoi": lambda unit, by, task, said: tasks.hand_down(unit, task, said.get("agency", ""), by=by),
    "tra-lai": lambda unit, by, task, said: tasks.give_back(unit, task, said.get("reason", ""), by=by),
    "lay-lai": lambda unit, by, task, said: tasks.take_back(unit, task, said.get("reason", ""), by=by),
}
CASE_STEPS: dict[str, Step] = {
    "gia-han": lambda unit, by, case, said: cases.extend(unit, case, _moment(said), said.get("reason", ""), by=by),
    "tam-dung": lambda unit, by, case, said: cases.pause(unit, case, said.get("reason", ""), by=by),
    "chay-tiep": lambda unit, by, case, said: cases.resume(unit, case, by=by),
    "giao-don-vi": lambda unit, by, case, said: cases.reassign(
        unit, case, said.get("agency", ""), said.get("reason", ""), by=by),
    "gop": lambda unit, by, case, said: _merge(unit, by, case, said.get("into", "").strip().upper()),
    "mo-lai": lambda unit, by, case, said: cases.reopen(unit, case, said.get("reason", ""), by=by),
    "ghi-chu": lambda unit, by, case, said: cases.comment(
        unit, case, said.get("text", ""), public="public" in said, by=by),
    "xin-biet": lambda unit, by, case, said: unmasking.ask(unit, case, said.get("reason", ""), by=by),
    "nhan-tin": lambda unit, by, case, said: relay.write(unit, case, said.get("text", ""), by=by),
    "goi": lambda unit, by, case, said: bridge.connect(unit, case, said.get("desk", ""), by=by),
}  # fmt: skip


def take(steps: Mapping[str, Step], name: str, thing: Any, otherwise: str) -> Any:
    """Do it, and go back to the page it was asked for on; of a task that is gone, to ``otherwise``."""
    if name not in steps:
        raise NotFound(f"There is no step {name!r}.")
    back = door.safe_address(request.form.get("back"), otherwise)
    try:
        door.changes(lambda unit, caller: steps[name](unit, caller, thing, request.form))()
    except REFUSALS as error:
        return pages.undone(refusal(name, error), back)
    flash(_done(name))
    return redirect(otherwise if name in ("tra-lai", "giao-cap-duoi") else back, 303)


def _merge(unit: Unit, by: Account, number: str, into: str) -> None:
    """A number to join it to that is none, or not for them, is a wrong answer here."""
    access.find(unit, by, "merge", number)
    try:
        cases.merge(unit, number, into, by=by)
    except NotFound:
        raise InvalidRequest("Write the number of the case it repeats.", field="into") from None


def _moment(said: Mapping[str, str]) -> datetime:
    """Vietnam's time, as a browser's control writes it."""
    try:
        return datetime.fromisoformat(said.get("until", "")).replace(tzinfo=ZONE)
    except ValueError:
        raise InvalidRequest("Write the new due time.", field="until") from None


def _done(name: str) -> str:
    return {
        "nhan": _("Đã nhận việc."), "tra-ve-nhom": _("Đã trả việc về nhóm."), "giao": _("Đã giao cho đồng nghiệp."),
        "giao-cap-duoi": _("Đã giao cấp dưới làm."), "tra-lai": _("Đã trả lại nơi phân công."),
        "lay-lai": _("Đã lấy lại việc."), "gia-han": _("Đã gia hạn."), "tam-dung": _("Đã tạm dừng tính thời hạn."),
        "chay-tiep": _("Thời hạn chạy tiếp."), "giao-don-vi": _("Đã giao cơ quan khác chủ trì."),
        "gop": _("Đã gộp vào vụ việc gốc."), "mo-lai": _("Đã mở lại vụ việc."), "ghi-chu": _("Đã ghi."),
        "xin-biet": _("Đã gửi đề nghị. Người thứ hai quyết định; kết quả hiện ở đây."),
        "nhan-tin": _("Đã giao tổng đài nhắn người báo."),
        "goi": _("Tổng đài đang nối máy: máy của ông (bà) sẽ đổ chuông trước. Kết quả hiện ở diễn biến."),
    }[name]  # fmt: skip


def refusal(name: str, error: EngineError) -> str:
    """Why not, in the reader's language; where we know no better, what such a refusal is called."""
    known = {
        ("nhan", "wrong-state"): _("Chưa nhận được: người khác đã nhận việc này, hoặc việc đã xong."),
        ("tra-ve-nhom", "wrong-state"): _("Chưa trả được: ông (bà) không giữ việc này, hoặc việc đã xong."),
        ("giao", "invalid-request"): _("Chưa giao được: hãy chọn một đồng nghiệp cùng cơ quan."),
        ("giao-cap-duoi", "invalid-request"): _("Chưa giao được: hãy chọn một cơ quan cấp dưới còn hoạt động."),
        ("tra-lai", "wrong-state"): _("Chưa trả lại được: quy trình không cho trả lại ở bước này, hoặc việc đã xong."),
        ("gia-han", "wrong-state"): _("Chưa gia hạn được: đã hết số lần gia hạn, đang tạm dừng hoặc đã xong."),
        ("gia-han", "invalid-request"): _extension(error),
        ("tam-dung", "wrong-state"): _("Chưa tạm dừng được: loại việc này không cho, hoặc thời hạn không đang chạy."),
        ("chay-tiep", "wrong-state"): _("Chưa chạy tiếp được: thời hạn không đang tạm dừng."),
        ("giao-don-vi", "invalid-request"): _("Chưa giao được: hãy chọn cơ quan và ghi lý do."),
        ("gop", "invalid-request"): _("Chưa gộp được: hãy ghi mã số của một vụ việc khác trong tỉnh."),
        ("gop", "wrong-state"): _("Chưa gộp được: một trong hai vụ việc đã xong, hoặc đã gộp vào vụ khác."),
        ("mo-lai", "wrong-state"): _("Chưa mở lại được: vụ việc chưa xong, hoặc đã hết thời gian phản ánh lại."),
        ("ghi-chu", "invalid-request"): _("Chưa ghi được: hãy viết từ 1 đến %(most)s ký tự.", most=cases.COMMENT_MAX),
        ("xin-biet", "wrong-state"): _("Ông (bà) đã đề nghị rồi và chưa có ai trả lời."),
        ("nhan-tin", "wrong-state"): _("Chưa nhắn được: người báo không để lại cách liên lạc, hoặc hôm nay đã đủ tin."),
        ("nhan-tin", "invalid-request"): _("Chưa nhắn được: hãy viết từ 1 đến %(most)s ký tự.", most=relay.LONGEST),
        ("goi", "wrong-state"): not_called(error.facts.get("why", "")),
        ("goi", "invalid-request"): _("Chưa gọi được: hãy ghi số máy của ông (bà), ở Việt Nam hoặc máy nhánh."),
        ("hoi", "wrong-state"): _("Chưa hỏi được: lúc này vụ việc không nhận câu hỏi."),
        ("hoi", "invalid-request"): _("Chưa hỏi được: hãy viết từ 1 đến %(most)s ký tự.", most=reasons.REASON_MAX),
        ("tep-cho-xem", "wrong-state"): _("Tệp này không còn bị giữ lại."),
        ("tep", "invalid-request"): _("Chưa nhận được: tệp rỗng, quá lớn hoặc chứa mã độc."),
    }.get((name, error.code))
    if known is None and error.code == "invalid-request":
        return _("Chưa làm được: hãy ghi lý do, tối đa %(most)s ký tự.", most=reasons.REASON_MAX)
    return known or ". ".join(pages.said(error.code))


def not_called(why: str) -> str:
    """Why whoever reported is not called now (`engine.messaging.bridge.why_not`)."""
    return {
        "no-number": _("Người báo không để lại số điện thoại."),
        "no-consent": _("Người báo không muốn nói tên: hãy nhắn, đừng gọi."),
        "night": _("Chỉ gọi người dân từ %(from)s đến %(until)s giờ: bây giờ hãy nhắn.", **_HOURS),
        "too-often": _("Hôm nay đã gọi đủ số lần cho vụ việc này: ngày mai gọi tiếp được."),
        "connecting": _("Tổng đài đang nối một cuộc gọi về vụ việc này."),
    }.get(why, _("Tổng đài của tỉnh không nối máy hộ."))


def _extension(error: EngineError) -> str:
    if latest := error.facts.get("latest_at"):
        at = datetime.fromisoformat(latest).astimezone(ZONE)
        return _("Chưa gia hạn được: muộn nhất là %(at)s.", at=f"{at:%H:%M %d/%m/%Y}")
    return _("Chưa gia hạn được: hãy ghi lý do, và một hạn mới sau hạn hiện tại.")

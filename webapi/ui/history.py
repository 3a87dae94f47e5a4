"""What has happened to a case, and how a due time came about, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from engine.messaging import relay
from engine.packages import Package
from engine.queues.outbox import CALL
from webapi.ui.show import moment
from webapi.ui.words import _, channels, in_language, language, text_name
from webapi.ui.words import step as step_name

SILENT = ("moved",)  # the process took a step by itself; what came of it has lines of its own
LOOK = "case-viewed"  # whoever has just done something, or looked, is looking still
_UNITS = {"tháng": "month", "tuần": "week", "ngày": "day", "giờ": "hour", "phút": "minute", "giây": "second"}
_PART = re.compile(r"([\d,]+) (\w+)")


def lines(
    events: Iterable[Mapping[str, Any]], package: Package, names: Mapping[str, str], people: Mapping[str, str]
) -> list[dict[str, Any]]:
    """For `ui.timeline`.

    Args:
        names: of agencies, by key.
        people: their names, by log-in name.
    """
    told = [one for one in events if one["kind"] not in SILENT]
    return _folded(
        {"at": row["at"], "who": who(row["actor"], people), "text": sentence(row, package, names, people),
         "mine": row["kind"] == "task-completed"}
        for before, row in zip([None, *told], told, strict=False)
        if before is None or row["kind"] != LOOK or before["actor"] != row["actor"]
    )  # fmt: skip


def _folded(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same by the same person, several times in a row, is one line: "Thêm tệp × 6"."""
    runs = [list(run) for _key, run in groupby(rows, lambda row: (row["who"], row["text"]))]
    return [run[0] | ({"text": f"{run[0]['text']} × {len(run)}"} if len(run) > 1 else {}) for run in runs]


def involved(events: Iterable[Mapping[str, Any]]) -> set[str]:
    """The log-in names that `lines` may say."""
    return {str(name) for one in events for data in [one["data"] or {}]
            for name in (one["actor"], data.get("to"), data.get("on_behalf_of")) if name}  # fmt: skip


def who(actor: str, people: Mapping[str, str]) -> str:
    """Who did it, in words."""
    return {"system": _("hệ thống"), "citizen": _("người dân")}.get(actor) or people.get(actor, actor)


def sentence(event: Mapping[str, Any], package: Package, names: Mapping[str, str], people: Mapping[str, str]) -> str:
    """One line of history. What its reader may not know is not in ``data``, and is left out."""
    data, element = event["data"] or {}, event["element"]
    step = step_name(package, element or "")
    agency = names.get(str(data.get("agency") or data.get("to")), str(data.get("agency") or data.get("to") or ""))
    other = people.get(str(data.get("to")), data.get("to", ""))
    said = _sentences(data, step, agency, str(other), package).get(event["kind"])
    if said is None:
        return str(event["kind"])
    if absent := data.get("on_behalf_of"):
        said = _("%(what)s (thay %(who)s)", what=said, who=people.get(absent, absent))
    more = data.get("reason") or data.get("question") or ""
    return f"{said}: {more}" if more else said


def _sentences(data: Mapping[str, Any], step: str, agency: str, other: str, package: Package) -> dict[str, str]:
    words = package.status(str(data.get("status", "")))
    status = in_language({key: str(words[key]) for key in ("vi", "en") if key in words}, str(data.get("status", "")))
    channel = channels().get(str(data.get("channel")), "")
    return {
        "received": _("Tiếp nhận") + (f" ({channel})" if channel else ""),
        "task-completed": _("Hoàn thành: %(step)s", step=step),
        "task-claimed": _("Nhận việc: %(step)s", step=step),
        "task-released": _("Trả việc về nhóm: %(step)s", step=step),
        "task-delegated": _("Giao đồng nghiệp %(who)s: %(step)s", who=other, step=step),
        "task-handed-down": _("Giao cấp dưới %(agency)s: %(step)s", agency=agency, step=step),
        "task-taken-back": _("Lấy lại việc đã giao cấp dưới"),
        "task-given-back": _("Cấp dưới trả lại việc"),
        "task-reassigned": _("Giao %(agency)s làm: %(step)s", agency=agency, step=step),
        "returned": _("Trả lại, không thuộc thẩm quyền"),
        "status": _("Trạng thái: %(status)s", status=status) if status else _("Đổi trạng thái"),
        "secrecy": _("Đổi mức bảo mật: %(secrecy)s", secrecy=data.get("secrecy", "")),
        "paused": _("Tạm dừng thời hạn"), "resumed": _("Thời hạn chạy tiếp"),
        "extended": _("Gia hạn đến %(at)s", at=_at(data.get("due_at"))),
        "closed": _("Đã giải quyết xong"), "reopened": _("Mở lại"),
        "reopened-by": _("Phản ánh lại qua vụ việc %(number)s", number=data.get("number", "")),
        "reassigned": _("Giao %(agency)s chủ trì", agency=agency),
        "succeeded": _("%(agency)s tiếp nhận sau khi sáp nhập", agency=agency),
        "rated": _("Người dân đánh giá %(stars)s/5 sao", stars=data.get("stars", "")),
        "merged": _("Gộp vào vụ việc %(number)s", number=data.get("into", "")),
        "joined-by": _("Vụ việc %(number)s được gộp vào đây", number=data.get("number", "")),
        "asked": _("Cơ quan giám sát hỏi"),
        "commented": _("Ghi chú công khai") if data.get("public") else _("Ghi chú nội bộ"),
        "attached": _("Thêm tệp"), "file-released": _("Cho người xử lý mở tệp"),
        "person-viewed": _("Xem thông tin người báo"), "case-viewed": _("Xem hồ sơ"),
        "person-exported": _("Xuất dữ liệu của người báo"), "person-emptied": _("Xóa dữ liệu cá nhân"),
        "person-asked": _("Đề nghị được biết người báo"), "relayed": _("Nhắn người báo qua tổng đài"),
        "call-asked": _("Nhờ tổng đài nối máy với người báo"),
        "call-ended": _("Cuộc gọi với người báo: %(outcome)s", outcome=_call(data)),
        "person-granted": _("Đồng ý cho %(who)s biết người báo", who=other),
        "person-refused": _("Không đồng ý cho %(who)s biết người báo", who=other),
        "held-back": _("Giữ lại dữ liệu cá nhân"), "let-go": _("Thôi giữ dữ liệu cá nhân"),
    } | _of_office(data) | _of_itself(data, step, package) | _of_letters(data, agency, package)  # fmt: skip


def _of_office(data: Mapping[str, Any]) -> dict[str, str]:
    """What the office and analysts do to a case, and with its result."""
    version = data.get("version", "")
    return {
        "suspended": _("Tạm giữ vụ việc"), "released": _("Thôi tạm giữ vụ việc"),
        "modified": _("Sửa chỗ đứng của vụ việc trong quy trình"),
        "migrated": _("Chuyển sang phiên bản %(version)s của quy trình", version=version),
        "migration-undone": _("Chuyển lại về phiên bản trước của quy trình"),
        "received-instead": _("Nhận thay loại phản ánh %(type)s đang ngừng", type=data.get("report_type", "")),
        "publication-proposed": _("Đề nghị công bố kết quả"), "published": _("Đã công bố kết quả"),
        "not-published": _("Quyết định không công bố"), "publication-withdrawn": _("Rút kết quả đã công bố"),
    }  # fmt: skip


def _of_itself(data: Mapping[str, Any], step: str, package: Package) -> dict[str, str]:
    """What no person did."""
    return {
        "moved": _("Quy trình đi tiếp"),
        "incident-opened": _("Quy trình gặp lỗi ở bước %(step)s", step=step),
        "incident-repaired": _("Sửa giá trị của bước %(step)s", step=step),
        "incident-resolved": _("Lỗi đã được xử lý"),
        "message": _("Nhận thông tin mà quy trình đang chờ"),
        "message-thrown": _("Báo cho vụ việc khác: %(step)s", step=step),
        "message-taken": _("Vụ việc %(number)s đã nhận: %(step)s", number=data.get("number", ""), step=step),
        "signal-thrown": _("Báo cho mọi vụ việc đang chờ: %(step)s", step=step),
        "signal": _("Nhận thông báo chung mà quy trình đang chờ"),
        "file-not-fetched": _("Không tải được tệp người dân gửi"),
        "service-answered": _("Dịch vụ bên ngoài đã trả lời"),
        "service-unanswered": _("Dịch vụ bên ngoài không trả lời"),
        "case-started": _("Lập vụ việc %(number)s", number=data.get("number", "")),
        "duplicates-found": _("Có %(count)s phản ánh giống trước đó", count=len(data["numbers"]))
        if data.get("numbers") else _("Không có phản ánh giống trước đó"),
        "came-too-late": _("Một việc hẹn giờ đến khi quy trình đã đi tiếp"),
        "deadline-near": _("Sắp đến hạn: %(step)s", step=_term(step, package)),
        "deadline-passed": _("Quá hạn: %(step)s", step=_term(step, package)),
    }  # fmt: skip


def _of_letters(data: Mapping[str, Any], agency: str, package: Package) -> dict[str, str]:
    """What was told, by the name of its text; to an agency or to the citizen."""
    said = {"text": data.get("text", ""), "agency": agency}
    if said["text"] and said["text"] != relay.TOPIC:
        said["text"] = text_name(package, said["text"])
    return {
        "message-sent": _("Gửi tin") if not said["text"]
        else _("Báo %(agency)s (%(text)s)", **said) if agency else _("Đã nhắn người báo") if said["text"] == relay.TOPIC
        else _("Tổng đài đã nhận yêu cầu nối máy") if said["text"] == CALL
        else _("Nhắn người dân (%(text)s)", **said),
        "message-resent": _("Gửi lại tin %(text)s", **said),
        "message-undeliverable": _("Không gửi được tin %(text)s cho %(agency)s", **said) if agency
        else _("Tổng đài không nối máy được") if said["text"] == CALL
        else _("Không gửi được tin %(text)s", **said),
        "nobody-to-tell": _("Không có địa chỉ để gửi tin %(text)s", **said),
    }  # fmt: skip


def _call(data: Mapping[str, Any]) -> str:
    return {
        "answered": _("đã nói chuyện"), "no_answer": _("người báo không nghe máy"), "busy": _("máy bận"),
        "desk_no_answer": _("bên gọi không nghe máy"),
    }.get(data.get("outcome", ""), _("không nối được"))  # fmt: skip


def _term(name: str, package: Package) -> str:
    return _("cả vụ việc") if name == "case" else step_name(package, name)


def terms(rows: Iterable[Any], package: Package) -> list[dict[str, Any]]:
    """Each deadline with its story, a sentence for each line."""
    return [
        {"name": _headed(_term(row.name, package)), "due_at": row.due_at, "warn_at": row.warn_at,
         "settled": row.settled_at, "paused": row.story[-1]["what"] == "pause",
         "story": [_told(entry, package.english) for entry in row.story]}
        for row in rows
    ]  # fmt: skip


def _headed(name: str) -> str:
    return name[:1].upper() + name[1:]


def _told(entry: Mapping[str, Any], english: Mapping[str, str]) -> str:
    facts = {"words": length(entry.get("words", "")), "due": _at(entry.get("due_at")), "since": _at(entry.get("from")),
             "rule": in_language(entry.get("rule"), own=english)}  # fmt: skip
    said = {
        "term": _("%(words)s theo quy định %(rule)s, tính từ %(since)s: hạn %(due)s", **facts),
        "pause": _("Tạm dừng"),
        "resume": _("Chạy tiếp, còn %(words)s: hạn %(due)s", **facts),
        "extension": _("Gia hạn thêm %(words)s: hạn %(due)s", **facts),
        "days-declared": _("Ngày nghỉ, ngày làm bù mới công bố: hạn từ %(since)s thành %(due)s", **facts),
        "case-extended": _("Cả vụ việc được gia hạn, bước này thêm %(words)s: hạn %(due)s", **facts),
    }[entry["what"]]
    return f"{said}. {entry['reason']}" if entry.get("reason") else said


def length(words: str) -> str:
    """A length of time as the engine has written it down, "3 ngày làm việc": in English "3 working days"."""
    if language() == "vi":
        return words
    units = _UNITS if "làm việc" not in words else {unit: f"working {name}" for unit, name in _UNITS.items()}
    parts = [f"{number.replace(',', '.')} {units[unit]}{'' if number == '1' else 's'}"
             for number, unit in _PART.findall(words)]  # fmt: skip
    return "less than a minute" if words.startswith("dưới") else " ".join(parts)


def _at(said: Any) -> str:
    return moment(datetime.fromisoformat(said)) if said else ""

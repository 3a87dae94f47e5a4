"""What was done that belongs to no case, as sentences for the administrator."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from webapi.ui import show
from webapi.ui.words import _


def sentence(row: Any) -> str:
    """Of a row of `engine.model.acts`."""
    return _sentences(row.subject or "?", row.data)[row.kind]


def _sentences(whom: str, data: dict[str, Any]) -> dict[str, str]:
    return {
        "logged-in": _("Đăng nhập"),
        "login-failed": _("Đăng nhập không thành công: %(login)s", login=whom),
        "logged-out": _("Đăng xuất"),
        "sessions-ended": _("Kết thúc %(number)s phiên đăng nhập khác", number=data.get("number", "")),
        "second-factor-set": _("Bật xác thực hai lớp"),
        "second-factor-removed": _("Tắt xác thực hai lớp của %(login)s", login=whom),
        "recovery-code-used": _("Dùng một mã dự phòng, còn %(left)s", left=data.get("left", "")),
        "identity-bound": _("Gắn %(login)s với tài khoản ở hệ thống đăng nhập chung", login=whom),
        "token-made": _("Cấp mã truy cập “%(label)s” cho %(login)s", label=data.get("label", ""), login=whom),
        "token-revoked": _("Thu hồi mã truy cập “%(label)s” của %(login)s", label=data.get("label", ""), login=whom),
        "account-made": _("Tạo tài khoản %(login)s", login=whom),
        "account-changed": _("Sửa tài khoản %(login)s: %(fields)s", login=whom, fields=", ".join(data.get("now", {}))),
        "password-changed": _("Đổi mật khẩu của %(login)s", login=whom),
        "version-brought": _("Đưa phiên bản %(version)s của %(key)s vào hệ thống", version=data.get("version", ""),
                             key=whom),
        "version-activated": _("Cho một phiên bản của %(key)s có hiệu lực", key=whom),
        "version-approved": _("Duyệt phiên bản %(version)s của %(key)s", version=data.get("version", ""), key=whom),
        "version-refused": _("Không duyệt phiên bản %(version)s của %(key)s", version=data.get("version", ""),
                             key=whom),
        "version-suspended": _("Ngừng phiên bản %(version)s của %(key)s", version=data.get("version", ""), key=whom),
        "version-released": _("Cho phiên bản %(version)s của %(key)s chạy lại", version=data.get("version", ""),
                              key=whom),
        "settings-loaded": _("Nạp thiết lập của tỉnh %(key)s", key=whom),
        "key-declared": _("Khai báo phím bấm %(key)s", key=whom),
        "key-given-up": _("Bỏ dữ liệu của khóa mã hóa đã mất %(key)s", key=whom),
        "agency-changed": _("Thay đổi cơ quan %(key)s", key=whom),
        "day-declared": _("Công bố ngày nghỉ, ngày làm bù của tỉnh %(key)s: %(day)s", key=whom,
                          day=data.get("day", "")),
        "exported": _("Xuất lịch sử của %(key)s", key=whom),
        "person-exported": _("Xuất dữ liệu của một người: %(reason)s", reason=data.get("reason", "")),
        "copy-restored": _("Khôi phục dữ liệu từ bản sao lúc %(time)s", time=_time(data.get("made_at"))),
    }  # fmt: skip


def _time(said: str | None) -> str:
    return show.moment(datetime.fromisoformat(said)) if said else ""

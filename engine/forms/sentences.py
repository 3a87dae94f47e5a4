"""What a person is told about an answer: one sentence in Vietnamese that says what to change."""

from __future__ import annotations

from typing import Any

from engine.forms.field import CHOICES, MOMENTS, SELECTIONS, Field

EMAIL = "Hãy nhập một địa chỉ thư điện tử đúng, ví dụ ten@example.vn."
PHONE = "Hãy nhập một số điện thoại đúng, ví dụ 0912345678 hoặc +84912345678."
NOT_TEXT = "Hãy nhập mục này bằng chữ."
CONTROL = "Có ký tự không hiển thị được. Hãy xóa và gõ lại mục này."
ONE_LINE = "Hãy viết mục này trên một dòng, không xuống dòng và không dùng phím tab."
NOT_NUMBER = "Hãy nhập một số, ví dụ 12 hoặc 3.5."
TOO_BIG = "Số này quá lớn. Hãy nhập một số có tối đa 15 chữ số."
NOT_CHECK = "Hãy trả lời có (true) hoặc không (false)."
NOT_LIST = "Hãy gửi mục này dưới dạng danh sách."
NOT_GROUP = "Hãy gửi mục này dưới dạng nhóm các câu trả lời."
NO_OPTIONS = "Hiện chưa có lựa chọn nào cho mục này. Hãy liên hệ tổng đài 1022."
CHOOSE_OFFERED = "Hãy chọn một trong các lựa chọn có sẵn."
CHOOSE_ONLY_OFFERED = "Hãy chỉ chọn trong các lựa chọn có sẵn."
NOT_FILES = "Hãy tải tệp lên trước rồi gửi mã số của tệp."
ONE_FILE = "Hãy chỉ đính kèm một tệp."
PAST = "Hãy chọn một ngày từ hôm nay trở đi."
DATE = "Hãy nhập ngày theo dạng năm-tháng-ngày, ví dụ 2021-09-03."
TIME = "Hãy nhập giờ theo dạng giờ:phút, ví dụ 07:30."
DATETIME = "Hãy nhập ngày giờ theo dạng 2021-09-03T07:30."
YEAR = "Hãy chọn một ngày trong khoảng từ năm 1900 đến năm 2100."
TOO_LARGE = "Các câu trả lời quá dài: tối đa 64 kB. Hãy viết ngắn lại hoặc gửi dưới dạng tệp đính kèm."
TOO_DEEP = "Các câu trả lời lồng vào nhau quá sâu: tối đa 5 lớp."
NOT_ANSWERS = "Hãy gửi các câu trả lời dưới dạng một đối tượng JSON, ví dụ {\"ten\": \"…\"}."
NOT_JSON = "Các câu trả lời chỉ được chứa chữ, số, đúng/sai, danh sách và nhóm."

NO_FILE_YET = "Chưa có vụ việc nên chưa có tệp nào để chọn: hãy gửi phản ánh trước, rồi tải tệp lên vụ việc."


def required(field: Field) -> str:
    if field.kind == "checkbox":
        return f"Hãy đánh dấu vào ô “{field.label}”."
    if field.kind == "filepicker":
        return f"Hãy đính kèm tệp cho mục “{field.label}”."
    if field.kind in CHOICES or field.kind in SELECTIONS or field.kind in MOMENTS:
        return f"Hãy chọn “{field.label}”."
    return f"Hãy điền “{field.label}”."


def no_file(ids: list[int]) -> str:
    return f"Vụ việc này không có tệp {', '.join(map(str, ids))}: hãy tải tệp lên vụ việc rồi chọn lại."


def wrong_file(name: str, field: Field) -> str:
    return f"Tệp {name} không dùng được cho mục này: hãy chọn tệp loại {', '.join(field.accept)}."


def unknown(path: str) -> str:
    return f"Biểu mẫu không có mục '{path}'."


def too_long(limit: int, length: int) -> str:
    return f"Tối đa {limit} ký tự, hiện có {length}."


def too_short(limit: int, length: int) -> str:
    return f"Tối thiểu {limit} ký tự, hiện có {length}."


def too_small(limit: Any) -> str:
    return f"Hãy nhập một số từ {number(limit)} trở lên."


def too_great(limit: Any) -> str:
    return f"Hãy nhập một số không quá {number(limit)}."


def too_precise(digits: int) -> str:
    return f"Hãy nhập tối đa {digits} chữ số thập phân." if digits else "Hãy nhập một số nguyên."


def off_step(before: Any, after: Any) -> str:
    return f"Hãy nhập {number(before)} hoặc {number(after)}, là hai số hợp lệ gần nhất."


def no_match(field: Field) -> str:
    return field.pattern_message or f"“{field.label}” chưa đúng dạng yêu cầu. Hãy kiểm tra và nhập lại."


def too_many(limit: int) -> str:
    return f"Hãy gửi tối đa {limit} mục trong danh sách này."


def summary(title: str, faults: dict[str, str]) -> str:
    if len(faults) == 1:
        return f"Biểu mẫu “{title}” có 1 mục cần sửa: {next(iter(faults))}."
    return f"Biểu mẫu “{title}” có {len(faults)} mục cần sửa."


def number(value: Any) -> str:
    """A number as written in Vietnamese: with a decimal comma.

    >>> number(0.5)
    '0,5'
    """
    return f"{value}".replace(".", ",")

"""A period's figures as JSON, as a table for spreadsheets, and as an Excel workbook."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from engine.intake import CHANNEL_NAMES
from engine.statistics.figures import NAMES, Figures, Lines
from engine.terms.calendar import ZONE
from engine.work import bulk
from engine.work.bulk import Month

Cells = tuple[Any, ...]


def as_answer(report: Figures) -> dict[str, Any]:
    """What `GET /figures` answers: the figures, and where the contacts behind each are listed."""
    period = {"province": report.province, "from": report.begins.isoformat(), "to": report.ends.isoformat()}
    return {
        **{name: value for name, value in vars(report).items() if name != "name"},
        "balanced": report.lines.unexplained == 0,
        "by_key": [{"key": key, "name": name, "lines": lines} for key, name, lines in report.by_key],
        "by_channel": [{"channel": channel, "lines": lines} for channel, lines in report.by_channel],
        "by_agency": [{"key": key, "name": name, "lines": lines} for key, name, lines in report.by_agency],
        "topics": [{"topic": topic, "contacts": count} for topic, count in report.topics],
        "cumulative": report.cumulative if report.since else None,
        "behind": {line: f"/api/v1/contacts?{urlencode(period | {'line': line})}" for line in NAMES},
    }


def as_csv(report: Figures) -> bytes:
    return csv_of(_rows(report))


def as_workbook(report: Figures) -> bytes:
    return workbook_of(_rows(report))


def csv_of(rows: Iterable[Cells]) -> bytes:
    """UTF-8 with the mark that makes Excel read it as such."""
    text = io.StringIO()
    csv.writer(text).writerows([_harmless(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def workbook_of(rows: Iterable[Cells]) -> bytes:
    import xlsxwriter

    content = io.BytesIO()
    # what somebody typed as a topic stays text, whatever it begins with
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(content, options) as workbook:
        sheet = workbook.add_worksheet("1022")
        sheet.set_column(0, 0, 44)
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return content.getvalue()


def _rows(report: Figures) -> Iterator[Cells]:
    begins, ends = (f"{at.astimezone(ZONE):%H:%M %d/%m/%Y}" for at in (report.begins, report.ends))
    yield "Báo cáo tiếp nhận, xử lý thông tin qua tổng đài 1022", report.name
    yield "Từ", begins
    yield "Đến trước", ends
    yield ()
    yield from _lines(report.lines)
    if report.lines.unexplained:
        yield "KHÔNG CÂN ĐỐI: số cuộc chưa rõ kết quả", report.lines.unexplained
    yield "Cuộc gọi ra chủ động", report.calls_out
    yield "Lượt tư vấn qua cuộc gọi ra", report.consultations
    if report.since:
        yield ()
        yield f"Lũy kế từ {report.since.astimezone(ZONE):%d/%m/%Y}",
        yield from _lines(report.cumulative)
    header = ("Tiếp nhận", *NAMES.values())
    if report.by_key:
        yield ()
        yield ("Theo phím", *header)
        for key, name, lines in report.by_key:
            yield (f"Phím {key}" + (f" – {name}" if name else ""), *_values(lines))
    yield ()
    yield ("Theo kênh", *header)
    for channel, lines in report.by_channel:
        yield (CHANNEL_NAMES.get(channel, channel), *_values(lines))
    yield ()
    yield ("Theo đơn vị tiếp nhận", *header)
    for key, name, lines in report.by_agency:
        yield (agency_name(key, name), *_values(lines))
    if report.topics:
        yield ()
        yield "Nội dung người dân quan tâm", "Số cuộc"
        yield from report.topics


def agency_name(key: str | None, name: str | None) -> str:
    return name or key or "Chưa ai nhận"


def _lines(lines: Lines) -> Iterator[Cells]:
    yield "Cuộc gọi, tin nhắn đến", lines.received
    for line, name in NAMES.items():
        yield name, getattr(lines, line)


def _values(lines: Lines) -> Cells:
    return (lines.received, *(getattr(lines, line) for line in NAMES))


def _harmless(cell: Any) -> Any:
    """A text that a spreadsheet would take for a formula is marked as text."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def bulk_of(month: Month) -> bytes:
    """A month of open data: two tables, and a file that says what they are and under which licence.

    The same month gives the same bytes, but for ``about.json``, which says when it was made.
    """
    name = f"1022-{month.province}-{month.begins.astimezone(ZONE):%Y-%m}"
    requests = [tuple(_written(cell) for cell in row) for row in month.requests]
    about = {
        "title": f"1022 {month.publisher}", "publisher": month.publisher, "licence": month.licence,
        "from": month.begins.isoformat(), "to": month.ends.isoformat(), "made_at": month.made_at.isoformat(),
        "time_zone": "Asia/Ho_Chi_Minh",
        "files": {
            "requests.csv": "results published in this month, as edited for the public: class C0 only, without "
                            "personal data; names as in Open311 GeoReport v2",
            "counts.csv": "cases received in this month, by public report type: no number from 1 to 4; open and late "
                          "as of made_at",
        },
    }  # fmt: skip
    files = {
        "about.json": json.dumps(about, ensure_ascii=False, indent=1).encode(),
        "requests.csv": csv_of([bulk.REQUESTS, *requests]),
        "counts.csv": csv_of([month.counted, *month.counts]),
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, said in files.items():
            archive.writestr(zipfile.ZipInfo(f"{name}/{file}"), said, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def _written(cell: Any) -> Any:
    return cell.astimezone(ZONE).isoformat(timespec="seconds") if isinstance(cell, datetime) else cell

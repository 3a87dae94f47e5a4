"""The first sheet of a workbook (XLSX) that somebody has sent, as rows of text. Nothing in it is taken on trust.

A few kilobytes can unpack to gigabytes, name a row beyond counting, or be no workbook at all: what is unpacked is
bounded before the file is opened, and zipfile reads of a member no more than its entry says.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zipfile import BadZipFile, ZipFile

from engine.errors import InvalidRequest

MAGIC = b"PK\x03\x04"
OLD = b"\xd0\xcf\x11\xe0"  # of Excel up to 2003, and of a workbook with a password
UNPACKED_MAX = 50_000_000
MEMBERS_MAX = 1_000
ROWS_MAX = 20_000  # empty ones, too: the reader makes up all that are missing before the last
COLUMNS_MAX = 256


def no_list(en: str, vi: str) -> InvalidRequest:
    """A file that is refused as a whole, in a sentence for whoever has sent it."""
    return InvalidRequest(en, field="file", vi=vi)


def lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """The rows and their numbers, as the spreadsheet numbers them.

    A formula is a text that begins with "=", whatever it came to; a day is "2021-09-01".

    Raises:
        InvalidRequest: it is no workbook, or too large.
    """
    _look(content)
    from openpyxl import load_workbook  # 176 modules, for the few lists that come as workbooks

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what it says of its own size
        rows = sheet.iter_rows(max_row=ROWS_MAX + 1, max_col=COLUMNS_MAX, values_only=True)
        for number, cells in enumerate(rows, 1):
            if number > ROWS_MAX:
                raise no_list(f"The sheet goes on after row {ROWS_MAX}: delete the empty rows.",
                              f"Trang tính còn dòng sau dòng {ROWS_MAX}: hãy xóa các dòng trống.")  # fmt: skip
            yield number, [_text(cell) for cell in cells]
    except InvalidRequest:
        raise
    except Exception as error:  # whatever the reader stumbles over in a file that is none
        raise _no_workbook() from error


def _look(content: bytes) -> None:
    try:
        with ZipFile(io.BytesIO(content)) as packed:
            members = packed.infolist()
    except (BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise _no_workbook() from error
    if len(members) > MEMBERS_MAX or sum(member.file_size for member in members) > UNPACKED_MAX:
        raise no_list(f"The workbook unpacks to more than {UNPACKED_MAX} bytes: split the list.",
                      "Sổ tính quá lớn: hãy chia danh sách ra nhiều tệp.")  # fmt: skip


def _no_workbook() -> InvalidRequest:
    return no_list("The file is no workbook that can be read: save the list as .xlsx or 'CSV UTF-8'.",
                   "Không đọc được sổ tính này: hãy lưu danh sách thành .xlsx hoặc “CSV UTF-8”.")  # fmt: skip


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)
    return "="  # an array's formula, and the like

"""Lists of people, and a hotline that takes them: Hà Nội's calls to patients (F0CD)."""

from __future__ import annotations

import io
from typing import Any

import xlsxwriter

from engine import packages
from engine.files import folders
from engine.people import accounts
from tests.hotline import Hotline
from tests.shipped import BPMN

HEAD = "Họ và tên,Số điện thoại,Quận huyện,Tuổi,Ngày dương tính"


def takes_lists(hotline: Hotline, code: str = "F0CD", *more: tuple[str, str]) -> Hotline:
    """Two people of Hà Nội's office, ``cdc`` and ``cdc2``, and a doctor, ``bacsi``; or (log-in, agency) of others."""
    with hotline.runtime.begin() as unit:
        files = folders.read(BPMN / "ha_noi" / code)
        packages.load_province(unit, packages.Package(files).province)
        packages.deploy(unit, files, by="test")
        office = next(one["key"] for one in packages.Package(files).province["agencies"] if one["kind"] == "office")
        doctor = ("bacsi", "handler", "thaythuoc_chudong_01")
        people = [("cdc", "office", office), ("cdc2", "office", office), doctor]
        for login, role, agency in [(login, "handler", agency) for login, agency in more] or people:
            accounts.create(unit, {"login": login, "name": login, "role": role, "agency": agency}, None)
            hotline.tokens[login] = accounts.issue(unit, accounts.account(unit, login), "test").token
    return hotline


def cohort(size: int, *more: str, head: str = HEAD) -> bytes:
    rows = (f"Bệnh nhân {number},09{number:08d},Quận Ba Đình,40,01/09/2021" for number in range(size))
    return "\r\n".join((head, *rows, *more)).encode()


def workbook(rows: list[list[Any]]) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"default_date_format": "dd/mm/yyyy"}) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate(rows):
            sheet.write_row(number, 0, cells)
    return content.getvalue()

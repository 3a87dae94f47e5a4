"""The shipped report types as a test's database begins with them, and what people usually write into their forms."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from engine import model, packages
from engine.files import folders
from engine.people import accounts
from engine.runtime import Unit
from tests.beginnings import Beginning
from webapi import demo

BPMN = Path(__file__).parent.parent / "bpmn"
TYPES = ("BDTT", "BDKB", "BDKK", "BDCS", "BDGY", "DNYT", "DNAS", "DNHH")
DESKS = {"BD": "tongdai_74", "DN": "tongdai_75"}
OFFICES = {"BD": "vpubnd_74", "DN": "vpubnd_75"}
OUTSIDERS = {"BD": "ubnd_74_726", "DN": "ubnd_75_742"}  # districts that no story takes place in
PASSED_TO = {  # where the desk passes reports on to, by type or province: what it writes into its form
    "BD": {"area": "718"},  # Thủ Dầu Một
    "DN": {"area": "731"},  # Biên Hòa
    "BDCS": {"nhom_chinh_sach": "bao_hiem"},
    "BDGY": {"linh_vuc": "giao_thong"},
}
LEADS = {"BDTT": "ubnd_74_718", "BDKB": "ttyt_74_718", "BDKK": "ubnd_74_718", "BDCS": "bhxh_74", "BDGY": "sogtvt_74",
         "DNYT": "ubnd_75_731", "DNAS": "ubnd_75_731", "DNHH": "ubnd_75_731"}  # fmt: skip
MONITORS = {"BDTT": "sotttt_74", "BDKB": "soyt_74", "BDKK": "soldtbxh_74", "BDCS": "sotttt_74", "BDGY": "sotttt_74",
            "DNYT": "soyt_75", "DNAS": "soldtbxh_75", "DNHH": "soct_75"}  # fmt: skip
LONG_AGO = datetime(2021, 1, 4, tzinfo=UTC)  # when the report types came into force

SAID = {"noi_dung": "Nhờ tổng đài giúp đỡ", "loai_y_kien": "phan_anh"}
INTAKE = {  # what a caller tells who is in no hurry
    "BDTT": {"hanh_vi": "khong_khau_trang", "dang_dien_ra": "khong_ro"},
    "BDKB": {"loai_tiep_xuc": "tu_vung_dich", "co_trieu_chung": "khong"},
    "BDKK": {"luong_thuc": "con_du", "nguoi_yeu_the": "khong"},
    "BDCS": {"nhom_chinh_sach": "lao_dong_tu_do"},
    "BDGY": {"linh_vuc": "giao_thong"},
    "DNYT": {"trieu_chung": "sot_ho"},
    "DNAS": {"luong_thuc": "con_du", "nguoi_yeu_the": "khong"},
    "DNHH": {"van_de": "thieu_hang", "mat_hang": "rau"},
}
FILLED = {  # what people write into a form where it decides nothing
    "don_vi_nhan": {"nguoi_duoc_giao": "Đội quản lý trật tự"},
    "phan_cong": {"xa_phuong": "Phường Thống Nhất"},
    "xac_minh": {"noi_dung_xac_minh": "Đã đến tận nơi", "minh_chung": "Biên bản số 12",
                 "ket_qua_ngan": "không có sự việc như phản ánh"},
    "xu_ly": {"bien_phap": "khac", "noi_dung_xu_ly": "Đã làm xong việc", "minh_chung": "Biên bản số 13",
              "ket_qua_ngan": "đã xử lý xong"},
    "duyet": {"y_kien_duyet": "Viết rõ hơn"},
    "xac_nhan": {"y_kien_xac_nhan": "Đã xem minh chứng"},
    "cdc_danh_gia": {"nguy_co": "cao", "bien_phap_cdc": "Truy vết"},
    "quyet_dinh_don_vi": {"noi_dung_chi_dao": "Thuộc trách nhiệm đơn vị này"},
    "chi_dao": {"noi_dung_chi_dao": "Xử lý dứt điểm"},
    "de_xuat": {"vuong_mac": "Thiếu người", "de_xuat_chi_dao": "Tăng cường người"},
    "theo_doi": {"y_kien_ho_tro": "Cử thêm bác sĩ", "ly_do_tiep_quan": "Vượt khả năng địa phương"},
    "bao_dan": {"hinh_thuc_bao": "goi_dien"},
    "dang_ket_qua": {"noi_dung_cong_khai": "Đã hỗ trợ xong"},
    "tra_loi": {"noi_dung_tra_loi": "Theo quyết định của tỉnh", "ket_qua_ngan": "đủ điều kiện nhận hỗ trợ"},
    "nghien_cuu": {"noi_dung_nghien_cuu": "Khả thi", "ket_qua_ngan": "lắp thêm đèn tín hiệu"},
    "khen_thuong": {"hinh_thuc_khen": "thu_cam_on"},
}  # fmt: skip


class Shipped(Beginning):
    """What loading the shipped types writes, and somebody in every agency.

    Attributes:
        tokens: by log-in, and by agency for the first who sits there.
        addresses: by agency.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, lambda: LONG_AGO)
        self.addresses: dict[str, str] = {}
        loaded: set[Path] = set()
        for folder in folders.types_in(BPMN):
            with self.runtime.begin() as unit:  # each its own: what has been committed is parsed once
                files = folders.read(folder)
                if folder.parent not in loaded:
                    packages.load_province(unit, packages.Package(files).province)
                    loaded.add(folder.parent)
                packages.deploy(unit, files, by="test")
        with self.runtime.begin() as unit:
            accounts.create(unit, {"login": "admin", "name": "Quản trị", "role": "admin"}, None)
            self.tokens["admin"] = accounts.issue(unit, accounts.account(unit, "admin"), "test").token
            named = demo.named_for(unit)
            for agency in unit.all(select(model.agencies)):
                self.addresses[agency.key] = agency.email
                self._seat(unit, agency, named.get(agency.key))
        self.keep()

    def _seat(self, unit: Unit, agency: Any, named: list[str] | None) -> None:
        for login, role, name in demo.SEATS[agency.kind]:
            login = login.format(key=agency.key)
            person = {"login": login, "name": name, "role": role, "agency": agency.key, "report_types": named}
            accounts.create(unit, person, None)
            self.tokens[login] = accounts.issue(unit, accounts.account(unit, login), "test").token
            self.tokens.setdefault(agency.key, self.tokens[login])

"""The shipped report types as a test's database begins with them, and what people usually write into their forms."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, text

from engine import accounts, folders, model, packages
from engine.database import connect
from engine.runtime import Runtime, Unit
from webapi import demo

KEPT = "shipped"  # the schema in which a worker's PostgreSQL keeps what every test begins with
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


class Shipped:
    """What loading the shipped types writes, so that every test's database can begin with it in no time."""

    def __init__(self, path: Path) -> None:
        """Args:
        path: of a SQLite database with all tables and nothing in them, to load them into.
        """
        self.path = path
        self.runtime = Runtime(connect(f"sqlite:///{path}"), lambda: LONG_AGO)
        self.tokens: dict[str, str] = {}  # by log-in, and by agency for the first who sits there
        self.addresses: dict[str, str] = {}  # by agency
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
        with self.runtime.read() as unit:
            self.packages = {package.id: package for package in self.runtime.catalogue.all_current(unit)}
            tables = [(table, unit.all(select(table))) for table in model.metadata.sorted_tables]
            self.rows = [(table, [dict(row._mapping) for row in rows]) for table, rows in tables if rows]
        self.runtime.database.dispose()

    def _seat(self, unit: Unit, agency: Any, named: list[str] | None) -> None:
        for login, role, name in demo.SEATS[agency.kind]:
            login = login.format(key=agency.key)
            person = {"login": login, "name": name, "role": role, "agency": agency.key, "report_types": named}
            accounts.create(unit, person, None)
            self.tokens[login] = accounts.issue(unit, accounts.account(unit, login), "test").token
            self.tokens.setdefault(agency.key, self.tokens[login])

    def put(self, runtime: Runtime) -> None:
        """Write it into an empty database that nobody has opened yet."""
        url = runtime.database.url
        if url.database and url.get_backend_name() == "sqlite":
            shutil.copyfile(self.path, url.database)
        else:
            with runtime.begin() as unit:
                self._send(unit)
        runtime.catalogue = Catalogue(self.packages)

    def _send(self, unit: Unit) -> None:
        """To PostgreSQL; from the second test on it is there already, and only copied."""
        kept = unit.scalar(text(f"SELECT to_regclass('{KEPT}.provinces')")) is not None
        for table, rows in self.rows:
            if kept:
                unit.execute(text(f'INSERT INTO "{table.name}" SELECT * FROM {KEPT}."{table.name}"'))
            else:
                unit.execute(insert(table), rows)
            if "id" in table.c:  # what comes next must not be given an id that is taken
                newest = select(func.setval(func.pg_get_serial_sequence(table.name, "id"), len(rows)))
                unit.execute(newest)
        if not kept:
            unit.execute(text(f"CREATE SCHEMA {KEPT}"))
            for table, _ in self.rows:
                unit.execute(text(f'CREATE TABLE {KEPT}."{table.name}" AS TABLE "{table.name}"'))


class Catalogue(packages.Catalogue):
    """One that has read the shipped versions already."""

    def __init__(self, shipped: dict[int, packages.Package]) -> None:
        super().__init__()
        self.shipped = shipped

    def pinned(self, unit: Unit, definition_id: int) -> packages.Package:
        return self.shipped.get(definition_id) or super().pinned(unit, definition_id)

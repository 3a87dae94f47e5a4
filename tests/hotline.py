"""A small hotline behind the API, for tests: one province, one report type, somebody of every role.

    hotline.as_("truc").post("/reports", {...})
    hotline.receives("Tụ tập đông người")
    hotline.does("truc", "tiep_nhan", lead_agency="ubnd_74_718")
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from engine import packages
from engine.people import accounts
from engine.runtime import Runtime
from tests.beginnings import Beginning
from tests.clock import Clock
from tests.drawing import choice, draw, form
from webapi import auth

PEOPLE = {  # log-in: (role, agency)
    "truc": ("operator", "tongdai_74"),
    "phuong": ("handler", "ubnd_74_718"),
    "hoa": ("handler", "ubnd_74_718"),
    "binh": ("handler", "ubnd_74_719"),
    "yte": ("monitor", "so_yt_74"),
    "vanphong": ("office", "vp_74"),
    "mattran": ("overseer", "mttq_74"),
    "phantich": ("analyst", "vp_74"),
    "quantri": ("admin", None),
    "app": ("client", "tongdai_74"),
}
PROGRAMS = {"dich_vu": ("read", "serve"), "tong_dai": ("report",)}  # tokens of app: for what
AGENCIES = {
    "tongdai_74": ("Tổng đài 1022", "desk"),
    "vp_74": ("Văn phòng UBND tỉnh", "office"),
    "so_yt_74": ("Sở Y tế", "department"),
    "mttq_74": ("Ủy ban MTTQ tỉnh", "overseer"),
    "ubnd_74_718": ("UBND thành phố Thủ Dầu Một", "district"),
    "ubnd_74_719": ("UBND huyện Bàu Bàng", "district"),
}
PROVINCE = """
code = "74"
short = "BD"
name = "Bình Dương"
tracking_url = "https://1022.example/tra-cuu/{number}"

[[areas]]
code = "718"
name = "Thành phố Thủ Dầu Một"

[[areas]]
code = "719"
name = "Huyện Bàu Bàng"

[texts.T01]
sms = "1022: phản ánh {ma} đã được tiếp nhận, hạn {han}."

[texts.T06]
sms = "1022: phản ánh {ma} đã có kết quả: {noi_dung_ket_qua}"
""" + "".join(
    f'\n[[agencies]]\nkey = "{key}"\nname = "{name}"\nkind = "{kind}"\nphone = "+842743000000"\n'
    for key, (name, kind) in AGENCIES.items()
)
ASKS = "approval = true\n" + PROVINCE
TYPE = """
code = "PAKN"
province = "74"
process = "PAKN"
secrecy = "{secrecy}"
intake_form = "tiep_nhan_phan_anh"
name = {{vi = "Phản ánh hiện trường", en = "Report"}}
extension = {{allowed = true, times = 1, longest = "P1D"}}
pause = {{allowed = true}}

[statuses]
moi = {{vi = "Mới tiếp nhận", citizen = "Đã tiếp nhận", open311 = "open"}}
dang_xu_ly = {{vi = "Đang xử lý", citizen = "Đã chuyển {{don_vi}}", open311 = "open"}}
da_giai_quyet = {{vi = "Đã giải quyết", citizen = "Đã giải quyết", open311 = "closed"}}
khong_dung = {{vi = "Không đúng thực tế", citizen = "Đã kiểm tra, trả lời", open311 = "closed"}}
trung = {{vi = "Trùng", citizen = "Gộp vào phản ánh khác", open311 = "closed"}}

[outcomes]
da_giai_quyet = {{vi = "Đã giải quyết", closes_as = "da_giai_quyet"}}
khong_dung = {{vi = "Không đúng thực tế", closes_as = "khong_dung"}}
trung = {{vi = "Trùng", closes_as = "trung"}}

[deadlines]
case = {{term = "PT5H", calendar = "24/7", source = "BD-01"}}
xu_ly = {{term = "PT4H", calendar = "24/7"}}
"""
LIFE = """
start bat_dau
tell da_nhan "Báo đã nhận" text=T01 to=reporter
user tiep_nhan "Phân công" group=tongdai_74 form=phan_cong status=moi
user xu_ly "Xử lý" group=${lead_agency} form=ket_qua status=dang_xu_ly
boundary tra_lai "Trả lại" on=xu_ly message=msg_tra_lai
tell bao_ket_qua "Báo kết quả" text=T06 to=reporter status="${ket_qua}" outcome="${ket_qua}"
race cho "Chờ người dân"
catch phan_anh_lai message=msg_phan_anh_lai
catch danh_gia message=msg_danh_gia
catch het_han timer=P10D
end dong

bat_dau -> da_nhan -> tiep_nhan -> xu_ly -> bao_ket_qua -> cho
tra_lai -> tiep_nhan
cho -> phan_anh_lai -> xu_ly
cho -> danh_gia -> dong
cho -> het_han -> dong
"""
PHONE = "0912345678"


def _text(key: str, required: bool = True, longest: int = 2000) -> dict[str, Any]:
    return {"type": "textarea", "id": f"Field_{key}", "key": key, "label": key,
            "validate": {"required": required, "maxLength": longest}}  # fmt: skip


def package(secrecy: str = "C2", **changes: str | None) -> dict[str, str]:
    """The report type PAKN; ``changes``: other files instead, by name with ``__`` for the dot."""
    files = {
        "province.toml": PROVINCE,
        "type.toml": TYPE.format(secrecy=secrecy),
        "process.bpmn": draw(LIFE, "PAKN"),
        "tiep_nhan_phan_anh.form": form("tiep_nhan_phan_anh", _text("noi_dung"), _text("ghi_chu", required=False)),
        "phan_cong.form": form("phan_cong", choice("lead_agency", "ubnd_74_718", "ubnd_74_719")),
        "ket_qua.form": form("ket_qua", choice("ket_qua", "da_giai_quyet", "khong_dung"), _text("noi_dung_ket_qua")),
    }
    files |= {name.replace("__", "."): text for name, text in changes.items()}
    return {name: text for name, text in files.items() if text is not None}


@dataclass
class Caller:
    """Somebody who calls the API."""

    client: FlaskClient
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, **more: Any) -> Any:
        headers = dict(self.headers) | more.pop("headers", {})
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        path = path if path.startswith("/api/") else f"/api/v1{path}"
        return self.client.open(path, method=method, headers=headers, buffered=True, **more)

    def get(self, path: str, **query: Any) -> Any:
        return self.call("GET", path, **({"query_string": query} if query else {}))

    def post(self, path: str, body: Any = None, *, method: str = "POST", **headers: str) -> Any:
        """Header names with ``_`` for the hyphen: If_Match='"1"'."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call(method, path, json=body, headers=named) if body is not None else \
            self.call(method, path, headers=named)  # fmt: skip


class Founded(Beginning):
    """What there is before the first report: the province, its report type, and `PEOPLE`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Clock())
        with self.runtime.begin() as unit:
            packages.deploy(unit, package(), by="test")
            packages.load_province(unit, packages.Package(package()).province)
            for login, (role, agency) in PEOPLE.items():
                accounts.create(unit, {"login": login, "name": login.title(), "role": role, "agency": agency}, None)
                self.tokens[login] = accounts.issue(unit, accounts.account(unit, login), "test").token
            for name, scopes in PROGRAMS.items():
                self.tokens[name] = accounts.issue(unit, accounts.account(unit, "app"), name, None, scopes).token
        self.keep()


class Hotline:
    """The verbs of the domain, through HTTP."""

    def __init__(self, app: Flask, clock: Any, founded: Founded) -> None:
        self.app = app
        self.clock = clock
        self.runtime: Runtime = auth.runtime_of(app)
        founded.put(self.runtime)
        self.tokens = dict(founded.tokens)

    def as_(self, login: str | None) -> Caller:
        return Caller(self.app.test_client(), self.tokens[login] if login else None)

    def deploys(self, **changes: str | None) -> None:
        """Another version of the report type comes into force."""
        with self.runtime.begin() as unit:
            packages.deploy(unit, package(**changes), by="test")

    def asks_for_approval(self) -> None:
        """From now on the province does, and it has a second analyst, lan; a minute passes."""
        with self.runtime.begin() as unit:
            packages.load_province(unit, packages.Package(package(province__toml=ASKS)).province)
            accounts.create(unit, {"login": "lan", "name": "Lan", "role": "analyst", "agency": "vp_74"}, None)
            self.tokens["lan"] = accounts.issue(unit, accounts.account(unit, "lan"), "test").token
        self.clock.advance("1 minute")

    def names(self, *logins: str) -> None:
        """These people may see the type's confidential cases: their accounts name it."""
        with self.runtime.begin() as unit:
            for login in logins:
                accounts.change(unit, login, {"report_types": ["PAKN"]}, None)

    def receives(
        self, said: str = "Tụ tập đông người tại chợ", *, by: str = "app", phone: str = PHONE, **more: Any
    ) -> str:
        """A report arrives; its number."""
        body = {"report_type": "PAKN", "answers": {"noi_dung": said}, "channel": "zalo", "area": "718",
                "reporter": {"name": "Nguyễn Văn Bình", "phone": phone}} | more  # fmt: skip
        answer = self.as_(by).post("/reports", body)
        assert answer.status_code == 201, answer.text
        self.receipt = answer.json
        return str(answer.json["number"])

    def task(self, login: str, number: str) -> dict[str, Any]:
        """The one open task of a case that somebody sees."""
        (task,) = self.as_(login).get("/tasks", case=number).json["items"]
        return task

    def does(self, login: str, number: str, **answers: Any) -> dict[str, Any]:
        answer = self.as_(login).post(f"/tasks/{self.task(login, number)['id']}/complete", {"answers": answers})
        assert answer.status_code == 200, answer.text
        return answer.json

    def assigned(self, to: str = "ubnd_74_718", **more: Any) -> str:
        """A case that an agency has to handle now."""
        number = self.receives(**more)
        self.does("truc", number, lead_agency=to)
        return number

    def settled(self, how: str = "da_giai_quyet", **more: Any) -> str:
        number = self.assigned(**more)
        self.does("phuong", number, ket_qua=how, noi_dung_ket_qua="Đã nhắc nhở, giải tán")
        return number

    def case(self, number: str, login: str = "vanphong") -> dict[str, Any]:
        answer = self.as_(login).get(f"/cases/{number}")
        assert answer.status_code == 200, answer.text
        return answer.json | {"etag": answer.headers["ETag"]}

    def waits(self, hours: float) -> None:
        self.clock.advance(timedelta(hours=hours))


def refused(answer: Any, status: int, code: str) -> str:
    """Assert that an answer is a refusal of this kind; its sentence."""
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    assert answer.json["type"] == f"/problems/{code}"
    assert answer.json["status"] == status and answer.json["title"].endswith((".", "field."))
    return str(answer.json["detail"])

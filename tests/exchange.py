"""Two report types whose cases tell each other something, behind the API of a small hotline, for tests.

A case of CHO waits for a result under its answer ``ma``; a case of GUI says it, under its own ``ma``, when its task
``lam`` is done. ``tin_hieu`` and ``dung`` are the same with a signal of the whole province.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from engine import model, packages
from engine.people import accounts
from engine.versions import migrations
from engine.work.worker import Worker
from tests.drawing import draw, form
from tests.hotline import TYPE, Hotline, package

ENDS = """
tell xong "Báo kết quả" text=T06 to=reporter status=da_giai_quyet outcome=da_giai_quyet
end dong
"""
WAITS = """
start bat_dau
tell da_nhan "Báo đã nhận" text=T01 to=reporter
catch cho "Chờ kết quả" message=msg_ket_qua key=${ma} gives=ket_luan
user xem "Xem" group=tongdai_74 form=xem
bat_dau -> da_nhan -> cho -> xem -> xong -> dong
""" + ENDS
INPUT = '<camunda:inputOutput><camunda:inputParameter name="{}">{}</camunda:inputParameter></camunda:inputOutput>'
SAYS = INPUT.format("ket_luan", "${ket_luan_cua_toi}")
SENDS = f"""
start bat_dau
tell da_nhan "Báo đã nhận" text=T01 to=reporter
user lam "Làm" group=tongdai_74 form=lam
throw bao "Báo bên kia" message=msg_ket_qua key=${{ma}} keep=P2D extension='{SAYS}'
bat_dau -> da_nhan -> lam -> bao -> xong -> dong
""" + ENDS


def text(key: str, required: bool = True) -> dict[str, Any]:
    return {"type": "textfield", "id": f"F_{key}", "key": key, "label": key, "validate": {"required": required}}


def kind(code: str, life: str, **more: str) -> dict[str, str]:
    """A report type with this life: its intake asks for ``ma``, its tasks for what is told in the end."""
    drawn = draw(life, code)
    forms = {f"{one}.form": form(one, text("noi_dung_ket_qua"), text("ket_luan_cua_toi", False))
             for one in ("xem", "lam") if f'formKey="{one}"' in drawn}  # fmt: skip
    files = package(
        type__toml=TYPE.replace("PAKN", code).split("xu_ly = {{term")[0].format(secrecy="C1"),
        process__bpmn=drawn,
        tiep_nhan_phan_anh__form=form("tiep_nhan_phan_anh", text("noi_dung"), text("ma", False)),
        phan_cong__form=None, ket_qua__form=None,
    )  # fmt: skip
    return files | forms | more


class Exchange:
    """The verbs, by the number of a case."""

    def __init__(self, hotline: Hotline, waits: str = WAITS, sends: str = SENDS) -> None:
        self.hotline = hotline
        self.worker = Worker(hotline.runtime, {})
        self.deploys("CHO", waits)
        self.deploys("GUI", sends)

    def deploys(self, code: str, life: str, **more: str) -> None:
        with self.hotline.runtime.begin() as unit:
            packages.deploy(unit, kind(code, life, **more), by="test")

    def begins(self, code: str, ma: str = "BN-7", **more: Any) -> str:
        answers = {"noi_dung": "Chờ kết quả"} | ({"ma": ma} if ma else {})
        return self.hotline.receives(**{"report_type": code, "answers": answers, "by": "truc"} | more)

    def says(self, number: str, what: str = "duong_tinh") -> None:
        """The case that sends has its task done; nothing is carried yet."""
        self.hotline.does("truc", number, noi_dung_ket_qua="Đã xong", ket_luan_cua_toi=what)

    def carries(self) -> None:
        while self.worker.carry():
            pass

    def sent(self, ma: str = "BN-7", what: str = "duong_tinh") -> str:
        """A case of GUI that has said it."""
        number = self.begins("GUI", ma)
        self.says(number, what)
        return number

    def at(self, number: str) -> list[str]:
        """The open tasks of a case."""
        found = self.hotline.as_("vanphong").get("/tasks", case=number).json["items"]
        return [task["element"] for task in found]

    def heard(self, number: str) -> Any:
        """What a case knows of the result."""
        path = f"/engine-rest/process-instance/{number}/variables"
        headers = {"Authorization": f"Bearer {self.hotline.tokens['vanphong']}"}
        return self.hotline.app.test_client().get(path, headers=headers).json.get("ket_luan", {}).get("value")

    def rows(self) -> list[Any]:
        with self.hotline.runtime.read() as unit:
            return unit.all(select(model.case_messages).order_by(model.case_messages.c.id))

    def states(self) -> list[str]:
        return [row.state for row in self.rows()]

    def moves(self, code: str) -> dict[str, int]:
        """All cases of a type move from the version before to the newest; what became of them."""
        with self.hotline.runtime.begin() as unit:
            mine = select(model.definitions.c.id).where(model.definitions.c.key == code)
            old, new = [row.id for row in unit.all(mine.order_by(model.definitions.c.version))][-2:]
            analyst = accounts.account(unit, "phantich")
            moved = migrations.start(unit, old, new, "Tên mới", {}, by=analyst)
        self.worker.migrate()
        with self.hotline.runtime.read() as unit:
            return dict(migrations.show(unit, moved, by=analyst)["counts"])

    def incident(self) -> dict[str, Any]:
        """The only one there is."""
        (incident,) = self.hotline.as_("vanphong").get("/incidents").json["items"]
        return incident

    def retries(self, incident: dict[str, Any]) -> Any:
        return self.hotline.as_("phantich").post(f"/incidents/{incident['id']}/retry")

    def told(self, number: str, *kinds: str) -> list[dict[str, Any]]:
        lines = self.hotline.as_("vanphong").get(f"/cases/{number}/timeline", limit=200).json["items"]
        return [line for line in lines if line["kind"] in kinds]

"""GeoReport v2 as a client sees it, for tests.

    door = Door(hotline)
    [request] = door.posts(service_code="PAKN", lat="10.98", long="106.65", description="Ổ gà")
    door.list(status="open")
"""

from __future__ import annotations

import json
from typing import Any

from lxml import etree

from tests.drawing import draw, form
from tests.hotline import LIFE, TYPE, Hotline

PREFIX = "/open311/v2"
HERE = {"lat": "10.9804", "long": "106.6519"}
BROKEN = {"service_code": "PAKN", "description": "Ổ gà trước chợ"} | HERE


def field(kind: str, key: str, label: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "id": f"Field_{key}", "key": key, "label": label} | more


def many_questions() -> str:
    """A form that asks in every way there is."""
    required = {"validate": {"required": True}}
    options = [{"label": "Cá nhân", "value": "ca_nhan"}, {"label": "Tổ chức", "value": "to_chuc"}]
    return form(
        "tiep_nhan_phan_anh",
        field("textarea", "noi_dung", "Nội dung", **required),
        field("textfield", "ten_duong", "Tên đường", description="Không viết tắt", **required),
        field("textarea", "ghi_chu", "Ghi chú"),
        field("number", "do_sau", "Độ sâu (cm)", decimalDigits=1),
        field("datetime", "tu_ngay", "Từ ngày", subtype="date", dateLabel="Từ ngày"),
        field("checkbox", "nguy_hiem", "Có nguy hiểm không"),
        field("radio", "ben", "Bên bị ảnh hưởng", values=options, **required),
        field("checklist", "thay", "Thấy gì", values=options),
        field("textfield", "bien_so", "Biển số", conditional={"hide": '=ben != "to_chuc"'}, **required),
    )


def type_toml(code: str, secrecy: str, more: str = "") -> str:
    return more + TYPE.format(secrecy=secrecy).replace('code = "PAKN"', f'code = "{code}"')


class Door:
    """The verbs of GeoReport."""

    def __init__(self, hotline: Hotline) -> None:
        self.hotline = hotline
        self.client = hotline.app.test_client()

    def deploys(self, code: str = "PAKN", secrecy: str = "C0", more: str = "", **files: str) -> None:
        """A report type comes into force. ``more``: lines before the others of its type.toml."""
        self.hotline.deploys(type__toml=type_toml(code, secrecy, more), process__bpmn=draw(LIFE, "PAKN"), **files)

    def post(self, values: Any, *, key: str | None = "app", form: str = "json", **headers: str) -> Any:
        """``key``: whose token is the api_key; ``None`` for nobody's."""
        sent = values if isinstance(values, bytes) else dict(values) | self._key(key)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Content-Type", "application/x-www-form-urlencoded")
        return self.client.post(f"{PREFIX}/requests.{form}", data=sent, headers=named)

    def _key(self, login: str | None) -> dict[str, str]:
        return {"api_key": self.hotline.tokens[login]} if login else {}

    def posts(self, **values: Any) -> Any:
        answer = self.post(values)
        assert answer.status_code == 201, answer.text
        return answer.json

    def get(self, path: str, **query: str) -> Any:
        return self.client.get(f"{PREFIX}/{path}", query_string=query)

    def list(self, **query: str) -> list[dict[str, Any]]:
        answer = self.get("requests.json", **query)
        assert answer.status_code == 200, answer.text
        return answer.json  # type: ignore[no-any-return]

    def numbers(self, **query: str) -> list[str]:
        return [request["service_request_id"] for request in self.list(**query)]

    def wrong(self, values: Any, **more: Any) -> dict[str, str]:
        """What is wrong with a post that is refused with 400: the sentences by parameter."""
        said = errors(self.post(values, **more), 400)
        return dict(sentence.split(": ", 1) for sentence in said)


def errors(answer: Any, status: int) -> list[str]:
    """Assert that this is a refusal as GeoReport has them; its sentences."""
    assert answer.status_code == status, answer.text
    if answer.mimetype == "text/xml":
        root = etree.fromstring(answer.data)
        assert root.tag == "errors" and {error.tag for error in root} == {"error"}
        found = [{child.tag: child.text for child in error} for error in root]
    else:
        assert answer.mimetype == "application/json"
        found = json.loads(answer.data)
    assert found and all(set(error) == {"code", "description"} for error in found)
    assert {int(error["code"]) for error in found} == {status}
    assert all(error["description"] for error in found)
    return [error["description"] for error in found]

"""SMS that people send: a gateway passes them on, signed as our own web hooks are."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from engine import model, packages
from engine.notifiers.webhook import Webhook
from tests.hotline import PHONE, PROVINCE, package, refused

SECRET = "một bí mật dài hơn mười sáu"
URL = "https://partner.example/"


class Gateway:
    """What passes SMS on."""

    def __init__(self, hotline: Any) -> None:
        self.hotline, self.sent = hotline, 0
        hotline.app.config["CHANNELS"] = {"74": {"sms": {"secret": SECRET}}}
        with hotline.runtime.begin() as unit:
            files = package(province__toml='message_type = "PAKN"\n' + PROVINCE)
            packages.load_province(unit, packages.Package(files).province)

    def passes_on(
        self, text: Any = "0", sender: Any = PHONE, *, secret: str = SECRET, body: Any = None, **more: Any
    ) -> Any:
        """``more``: headers instead."""  # fmt: skip
        self.sent += 1
        document = {"id": f"m{self.sent}", "from": sender, "text": text} if body is None else body
        raw = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
        signature = Webhook({URL: secret}, self.hotline.clock).signature(raw, secret)
        headers = {"X-Signature": signature, "Content-Type": "application/json"} | more.pop("headers", {})
        return self.hotline.as_(None).call("POST", "/channels/74/sms", data=raw, headers=headers)

    def cases(self) -> int:
        with self.hotline.runtime.read() as unit:
            return int(unit.scalar(select(func.count()).select_from(model.cases)))


@pytest.fixture
def gateway(hotline: Any) -> Gateway:
    return Gateway(hotline)


def test_0_says_that_it_is_not_solved_and_goes_back_to_who_handled_it(gateway):
    number = gateway.hotline.settled()

    answer = gateway.passes_on(" 0 ")

    assert (answer.status_code, answer.json) == (200, {"events": 1, "new": 1})
    case = gateway.hotline.case(number)
    assert (case["closed_at"], case["rating"]) == (None, None)
    assert gateway.hotline.task("phuong", number)["name"] == "Xử lý"


def test_1_to_5_rates_it(gateway):
    number = gateway.hotline.settled()
    gateway.passes_on("4", "84912345678")

    assert gateway.hotline.case(number)["rating"] == 4
    assert gateway.cases() == 1


def test_where_nothing_waits_for_it_a_rating_counts_but_not_solved_goes_to_the_desk(gateway):
    number = gateway.hotline.settled()
    gateway.passes_on("4")

    gateway.passes_on("2")
    assert (gateway.hotline.case(number)["rating"], gateway.cases()) == (2, 1)
    gateway.passes_on("0")
    assert (gateway.hotline.case(number)["rating"], gateway.cases()) == (2, 2)


def test_a_digit_of_somebody_else_or_after_ten_days_is_not_about_that_case(gateway):
    number = gateway.hotline.settled()
    gateway.passes_on("0", "0987654321")
    gateway.hotline.waits(240)
    gateway.passes_on("0")

    assert gateway.hotline.case(number)["closed_at"] is not None
    assert gateway.cases() == 3  # nothing that was said is lost: the desk sees them


def test_who_was_joined_to_a_case_answers_for_it_too(gateway):
    hotline = gateway.hotline
    original = hotline.assigned(phone="0987654321")
    second = hotline.receives()
    hotline.as_("truc").post(f"/cases/{second}/merge", {"into": original}, If_Match=hotline.case(second)["etag"])
    hotline.does("phuong", original, ket_qua="da_giai_quyet", noi_dung_ket_qua="Đã nhắc nhở")

    gateway.passes_on("0")

    assert hotline.case(original)["closed_at"] is None


def test_words_are_a_case_and_the_same_message_again_is_the_same(gateway):
    body = {"id": "8401-7", "from": "+84912345678", "text": "Chợ tụ tập đông", "to": "1022"}

    assert [gateway.passes_on(body=body).json["new"] for _ in range(2)] == [1, 0]
    assert gateway.cases() == 1


def test_a_short_number_or_a_name_is_nobody_we_could_answer(gateway):
    for sender in ("1800", "VIETTEL", "0912"):
        assert gateway.passes_on("Khuyến mãi 50%", sender).status_code == 200
    assert gateway.cases() == 0


@pytest.mark.parametrize("how", [
    {"secret": "một bí mật khác cũng dài"}, {"headers": {"X-Signature": ""}}, {"headers": {"X-Signature": "t=1,v1=00"}},
    {"headers": {"X-Signature": f"t=1630623600,v1={'0' * 64}"}}, {"headers": {"X-Signature": f"v1={'é' * 64}"}},
])  # fmt: skip
def test_what_is_not_signed_by_the_gateway_is_refused(gateway, how):
    refused(gateway.passes_on(**how), 401, "not-authenticated")


@pytest.mark.parametrize(("minutes", "status"), [(4.9, 200), (5.1, 401), (-5.1, 401)])
def test_a_signature_is_good_for_five_minutes(gateway, minutes, status):
    raw = json.dumps({"id": "1", "from": PHONE, "text": "x"}).encode()
    signature = Webhook({URL: SECRET}, gateway.hotline.clock).signature(raw, SECRET)
    gateway.hotline.clock.advance(timedelta(minutes=minutes))

    assert gateway.passes_on(body=raw, headers={"X-Signature": signature}).status_code == status


@pytest.mark.parametrize(("body", "field"), [
    ({"from": PHONE, "text": "x"}, "id"), ({"id": 7, "from": PHONE, "text": "x"}, "id"),
    ({"id": "1", "text": "x"}, "from"), ({"id": "1", "from": "", "text": "x"}, "from"),
    ({"id": "1", "from": PHONE}, "text"), ({"id": "1", "from": PHONE, "text": "x" * 2_001}, "text"),
])  # fmt: skip
def test_what_is_missing_is_named(gateway, body, field):
    answer = gateway.passes_on(body=body)

    refused(answer, 422, "invalid-request")
    assert answer.json["field"] == field


def test_who_has_no_gateway_has_no_such_address(gateway):
    gateway.hotline.app.config["CHANNELS"] = {}

    refused(gateway.passes_on(), 404, "not-found")

"""By each channel so many come in a minute and no more; who is faster is told when to come again, emergencies never."""

from __future__ import annotations

from typing import Any

import pytest

from engine import branches
from tests.clock import Clock
from tests.hotline import Hotline, refused
from webapi import config
from webapi.limits import Limits


def test_a_tenth_may_come_at_once_and_then_one_after_the_other() -> None:
    now = [1000.0]
    limits = Limits({"web": 60}, lambda: now[0])

    assert [limits.wait("web", "app") for _ in range(7)] == [0] * 6 + [1]
    assert limits.wait("web", "another") == 0 == limits.wait("dien_thoai", "app")
    now[0] += 1
    assert [limits.wait("web", "app") for _ in range(2)] == [0, 1]
    now[0] += 3600  # what was not used is not saved up
    assert [limits.wait("web", "app") for _ in range(8)] == [0] * 6 + [1, 1]
    now[0] -= 7200  # nor does a clock that was put back hold anybody up for long
    assert limits.wait("web", "third") == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_reports_too_fast_is_refused_unless_it_is_an_emergency(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(hotline.app.extensions, "thongsuot.limits", Limits({"app": 1}))
    hotline.receives(by="truc", channel="app")
    body = {"report_type": "PAKN", "answers": {"noi_dung": "Ngập"}, "channel": "app"}

    held = hotline.as_("truc").post("/reports", body, Idempotency_Key="a")

    assert refused(held, 429, "too-many").startswith("More comes by the channel app than is taken in a minute")
    assert 0 < int(held.headers["Retry-After"]) == held.json["retry_after"] <= 60
    assert hotline.as_("truc").post("/reports", body | {"channel": "dien_thoai"}).status_code == 201
    with hotline.runtime.begin() as unit:
        keys = [{"key": "9", "name": "115", "report_type": "PAKN", "transfer_to": "115", "from": unit.now}]
        branches.load(unit, "74", keys)
    assert hotline.as_("truc").post("/reports", body, Idempotency_Key="a").status_code == 201
    assert hotline.as_("truc").post("/reports", body).status_code == 201


@pytest.mark.parametrize(("said", "fault"), [
    ('{"fax": 1}', "no channel"), ('{"web": -1}', "whole number"), ('{"web": true}', "whole number"),
    ("3", "JSON table"),
])  # fmt: skip
def test_a_setting_that_will_not_do_is_said(said: str, fault: str) -> None:
    with pytest.raises(config.BadSetting, match=fault):
        config.read({"THONGSUOT_LIMITS": said})


def test_a_setting_changes_what_it_names_and_nothing_else() -> None:
    limits: dict[str, Any] = config.read({"THONGSUOT_LIMITS": '{"web": 0}'})["LIMITS"]

    assert limits == config.LIMITS | {"web": 0} and Limits(limits, Clock().now.timestamp).wait("web", "a") == 0

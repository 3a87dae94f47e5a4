"""Where a province asks for it, a version that one person brought comes into force when another has approved it."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from engine import model
from tests.hotline import ASKS, PROVINCE, refused
from tests.test_activations import dated, started_with, states, version


@pytest.fixture
def careful(hotline):
    """A hotline whose province asks for approval, and has two analysts."""
    hotline.asks_for_approval()
    return hotline


def bring(hotline, word, province=ASKS):
    answer = hotline.as_("phantich").post("/deployments", version(word) | {"province.toml": province})
    assert answer.status_code == 201 and answer.json["parked"], answer.text
    return answer.json["id"]


def say(hotline, login, what, which, reason="Đã xem"):
    return hotline.as_(login).post(f"/deployments/{which}/{what}", {"reason": reason})


def area(hotline):
    with hotline.runtime.read() as unit:
        return unit.scalar(select(model.areas.c.name).where(model.areas.c.code == "719"))


def test_a_version_changes_nothing_before_somebody_else_approves_it(careful):
    which = bring(careful, "Giải quyết", ASKS.replace("Huyện Bàu Bàng", "Bàu Bàng mới"))

    assert (started_with(careful), area(careful)) == (1, "Huyện Bàu Bàng")
    assert (states(careful), states(careful, state="parked")) == ({2: "parked", 1: "current"}, {2: "parked"})
    assert "somebody else" in refused(say(careful, "phantich", "approve", which), 403, "not-allowed")
    refused(say(careful, "vanphong", "approve", which), 403, "not-allowed")
    refused(say(careful, "lan", "approve", which, " "), 422, "invalid-request")
    for what in ("activate", "suspend"):
        assert "not approved" in refused(say(careful, "phantich", what, which), 409, "wrong-state")
    move = {"source_id": 1, "target_id": which, "reason": "x"}
    assert "not approved" in refused(careful.as_("quantri").post("/migrations", move), 409, "wrong-state")
    assert careful.as_("phantich").post("/deployments", version("Giải quyết") | {
        "province.toml": ASKS.replace("Huyện Bàu Bàng", "Bàu Bàng mới")}).json["unchanged"]  # fmt: skip
    assert (started_with(careful), area(careful)) == (1, "Huyện Bàu Bàng")

    assert say(careful, "lan", "approve", which, "Đúng quy trình").json["state"] == "current"
    assert (started_with(careful), area(careful)) == (which, "Bàu Bàng mới")
    (decision,) = careful.as_("lan").get(f"/deployments/{which}").json["decisions"]
    assert (decision["decided_by"], decision["reason"]) == ("lan", "Đúng quy trình")
    for what in ("approve", "refuse"):
        assert "does not wait" in refused(say(careful, "lan", what, which), 409, "wrong-state")


def test_what_was_refused_never_comes_into_force_and_may_be_brought_anew(careful):
    which = bring(careful, "Giải quyết")
    assert say(careful, "lan", "refuse", which, "Sai đơn vị").json["state"] == "refused"
    assert careful.as_("phantich").get(f"/deployments/{which}").json["refused_reason"] == "Sai đơn vị"
    for what in ("approve", "refuse"):
        assert "was refused" in refused(say(careful, "lan", what, which), 409, "wrong-state")
    assert "not approved" in refused(say(careful, "phantich", "activate", which), 409, "wrong-state")
    assert started_with(careful) == 1
    assert bring(careful, "Giải quyết") == which + 1


def test_a_date_that_was_asked_for_is_kept(careful):
    later = careful.clock.now + timedelta(days=1)
    files = version("Giải quyết") | {"province.toml": ASKS}
    which = dated(careful, files, later.isoformat()).json["id"]
    careful.clock.now = later + timedelta(hours=1) - timedelta(days=1)
    assert say(careful, "lan", "approve", which).json["state"] == "planned"
    assert started_with(careful) == 1
    careful.clock.now = later
    assert started_with(careful) == which


def test_an_approval_undoes_no_settings_that_came_in_between(careful):
    """Nor does a package that no longer asks for approval get round it."""
    late = bring(careful, "Giải quyết", PROVINCE)
    soon = bring(careful, "Xử trí", ASKS.replace("Huyện Bàu Bàng", "Bàu Bàng mới"))
    say(careful, "lan", "approve", soon)

    assert "have changed since" in refused(say(careful, "lan", "approve", late), 409, "wrong-state")
    assert (started_with(careful), area(careful)) == (soon, "Bàu Bàng mới")


def test_the_modeler_is_told_that_a_diagram_waits(careful):
    diagram = {"process.bpmn": (io.BytesIO(version("Giải quyết")["process.bpmn"].encode()), "process.bpmn")}
    analyst = careful.as_("phantich")
    answer = analyst.client.post("/engine-rest/deployment/create", data={"deployment-name": "PAKN"} | diagram,
                                 headers={"Authorization": f"Bearer {analyst.token}"})  # fmt: skip

    assert answer.status_code == 200, answer.text
    [made] = answer.json["deployedProcessDefinitions"].values()
    assert (made["version"], made["name"]) == (2, "Phản ánh hiện trường")
    assert "approved" in str(answer.json["details"])
    assert started_with(careful) == 1

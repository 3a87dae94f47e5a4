"""Which version new cases start with: planned ones, going back, and what cannot be decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from engine import model
from tests.drawing import draw
from tests.hotline import LIFE, PROVINCE, package, refused
from webapi.cli import main


def version(word):
    """PAKN, with this word for what is handled: a change of the diagram only."""
    return package(process__bpmn=draw(LIFE.replace("Xử lý", word), "PAKN"))


def started_with(hotline):
    number = hotline.receives()
    with hotline.runtime.read() as unit:
        return unit.scalar(select(model.cases.c.definition_id).where(model.cases.c.number == number))


def states(hotline, **wanted):
    listed = hotline.as_("phantich").get("/deployments", **wanted).json["items"]
    return {one["version"]: one["state"] for one in listed}


def dated(hotline, files, moment):
    return hotline.as_("phantich").call("POST", "/deployments", json=files, query_string={"active_from": moment})


def test_a_planned_version_waits_and_is_not_lost_when_another_comes_before(hotline):
    friday = hotline.clock.now + timedelta(days=2)
    answer = dated(hotline, version("Giải quyết"), friday.isoformat())
    assert answer.status_code == 201, answer.text
    assert (started_with(hotline), states(hotline)) == (1, {2: "planned", 1: "current"})
    assert states(hotline, state="planned") == {2: "planned"}
    assert dated(hotline, version("Giải quyết"), friday.isoformat()).json["unchanged"]  # asked again

    hotline.as_("phantich").post("/deployments", version("Xử trí"))
    assert (started_with(hotline), states(hotline)) == (3, {3: "current", 2: "planned", 1: "past"})

    hotline.clock.now = friday
    assert (started_with(hotline), states(hotline)) == (2, {3: "past", 2: "current", 1: "past"})


def test_an_earlier_version_is_put_in_force_again_and_who_did_it_is_known(hotline):
    analyst = hotline.as_("phantich")
    analyst.post("/deployments", version("Giải quyết"))
    running = hotline.receives()
    back = analyst.post("/deployments/1/activate", {"reason": "Bản 2 gán sai đơn vị"})

    assert (back.status_code, back.json["state"], started_with(hotline)) == (200, "current", 1)
    assert hotline.case(running)["status"] == "moi"
    last = analyst.get("/deployments/1").json["decisions"][-1]
    assert (last["decided_by"], last["reason"]) == ("phantich", "Bản 2 gán sai đơn vị")
    assert "in force" in refused(analyst.post("/deployments/1/activate", {"reason": "x"}), 409, "wrong-state")

    again = analyst.post("/deployments", version("Giải quyết"))  # the newest version has these files, and stays past
    assert (again.json["unchanged"], started_with(hotline)) == (True, 1)
    later = hotline.clock.now + timedelta(hours=1)
    assert analyst.post("/deployments/2/activate", {"reason": "y", "active_from": later.isoformat()}).json["state"] == \
        "planned"  # fmt: skip
    hotline.clock.now = later
    assert started_with(hotline) == 2

    analyst.post("/deployments/2/suspend", {"reason": "sai"})
    assert started_with(hotline) == 1
    assert "release it first" in refused(analyst.post("/deployments/2/activate", {"reason": "z"}), 409, "wrong-state")


def test_what_cannot_be_decided_is_refused_and_changes_nothing(hotline):
    later = (hotline.clock.now + timedelta(days=1)).isoformat()
    settings = version("Giải quyết") | {"province.toml": PROVINCE.replace("Bàu Bàng", "Bàu Bàng mới")}

    past = (hotline.clock.now - timedelta(seconds=1)).isoformat()
    refused(dated(hotline, version("A"), past), 422, "invalid-request")
    refused(dated(hotline, version("A"), later[:19]), 422, "invalid-request")  # whose time?
    assert "province.toml" in refused(dated(hotline, settings, later), 422, "invalid-request")
    assert "activate deployment 1" in refused(dated(hotline, package(), later), 409, "wrong-state")
    activate = lambda login, body, which=1: hotline.as_(login).post(f"/deployments/{which}/activate", body)  # noqa: E731
    refused(activate("vanphong", {"reason": "x"}), 403, "not-allowed")
    refused(activate("phantich", {"reason": "x"}, 77), 404, "not-found")
    refused(activate("phantich", {}), 422, "invalid-request")
    refused(activate("phantich", {"reason": "x", "active_from": "2020-01-01T00:00:00Z"}), 422, "invalid-request")
    assert states(hotline) == {1: "current"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_command_line_dates_a_version(hotline, database_url, tmp_path):
    for name, text in version("Giải quyết").items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    environment = {"THONGSUOT_DATABASE": database_url, "THONGSUOT_INSTANCE": str(tmp_path / "instance")}

    def deploy(moment):
        return CliRunner().invoke(main, ["deploy", str(tmp_path), "--from", moment], env=environment)

    assert "no moment with its zone" in deploy("2026-12-01T08:00").stderr
    assert "now or later" in deploy("2001-12-01T08:00+07:00").stderr
    done = deploy("2150-12-01T08:00+07:00")
    assert done.exit_code == 0 and "version 2 deployed, in force from" in done.stdout, done.output
    with hotline.runtime.read() as unit:
        found = unit.scalar(select(model.activations.c.active_from).where(model.activations.c.definition_id == 2))
    assert found == datetime(2150, 12, 1, 1, tzinfo=UTC)

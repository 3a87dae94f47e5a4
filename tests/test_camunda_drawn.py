"""What a diagram says, as Camunda's clients are told it: of a version, and of where a case has been and stands."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from engine import model
from engine.work.worker import Worker
from tests.drawing import draw
from tests.hotline import LIFE, Hotline
from tests.test_camunda import Rest, refused

LATER = LIFE + """
boundary nhac on=tiep_nhan timer=PT20M aside
sub hai "Hai việc" {
user lai "Gọi lại" group=tongdai_74 form=phan_cong
start vao ; end ra ; vao -> lai -> ra
}
end nhac_xong ; nhac -> hai -> nhac_xong
sub huy handler {
start bi_huy message=msg_huy aside ; end huy_xong ; bi_huy -> huy_xong
}
"""
SAID = '<bpmn:process id="PAKN" camunda:versionTag="tháng 9" camunda:historyTimeToLive="P3650D" isExecutable="true">'
ABOUT = "<bpmn:documentation> Phản ánh của người dân </bpmn:documentation>"
DRAWN = draw(LATER, "PAKN").replace('<bpmn:process id="PAKN" isExecutable="true">', SAID + ABOUT)


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path, sqlite_template):
    """It is about the answers: the engine's functions are tested on both."""
    import shutil

    return f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / 'thongsuot.db')}"



def test_a_version_is_told_as_the_diagram_says(hotline: Hotline) -> None:
    office = Rest(hotline, "vanphong")
    nothing = office.get("/process-definition/key/PAKN").json
    assert (nothing["versionTag"], nothing["description"], nothing["historyTimeToLive"]) == (None, None, None)
    hotline.deploys(process__bpmn=DRAWN)
    [second] = office.get("/process-definition", versionTag="tháng 9").json
    assert (second["version"], second["versionTag"], second["description"], second["historyTimeToLive"]) == (
        2, "tháng 9", "Phản ánh của người dân", 3650)  # fmt: skip
    assert office.get("/process-definition/count", versionTag="tháng 8").json == {"count": 0}


def test_where_a_case_has_been_and_stands_is_told_with_the_types_of_the_elements(hotline: Hotline) -> None:
    app = Rest(hotline, "app")
    hotline.deploys(process__bpmn=DRAWN)
    number = hotline.settled()

    rows = app.get("/history/activity-instance", processInstanceId=number).json
    assert {one["activityId"]: one["activityType"] for one in rows} == {
        "bat_dau": "startEvent", "da_nhan": "sendTask", "tiep_nhan": "userTask", "xu_ly": "userTask",
        "bao_ket_qua": "sendTask", "cho": "eventBasedGateway", "phan_anh_lai": "intermediateMessageCatch",
        "danh_gia": "intermediateMessageCatch", "het_han": "intermediateTimer"}  # fmt: skip
    named = app.get("/history/activity-instance", processInstanceId=number, activityType="userTask").json
    assert [one["activityId"] for one in named] == ["tiep_nhan", "xu_ly"]
    [waiting] = app.get(f"/process-instance/{number}/activity-instances").json["childActivityInstances"]
    assert (waiting["activityId"], waiting["activityType"], waiting["name"]) == (
        "cho", "eventBasedGateway", "Chờ người dân")  # fmt: skip

    number = hotline.receives()
    hotline.waits(0.5)
    Worker(hotline.runtime, {}).work()
    root = app.get(f"/process-instance/{number}/activity-instances").json
    first, second = root["childActivityInstances"]
    assert (first["activityId"], second["activityId"], second["activityType"]) == ("tiep_nhan", "hai", "subProcess")
    [inner] = second["childActivityInstances"]
    assert (root["id"], second["parentActivityInstanceId"], inner["parentActivityInstanceId"], inner["activityId"]) == (
        number, number, second["id"], "lai")  # fmt: skip
    rows = app.get("/history/activity-instance", processInstanceId=number, activityId="nhac").json
    assert [one["activityType"] for one in rows] == ["boundaryTimer"]


def test_no_case_begins_of_a_report_type_that_is_suspended(hotline: Hotline) -> None:
    app, body = Rest(hotline, "app"), {"variables": {"noi_dung": {"value": "Đèn hỏng"}, "area": {"value": "718"}}}
    with hotline.runtime.begin() as unit:
        unit.execute(update(model.definitions).values(suspended_at=unit.now))
    for start in ("start", "submit-form"):
        said = refused(app.post(f"/process-definition/key/PAKN/{start}", body), 400)
        assert said == "Report type PAKN is suspended: no case of it begins."
    assert app.get("/process-instance/count").json == {"count": 0}
    assert "PAKX" in refused(app.post("/process-definition/key/PAKX/start", body), 404)

"""`/engine-rest`: who there is and who may, decisions, executions, variables; by the clients that ask for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import generic_camunda_client as generated
import pycamunda.decisiondef
import pycamunda.group
import pycamunda.identity
import pycamunda.processinst
import pycamunda.tenant
import pycamunda.user
import pycamunda.variable
import pytest
import requests

from tests.drawn_tables import ROUTING, file_of, table
from tests.hotline import Hotline
from tests.served import served
from tests.test_camunda import Rest, refused

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # one translation for both
Ask = Callable[..., Any]
_TABLE = table([(["<= 2"], ['"it"']), (["> 2"], ['"nhieu"'])], inputs=["so_nguoi"], outputs=["muc"])
_ONE = '<decision id="mot" name="Một"><literalExpression><text>1</text></literalExpression></decision>'
TWO = file_of(_TABLE, _ONE).decode()


@pytest.fixture
def address(hotline: Hotline) -> Iterator[str]:
    with served(hotline.app) as found:
        yield f"{found}/engine-rest"


@pytest.fixture
def ask(hotline: Hotline, address: str) -> Ask:
    """``ask("truc", pycamunda.user.GetList, id_="truc")``: a command of pycamunda, as somebody."""

    def command(login: str, kind: Any, *said: Any, **more: Any) -> Any:
        made = kind(address, *said, **more)
        made.session = requests.Session()
        made.session.headers["Authorization"] = f"Bearer {hotline.tokens[login]}"
        return made()

    return command


@pytest.fixture
def client(hotline: Hotline, address: str) -> Ask:
    """``client("vanphong", "ExecutionApi")``: one of the generated classes, as somebody."""
    settings = generated.Configuration(host=address)

    def api(login: str, name: str) -> Any:
        caller = generated.ApiClient(settings, "Authorization", f"Bearer {hotline.tokens[login]}")
        return getattr(generated, name)(caller)

    return api


def test_users_are_accounts_and_groups_are_agencies(hotline: Hotline, ask: Ask) -> None:
    def users(login: str, **wanted: Any) -> list[str]:
        return [one.id_ for one in ask(login, pycamunda.user.GetList, **wanted)]

    assert users("phuong", member_of_group="ubnd_74_718") == ["phuong", "hoa"]
    assert users("phuong") == ["phuong", "hoa"] and users("app") == ["app"]  # whom they may know of
    assert users("vanphong", sort_by="id_", ascending=True, max_results=2) == ["app", "binh"]
    assert ask("vanphong", pycamunda.user.Count, first_name="Truc") == 1
    assert ask("vanphong", pycamunda.user.GetProfile, "truc").first_name == "Truc"
    with pytest.raises(pycamunda.NotFound):
        ask("phuong", pycamunda.user.GetProfile, "truc")
    assert [one.id_ for one in ask("phuong", pycamunda.group.GetList, member="hoa")] == ["ubnd_74_718"]
    assert ask("app", pycamunda.group.Get, "so_yt_74").name == "Sở Y tế"
    own = ask("phuong", pycamunda.identity.GetGroups, "hoa")
    assert [one.id_ for one in own.groups] == ["ubnd_74_718"]
    assert [one.display_name for one in own.group_users] == ["Phuong", "Hoa"]
    assert ask("vanphong", pycamunda.tenant.GetList) == () and ask("vanphong", pycamunda.tenant.Count) == 0
    assert list(ask("vanphong", pycamunda.group.Options)) == []

    rest = Rest(hotline, "vanphong")
    assert len(rest.get("/group").json) == rest.get("/group/count").json["count"] == 6
    assert [one["id"] for one in rest.get("/group", type="district", sortBy="name", sortOrder="desc").json] == [
        "ubnd_74_718", "ubnd_74_719"]  # fmt: skip
    assert refused(rest.get("/tenant/74"), 404)
    assert refused(rest.get("/group/khong_co"), 404)
    assert "'lastName' is not understood" in refused(rest.get("/user", lastName="Nguyễn"), 400)
    for password, valid in (("ngắn", False), ("matkhau2021", False), ("con trâu xanh gặm sách", True)):
        assert rest.post("/identity/password-policy", {"password": password}).json["valid"] is valid
    assert generated.PasswordPolicyDto(**rest.get("/identity/password-policy").json).rules


def test_a_password_is_verified_and_guesses_are_counted(hotline: Hotline, ask: Ask) -> None:
    new = {"login": "moi", "name": "Mới", "role": "handler", "agency": "ubnd_74_718", "password": "con trâu gặm sách"}
    assert hotline.as_("quantri").post("/accounts", new).status_code == 201

    def verified(password: str) -> bool:
        return ask("vanphong", pycamunda.identity.VerifyUser, "moi", password).authenticated  # type: ignore[no-any-return]

    assert verified("con trâu gặm sách") and verified("con trâu gặm sách")
    assert [verified("con trâu xanh") for _ in range(5)] == [False] * 5
    answer = Rest(hotline, "vanphong").post("/identity/verify", {"username": "moi", "password": "con bò"})
    assert "attempts" in refused(answer, 400)
    assert hotline.app.test_client().post("/engine-rest/identity/verify", json=new).status_code == 401


MAY = (  # who, what, Camunda's number of its kind, which one ("" any), whether
    ("phuong", "READ", 7, "theirs", True),
    ("phuong", "TASK_WORK", 7, "theirs", True),
    ("binh", "READ", 7, "theirs", False),
    ("vanphong", "READ", 8, "case", True),
    ("binh", "READ", 8, "case", False),
    ("vanphong", "UPDATE", 8, "case", True),
    ("phuong", "UPDATE", 8, "case", False),
    ("quantri", "DELETE", 8, "case", False),
    ("phantich", "CREATE", 9, "", True),
    ("phuong", "CREATE", 9, "", False),
    ("phuong", "READ", 6, "", True),
    ("quantri", "UPDATE", 1, "", True),
    ("phuong", "READ", 1, "hoa", True),
    ("phuong", "READ", 1, "truc", False),
    ("phuong", "ACCESS", 0, "", False),
)


def test_what_somebody_may_do_is_asked_in_camundas_words(hotline: Hotline, client: Ask) -> None:
    number = hotline.assigned()
    meant = {"case": number, "theirs": str(hotline.task("phuong", number)["id"])}
    for who, what, kind, which, allowed in MAY:
        may = client(who, "AuthorizationApi").is_user_authorized
        found = may(what, "x", kind, resource_id=meant.get(which, which))
        assert (found.permission_name, found.is_authorized) == (what, allowed), (who, what, kind)
    office = Rest(hotline, "vanphong")
    other = {"permissionName": "READ", "resourceName": "Task", "resourceType": "7", "resourceId": meant["theirs"]}
    assert office.get("/authorization/check", **other, userId="binh").json["isAuthorized"] is False
    assert office.get("/authorization/check", **other, userId="hoa").json["isAuthorized"] is True
    refused(Rest(hotline, "phuong").get("/authorization/check", **other, userId="truc"), 404)
    assert "7 is a task" in refused(office.get("/authorization/check", permissionName="READ"), 400)


def test_tables_are_listed_shown_and_asked(hotline: Hotline, ask: Ask, client: Ask) -> None:
    hotline.deploys(muc__dmn=TWO, dinh_tuyen__dmn=ROUTING)
    got = ask("truc", pycamunda.decisiondef.GetList, latest_version=True, sort_by="key", ascending=True)
    assert [(one.key, one.version, one.name) for one in got] == [
        ("d", 2, "Bảng"), ("dinh_tuyen", 2, "Định tuyến phản ánh"), ("mot", 2, "Một")]  # fmt: skip
    d, routing, mot = got
    assert ask("truc", pycamunda.decisiondef.Count, key="d") == 1
    assert ask("truc", pycamunda.decisiondef.Get, key="mot").id_ == mot.id_
    assert ask("truc", pycamunda.decisiondef.GetXML, id_=routing.id_) == ROUTING
    [drawn] = client("truc", "DecisionRequirementsDefinitionApi").get_decision_requirements_definitions()
    assert drawn.id == d.decision_requirements_definition_id and drawn.resource == "muc.dmn"
    assert routing.decision_requirements_definition_id is None  # the file has this one alone

    def evaluated(key: str, **variables: Any) -> Any:
        sent = {name: {"value": value} for name, value in variables.items()}
        return Rest(hotline, "truc").post(f"/decision-definition/key/{key}/evaluate", {"variables": sent})

    assert evaluated("d", so_nguoi=5).json == [{"muc": {"value": "nhieu", "type": "String", "valueInfo": {}}}]
    sent = {"loai": "dien", "dia_diem": {"huyen": "Dĩ An"}}
    assert evaluated("dinh_tuyen", **sent).json[0]["lead_agency"]["value"] == "dien_luc_74"
    assert evaluated("mot").json == [{"mot": {"value": 1, "type": "Integer", "valueInfo": {}}}]
    assert "so_nguoi = null" in refused(evaluated("d"), 400)
    refused(evaluated("khong_co"), 404)
    refused(Rest(hotline, "truc").get(f"/decision-definition/{routing.id_}x"), 404)
    rest = Rest(hotline, "truc")
    assert rest.get("/decision-definition/key/d/tenant-id/74/xml").json["id"] == d.id_
    refused(rest.get("/decision-definition/key/d/tenant-id/75"), 404)
    assert rest.get(f"/decision-requirements-definition/{drawn.id}/diagram").status_code == 204


def test_executions_and_variables(hotline: Hotline, ask: Ask, client: Ask) -> None:
    number = hotline.assigned()
    executions = client("vanphong", "ExecutionApi").get_executions
    found = executions(process_instance_id=number)
    token = next(one.id for one in found if one.id != number)
    waiting = executions(message_event_subscription_name="msg_tra_lai")
    assert {one.process_instance_id for one in waiting} == {number} and waiting[0].id in {one.id for one in found}
    office, outside = Rest(hotline, "vanphong"), Rest(hotline, "binh")
    assert office.get("/execution/count", processInstanceId=number).json["count"] == len(found)
    assert office.get(f"/execution/{token}").json["processInstanceId"] == number
    assert office.get(f"/execution/{token}/localVariables").json == {}
    own = office.get(f"/execution/{number}/localVariables").json
    assert own["noi_dung"]["value"] == "Tụ tập đông người tại chợ"
    assert office.get(f"/execution/{number}/localVariables/noi_dung").json == own["noi_dung"]
    for path in (f"{token}/localVariables/noi_dung", f"{number}:999", f"{number}/messageSubscriptions/la"):
        refused(office.get(f"/execution/{path}"), 404)
    refused(outside.get("/execution", processInstanceId=number), 404)
    assert "processInstanceId" in refused(office.get("/execution"), 400)
    both = {"messageEventSubscriptionName": "a", "signalEventSubscriptionName": "b"}
    refused(office.get("/execution", **both), 400)

    [variable] = ask("vanphong", pycamunda.variable.GetList, process_instance_id_in=[number], name="noi_dung")
    assert (variable.value, variable.id_) == ("Tụ tập đông người tại chợ", f"{number}:noi_dung")
    assert ask("vanphong", pycamunda.variable.Get, variable.id_).process_instance_id == number
    assert office.post("/variable-instance/count", {"processInstanceIdIn": [number]}).json["count"] == len(own)
    refused(outside.get("/variable-instance", processInstanceIdIn=number), 404)
    refused(office.get("/variable-instance"), 400)
    with pytest.raises(pycamunda.Forbidden):
        ask("vanphong", pycamunda.processinst.VariablesUpdate, number, "noi_dung", "khác")
    refused(office.post(f"/process-instance/{number}/variables/noi_dung", {"value": "khác"}), 403)

    waits = f"/execution/{waiting[0].id}/messageSubscriptions/msg_tra_lai"
    assert office.get(waits).json["eventName"] == "msg_tra_lai"
    assert "return the task itself" in refused(office.post(f"{waits}/trigger", {}), 400)
    ended = hotline.settled()
    triggered = f"/execution/{ended}/messageSubscriptions/msg_danh_gia/trigger"
    assert office.post(triggered, {"variables": {"diem": {"value": 5}}}).status_code == 204
    assert office.get(f"/history/process-instance/{ended}").json["state"] == "COMPLETED"

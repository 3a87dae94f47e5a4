"""`/engine-rest` as its clients see it: JSON to the letter, and refusals that say what to change."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest

from engine import packages
from engine.versions import deployments
from engine.work.worker import Worker
from tests.drawing import draw
from tests.external import ASKING, asking
from tests.hotline import LIFE, TYPE, Hotline, package

REST = "/engine-rest"
IMPATIENT = """
boundary qua_lau "Chờ quá lâu" on=tra_cuu timer=PT20M
qua_lau -> tiep_nhan
"""


class Rest:
    """Somebody who calls the REST API."""

    def __init__(self, hotline: Hotline, login: str) -> None:
        self.client = hotline.app.test_client()
        self.headers = {"Authorization": f"Bearer {hotline.tokens[login]}"}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(REST + path, query_string=query, headers=self.headers)

    def post(self, path: str, body: Any = None, method: str = "POST", **more: Any) -> Any:
        return self.client.open(REST + path, method=method, json=body, headers=self.headers, **more)

    def deploys(self, name: str = "", **files: str) -> Any:
        parts: dict[str, Any] = {name.replace("__", "."): (io.BytesIO(text.encode()), name.replace("__", "."))
                                 for name, text in files.items()}  # fmt: skip
        form = {"deployment-name": name, "deployment-source": "Camunda Modeler", "enable-duplicate-filtering": "true"}
        return self.client.post(f"{REST}/deployment/create", data=form | parts, headers=self.headers)


@pytest.fixture
def worker(hotline: Hotline) -> Rest:
    """A program outside, for a report type that asks it something."""
    hotline.deploys(process__bpmn=asking())
    return Rest(hotline, "dich_vu")


def fetched(worker: Rest, name: str = "w1", lock: int = 60_000, **more: Any) -> list[dict[str, Any]]:
    topics = [{"topicName": "tra_cuu", "lockDuration": lock, "variables": None, "processVariables": {}}]
    answer = worker.post("/external-task/fetchAndLock", {"workerId": name, "maxTasks": 10, "topics": topics} | more)
    assert answer.status_code == 200, answer.text
    return answer.json  # type: ignore[no-any-return]


def refused(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json.keys() >= {"type", "message", "code"}
    return str(answer.json["message"])


# -- external tasks --------------------------------------------------------------------------------------------------


def test_a_program_fetches_does_and_answers(hotline: Hotline, worker: Rest) -> None:
    number = hotline.receives()

    [task] = fetched(worker)

    assert (task["processInstanceId"], task["businessKey"], task["activityId"]) == (number, number, "tra_cuu")
    assert task["variables"] == {
        "noi": {"value": "718", "type": "String", "valueInfo": {}},
        "kieu": {"value": "nhanh", "type": "String", "valueInfo": {}},
    }
    assert task["lockExpirationTime"] == "2021-09-03T01:01:00.000+0000"
    assert fetched(worker, "w2") == []
    answer = {"workerId": "w1", "variables": {"chu_ho": {"value": True, "type": "boolean"}, "so": {"value": 4}}}
    assert worker.post(f"/external-task/{task['id']}/complete", answer).status_code == 204
    assert hotline.task("truc", number)["element"] == "tiep_nhan"
    assert worker.get(f"/process-instance/{number}/variables/ho").json["value"] == '{"chu_ho":true,"so":4}'
    refused(worker.post(f"/external-task/{task['id']}/complete", answer), 404)


def test_only_who_holds_the_lock_may_answer(hotline: Hotline, worker: Rest) -> None:
    hotline.receives()
    [task] = fetched(worker)

    said = refused(worker.post(f"/external-task/{task['id']}/complete", {"workerId": "w2"}), 400)

    assert said == f"The external task {task['id']} is locked by another worker, not by 'w2': fetch it again."


def test_a_lock_that_has_run_out_leaves_the_task_to_others(hotline: Hotline, worker: Rest) -> None:
    hotline.receives()
    [task] = fetched(worker)
    assert worker.post(f"/external-task/{task['id']}/extendLock", {"workerId": "w1", "newDuration": 120_000}) \
        .status_code == 204  # fmt: skip

    hotline.waits(90 / 3600)
    assert fetched(worker, "w2") == []
    hotline.waits(31 / 3600)

    assert [one["id"] for one in fetched(worker, "w2")] == [task["id"]]
    assert "locked by another worker" in refused(
        worker.post(f"/external-task/{task['id']}/complete", {"workerId": "w1"}), 400)  # fmt: skip


def test_a_failure_is_tried_again_when_it_says_and_then_becomes_an_incident(hotline: Hotline, worker: Rest) -> None:
    number = hotline.receives()
    [task] = fetched(worker)
    failure = {"workerId": "w1", "errorMessage": "máy chủ bận", "errorDetails": "dòng 7", "retries": 1,
               "retryTimeout": 60_000}  # fmt: skip
    assert worker.post(f"/external-task/{task['id']}/failure", failure).status_code == 204
    assert fetched(worker) == []

    hotline.waits(61 / 3600)
    [again] = fetched(worker)
    assert (again["retries"], again["errorMessage"]) == (1, "máy chủ bận")
    assert worker.get(f"/external-task/{task['id']}/errorDetails").text == "dòng 7"
    assert worker.post(f"/external-task/{task['id']}/failure", failure | {"retries": 0}).status_code == 204

    hotline.waits(1)
    assert fetched(worker) == []
    [incident] = hotline.as_("vanphong").get("/incidents").json["items"]
    assert (incident["case"], "máy chủ bận" in incident["message"]) == (number, True)
    assert worker.post(f"/external-task/{task['id']}/retries", {"retries": 2}, method="PUT").status_code == 204
    assert [one["id"] for one in fetched(worker)] == [task["id"]]
    assert worker.post(f"/external-task/{task['id']}/complete", {"workerId": "w1"}).status_code == 204
    assert hotline.as_("vanphong").get("/incidents").json["items"] == []


def _throws(worker: Rest, task: dict[str, Any], **body: Any) -> Any:
    return worker.post(f"/external-task/{task['id']}/bpmnError", {"workerId": "w1"} | body)


def test_an_error_that_the_diagram_foresees_goes_its_own_way(hotline: Hotline, worker: Rest) -> None:
    caught = ASKING + "\nboundary khong_co on=tra_cuu error=KHONG_CO\nuser tra_tay group=tongdai_74 form=phan_cong\n" \
        "khong_co -> tra_tay -> tiep_nhan\n"  # fmt: skip
    hotline.deploys(process__bpmn=draw(caught, "PAKN"))
    number = hotline.receives()
    [task] = fetched(worker)
    thrown = {"errorCode": "KHONG_CO", "errorMessage": "không có hộ này", "variables": {"lan": {"value": 2}}}

    assert "errorCode is None" in refused(_throws(worker, task), 400)
    assert "locked by another worker" in refused(_throws(worker, task, **thrown | {"workerId": "w2"}), 400)
    assert "may not say 'status'" in refused(_throws(worker, task, errorCode="K", variables={"status": {"value": 1}}),
                                             400)  # fmt: skip
    assert _throws(worker, task, **thrown).status_code == 204

    assert hotline.task("truc", number)["element"] == "tra_tay"
    assert worker.get(f"/process-instance/{number}/variables/lan").json["value"] == 2
    assert fetched(worker) == []
    refused(_throws(worker, task, **thrown), 404)


def test_an_error_event_is_told_of_the_error_in_variables_of_the_case(hotline: Hotline, worker: Rest) -> None:
    told = 'camunda:errorCodeVariable="ma_loi" camunda:errorMessageVariable="loi"'
    caught = ASKING + "\nboundary khong_co on=tra_cuu error=KHONG_CO\nuser tra_tay group=tongdai_74 form=phan_cong\n" \
        "khong_co -> tra_tay -> tiep_nhan\n"  # fmt: skip
    diagram = draw(caught, "PAKN").replace("<bpmn:errorEventDefinition ", f"<bpmn:errorEventDefinition {told} ")
    hotline.deploys(process__bpmn=diagram)
    number = hotline.receives()
    [task] = fetched(worker)

    assert _throws(worker, task, errorCode="KHONG_CO", errorMessage="không có hộ này").status_code == 204

    said = worker.get(f"/process-instance/{number}/variables").json
    assert (said["ma_loi"]["value"], said["loi"]["value"]) == ("KHONG_CO", "không có hộ này")
    wrong = diagram.replace('"ma_loi"', '"status"')
    answer = Rest(hotline, "phantich").deploys("x", process__bpmn=wrong)
    assert "'status' cannot hold what an error says" in refused(answer, 400)


def test_the_urgent_and_the_order_that_a_worker_asks_for(hotline: Hotline, worker: Rest) -> None:
    urgent = asking().replace('camunda:topic="tra_cuu"', 'camunda:topic="tra_cuu" camunda:taskPriority="${noi_dung}"')
    hotline.deploys(process__bpmn=urgent)
    numbers = []
    for priority in ("5", "-7", "90"):
        numbers.append(hotline.receives(priority))
        hotline.waits(1 / 3600)
    first, second, third = numbers

    def order(**wish: Any) -> list[str]:
        found = [(task["businessKey"], task["id"]) for task in fetched(worker, **wish)]
        for _, key in found:
            assert worker.post(f"/external-task/{key}/unlock").status_code == 204
        return [number for number, _ in found]

    assert order() == order(sorting=[{"sortBy": "createTime", "sortOrder": "asc"}]) == [first, second, third]
    assert order(sorting=[{"sortBy": "createTime", "sortOrder": "desc"}]) == [third, second, first]
    assert order(usePriority=True) == [third, first, second]
    listed = worker.get("/external-task", sortBy="taskPriority", sortOrder="desc").json
    assert [(one["businessKey"], one["priority"]) for one in listed] == [(third, 90), (first, 5), (second, -7)]
    path = f"/external-task/{listed[2]['id']}/priority"
    assert worker.post(path, {"priority": 100}, method="PUT").status_code == 204
    assert order(usePriority=True, maxTasks=1) == [second]
    assert "at most nine digits" in refused(worker.post(path, {"priority": 2**40}, method="PUT"), 400)

    held = hotline.receives("gấp")
    [incident] = hotline.as_("vanphong").get("/incidents").json["items"]
    assert (incident["case"], incident["element"]) == (held, "tra_cuu")
    assert "its priority is 'gấp', which is no whole number" in incident["message"]


@pytest.mark.parametrize(("path", "query", "said"), [
    ("/task", {"sortBy": "la", "sortOrder": "asc"}, "sortBy is 'la'; sort by one of created, dueDate"),
    ("/external-task", {"sortBy": "createTime"}, "sortOrder is None; say asc or desc."),
    ("/process-instance", {"sortOrder": "asc"}, "sortBy is None; sort by one of instanceId"),
    ("/process-definition", {"sortBy": "key", "sortOrder": "len"}, "sortOrder is 'len'; say asc or desc."),
    ("/process-definition", {"nameLike": "%a%"}, "'nameLike' is not understood here"),
    ("/deployment", {"sortBy": "source", "sortOrder": "asc"}, "sortBy is 'source'"),
])  # fmt: skip
def test_an_order_that_cannot_be_is_refused(hotline: Hotline, path: str, query: dict[str, str], said: str) -> None:
    assert said in refused(Rest(hotline, "app").get(path, **query), 400)


def test_lists_come_in_the_order_asked_for(hotline: Hotline) -> None:
    numbers = [hotline.receives() for _ in range(3)]
    office = Rest(hotline, "vanphong")

    falling = office.get("/process-instance", sortBy="businessKey", sortOrder="desc").json
    assert [one["id"] for one in falling] == sorted(numbers, reverse=True)
    hotline.deploys(process__bpmn=asking())
    for order, versions in (("asc", [1, 2]), ("desc", [2, 1])):
        rows = office.get("/process-definition", sortBy="version", sortOrder=order).json
        assert [row["version"] for row in rows] == versions


def test_an_error_that_nothing_catches_is_an_incident_and_no_end(hotline: Hotline, worker: Rest) -> None:
    number = hotline.receives()
    [task] = fetched(worker)

    assert _throws(worker, task, errorCode="LA", errorMessage="hỏng").status_code == 204

    [incident] = hotline.as_("vanphong").get("/incidents").json["items"]
    assert (incident["case"], incident["element"]) == (number, "tra_cuu")
    assert "nothing catches the error 'LA' that the service ended with: hỏng" in incident["message"]
    assert hotline.case(number)["closed_at"] is None
    assert fetched(worker) == []


def test_nobody_serves_what_is_not_theirs_to_serve(hotline: Hotline, worker: Rest) -> None:
    hotline.receives()
    wish = {"workerId": "w", "maxTasks": 1, "topics": [{"topicName": "tra_cuu", "lockDuration": 1000}]}

    for login in ("phuong", "truc", "mattran", "vanphong"):
        assert "may not do the service calls" in refused(
            Rest(hotline, login).post("/external-task/fetchAndLock", wish), 403)  # fmt: skip
    assert refused(hotline.app.test_client().post(f"{REST}/external-task/fetchAndLock", json=wish), 401)


@pytest.mark.parametrize(("change", "said"), [
    ({"workerId": ""}, "workerId is None"),
    ({"workerId": 7}, "workerId is 7; send a text."),
    ({"maxTasks": -1}, "maxTasks is -1; send a whole number of up to 12 digits."),
    ({"maxTasks": 100_000}, "Between 1 and 200 tasks"),
    ({"topics": {}}, ""),
    ({"topics": ["tra_cuu"]}, "topics is a list"),
    ({"topics": [{"topicName": "tra_cuu"}]}, "A lock lasts more than 0 milliseconds"),
    ({"topics": [{"topicName": "t", "lockDuration": 1, "processVariables": {"a": 1}}]}, "processVariables is not"),
    ({"sorting": [{"sortBy": "priority", "sortOrder": "asc"}]}, "sortBy is 'priority'; sort by one of createTime."),
    ({"createTime": "asc"}, "'createTime' is not understood here"),
    ({"la": 1}, "'la' is not understood here"),
])  # fmt: skip
def test_a_wish_that_cannot_be_is_told_what_to_change(worker: Rest, change: dict[str, Any], said: str) -> None:
    wish = {"workerId": "w", "maxTasks": 1, "topics": [{"topicName": "tra_cuu", "lockDuration": 1000}]}

    answer = worker.post("/external-task/fetchAndLock", wish | change)

    assert (answer.json == []) if not said else (said in refused(answer, 400))


@pytest.mark.parametrize(("variable", "said"), [
    ({"value": "x", "type": "Integer"}, "which is no Integer"),
    ({"value": 2**40, "type": "Integer"}, "which is no Integer"),
    ({"value": 1, "type": "Boolean"}, "which is no Boolean"),
    ({"value": "{", "type": "Json"}, "is no JSON"),
    ({"value": "x", "type": "File"}, "which no case can keep"),
    (7, "is written like"),
])  # fmt: skip
def test_an_answer_that_is_not_what_it_says_is_refused(
    hotline: Hotline, worker: Rest, variable: Any, said: str
) -> None:
    hotline.receives()
    [task] = fetched(worker)

    answer = worker.post(f"/external-task/{task['id']}/complete", {"workerId": "w1", "variables": {"a": variable}})

    assert said in refused(answer, 400)
    assert worker.get("/external-task/count", locked="true").json == {"count": 1}


@pytest.mark.parametrize("state", ["ready", "leased", "dead"])
def test_a_service_is_not_asked_any_more_once_the_operator_goes_on_without_it(hotline: Hotline, state: str) -> None:
    hotline.deploys(process__bpmn=draw(ASKING + IMPATIENT, "PAKN"))
    number, worker = hotline.receives(), Rest(hotline, "dich_vu")
    [task] = fetched(worker, lock=3_600_000) if state != "ready" else [{}]
    if state == "dead":
        given_up = {"workerId": "w1", "errorMessage": "máy chủ hỏng", "retries": 0, "retryTimeout": 0}
        assert worker.post(f"/external-task/{task['id']}/failure", given_up).status_code == 204
        assert [one["case"] for one in hotline.as_("vanphong").get("/incidents").json["items"]] == [number]

    hotline.waits(0.5)
    Worker(hotline.runtime, {}).work()

    assert hotline.task("truc", number)["element"] == "tiep_nhan"
    assert fetched(worker, "w2") == [] and worker.get("/external-task/count").json == {"count": 0}
    assert hotline.as_("vanphong").get("/incidents").json["items"] == []
    if state == "leased":
        assert "There is no external task" in refused(
            worker.post(f"/external-task/{task['id']}/complete", {"workerId": "w1"}), 404)  # fmt: skip


def test_a_service_that_nobody_fetches_is_why_a_case_is_stuck(hotline: Hotline, worker: Rest) -> None:
    number = hotline.receives()
    hotline.waits(6 / 60)

    [stuck] = hotline.as_("vanphong").get("/cases", stuck="true").json["items"]

    assert (stuck["number"], stuck["stuck"]["reason"]) == (number, "unserved")
    assert "no program has fetched it" in stuck["stuck"]["why"]


# -- the Modeler -----------------------------------------------------------------------------------------------------


def test_the_modeler_finds_us(hotline: Hotline) -> None:
    anybody = hotline.app.test_client()

    assert anybody.get(f"{REST}/deployment?maxResults=0", headers={"Origin": "file://"}).status_code == 401
    assert anybody.get(f"{REST}/version").json == {"version": "7.24.0"}
    flight = anybody.options(f"{REST}/deployment/create", headers={"Origin": "file://"})
    assert (flight.status_code, flight.headers["Access-Control-Allow-Origin"]) == (200, "file://")
    assert Rest(hotline, "phantich").get("/deployment", maxResults=0).json == []
    assert Rest(hotline, "phantich").get("/engine/default/version".replace("/engine/default", "")).status_code == 200
    assert anybody.get("/engine-rest/engine/default/version").json == {"version": "7.24.0"}


def test_what_the_modeler_deploys_takes_the_place_of_the_diagram_with_that_process(hotline: Hotline) -> None:
    analyst = Rest(hotline, "phantich")

    answer = analyst.deploys("bản mới", ve_lai__bpmn=asking())

    assert answer.status_code == 200, answer.text
    [(key, made)] = answer.json["deployedProcessDefinitions"].items()
    assert (made["key"], made["version"]) == ("PAKN", 2) and key == made["id"] and key.startswith("PAKN:2:")
    assert analyst.get("/process-definition/key/PAKN/xml").json == {"id": key, "bpmn20Xml": asking()}
    resources = analyst.get(f"/deployment/{made['deploymentId']}/resources").json
    assert {one["name"] for one in resources if one["name"].endswith(".bpmn")} == {"process.bpmn"}
    assert len(resources) == 6
    assert analyst.deploys("bản mới", ve_lai__bpmn=asking()).json["deployedProcessDefinitions"] is None


def test_a_faulty_diagram_is_refused_with_line_and_element(hotline: Hotline) -> None:
    analyst = Rest(hotline, "phantich")

    answer = analyst.deploys("x", process__bpmn=asking().replace('camunda:topic="tra_cuu"', ""))

    assert "ENGINE-09005 Could not parse BPMN process" in refused(answer, 400)
    assert answer.json["type"] == "ParseException"
    [first, *_] = answer.json["details"]["process.bpmn"]["errors"]
    assert (first["mainElementId"], first["line"] > 1) == ("tra_cuu", True)
    assert analyst.get("/process-definition/count").json == {"count": 1}


def test_what_is_no_xml_is_refused_with_the_line(hotline: Hotline) -> None:
    answer = Rest(hotline, "phantich").deploys("x", process__bpmn=asking().replace("</bpmn:process>", ""))

    assert "ENGINE-09005 Could not parse BPMN process" in refused(answer, 400)
    [fault] = answer.json["details"]["process.bpmn"]["errors"]
    assert fault["line"] > 1


def test_a_diagram_that_a_type_calls_is_known_by_its_process(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = draw("start s ; user xem 'Xem' group=tongdai_74 ; end e ; s -> xem -> e", "PHU")
    main = LIFE.replace("da_nhan -> tiep_nhan", "da_nhan -> phu -> tiep_nhan") + "\ncall phu calls=PHU\n"
    hotline.deploys(process__bpmn=draw(main, "PAKN"), phu__bpmn=helper)
    other = {"type__toml": TYPE.format(secrecy="C2").replace('"PAKN"', '"TINNHAN"')}
    with hotline.runtime.begin() as unit:
        packages.deploy(unit, package(**other, process__bpmn=draw(LIFE, "TINNHAN")), by="test")
    read, show = [], deployments.show
    monkeypatch.setattr(deployments, "show", lambda unit, key: read.append(key) or show(unit, key))

    answer = Rest(hotline, "phantich").deploys("x", ve_lai__bpmn=helper.replace("Xem", "Xem lại"))

    assert answer.status_code == 200, answer.text
    assert set(read) == {2}  # of the other versions and types, no file is read


def test_a_diagram_of_nothing_we_know_is_refused(hotline: Hotline) -> None:
    strange = asking().replace('"PAKN"', '"KHAC"')

    said = refused(Rest(hotline, "phantich").deploys("x", process__bpmn=strange), 400)

    assert said.startswith("The process 'KHAC' belongs to no report type")
    assert "may not deploy" in refused(Rest(hotline, "phuong").deploys("x", process__bpmn=asking()), 403)


def test_a_password_does_where_a_token_cannot_be_typed(hotline: Hotline) -> None:
    from engine.people import accounts

    with hotline.runtime.begin() as unit:
        accounts.change(unit, "phantich", {"password": "mật khẩu rất dài"}, None)

    def with_(password: str) -> int:
        basic = base64.b64encode(f"phantich:{password}".encode()).decode()
        client = hotline.app.test_client()
        return client.get(f"{REST}/task", headers={"Authorization": f"Basic {basic}"}).status_code

    assert (with_("mật khẩu rất dài"), with_("mật khẩu rất dài"), with_("sai"), with_(hotline.tokens["phantich"])) == (
        200, 200, 401, 200)  # fmt: skip


# -- tasks and cases -------------------------------------------------------------------------------------------------


def test_a_task_client_lists_claims_and_completes(hotline: Hotline) -> None:
    number = hotline.assigned()
    handler = Rest(hotline, "phuong")

    [task] = handler.get("/task", candidateGroup="ubnd_74_718", sortBy="dueDate", sortOrder="asc").json
    assert (task["processInstanceId"], task["taskDefinitionKey"], task["due"]) == (
        number, "xu_ly", "2021-09-03T05:00:00.000+0000")  # fmt: skip
    assert Rest(hotline, "binh").get("/task").json == []
    assert handler.post(f"/task/{task['id']}/claim", {"userId": "phuong"}).status_code == 204
    assert handler.get("/task/count", assignee="phuong").json == {"count": 1}
    assert handler.post("/task", {"unassigned": True}).json == []
    said = refused(Rest(hotline, "hoa").post(f"/task/{task['id']}/claim", {"userId": "hoa"}), 400)
    assert "claimed" in said
    wrong = handler.post(f"/task/{task['id']}/complete", {"variables": {"ket_qua": {"value": "khac"}}})
    assert "ket_qua" in refused(wrong, 400)
    answers = {"ket_qua": {"value": "da_giai_quyet", "type": "String"}, "noi_dung_ket_qua": {"value": "Đã xong"}}
    assert handler.post(f"/task/{task['id']}/complete", {"variables": answers}).status_code == 204
    assert hotline.case(number)["status"] == "da_giai_quyet"
    refused(handler.get(f"/task/{int(task['id']) + 1}"), 404)


def test_an_app_starts_a_case_and_follows_it(hotline: Hotline) -> None:
    app = Rest(hotline, "app")
    variables = {"noi_dung": {"value": "Đèn hỏng", "type": "String"}, "area": {"value": "718"}}

    made = app.post("/process-definition/key/PAKN/start", {"variables": variables, "businessKey": "APP-7"})

    assert made.status_code == 200, made.text
    number = made.json["id"]
    assert app.get(f"/process-instance/{number}").json["businessKey"] == number
    assert app.get("/process-instance", businessKey=number).json[0]["id"] == number
    where = app.get(f"/process-instance/{number}/activity-instances").json
    assert [one["activityId"] for one in where["childActivityInstances"]] == ["tiep_nhan"]
    assert hotline.as_("vanphong").get(f"/cases/{number}/comments").json["items"][0]["text"] == "businessKey: APP-7"
    assert "every report is handled" in refused(app.post(f"/process-instance/{number}", method="DELETE"), 403)
    wrong = app.post("/process-definition/key/PAKN/start", {"variables": {}})
    assert "noi_dung" in refused(wrong, 400)

    hotline.tokens["hẹp"] = hotline.as_("app").post("/tokens", {"label": "x", "scopes": ["report"]}).json["token"]
    only_reports = Rest(hotline, "hẹp")
    again = only_reports.post("/process-definition/key/PAKN/start", {"variables": variables, "businessKey": "APP-8"})
    assert again.status_code == 200, again.text
    comments = hotline.as_("vanphong").get(f"/cases/{again.json['id']}/comments").json["items"]
    assert [(one["author"], one["text"]) for one in comments] == [("app", "businessKey: APP-8")]
    refused(only_reports.get(f"/process-instance/{again.json['id']}"), 404)


def test_a_message_reaches_the_case_that_waits_for_it(hotline: Hotline) -> None:
    number = hotline.settled()
    app = Rest(hotline, "app")
    message = {"messageName": "msg_danh_gia", "businessKey": number, "resultEnabled": True}

    assert app.post("/message", message).json[0]["execution"]["processInstanceId"] == number
    assert app.get("/process-instance", businessKey=number).json == []  # it has ended
    refused(app.post("/message", message), 400)
    assert "No case that is yours" in refused(app.post("/message", {"messageName": "msg_danh_gia"}), 400)


WISH = {"topicName": "x", "lockDuration": 1_000}
PLAN = {"sourceProcessDefinitionId": "PAKN:1:1", "targetProcessDefinitionId": "PAKN:1:1"}


def fetches(**topic: Any) -> tuple[str, str, dict[str, Any]]:
    return "POST", "/external-task/fetchAndLock", {"workerId": "w", "topics": [WISH | topic]}


def test_what_has_another_shape_is_refused_and_never_taken_for_all_or_for_something_else(hotline: Hotline) -> None:
    number = hotline.receives()
    admin = Rest(hotline, "quantri")
    by_list = {"sorting": [{"sortBy": ["id"], "sortOrder": "asc"}]}
    for method, path, body in (
        fetches(lockDuration=10**18), fetches(lockDuration="9" * 5_000), fetches(topicName=["x"]),
        ("POST", "/external-task/1/failure", {"workerId": "w", "retryTimeout": 10**18}),
        *(("POST", path, by_list) for path in ("/task", "/process-instance", "/job", "/external-task")),
        ("POST", "/task", {"dueBefore": "0001-01-01T00:00:00.000+1400"}),
        ("POST", "/process-instance", {"firstResult": 10**19}), ("POST", "/job", {"maxResults": "9" * 5_000}),
        ("POST", f"/process-instance/{number}/modification", {"instructions": [{"type": ["cancel"]}]}),
        ("PUT", "/process-instance/suspended", {"suspended": True, "processInstanceQuery": 5}),
        ("PUT", "/process-instance/suspended", {"suspended": True, "processInstanceQuery": {"processInstanceIds": []}}),
        ("POST", "/job/retries", {"retries": 1, "jobQuery": 5}), ("POST", "/migration/execute", {"migrationPlan": 5}),
        ("POST", "/migration/execute", {"migrationPlan": PLAN | {"instructions": [5]}}),
        ("POST", "/migration/execute", {"migrationPlan": PLAN, "processInstanceIds": []}),
    ):  # fmt: skip
        assert refused(admin.post(path, body, method), 400), (path, body)
    assert admin.post(*fetches(processDefinitionKeyIn=5)[1:]).json == []
    assert admin.get("/task/99999999999999999999999").status_code == 404
    twelve = admin.post("/external-task/retries", {"retries": 1, "externalTaskIds": "12"}, "PUT")
    assert refused(twelve, 404) == "There is no external task 12."  # not those of 1 and of 2
    assert admin.get(f"/process-instance/{number}").json["suspended"] is False

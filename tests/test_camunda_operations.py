"""What operators ask of `/engine-rest`: history, incidents, jobs, metrics, modification, suspension."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from engine.work.worker import Worker
from tests.drawing import draw
from tests.external import asking
from tests.hotline import LIFE, Hotline
from tests.served import served
from tests.test_camunda import REST, Rest, fetched, refused

LATE = draw(LIFE.replace("bat_dau -> da_nhan", "bat_dau -> doi -> chia -> da_nhan")
            + '\ncatch doi "Đợi" timer=PT1H\nscript chia "Chia" script="ty_le = 1 / 0"\n', "PAKN")  # fmt: skip
MANUAL = Path(__file__).parent.parent / "docs" / "camunda.md"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # one translation for both


@pytest.fixture
def engine_rest(hotline: Hotline) -> Iterator[str]:
    with served(hotline.app) as address:
        yield f"{address}/engine-rest"


def _as(hotline: Hotline, login: str, command: Any) -> Any:
    command.session = requests.Session()
    command.session.headers["Authorization"] = f"Bearer {hotline.tokens[login]}"
    return command()


def _generated(hotline: Hotline, address: str, login: str) -> Any:
    import generic_camunda_client as generated

    configuration = generated.Configuration(host=address)
    return generated.ApiClient(configuration, "Authorization", f"Bearer {hotline.tokens[login]}")


def test_the_history_of_cases_by_the_generated_client(hotline: Hotline, engine_rest: str) -> None:
    import generic_camunda_client as generated

    number = hotline.settled()
    hotline.receives()
    with _generated(hotline, engine_rest, "vanphong") as client:
        cases = generated.HistoricProcessInstanceApi(client)
        visits = generated.HistoricActivityInstanceApi(client)
        tasks = generated.HistoricTaskInstanceApi(client)
        variables = generated.HistoricVariableInstanceApi(client)
        assert cases.get_historic_process_instances_count(unfinished=True).count == 2
        assert Rest(hotline, "app").post("/message", {"messageName": "msg_danh_gia", "businessKey": number}) \
            .status_code == 204  # fmt: skip
        [case] = cases.get_historic_process_instances(finished=True, sort_by="endTime", sort_order="desc")
        assert (case.id, case.state, case.process_definition_key) == (number, "COMPLETED", "PAKN")
        assert case.duration_in_millis == (case.end_time - case.start_time).total_seconds() * 1000
        assert cases.get_historic_process_instance(number).business_key == number
        went = visits.get_historic_activity_instances(process_instance_id=number, sort_by="startTime", sort_order="asc")
        assert [one.activity_id for one in went if one.activity_id in ("tiep_nhan", "xu_ly", "dong")] == [
            "tiep_nhan", "xu_ly", "dong"]  # fmt: skip
        assert visits.get_historic_activity_instances_count(process_instance_id=number, unfinished=True).count == 0
        done = tasks.get_historic_task_instances(process_instance_id=number, sort_by="startTime", sort_order="asc")
        assert [(one.task_definition_key, one.delete_reason) for one in done] == [
            ("tiep_nhan", "completed"), ("xu_ly", "completed")]  # fmt: skip
        assert tasks.get_historic_task_instances_count(unfinished=True).count == 1
        [said] = variables.get_historic_variable_instances(process_instance_id=number, variable_name="ket_qua")
        assert (said.name, said.type, said.process_instance_id) == ("ket_qua", "String", number)
        started = generated.MetricsApi(client).get_metrics("root-process-instance-start")
        assert started.result == 2


def test_history_is_of_what_the_account_may_see(hotline: Hotline) -> None:
    number = hotline.settled()
    elsewhere, office = Rest(hotline, "binh"), Rest(hotline, "vanphong")

    assert elsewhere.get("/history/process-instance").json == []
    refused(elsewhere.get(f"/history/process-instance/{number}"), 404)
    for what in ("activity-instance", "variable-instance"):
        refused(elsewhere.get(f"/history/{what}", processInstanceId=number), 404)
        assert "processInstanceId is None" in refused(office.get(f"/history/{what}"), 400)
    assert elsewhere.get("/history/task/count").json == {"count": 0}
    refused(Rest(hotline, "mattran").get("/history/variable-instance", processInstanceId=number), 403)
    refused(Rest(hotline, "phuong").get("/metrics/task-users/sum"), 403)
    assert office.get("/metrics/task-users/sum", startDate="2030-01-01T00:00:00.000+0000").json == {"result": 0}
    assert "'flow-node-instances' is not counted" in refused(office.get("/metrics/flow-node-instances/sum"), 400)
    assert Rest(hotline, "phuong").get("/incident").json == Rest(hotline, "phuong").get("/job").json == []


def test_incidents_by_pycamunda(hotline: Hotline, engine_rest: str) -> None:
    import pycamunda.externaltask
    import pycamunda.incident

    hotline.deploys(process__bpmn=asking())
    number, worker = hotline.receives(), Rest(hotline, "dich_vu")
    [task] = fetched(worker)
    worker.post(f"/external-task/{task['id']}/failure", {"workerId": "w1", "errorMessage": "hỏng", "retries": 0})

    [found] = _as(hotline, "vanphong", pycamunda.incident.GetList(
        engine_rest, process_instance_id=number, sort_by="incident_timestamp", ascending=False))  # fmt: skip
    assert (found.incident_type.value, found.configuration) == ("failedExternalTask", task["id"])
    assert "hỏng" in found.incident_message
    assert _as(hotline, "phantich", pycamunda.incident.Get(engine_rest, found.id_)).process_instance_id == number
    office = Rest(hotline, "vanphong")
    assert office.get("/incident/count", processDefinitionKeyIn="KHAC").json == {"count": 0}
    refused(Rest(hotline, "phuong").post(f"/incident/{found.id_}", method="DELETE"), 404)
    _as(hotline, "phantich", pycamunda.incident.Resolve(engine_rest, found.id_))  # which is to try again
    assert office.get("/incident/count").json == {"count": 0}
    assert [one["id"] for one in fetched(worker)] == [task["id"]]
    _as(hotline, "dich_vu", pycamunda.externaltask.SetRetriesSync(engine_rest, 0, [task["id"]]))
    assert office.get("/incident/count").json == {"count": 1}
    assert worker.get("/external-task/count", noRetriesLeft="true").json == {"count": 1}


def test_jobs_by_the_generated_client(hotline: Hotline, engine_rest: str) -> None:
    import generic_camunda_client as generated

    number, other = hotline.settled(), hotline.settled()
    with _generated(hotline, engine_rest, "vanphong") as client:
        jobs = generated.JobApi(client)
        timers = jobs.get_jobs(process_instance_id=number, timers=True, sort_by="jobDueDate", sort_order="desc")
        assert jobs.get_jobs_count(process_instance_id=number).count == len(timers) > 0
        timer = timers[0]  # after ten days the case is closed
        assert (timer.retries, timer.suspended, timer.process_definition_key) == (3, False, "PAKN")
        wanted = "2021-09-04T01:00:00.000+0000"
        jobs.set_job_duedate(timer.id, job_duedate_dto=generated.JobDuedateDto(duedate=wanted))
        assert jobs.get_job(timer.id).due_date.isoformat() == "2021-09-04T01:00:00+00:00"
        [last, *_] = jobs.get_jobs(process_instance_id=other, sort_by="jobDueDate", sort_order="desc")
        jobs.execute_job(last.id)
    Worker(hotline.runtime, {}).work()

    office = Rest(hotline, "vanphong")
    assert office.get(f"/history/process-instance/{other}").json["state"] == "COMPLETED"
    assert office.get(f"/history/process-instance/{number}").json["state"] == "ACTIVE"
    put = f"/job/{timer.id}/duedate"
    assert "duedate is 'mai'" in refused(office.post(put, {"duedate": "mai"}, method="PUT"), 400)
    refused(Rest(hotline, "phantich").post(put, {"duedate": wanted}, method="PUT"), 403)
    assert "1 or more" in refused(office.post(f"/job/{timer.id}/retries", {"retries": 0}, method="PUT"), 400)
    refused(Rest(hotline, "binh").get(f"/job/{timer.id}"), 404)


def test_suspension_and_modification_by_pycamunda(hotline: Hotline, engine_rest: str) -> None:
    import pycamunda.processdef
    import pycamunda.processinst

    number, office = hotline.assigned(), Rest(hotline, "vanphong")
    modify = pycamunda.processinst.Modify(engine_rest, number, annotation="làm lại từ đầu")
    modify.add_cancel_activity_instruction("xu_ly")
    modify.add_before_activity_instruction("tiep_nhan")
    _as(hotline, "vanphong", modify)
    assert hotline.task("truc", number)["element"] == "tiep_nhan"
    wrong = {"instructions": [{"type": "startTransition", "transitionId": "f"}]}
    refused(office.post(f"/process-instance/{number}/modification", wrong), 400)
    nobody = {"instructions": [{"type": "cancel", "activityId": "xu_ly"}]}
    assert "No token stands at 'xu_ly'" in refused(office.post(f"/process-instance/{number}/modification", nobody), 400)

    for _ in range(2):  # what is so already stays so
        _as(hotline, "vanphong", pycamunda.processinst.Suspend(engine_rest, number))
    assert office.get(f"/process-instance/{number}").json["suspended"] is True
    assert office.get("/process-instance/count", suspended="true").json == {"count": 1}
    assert [task["suspended"] for task in office.get("/task", processInstanceId=number).json] == [True]
    assert office.get(f"/history/process-instance/{number}").json["state"] == "SUSPENDED"
    _as(hotline, "vanphong", pycamunda.processinst.Activate(engine_rest, number))
    assert office.get("/process-instance/count", active="true").json == {"count": 1}
    path = f"/process-instance/{number}/suspended"
    refused(Rest(hotline, "phuong").post(path, {"suspended": True}, method="PUT"), 403)

    hotline.deploys(process__bpmn=asking())
    [second] = office.get("/process-definition", version="2").json
    _as(hotline, "phantich", pycamunda.processdef.Suspend(engine_rest, id_=second["id"]))
    assert [one["version"] for one in office.get("/process-definition", active="true").json] == [1]
    assert office.get("/process-definition/key/PAKN").json["version"] == 1
    _as(hotline, "phantich", pycamunda.processdef.Activate(engine_rest, key="PAKN"))
    assert office.get("/process-definition/count", suspended="true").json == {"count": 0}
    path = f"/process-definition/{second['id']}/suspended"
    assert "suspended is None" in refused(Rest(hotline, "phantich").post(path, {}, method="PUT"), 400)


def test_the_log_of_jobs_and_cases_by_interval_by_the_generated_client(hotline: Hotline, engine_rest: str) -> None:
    import generic_camunda_client as generated

    number = hotline.assigned()
    for hours in (3.5, 0.5):  # warned, and late
        hotline.waits(hours)
        Worker(hotline.runtime, {}).work()
    hotline.deploys(process__bpmn=LATE)
    failing = hotline.receives("Lửa")
    assert (number[-5:], failing[-5:]) == ("00001", "00002")  # a new version leaves no gap in the numbers
    hotline.waits(2)
    Worker(hotline.runtime, {}).work()
    Worker(hotline.runtime, {}).link()
    with _generated(hotline, engine_rest, "vanphong") as client:
        log, metrics = generated.HistoricJobLogApi(client), generated.MetricsApi(client)
        marks = log.get_historic_job_logs(process_instance_id=number, success_log=True, sort_by="timestamp",
                                          sort_order="desc", activity_id_in="xu_ly")  # fmt: skip
        assert [(one.job_definition_type, one.success_log, one.failure_log) for one in marks] == [
            ("breach", True, False), ("warning", True, False)]  # fmt: skip
        assert log.get_historic_job_log(marks[0].id).activity_id == "xu_ly"
        asked = generated.HistoricJobLogQueryDto(process_instance_id=failing, failure_log=True)
        [failed] = log.query_historic_job_logs(historic_job_log_query_dto=asked)
        assert log.query_historic_job_logs_count(historic_job_log_query_dto=asked).count == 1
        assert failed.job_exception_message == log.get_stacktrace_historic_job_log(failed.id)
        assert "'/' divides by zero." in failed.job_exception_message and failed.failed_activity_id == "chia"
        [day, first] = metrics.interval(name="root-process-instance-start", interval=3600, start_date=None)
        assert [day.value, first.value] == [1, 1] and day.timestamp - first.timestamp == timedelta(hours=4)
        assert len(metrics.interval(interval=86_400, max_results=1)) == 1

    office = Rest(hotline, "vanphong")
    version = office.get(f"/history/process-instance/{number}").json["processDefinitionId"]
    been = {one["id"]: (one["instances"], one["finished"]) for one in
            office.get(f"/history/process-definition/{version}/statistics", finished="true").json}  # fmt: skip
    assert been["xu_ly"] == (1, 0) and been["tiep_nhan"] == (0, 1)
    path, of = "/history/job-log", {"processInstanceId": number}
    assert "is not kept" in refused(office.get(path, creationLog="true", **of), 400)
    assert "processInstanceId is None" in refused(office.get(path, failureLog="true"), 400)
    refused(office.get(f"{path}/{number}:event-0"), 404)
    refused(office.get(f"{path}/{marks[0].id}/stacktrace"), 404)
    refused(Rest(hotline, "phuong").get(path, **of), 403)
    refused(Rest(hotline, "binh").get(path, **of), 404)
    assert "not counted by intervals" in refused(office.get("/metrics", name="task-users"), 400)
    assert "At most 200" in refused(office.get("/metrics", maxResults="201"), 400)
    refused(office.get("/metrics", interval="0"), 400)
    refused(Rest(hotline, "phuong").get("/metrics"), 403)


def test_whatever_the_generated_client_calls_is_there(hotline: Hotline) -> None:
    """Each address in its source; whether refused or done, it is known here."""
    import generic_camunda_client as generated

    ours = hotline.app.url_map.bind("")
    calls = {call for file in (Path(generated.__file__).parent / "api").glob("*_api.py")
             for call in re.findall(r"call_api\(\s*'([^']+)', '([A-Z]+)'", file.read_text())}  # fmt: skip
    def known(path: str, method: str) -> bool:
        filled = (re.sub(r"\{[\w-]+\}", word, path) for word in ("1", "x"))
        return any(ours.test(f"{REST}{one}", method) for one in filled)

    assert len(calls) > 350
    assert [call for call in sorted(calls) if not known(*call)] == []


def test_the_manual_lists_every_address_there_is(hotline: Hotline) -> None:
    there = {(method, re.sub(r"<(\w+:)?\w+>", "{}", rule.rule.removeprefix(REST)))
             for rule in hotline.app.url_map.iter_rules() if rule.endpoint.startswith("camunda.")
             for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}  # fmt: skip
    rows = re.findall(r"^\| ([A-Z, ]+) \| `([^`]+)` \|", MANUAL.read_text(encoding="utf-8"), re.MULTILINE)
    told = {(method, re.sub(r"\{\w+\}", "{}", path)) for methods, path in rows for method in methods.split(", ")}

    assert told == there

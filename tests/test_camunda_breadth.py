"""The rest of `/engine-rest` that Camunda's clients use, by the generated client: its models validate our answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import generic_camunda_client as generated
import pytest

from engine.people import accounts
from engine.work import kept_filters
from engine.work.worker import Worker
from tests.external import asking
from tests.hotline import Hotline
from tests.served import served
from tests.test_camunda import Rest, fetched, refused
from webapi.camunda.refusals import REFUSED

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # one translation for both
Api = Callable[[str, str], Any]


@pytest.fixture
def client(hotline: Hotline) -> Iterator[Api]:
    """``client("vanphong", "TaskApi")``: one of the generated classes, as somebody."""
    with served(hotline.app) as address:
        settings = generated.Configuration(host=f"{address}/engine-rest")

        def api(login: str, name: str) -> Any:
            header = f"Bearer {hotline.tokens[login]}"
            return getattr(generated, name)(generated.ApiClient(settings, "Authorization", header))

        yield api


def no(status: int, call: Callable[..., Any], *said: Any, **more: Any) -> str:
    """That a client's call is refused with this status; the sentence."""
    with pytest.raises(generated.ApiException) as caught:
        call(*said, **more)
    assert caught.value.status == status, caught.value.body
    return str(caught.value.body)


def test_definitions(hotline: Hotline, client: Api) -> None:
    number = hotline.assigned()
    hotline.receives()
    office = client("vanphong", "ProcessDefinitionApi")
    [definition] = office.get_process_definitions(latest_version=True)

    assert office.get_start_form(definition.id).key is None  # form-js, by `camundaFormRef`
    [form] = {Rest(hotline, "truc").get(f"/process-definition/{one}/startForm").json["camundaFormRef"]["key"]
              for one in (definition.id, "key/PAKN", "key/PAKN/tenant-id/74")}  # fmt: skip
    assert form == "tiep_nhan_phan_anh"
    assert Path(office.get_deployed_start_form_by_key("PAKN")).read_text(encoding="utf-8").startswith("{")
    assert office.get_start_form_variables_by_key("PAKN").keys() == {"noi_dung", "ghi_chu"}
    assert Rest(hotline, "vanphong").get("/process-definition/key/PAKN/diagram").status_code == 204
    assert office.get_static_called_process_definitions(definition.id) == []
    [statistic] = office.get_process_definition_statistics(incidents=True)
    assert (statistic.id, statistic.instances, statistic.failed_jobs) == (definition.id, 2, 0)
    found = {one.id: one.instances for one in office.get_activity_statistics(definition.id)}
    assert found == {"tiep_nhan": 1, "xu_ly": 1}
    assert client("phuong", "ProcessDefinitionApi").get_process_definition_statistics()[0].instances == 1
    values = {"noi_dung": generated.VariableValueDto(value="Qua biểu mẫu")}
    started = client("app", "ProcessDefinitionApi").submit_form_by_key(
        "PAKN", start_process_instance_form_dto=generated.StartProcessInstanceFormDto(variables=values))  # fmt: skip
    assert hotline.case(started.id)["number"] != number

    analyst = client("phantich", "ProcessDefinitionApi")
    held = generated.ProcessDefinitionSuspensionStateDto(process_definition_key="PAKN", suspended=True)
    suspend = analyst.update_process_definition_suspension_state
    assert "Nothing would take the reports" in no(400, suspend, process_definition_suspension_state_dto=held)
    hotline.deploys(process__bpmn=asking())
    [second] = office.get_process_definitions(version=2)
    one = {"processDefinitionId": second.id, "suspended": True}
    answer = Rest(hotline, "phantich").post("/process-definition/suspended", one, method="PUT")
    assert (answer.status_code, office.get_process_definitions_count(suspended=True).count) == (204, 1)
    no(403, client("phuong", "ProcessDefinitionApi").update_process_definition_suspension_state,
       process_definition_suspension_state_dto=held)  # fmt: skip
    assert "not deleted" in no(403, analyst.delete_process_definition, definition.id)
    assert set(client("vanphong", "DeploymentApi").get_registered_deployments()) == {"1", "2"}


def test_tasks_and_what_belongs_to_them(hotline: Hotline, client: Api, tmp_path: Path) -> None:
    number = hotline.assigned()
    handler = client("phuong", "TaskApi")
    [task] = handler.get_tasks(process_instance_id=number)

    variables = client("phuong", "TaskVariableApi")
    assert variables.get_task_variable(task.id, "noi_dung").value == "Tụ tập đông người tại chợ"
    assert Path(variables.get_task_variable_binary(task.id, "noi_dung")).read_text(encoding="utf-8").startswith("Tụ")
    assert "no variable 'la'" in no(404, variables.get_task_variable, task.id, "la")
    assert client("phuong", "TaskLocalVariableApi").get_task_local_variables(task.id) == {}
    no(404, client("phuong", "TaskLocalVariableApi").get_task_local_variable, task.id, "noi_dung")
    assert "messages alone" in no(403, variables.put_task_variable, task.id, "noi_dung",
                                  variable_value_dto=generated.VariableValueDto(value="x"))  # fmt: skip
    assert Path(handler.get_deployed_form(task.id)).read_text(encoding="utf-8").startswith("{")

    photo = tmp_path / "ảnh.txt"
    photo.write_text("Đã đến nhà", encoding="utf-8")
    files = client("phuong", "TaskAttachmentApi")
    made = files.add_attachment(task.id, attachment_name="Biên bản.txt", content=str(photo))
    assert [(one.id, one.name) for one in files.get_attachments(task.id)] == [(made.id, "Biên bản.txt")]
    assert files.get_attachment(task.id, made.id).type == "text/plain"
    assert Path(files.get_attachment_data(task.id, made.id)).read_text(encoding="utf-8") == "Đã đến nhà"
    no(404, client("binh", "TaskAttachmentApi").get_attachments, task.id)
    said = client("phuong", "TaskCommentApi")
    comment = said.create_comment(task.id, comment_dto=generated.CommentDto(message="Đang đến nơi"))
    assert said.get_comment(task.id, comment.id).message == "Đang đến nơi"
    whole = Rest(hotline, "phuong").get(f"/process-instance/{number}/comment").json
    assert [one["message"] for one in whole] == ["Đang đến nơi"]

    handler.update_task(task.id, task_dto=generated.TaskDto(assignee="phuong", name=task.name))
    assert handler.get_task(task.id).assignee == "phuong"
    assert "the diagram's to say" in no(400, handler.update_task, task.id,
                                        task_dto=generated.TaskDto(assignee="phuong", name="khác"))  # fmt: skip
    handler.update_task(task.id, task_dto=generated.TaskDto())
    assert handler.get_task(task.id).assignee is None
    assert "draw a choice" in no(403, handler.handle_bpmn_error, task.id,
                                 task_bpmn_error_dto=generated.TaskBpmnErrorDto(error_code="E"))  # fmt: skip
    waits = client("vanphong", "EventSubscriptionApi").get_event_subscriptions(process_instance_id=number)
    assert {(one.event_type, one.event_name) for one in waits} >= {("message", "msg_tra_lai")}
    assert client("binh", "EventSubscriptionApi").get_event_subscriptions_count().count == 0


def test_history_of_incidents_and_of_what_people_did(hotline: Hotline, client: Api) -> None:
    hotline.deploys(process__bpmn=asking())
    number, worker = hotline.receives(), Rest(hotline, "dich_vu")
    [task] = fetched(worker)
    worker.post(f"/external-task/{task['id']}/failure", {"workerId": "w1", "errorMessage": "hỏng", "retries": 0})
    incidents, past = client("phantich", "IncidentApi"), client("phantich", "HistoricIncidentApi")
    [found] = incidents.get_incidents(process_instance_id=number)

    incidents.set_incident_annotation(found.id, annotation_dto=generated.AnnotationDto(annotation="đã gọi nhà mạng"))
    assert incidents.get_incident(found.id).annotation == "đã gọi nhà mạng"
    incidents.clear_incident_annotation(found.id)
    assert incidents.get_incident(found.id).annotation is None
    no(404, client("phuong", "IncidentApi").clear_incident_annotation, found.id)
    assert past.get_historic_incidents_count(open=True).count == 1
    incidents.resolve_incident(found.id)
    [resolved] = past.get_historic_incidents(resolved=True, process_definition_key="PAKN")
    assert (resolved.id, resolved.process_instance_id, resolved.open) == (found.id, number, False)

    log = client("vanphong", "HistoricUserOperationLogApi")
    done = log.query_user_operation_entries(process_instance_id=number)
    assert {one.user_id for one in done} == {"app", "phantich"}
    assert log.query_user_operation_count(process_instance_id=number, user_id="phantich").count == len(
        [one for one in done if one.user_id == "phantich"])  # fmt: skip
    refused(Rest(hotline, "binh").get("/history/user-operation", processInstanceId=number), 404)
    hotline_visit = Rest(hotline, "vanphong").get("/history/activity-instance", processInstanceId=number).json[0]
    assert client("vanphong", "HistoricActivityInstanceApi").get_historic_activity_instance(hotline_visit["id"])
    one = client("vanphong", "HistoricVariableInstanceApi").get_historic_variable_instance(f"{number}:noi_dung")
    assert one.value == "Tụ tập đông người tại chợ"


def test_batches_are_done_by_workers_and_looked_on(hotline: Hotline, client: Api) -> None:
    numbers = [hotline.assigned() for _ in range(3)]
    ended = numbers[0]
    instances, batches = client("vanphong", "ProcessInstanceApi"), client("vanphong", "BatchApi")
    hold = generated.ProcessInstanceSuspensionStateAsyncDto(suspended=True, process_instance_ids=[*numbers, "khong-co"])
    batch = instances.update_suspension_state_async_operation(process_instance_suspension_state_async_dto=hold)
    assert (batch.type, batch.total_jobs, batch.suspended) == ("instance-update-suspension-state", 4, False)
    pause = generated.SuspensionStateDto(suspended=True)
    batches.update_batch_suspension_state(batch.id, suspension_state_dto=pause)
    worker = Worker(hotline.runtime, {})
    worker.migrate()
    [standing] = batches.get_batch_statistics()
    assert (standing.suspended, standing.remaining_jobs) == (True, 4)
    batches.update_batch_suspension_state(batch.id, suspension_state_dto=generated.SuspensionStateDto(suspended=False))
    assert worker.migrate(limit=2) == 2
    [standing] = batches.get_batch_statistics(batch_id=batch.id)
    assert (standing.completed_jobs, standing.remaining_jobs, standing.failed_jobs) == (2, 2, 0)
    worker.migrate()

    assert instances.get_process_instances_count(suspended=True).count == 3
    no(404, batches.get_batch, batch.id)  # it is over
    past = Rest(hotline, "vanphong").get(f"/history/batch/{batch.id}").json
    assert (past["totalJobs"], [one["subject"] for one in past["refused"]]) == (4, ["khong-co"])
    assert client("vanphong", "HistoricBatchApi").get_historic_batch(batch.id).end_time is not None
    refused(Rest(hotline, "phantich").get(f"/history/batch/{batch.id}"), 404)  # another's
    back = generated.ProcessInstanceSuspensionStateDto(suspended=False, process_instance_ids=numbers)
    instances.update_suspension_state(process_instance_suspension_state_dto=back)
    assert instances.get_process_instances_count(suspended=True).count == 0

    may_not = client("phuong", "ProcessInstanceApi").update_suspension_state_async_operation(
        process_instance_suspension_state_async_dto=hold)  # fmt: skip
    worker.migrate()
    assert len(Rest(hotline, "phuong").get(f"/history/batch/{may_not.id}").json["refused"]) == 4
    again = instances.update_suspension_state_async_operation(process_instance_suspension_state_async_dto=hold)
    batches.delete_batch(again.id)
    worker.migrate()
    assert hotline.case(ended)["status"] == "dang_xu_ly" and batches.get_batches_count().count == 0
    none = {"suspended": True}
    answer = Rest(hotline, "vanphong").post("/process-instance/suspended-async", none)
    assert "processInstanceIds" in refused(answer, 400)


def test_a_batch_is_done_as_narrowly_as_the_token_that_asked_for_it(hotline: Hotline) -> None:
    number = hotline.assigned()
    narrow = {"label": "chỉ xem", "scopes": ["read"]}
    hotline.tokens["xem"] = hotline.as_("vanphong").post("/tokens", narrow).json["token"]

    body = {"suspended": True, "processInstanceIds": [number]}
    batch = Rest(hotline, "xem").post("/process-instance/suspended-async", body).json["id"]
    Worker(hotline.runtime, {}).migrate()

    office = Rest(hotline, "vanphong")
    [refusal] = office.get(f"/history/batch/{batch}").json["refused"]
    assert refusal["subject"] == number and "it is for the scopes ['read'], not for operate" in refusal["why"]
    assert office.get("/process-instance/count", suspended="true").json == {"count": 0}


def test_retries_for_many_at_once(hotline: Hotline, client: Api) -> None:
    hotline.deploys(process__bpmn=asking())
    numbers = [hotline.receives() for _ in range(2)]
    app, office = Rest(hotline, "dich_vu"), Rest(hotline, "vanphong")
    for task in fetched(app):
        app.post(f"/external-task/{task['id']}/failure", {"workerId": "w1", "errorMessage": "hỏng", "retries": 0})
    assert office.get("/incident/count").json == {"count": 2}
    wish = generated.SetRetriesForExternalTasksDto(retries=3, process_instance_ids=numbers)
    batch = client("dich_vu", "ExternalTaskApi").set_external_task_retries_async_operation(
        set_retries_for_external_tasks_dto=wish)  # fmt: skip
    assert (batch.type, batch.total_jobs) == ("set-external-task-retries", 2)
    Worker(hotline.runtime, {}).migrate()
    assert office.get("/incident/count").json == {"count": 0}
    assert len(fetched(app)) == 2

    [timer, *_] = client("vanphong", "JobApi").get_jobs()
    some = generated.SetJobRetriesDto(retries=2, job_ids=[timer.id])
    batch = client("vanphong", "JobApi").set_job_retries_async_operation(set_job_retries_dto=some)
    Worker(hotline.runtime, {}).migrate()
    assert office.get(f"/history/batch/{batch.id}").json["refused"] == []
    assert client("vanphong", "JobApi").get_stacktrace(timer.id) in (None, "")
    refused(office.post("/job/retries", {"retries": 0, "jobIds": [timer.id]}), 400)


def test_a_task_list_keeps_its_filters(hotline: Hotline, client: Api) -> None:
    number = hotline.receives()
    filters, others = client("truc", "FilterApi"), client("vanphong", "FilterApi")
    wish = generated.CreateFilterDto(
        resource_type="Task", name="Chưa ai nhận", query={"candidateGroup": "tongdai_74", "sorting": [
            {"sortBy": "created", "sortOrder": "asc"}]}, properties={"color": "#3e4d2f"})  # fmt: skip

    made = filters.create_filter(create_filter_dto=wish)

    assert [one["processInstanceId"] for one in Rest(hotline, "truc").get(f"/filter/{made.id}/list").json] == [number]
    assert filters.execute_filter_count(made.id).count == 1
    assert Rest(hotline, "truc").get(f"/filter/{made.id}/singleResult").json["processInstanceId"] == number
    changed = generated.CreateFilterDto(resource_type="Task", name="Của tôi", query={"assignee": "truc"})
    filters.update_filter(made.id, create_filter_dto=changed)
    assert filters.execute_filter_count(made.id).count == 0
    assert Rest(hotline, "truc").get(f"/filter/{made.id}/singleResult").status_code == 204
    with hotline.runtime.begin() as unit:  # what they keep on our own page is nothing to a client
        kept_filters.keep(unit, "viec", "Hết gạo", {"q": "gạo"}, by=accounts.account(unit, "truc"))
    assert [(one.name, one.owner) for one in filters.get_filter_list()] == [("Của tôi", "truc")]
    assert others.get_filter_count().count == 0
    no(404, others.get_single_filter, made.id)
    bad = generated.CreateFilterDto(resource_type="Task", name="x", query={"mau": "xanh"})
    assert "'mau' is not understood" in no(400, filters.create_filter, create_filter_dto=bad)
    filters.delete_filter(made.id)
    assert filters.get_filter_list() == []


def test_what_is_refused_says_why(hotline: Hotline) -> None:
    office = Rest(hotline, "vanphong")
    for why, addresses in REFUSED.items():
        for rule, methods in addresses.items():
            path = re.sub(r"<key:\w+>", "1", re.sub(r"<(name|string):\w+>", "x", rule))
            for method in methods.split():
                assert refused(office.post(path, {}, method=method), 403) == why
    assert hotline.app.test_client().post("/engine-rest/task/create").status_code == 401

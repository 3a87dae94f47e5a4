"""Real clients of Camunda 7's REST API, unchanged, against a running server."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC
from threading import Thread
from typing import Any

import pytest
import requests

from tests.external import asking
from tests.hotline import Hotline
from tests.served import served

logging.getLogger("camunda").setLevel(logging.CRITICAL)


@pytest.fixture
def engine_rest(hotline: Hotline) -> Iterator[str]:
    hotline.deploys(process__bpmn=asking())
    with served(hotline.app) as address:
        yield f"{address}/engine-rest"


def _session(hotline: Hotline, login: str) -> requests.Session:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {hotline.tokens[login]}"
    return session


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pydantic, in how the client uses it
def test_the_python_external_task_worker(hotline: Hotline, engine_rest: str) -> None:
    from camunda.external_task.external_task import ExternalTask, TaskResult
    from camunda.external_task.external_task_worker import ExternalTaskWorker

    done, failed = hotline.receives("Nhà hết gạo"), hotline.receives("Nhà mất điện")
    seen: list[Any] = []

    def look_up(task: ExternalTask) -> TaskResult:
        seen.append((task.get_business_key(), task.get_variable("noi"), task.get_activity_id()))
        if task.get_business_key() == failed:
            return task.failure("máy chủ bận", "chi tiết", max_retries=1, retry_timeout=0)
        return task.complete({"chu_ho": True})

    config = {"auth_bearer": {"access_token": hotline.tokens["app"]}, "maxTasks": 5, "asyncResponseTimeout": 0,
              "httpTimeoutMillis": 10_000}  # fmt: skip
    worker = ExternalTaskWorker("w1", engine_rest, config)
    worker.fetch_and_execute("tra_cuu", look_up)

    assert seen == [(done, "718", "tra_cuu"), (failed, "718", "tra_cuu")]
    assert hotline.task("truc", done)["element"] == "tiep_nhan"
    worker.fetch_and_execute("tra_cuu", look_up)  # 1 retry left, then none
    assert hotline.as_("vanphong").get("/incidents").json["items"][0]["case"] == failed


def test_pycamunda(hotline: Hotline, engine_rest: str) -> None:
    import pycamunda.deployment
    import pycamunda.externaltask
    import pycamunda.processdef
    import pycamunda.processinst
    import pycamunda.task
    import pycamunda.version

    assert pycamunda.version.Get(url=engine_rest)() == "7.24.0"
    number = hotline.receives()
    app, desk = _session(hotline, "app"), _session(hotline, "truc")

    definitions = pycamunda.processdef.GetList(engine_rest, latest_version=True)
    definitions.session = app
    assert [(one.key, one.version) for one in definitions()] == [("PAKN", 2)]
    fetch = pycamunda.externaltask.FetchAndLock(engine_rest, worker_id="w1", max_tasks=1)
    fetch.add_topic("tra_cuu", lock_duration=60_000)
    fetch.session = app
    [task] = fetch()
    assert (task.business_key, task.lock_expiration_time.astimezone(UTC).minute) == (number, 1)
    complete = pycamunda.externaltask.Complete(engine_rest, id_=task.id_, worker_id="w1")
    complete.add_variable("so", 4)
    complete.session = app
    complete()
    listed = pycamunda.task.GetList(engine_rest, candidate_group="tongdai_74")
    listed.session = desk
    [waiting] = listed()
    assert (waiting.process_instance_id, waiting.task_definition_key) == (number, "tiep_nhan")
    claim = pycamunda.task.Claim(engine_rest, id_=waiting.id_, user_id="truc")
    claim.session = desk
    claim()
    finish = pycamunda.task.Complete(engine_rest, id_=waiting.id_)
    finish.add_variable("lead_agency", "ubnd_74_718")
    finish.session = desk
    finish()
    instances = pycamunda.processinst.GetList(engine_rest)
    instances.session = _session(hotline, "vanphong")
    assert [one.id_ for one in instances()] == [number]
    assert hotline.case(number)["status"] == "dang_xu_ly"


def test_the_generated_client_reads_our_answers(hotline: Hotline, engine_rest: str) -> None:
    import generic_camunda_client as generated

    number = hotline.receives()
    configuration = generated.Configuration(host=engine_rest)
    with generated.ApiClient(configuration, "Authorization", f"Bearer {hotline.tokens['app']}") as client:
        topic = generated.FetchExternalTaskTopicDto(topic_name="tra_cuu", lock_duration=60_000)
        wish = generated.FetchExternalTasksDto(worker_id="w1", max_tasks=1, topics=[topic])
        [task] = generated.ExternalTaskApi(client).fetch_and_lock(fetch_external_tasks_dto=wish)
        assert (task.business_key, task.variables["noi"].value) == (number, "718")
        assert generated.ExternalTaskApi(client).get_external_tasks_count(locked=True).count == 1
        [definition] = generated.ProcessDefinitionApi(client).get_process_definitions(latest_version=True)
        assert (definition.key, definition.version) == ("PAKN", 2)
        [instance] = generated.ProcessInstanceApi(client).get_process_instances(business_key=number)
        assert (instance.id, instance.ended) == (number, False)


def test_whoever_waits_is_answered_as_soon_as_there_is_something(hotline: Hotline, engine_rest: str) -> None:
    wish = {"workerId": "w1", "maxTasks": 1, "asyncResponseTimeout": 20_000,
            "topics": [{"topicName": "tra_cuu", "lockDuration": 60_000}]}  # fmt: skip
    answers: list[Any] = []

    def ask() -> None:
        answers.append(_session(hotline, "app").post(f"{engine_rest}/external-task/fetchAndLock", json=wish).json())

    asker = Thread(target=ask)
    asker.start()
    time.sleep(0.5)  # it waits by now; if it does not, it is answered all the same
    number = hotline.receives()
    asker.join(15)

    assert [[task["businessKey"] for task in answer] for answer in answers] == [[number]]

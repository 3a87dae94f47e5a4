"""Real clients of Camunda 7's REST API, unchanged, against a running server."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests

from tests.drawing import draw
from tests.external import ASKING, asking
from tests.hotline import Hotline
from tests.served import served
from tests.test_ui_office import enters
from webapi import camunda
from webapi.camunda import waiting

logging.getLogger("camunda").setLevel(logging.CRITICAL)
PATIENCE = 60.0  # seconds, for a machine that is busy with something else


@pytest.fixture
def engine_rest(hotline: Hotline) -> Iterator[str]:
    hotline.deploys(process__bpmn=asking())
    with served(hotline.app) as address:
        yield f"{address}/engine-rest"
        camunda.waiting_room(hotline.app).close()


def _session(hotline: Hotline, login: str) -> requests.Session:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {hotline.tokens[login]}"
    return session


FILE = {"Origin": "file://", "accept": "application/json"}  # the Modeler's own page
only_once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def _modeler(hotline: Hotline, login: str) -> requests.Session:
    """What Camunda Modeler 5.50 sends along, as recorded; it gives up on each call after 5 s."""
    session = requests.Session()
    session.auth = (login, hotline.tokens[login])
    session.headers.update(FILE)
    return session


def _deploys(modeler: requests.Session, engine_rest: str, diagram: str, **more: str) -> requests.Response:
    fields = {"deployment-name": "Phản ánh", "deployment-source": "Camunda Modeler",
              "enable-duplicate-filtering": "true"}  # fmt: skip
    fields |= {key.replace("_", "-"): value for key, value in more.items()}
    parts: Any = [(key, (None, value)) for key, value in fields.items()]
    parts.append(("PAKN.bpmn", ("PAKN.bpmn", diagram, "text/xml")))
    return modeler.post(f"{engine_rest}/deployment/create", files=parts, timeout=PATIENCE)


@only_once
def test_the_desktop_modeler_finds_us_and_asks_who_we_are(hotline: Hotline, engine_rest: str) -> None:
    anybody = requests.get(f"{engine_rest}/deployment", params={"maxResults": 0}, headers=FILE, timeout=PATIENCE)
    assert (anybody.status_code, anybody.headers["Access-Control-Allow-Origin"]) == (401, "file://")
    assert anybody.json()["type"] == "AuthenticationException" and anybody.json()["message"]
    wrong = requests.get(f"{engine_rest}/deployment", auth=("phantich", "sai"), headers=FILE, timeout=PATIENCE)
    assert (wrong.status_code, wrong.headers["WWW-Authenticate"]) == (401, 'Basic realm="Thong Suot"')
    modeler = _modeler(hotline, "phantich")
    assert modeler.get(f"{engine_rest}/deployment?maxResults=0", timeout=PATIENCE).status_code == 200
    assert modeler.get(f"{engine_rest}/version", timeout=PATIENCE).json()["version"].startswith("7.")
    assert modeler.get(f"{engine_rest}/engine", timeout=PATIENCE).json() == [{"name": "default"}]


@only_once
def test_the_desktop_modeler_deploys_starts_and_opens_cockpit(hotline: Hotline, engine_rest: str) -> None:
    modeler = _modeler(hotline, "phantich")
    drawn = asking().replace('name="', 'name="Mới ', 1)
    deployed = _deploys(modeler, engine_rest, drawn).json()
    [made] = deployed["deployedProcessDefinitions"].values()
    assert deployed.keys() >= {"id", "links", "deployedCaseDefinitions", "deployedDecisionDefinitions"}
    assert (made["key"], made["version"]) == ("PAKN", 3)
    again = _deploys(modeler, engine_rest, drawn, deploy_changed_only="true").json()
    assert again["deployedProcessDefinitions"] is None
    assert "not of '99'" in _deploys(modeler, engine_rest, asking(), tenant_id="99").json()["message"]
    later = {"deployment_activation_time": "2031-01-01T00:00:00.000+0700", "tenant_id": "74"}
    planned = _deploys(modeler, engine_rest, asking().replace('name="', 'name="Năm sau ', 1), **later)
    assert planned.status_code == 200, planned.text
    current = modeler.get(f"{engine_rest}/process-definition?latestVersion=true", timeout=PATIENCE).json()
    assert [one["version"] for one in current] == [3]  # the later one is not in force yet
    faulty = _deploys(modeler, engine_rest, drawn.replace('camunda:topic="tra_cuu"', ""))
    said = "ENGINE-09005 Could not parse BPMN process. Errors:"
    assert faulty.status_code == 400 and faulty.json()["message"].startswith(said)
    refused = _deploys(_modeler(hotline, "phuong"), engine_rest, drawn)
    assert (refused.status_code, refused.json()["type"]) == (403, "AuthorizationException")

    started = requests.post(f"{engine_rest}/process-definition/{made['id']}/start", timeout=PATIENCE,
                            auth=("app", hotline.tokens["app"]), json={"businessKey": "MAY-1", "variables": {
                                "noi_dung": {"value": "Từ Modeler", "type": "String"}}})  # fmt: skip
    assert hotline.case(started.json()["id"])
    cockpit = modeler.get(engine_rest.replace("/engine-rest", "/.well-known/camunda-automation-platform/webapps"),
                          timeout=PATIENCE).json()["cockpitUrl"]  # fmt: skip
    led = requests.get(f"{cockpit}process-instance/{started.json()['id']}", allow_redirects=False, timeout=PATIENCE)
    assert led.headers["Location"].endswith(f"/vu-viec/{started.json()['id']}")
    one = '[{"type":"id","operator":"eq","value":"2"}]'
    for query, page in (("[]", "/quy-trinh"), (one, "/quy-trinh/phien-ban/2")):
        led = requests.get(f"{cockpit}repository?deploymentsQuery={query}", allow_redirects=False, timeout=PATIENCE)
        assert led.headers["Location"].endswith(page)


@only_once
def test_the_desktop_modeler_is_told_of_a_version_that_waits_for_approval(hotline: Hotline, engine_rest: str) -> None:
    hotline.asks_for_approval()
    modeler = _modeler(hotline, "phantich")
    drawn = asking().replace('name="', 'name="Chờ ', 1)
    deployed = _deploys(modeler, engine_rest, drawn).json()
    [made] = deployed["deployedProcessDefinitions"].values()
    assert "somebody else has approved" in json.dumps(deployed["details"])
    start = f"{engine_rest}/process-definition/{made['id']}/start"
    refused = requests.post(start, auth=("app", hotline.tokens["app"]), json={}, timeout=PATIENCE)
    said = (refused.status_code, refused.json()["message"])
    assert said == (400, f"Version {made['version']} of PAKN is not approved.")
    page = enters(hotline, "lan").opens(f"/quy-trinh/phien-ban/{deployed['id']}")
    assert page.url.endswith(f"/quy-trinh/PAKN/so-sanh?moi={made['version']}") and "Duyệt" in page.text


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

    config = {"auth_bearer": {"access_token": hotline.tokens["dich_vu"]}, "maxTasks": 5, "asyncResponseTimeout": 0,
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
    app, desk = _session(hotline, "dich_vu"), _session(hotline, "truc")

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
    with generated.ApiClient(configuration, "Authorization", f"Bearer {hotline.tokens['dich_vu']}") as client:
        topic = generated.FetchExternalTaskTopicDto(topic_name="tra_cuu", lock_duration=60_000)
        wish = generated.FetchExternalTasksDto(worker_id="w1", max_tasks=1, topics=[topic])
        [task] = generated.ExternalTaskApi(client).fetch_and_lock(fetch_external_tasks_dto=wish)
        assert (task.business_key, task.variables["noi"].value) == (number, "718")
        assert generated.ExternalTaskApi(client).get_external_tasks_count(locked=True).count == 1
        [definition] = generated.ProcessDefinitionApi(client).get_process_definitions(latest_version=True)
        assert (definition.key, definition.version) == ("PAKN", 2)
        [instance] = generated.ProcessInstanceApi(client).get_process_instances(business_key=number)
        assert (instance.id, instance.ended) == (number, False)


def test_whoever_waits_is_answered_as_soon_as_there_is_something_or_the_server_stops(
    hotline: Hotline, engine_rest: str
) -> None:
    wish = {"workerId": "w1", "maxTasks": 1, "asyncResponseTimeout": int(1000 * PATIENCE),
            "topics": [{"topicName": "tra_cuu", "lockDuration": 60_000}]}  # fmt: skip
    answers: list[Any] = []

    def ask() -> None:
        answers.append(_session(hotline, "dich_vu").post(f"{engine_rest}/external-task/fetchAndLock", json=wish).json())

    def asks_until(something: Callable[[], Any]) -> Any:
        asker = Thread(target=ask)
        asker.start()
        time.sleep(0.2)  # it waits by now; if it does not, it is answered all the same
        done = something()
        asker.join()
        return done

    number = asks_until(hotline.receives)
    asks_until(camunda.waiting_room(hotline.app).close)
    assert [[task["businessKey"] for task in answer] for answer in answers] == [[number], []]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_whoever_waits_is_woken_and_need_not_look_again(
    hotline: Hotline, engine_rest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for a report that follows another too closely for a notice of its own."""
    monkeypatch.setattr(waiting, "LOOK_ANYWAY", PATIENCE)
    started, began = hotline.clock.now, time.monotonic()
    hotline.runtime.clock = lambda: started + timedelta(seconds=time.monotonic() - began)
    app = _session(hotline, "dich_vu")
    wish = {"workerId": "w1", "maxTasks": 1, "asyncResponseTimeout": int(1000 * PATIENCE),
            "topics": [{"topicName": "tra_cuu", "lockDuration": 60_000}]}  # fmt: skip
    fetched: dict[str, float] = {}
    answered: dict[str, float] = {}

    def ask() -> None:
        while len(fetched) < 5:
            for task in app.post(f"{engine_rest}/external-task/fetchAndLock", json=wish).json():
                fetched[task["businessKey"]] = time.monotonic()

    asker = Thread(target=ask)
    asker.start()
    _until(lambda: camunda.waiting_room(hotline.app)._times)  # it listens
    for pause in (0.3, 0.3, 0.002, 0.002, 0.002):
        time.sleep(pause)
        answered[hotline.receives()] = time.monotonic()
    asker.join()

    late = [1000 * (fetched[number] - at) for number, at in answered.items()]
    print("from the report's answer to the task in the worker's hands, ms:", [round(one) for one in late])
    assert max(late) < 1000 * PATIENCE / 2  # looking would take all of it


WORKERS = Path(__file__).parent / "workers"


class JavaScriptWorker:
    """`camunda-external-task-client-js` in a process of its own; what it tells, line by line."""

    def __init__(self, hotline: Hotline, address: str, name: str, plan: dict[str, str]) -> None:
        self.told: list[dict[str, Any]] = []
        command = ["node", "worker.mjs", address, hotline.tokens["dich_vu"], name, json.dumps(plan)]
        path = f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}"
        self.process = subprocess.Popen(command, cwd=WORKERS, env=os.environ | {"PATH": path}, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
        self.reader = Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            if line.startswith("{"):  # the rest is the client's own log
                self.told.append(json.loads(line))

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join(10)
        if self.process.stdout is not None:
            self.process.stdout.close()


def _until(true: Any) -> None:
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_two_javascript_workers(hotline: Hotline, engine_rest: str) -> None:
    caught = ASKING + "\nboundary khong_co on=tra_cuu error=KHONG_CO\nuser tra_tay group=tongdai_74 form=phan_cong\n" \
        "khong_co -> tra_tay -> tiep_nhan\n"  # fmt: skip
    hotline.deploys(process__bpmn=draw(caught, "PAKN"))
    failed, wrong, slow, *rest = [hotline.receives() for _ in range(7)]
    plan = {failed: "fail", wrong: "error", slow: "extend"}
    workers = [JavaScriptWorker(hotline, engine_rest, name, plan) for name in ("js1", "js2")]
    try:
        def done() -> list[dict[str, Any]]:
            return [line for worker in workers for line in worker.told if line["what"] != "took"]

        _until(lambda: len(done()) == 8)  # seven, and the one that fails a second time
        assert sorted(line["number"] for line in done()) == sorted([failed, failed, wrong, slow, *rest])
        assert hotline.task("truc", wrong)["element"] == "tra_tay"
        assert hotline.task("truc", slow)["element"] == "tiep_nhan"
        assert [one["case"] for one in hotline.as_("vanphong").get("/incidents").json["items"]] == [failed]
        took = [line["id"] for worker in workers for line in worker.told if line["what"] == "took"]
        assert len(took) == len(set(took)) + 1  # nobody got what the other one had

        time.sleep(0.5)  # both wait by now
        late, asked = hotline.receives(), time.time()
        _until(lambda: len(done()) == 9)
        [woken] = [line["at"] for worker in workers for line in worker.told
                   if (line["what"], line["number"]) == ("took", late)]  # fmt: skip
        print(f"a waiting worker had the task {woken - asked * 1000:.0f} ms after the report was answered")
    finally:
        for worker in workers:
            worker.stop()

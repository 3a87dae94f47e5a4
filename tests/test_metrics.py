"""An operator's instruments: whether it lives, whether it is ready, how it does; and whoever may not ask."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from time import perf_counter, process_time
from typing import Any

import pytest
import yaml
from flask.globals import request_ctx
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import delete, func, insert, select, update

from engine import model
from engine.queues import presence
from engine.statistics import vitals
from engine.work.worker import Worker
from tests.hotline import Hotline
from tests.sources import ROOT
from webapi import create_app, pages
from webapi.clock import NodeClock
from webapi.config import BadSetting, read

KEPT = ROOT / "docs" / "operations"
RULES = yaml.safe_load((KEPT / "alerts.yaml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((KEPT / "grafana.json").read_text(encoding="utf-8"))
MARK = "Nguyễn Thị Dấu Vết"
HISTOGRAMS = ("thongsuot_request_seconds", "thongsuot_door_seconds")  # of which the sum is looked at by nobody


@pytest.fixture
def client(hotline: Hotline) -> Iterator[FlaskClient]:
    hotline.app.config["METRICS_FROM"] = (ip_network("127.0.0.1"),)
    for collector in list(hotline.app.extensions["thongsuot.metrics"]._collector_to_names):
        if hasattr(collector, "_asked"):
            collector._asked = None  # what another test's database said
    return hotline.app.test_client()


def scraped(client: FlaskClient) -> dict[str, dict[tuple[str, ...], float]]:
    """By name and the values of labels, in the order of their names."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found


def test_the_figures_are_those_of_the_hotline(hotline: Hotline, client: FlaskClient) -> None:
    hotline.deploys()
    number = hotline.receives(MARK)
    worker = Worker(hotline.runtime, {})
    worker.beat()
    with hotline.runtime.begin() as unit:
        case_id = unit.scalar(model.cases.select().with_only_columns(model.cases.c.id))
        unit.execute(update(model.outbox).values(state="dead"))
        unit.execute(insert(model.incidents).values(
            case_id=case_id, element="xu_ly", message=f"{MARK} 0912345678", step={}, opened_at=unit.now))  # fmt: skip
    hotline.clock.advance(timedelta(hours=6))

    found = scraped(client)

    assert found["thongsuot_due_lag_seconds"][("jobs",)] == 7200  # the case's warning was due after four
    assert found["thongsuot_due"][("jobs",)] >= 1 and found["thongsuot_due"][("services",)] == 0
    assert found["thongsuot_outbox"] == {("sms", "dead"): 1}
    assert found["thongsuot_incidents"] == {("xu_ly", "PAKN"): 1}
    assert found["thongsuot_cases_late"] == {("74",): 1}
    assert found["thongsuot_cases_stuck"][("incident",)] == found["thongsuot_cases_stuck"][("unrun-job",)] == 1
    assert found["thongsuot_workers"] == {(): 0} and found["thongsuot_worker_heartbeat_age_seconds"] == {(): 6 * 3600}
    assert found["thongsuot_schema_current"] == {(): 1}
    assert found["process_resident_memory_bytes"][()] > 10_000_000
    assert found["thongsuot_request_seconds_count"][("POST", "/api/v1/reports", "2xx")] >= 1
    text = client.get("/metrics").text
    assert MARK not in text and "0912345678" not in text and number not in text


def test_a_queue_is_counted_to_an_end(hotline: Hotline, client: FlaskClient, monkeypatch: Any) -> None:
    monkeypatch.setattr(vitals, "CAUSES", 2)
    hotline.deploys()
    hotline.receives()
    with hotline.runtime.begin() as unit:
        case_id = unit.scalar(model.cases.select().with_only_columns(model.cases.c.id))
        for element in ("a", "a", "a", "b", "b", "c", None):
            unit.execute(insert(model.incidents).values(
                case_id=case_id, element=element, message="?", step={}, opened_at=unit.now))  # fmt: skip
    with hotline.runtime.read() as unit:
        assert vitals.incidents_by_cause(unit) == {("PAKN", "a"): 3, ("PAKN", "b"): 2, ("others", "others"): 2}
    for one in (vitals._DUE, vitals._LOST, vitals._OWED, vitals._COUNT_TASKS):
        assert vitals.MOST in one.statement.compile().params.values()  # type: ignore[attr-defined]

    hotline.receives()
    with hotline.runtime.begin() as unit:
        another = unit.scalar(select(func.max(model.cases.c.id)))
        unit.execute(insert(model.incidents).values(case_id=another, message="?", step={}, opened_at=unit.now))
        assert vitals.stuck_cases(unit)["incident"] == 2
        monkeypatch.setattr(vitals, "MOST", 1)
        assert vitals.stuck_cases(unit)["incident"] == 1


def test_only_the_allowed_may_measure(client: FlaskClient) -> None:
    settings = client.application.config
    settings["METRICS_FROM"], settings["METRICS_TOKEN"] = (), ""
    for header in ("", "Bearer ", "Bearer x"):
        answer = client.get("/metrics", headers={"Authorization": header})
        assert (answer.status_code, answer.json["detail"].count("THONGSUOT_METRICS_")) == (403, 2)

    settings["METRICS_TOKEN"] = "bí mật"
    assert client.get("/metrics", headers={"Authorization": "Bearer bi mat"}).status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403
    settings["METRICS_FROM"] = (ip_network("10.0.0.0/8"), ip_network("::1"))
    assert client.get("/metrics").status_code == 403
    for address in ("10.3.2.1", "::1"):
        assert client.get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 200

    assert read({"THONGSUOT_METRICS_FROM": "10.0.0.0/8  ::1"})["METRICS_FROM"] == settings["METRICS_FROM"]
    with pytest.raises(BadSetting, match="addresses or networks"):
        read({"THONGSUOT_METRICS_FROM": "10.0.0.1/8"})


def test_a_server_says_what_it_lacks_and_lives_without(hotline: Hotline, client: FlaskClient) -> None:
    def ready() -> tuple[int, list[str]]:
        answer = client.get("/readyz")
        return answer.status_code, answer.json["faults"]

    assert ready() == (200, [pages.NOBODY])
    _stamp(hotline, "0001")
    assert ready() == (503, [pages.BEHIND])
    _stamp(hotline, "9999")  # a newer program has been here: what it added does not concern us
    assert ready() == (200, [pages.NOBODY])
    worker = Worker(hotline.runtime, {})
    worker.beat()
    assert ready() == (200, [])
    hotline.clock.advance(presence.ABSENT + timedelta(seconds=1))
    assert ready() == (200, [pages.NOBODY])
    worker.beat()
    worker.release()
    assert ready() == (200, [pages.NOBODY])
    assert client.get("/healthz").json == {"status": "alive"}


def test_a_clock_that_is_wrong_is_said_to_whoever_asks(
    hotline: Hotline, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = NodeClock(hotline.clock)
    monkeypatch.setattr(hotline.runtime, "clock", node)
    assert not any("NTP" in fault for fault in client.get("/readyz").json["faults"])

    node.wrong = timedelta(minutes=-10)

    assert client.get("/readyz").json["faults"][-1].startswith("This machine's clock is -600 s from the database's")
    assert scraped(client)["thongsuot_clock_ahead_seconds"] == {(): -600}


def _stamp(hotline: Hotline, revision: str) -> None:
    with hotline.runtime.begin() as unit:
        unit.connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")


def test_workers_that_died_are_swept_away(hotline: Hotline) -> None:
    Worker(hotline.runtime, {}, owner="dead").beat()
    hotline.clock.advance(presence.FORGET + timedelta(seconds=1))
    Worker(hotline.runtime, {}, owner="alive").beat()

    with hotline.runtime.read() as unit:
        assert [row.owner for row in unit.all(model.workers.select())] == ["alive"]
        assert presence.present(unit) == presence.Present(1, unit.now)
    with hotline.runtime.begin() as unit:
        unit.execute(delete(model.workers))


def test_without_a_database_it_says_so_and_measures_what_is_left(tmp_path: Any) -> None:
    away = create_app({"DATABASE": "postgresql+psycopg://nobody@127.0.0.1:1/none", "INSTANCE": str(tmp_path),
                       "METRICS_FROM": (ip_network("127.0.0.1"),)}).test_client()  # fmt: skip

    assert away.get("/healthz").status_code == 200
    assert (away.get("/readyz").status_code, away.get("/readyz").json["faults"]) == (503, [pages.AWAY])
    found = scraped(away)
    assert found["thongsuot_database_up"] == {(): 0}
    assert found["thongsuot_database_connections_max"] == {(): 18}
    assert "thongsuot_due" not in found and found["thongsuot_request_seconds_count"][("GET", "/readyz", "5xx")] == 2


def test_strangers_make_no_series(client: FlaskClient) -> None:
    def series() -> set[tuple[str, ...]]:
        return {key for key in scraped(client)["thongsuot_request_seconds_count"] if "" in key or "other" in key}

    client.open("/nowhere/1", method="FOO")
    before = series()
    for number in range(20):
        client.open(f"/nowhere/{number}", method=f"FOO{number}")
    assert series() == before and before


def test_noting_a_request_costs_less_than_five_microseconds(client: FlaskClient) -> None:
    app: Any = client.application
    with app.test_request_context("/healthz"):
        request_ctx.request.environ["thongsuot.began"] = perf_counter()
        costs = []
        for _ in range(50):
            began = process_time()
            for _ in range(1_000):
                app.timings.note(request_ctx.request, 200)
            costs.append((process_time() - began) / 1_000)
    assert min(costs) < 5e-6


# -- what is shipped for Prometheus and Grafana ----------------------------------------------------------------------


def expressions() -> Iterator[str]:
    for rule in RULES["groups"][0]["rules"]:
        yield rule["expr"]
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def test_every_figure_in_the_dashboard_and_the_alarms_exists(client: FlaskClient) -> None:
    client.get("/healthz")  # so that there is a request to tell of
    text = client.get("/metrics").text
    known = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE)) | set(re.findall(r"^(\w+)[{ ]", text, re.MULTILINE))

    asked = {name for one in expressions() for name in re.findall(r"\b(?:thongsuot|process)_\w+", one)}

    assert asked <= known and len(asked) > 20
    ours = {name for name in known if name.startswith("thongsuot_") and not name.startswith(HISTOGRAMS)}
    assert ours <= asked, "a figure that nobody looks at"


def test_every_alarm_has_its_paragraph_in_the_operators_page_and_is_heard_in_a_test() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rules = RULES["groups"][0]["rules"]

    assert [rule["alert"] for rule in rules if f"`{rule['alert']}`" not in page] == []
    tested = yaml.safe_load((KEPT / "alerts.test.yaml").read_text(encoding="utf-8"))["tests"]
    seen = {one["alertname"] for part in tested for one in part["alert_rule_test"] if one.get("exp_alerts")}
    assert {rule["alert"] for rule in rules} == seen
    silent = {one["alertname"] for one in tested[-1]["alert_rule_test"] if not one.get("exp_alerts")}
    assert {rule["alert"] for rule in rules} == silent, "which keep silent on a good day"
    assert {rule["labels"]["severity"] for rule in rules} == {"critical", "warning"}
    assert all(" / " in rule["annotations"]["summary"] for rule in rules)  # Vietnamese / English


def test_panels_do_not_lie_on_each_other() -> None:
    spots = [
        (place["x"] + x, place["y"] + y)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(place["w"])
        for y in range(place["h"])
    ]

    assert len(spots) == len(set(spots)) and max(x for x, _ in spots) < 24


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not here")
def test_prometheus_takes_the_rules_and_they_go_off() -> None:
    for command in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts.test.yaml"]):
        done = subprocess.run(["promtool", *command], cwd=KEPT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

"""``/metrics`` for Prometheus: how this process does, and how the hotline does.

What is counted in memory (`Timings`) is of this web process alone. What is asked of the database
(`engine.statistics.vitals`) is the same from whichever process: take the maximum, not the sum. It is asked at most once
in `FRESH` seconds.
"""

from __future__ import annotations

import hmac
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from threading import Lock
from time import monotonic, perf_counter
from typing import Any

from flask import Flask, Request, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from engine.errors import NotAllowed
from engine.queues import presence
from engine.runtime import Runtime, Unit
from engine.statistics import vitals
from engine.storage import connections, schema
from webapi import auth
from webapi.clock import node_clock

BOUNDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
BEGAN = "thongsuot.began"  # in a request's environment: when it began, by `perf_counter`
FRESH = 5.0


def register(app: Flask) -> None:
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(Hotline(app))  # type: ignore[arg-type]
    registry.register(app.timings)  # type: ignore[attr-defined]
    registry.register(app.standing)  # type: ignore[attr-defined]
    app.extensions["thongsuot.metrics"] = registry
    app.add_url_rule("/metrics", "metrics", metrics)


def metrics() -> Response:
    """Everything there is to measure, as Prometheus reads it."""
    _admit()
    return Response(generate_latest(current_app.extensions["thongsuot.metrics"]), content_type=CONTENT_TYPE_LATEST)


def _admit() -> None:
    """Raises:
    NotAllowed: neither the address nor the token is one that may read this.
    """
    token, sent = current_app.config["METRICS_TOKEN"], request.headers.get("Authorization", "")
    if token and hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
        return
    try:
        caller = ip_address(auth.address())
    except ValueError:
        caller = None
    if caller is None or not any(caller in network for network in current_app.config["METRICS_FROM"]):
        raise NotAllowed("Measurements are for THONGSUOT_METRICS_FROM, or who sends THONGSUOT_METRICS_TOKEN.")


class Timings:
    """How long requests have taken, by route, method and class of status; until the first byte leaves."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str, int], list[float]] = {}
        self._lock = Lock()

    def note(self, request: Request, status: int) -> float:
        seconds = perf_counter() - request.environ[BEGAN]
        rule = request.url_rule
        series = (rule.rule if rule else "", request.method, status // 100)
        with self._lock:
            _count(self._series.get(series) or self._opened(*series), seconds)
        return seconds

    def _opened(self, route: str, method: str, status: int) -> list[float]:
        known = (route, method if method in METHODS else "other", status)
        return self._series.setdefault(known, _nothing())

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(
            "thongsuot_request_seconds", "How long requests took.", labels=["route", "method", "status"]
        )
        with self._lock:
            found = [(series, list(counts)) for series, counts in self._series.items()]
        for (route, method, status), counts in found:
            family.add_metric([route, method, f"{status}xx"], list(_cumulated(counts[:-1])), counts[-1])
        yield family


class Standing:
    """How long requests stood at the door (`webapi.door`), until a thread took them or until they were sent away."""

    def __init__(self) -> None:
        self._ends = {"taken": _nothing(), "sent away": _nothing()}
        self._lock = Lock()

    def note(self, end: str, seconds: float) -> None:
        with self._lock:
            _count(self._ends[end], seconds)

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily("thongsuot_door_seconds", "How long requests stood at the door.", labels=["end"])
        with self._lock:
            for end, counts in self._ends.items():
                family.add_metric([end], list(_cumulated(counts[:-1])), counts[-1])
        yield family


def _nothing() -> list[float]:
    """By `BOUNDS`, beyond them, and the sum of the seconds."""
    return [0.0] * (len(BOUNDS) + 2)


def _count(counts: list[float], seconds: float) -> None:
    counts[bisect_left(BOUNDS, seconds)] += 1
    counts[-1] += seconds


def _cumulated(counts: list[float]) -> Iterator[tuple[str, float]]:
    total = 0.0
    for bound, count in zip([*map(str, BOUNDS), "+Inf"], counts, strict=True):
        total += count
        yield bound, total


class Hotline:
    """What is asked of the database, and of the connections to it."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._asked: tuple[float, list[Metric]] | None = None
        self._turn = Lock()

    def collect(self) -> Iterable[Metric]:
        with self._turn:  # two who scrape at once ask once
            if self._asked is None or monotonic() - self._asked[0] > FRESH:
                self._asked = (monotonic(), list(_ask(auth.runtime_of(self._app))))
            return self._asked[1]


def _ask(runtime: Runtime) -> Iterator[Metric]:
    began = perf_counter()
    yield _gauge("build_info", "Which version runs.", {(_version(),): 1}, "version")
    yield from _pool(runtime.database)
    clock = node_clock(runtime)
    wrong = {(): clock.wrong.total_seconds()} if clock else {}
    yield _gauge("clock_ahead_seconds", "By how much this machine's clock is ahead of the database's.", wrong)
    try:
        with runtime.read() as unit:
            found = [*_state(unit), *_queues(unit), *_work(unit)]
    except DBAPIError:
        yield _gauge("database_up", "Whether the database answers.", {(): 0})
        return
    yield _gauge("database_up", "Whether the database answers.", {(): 1})
    yield from found
    yield _gauge("scrape_seconds", "How long asking the database took.", {(): perf_counter() - began})


def _state(unit: Unit) -> Iterator[Metric]:
    current = schema.standing(unit.connection) == schema.CURRENT
    yield _gauge("schema_current", "Whether the tables are of the version this code expects.", {(): current})
    workers = presence.present(unit)
    yield _gauge("workers", "Workers seen within a minute.", {(): workers.count})
    ages = {(): (unit.now - workers.seen_at).total_seconds()} if workers.seen_at else {}
    yield _gauge("worker_heartbeat_age_seconds", "Since the last heart-beat of any worker.", ages)


def _queues(unit: Unit) -> Iterator[Metric]:
    due = {(name,): found for name, found in vitals.due(unit).items()}
    counts, lags = ({key: found[part] for key, found in due.items()} for part in (0, 1))
    yield _gauge("due", f"What is due and not begun, {vitals.MOST} at most.", counts, "queue")
    yield _gauge("due_lag_seconds", "For how long the oldest of what is due has been.", lags, "queue")
    lost = {(name,): count for name, count in vitals.lost_leases(unit).items()}
    yield _gauge("lost_leases", "Held by a worker that has not been heard of.", lost, "queue")
    yield _gauge("outbox", f"Messages and calls not sent, {vitals.MOST} at most.", vitals.owed(unit), "kind", "state")


def _work(unit: Unit) -> Iterator[Metric]:
    late = {(province,): count for province, count in vitals.late_cases(unit).items()}
    yield _gauge("cases_late", "Open cases past their deadline.", late, "province")
    yield _gauge("tasks_late", "Open tasks past their deadline.", {(): vitals.late_tasks(unit)})
    causes = vitals.incidents_by_cause(unit)
    yield _gauge("incidents", "Steps that could not be taken.", causes, "report_type", "element")
    stuck = {(reason,): count for reason, count in vitals.stuck_cases(unit).items()}
    yield _gauge("cases_stuck", f"Cases that will not move by themselves, {vitals.MOST} at most.", stuck, "reason")


def _pool(database: Engine) -> Iterator[Metric]:
    pool, known = database.pool, connections.of(database)
    if isinstance(pool, QueuePool):
        in_use = pool.checkedout() - known.resting
        states = {("in_use",): in_use, ("idle",): len(known) - in_use}
        yield _gauge("database_connections", "Connections of this process.", states, "state")
        most = pool.size() + pool._max_overflow
        yield _gauge("database_connections_max", "The most that this process opens.", {(): most})


def _gauge(name: str, says: str, values: dict[Any, float], *labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"thongsuot_{name}", says, labels=labels)
    for key, value in values.items():
        family.add_metric(key, float(value))
    return family


def _version() -> str:
    try:
        return version("thong-suot")
    except PackageNotFoundError:
        return "unknown"

"""Very many timers that wait: what they cost while they do, and how late ten thousand are that are due at one instant;
and very many jobs that are due already."""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import exists, func, literal_column, select

from bench import fill, ours
from bench import floor as floors
from bench.bed import Bed, Figures, database_cpu, percentile, process_cpu, timed
from bench.hosts import running, workers
from bench.naive import Naive, drawn
from engine import model
from engine.runtime import Runtime
from engine.storage.database import connect
from engine.work.worker import Worker
from tests.drawing import draw

WAITING, AT_ONE_INSTANT, DRAINED = 1_000_000, 10_000, 1_000_000
BESIDE = 10_000  # of the drained, with the naive host and the floor
IDLE_SECONDS = 60
UNTIL_DUE = 5  # seconds in which nodes come to rest after their start
TYPE = """
start s ; catch wait timer=PT720H ; script note script="late = True" ; user look_after
tell send text=RESULT to=reporter ; end done
s -> wait -> note -> look_after -> send -> done
"""
TABLES = (model.cases, model.instances, model.participants, model.deadlines, model.jobs)


def filled(bed: Bed, name: str, count: int) -> tuple[str, str, range]:
    """A database in which so many cases wait for a timer, one hour to a year: its URL, a token, the cases' ids."""
    url = bed.make(name)
    token = ours.prepare(url, ours.files("WAIT", process__bpmn=draw(TYPE, "WAIT")))
    database = connect(url)
    ours.receive(Runtime(database, lambda: datetime.now(UTC)), "WAIT")
    database.dispose()
    bed.say(f"writing {count:,} waiting cases")
    spread = "strftime('%Y-%m-%d %H:%M:%f000', one.due_at, ((n * 7919) % 31000000) || ' seconds')"
    if bed.kind == "postgresql":
        spread = "now() + interval '1 hour' + ((n * 7919::bigint) % 31000000) * interval '1 second'"
    return url, token, fill.multiply(url, count, TABLES, {"jobs.due_at": spread})


def timers(bed: Bed) -> Figures:
    """Ten thousand of a million waiting timers are due at one instant: how late each is, with one node and two"""
    url, _token, cases = filled(bed, "timers", bed.some(WAITING))
    figures: Figures = {"waiting": len(cases)}
    due = bed.some(AT_ONE_INSTANT, 100)
    step = len(cases) // (2 * due)
    for nodes in (1, 2) if bed.kind == "postgresql" else (1,):  # SQLite has one writer
        ids = cases[nodes - 1 :: step][:due]
        found = _fired(bed, url, nodes, ids)
        figures |= {f"{nodes}_nodes_{key}": value for key, value in found.items()}
    if "2_nodes_fired_per_s" in figures:
        ratio = figures["2_nodes_fired_per_s"] / figures["1_nodes_fired_per_s"]
        figures["2_nodes_to_1_fired_per_s_ratio"] = round(ratio, 2)
    return figures


def _fired(bed: Bed, url: str, nodes: int, ids: range) -> Figures:
    bed.say(f"{len(ids):,} due at one instant, {nodes} worker node(s)")
    with workers(url, nodes) as started:
        at = datetime.now(UTC) + timedelta(seconds=UNTIL_DUE + len(ids) / 10_000)
        _due(url, ids, at)
        time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
        before = _cpu(url, started)
        _until_done(url, at)
        used = _cpu(url, started) - before
    lags, most = _lags(url, ids, at)
    return {
        "due_at_one_instant": len(ids),
        "lag_p50_s": round(percentile(lags, 0.5), 2),
        "lag_p99_s": round(percentile(lags, 0.99), 2),
        "fired_per_s": round(len(ids) / max(lags), 1),
        "cpu_ms_per_timer_with_database": round(used / len(ids) * 1000, 2),
        "fired_twice": most,
        "not_fired": len(ids) - len(lags),
    }


def _due(url: str, ids: range, at: datetime) -> None:
    database, jobs = connect(url), model.jobs
    spaced = (jobs.c.case_id - ids[0]) % ids.step == 0
    change = jobs.update().where(jobs.c.kind == "timer", jobs.c.case_id.between(ids[0], ids[-1]), spaced)
    with database.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(change.values(due_at=at))
    database.dispose()


def _until_done(url: str, at: datetime, patience: float = 3_600) -> None:
    """Wait until nothing of then is ready or held: two looks into indexes, and seldom, so as not to disturb."""
    database, jobs, until = connect(url), model.jobs, time.monotonic() + patience
    ready = (jobs.c.state == literal_column("'ready'")) & (jobs.c.priority == 1) & (jobs.c.due_at <= at)
    left = select(exists().where(ready) | exists().where(jobs.c.state == literal_column("'leased'")))
    while time.monotonic() < until:
        with database.connect() as connection:
            if not connection.execute(left).scalar():
                database.dispose()
                return
        time.sleep(0.5)
    raise RuntimeError(f"after {patience} s there were still timers to be fired")


def _lags(url: str, ids: range, at: datetime) -> tuple[list[float], int]:
    """How many seconds late each was, by the first line of its history; and how many have more than one."""
    found, twice = [], 0
    database = connect(url)
    events = model.events
    lines = select(events.c.case_id, func.min(events.c.at).label("at"), func.count().label("lines"))
    query = lines.where(events.c.kind == "moved", events.c.at >= at).group_by(events.c.case_id)
    with database.connect() as connection:
        for row in connection.execute(query):
            if row.case_id in ids:
                found.append((row.at - at).total_seconds())
                twice += row.lines > 1
    database.dispose()
    return found, twice


def _cpu(url: str, processes: list[subprocess.Popen[bytes]]) -> float:
    return sum(process_cpu(one.pid) for one in processes) + database_cpu(url)


def idle(bed: Bed) -> Figures:
    """What a web server, a worker and the database use while a million timers wait and nothing happens"""
    url, token, cases = filled(bed, "idle", bed.some(WAITING))
    seconds = bed.some(IDLE_SECONDS, 10)
    with running("ours", url, token) as web, workers(url, 1) as [worker]:
        time.sleep(UNTIL_DUE)
        bed.say(f"{seconds} s of nothing")
        before = (web.cpu_seconds(), process_cpu(worker.pid), database_cpu(url))
        began = time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - began
        after = (web.cpu_seconds(), process_cpu(worker.pid), database_cpu(url))
    used = [round((b - a) / took * 100, 2) for a, b in zip(before, after, strict=True)]
    return {"waiting": len(cases), **dict(zip(("web_cpu_%", "worker_cpu_%", "database_cpu_%"), used, strict=True))}


def drain(bed: Bed) -> Figures:
    """A million jobs are due already: how many each second, with one node and two"""
    figures: Figures = {}
    for nodes in (1, 2) if bed.kind == "postgresql" else (1,):
        url, _token, cases = filled(bed, f"drain_{nodes}", bed.some(DRAINED))
        found = _fired(bed, url, nodes, cases)
        bed.say(f"{nodes} node(s): {found}")
        figures |= {f"{nodes}_nodes_{key}": value for key, value in found.items() if "lag" not in key}
    if "2_nodes_fired_per_s" in figures:
        ratio = figures["2_nodes_fired_per_s"] / figures["1_nodes_fired_per_s"]
        figures["2_nodes_to_1_fired_per_s_ratio"] = round(ratio, 2)
    return figures | _beside(bed, figures["1_nodes_fired_per_s"])


def _beside(bed: Bed, our_rate: float) -> Figures:
    """The same with the naive host, which is told what is due and has nothing else to look at; and the rows alone."""
    bed.say("the naive host, and the floor")
    ours.prepare(url := bed.make("drain_floor"), ours.files("WAIT", process__bpmn=draw(TYPE, "WAIT")))
    floor, count = floors.Floor(url, "WAIT", _fire_once), bed.some(BESIDE, 100)
    naive = Naive(bed.make("drain_naive"), drawn(draw(TYPE.replace("PT720H", "'\"PT1S\"'"), "WAIT").encode(), "WAIT"))
    cases = [(naive.start(dict(ours.ANSWERS))[0], floor.write(0, None)) for _ in range(count)]
    time.sleep(1.0)
    naive_ms = timed(lambda: [naive.fire(one) for one, _ in cases])
    if not naive.fire(cases[0][0]):
        raise RuntimeError("The naive host's timers were not due.")
    floor_ms = timed(lambda: [floor.write(1, one) for _, one in cases])
    naive.database.dispose()
    floor.database.dispose()
    rates = {"naive": count / naive_ms * 1000, "floor": count / floor_ms * 1000}
    return {f"{name}_fired_per_s": round(rate, 1) for name, rate in rates.items()} | {
        f"1_nodes_ours_to_{name}_fired_per_s_ratio": round(our_rate / rate, 2) for name, rate in rates.items()
    }


def _fire_once(runtime: Runtime, case_id: int) -> bool:
    """Make a case's timer due, and have a worker fire it."""
    with runtime.begin() as unit:
        mine = (model.jobs.c.case_id == case_id) & (model.jobs.c.kind == "timer")
        found = unit.execute(model.jobs.update().where(mine).values(due_at=unit.now)).rowcount
    Worker(runtime, {}).work()
    return bool(found)

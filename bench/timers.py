"""Very many timers that wait: what they cost while they do, and how late ten thousand are that are due at one instant;
and very many jobs that are due already."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
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
BESIDE = 10_000  # with the naive host and the floor
POLLED = 2_000  # waiting timers that the naive host looks at, one in a hundred due
DUE_OF = WAITING // AT_ONE_INSTANT
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
    ours_s = due / figures["1_nodes_fired_per_s"]
    figures |= _beside(bed, "timers", figures["1_nodes_fired_per_s"]) | (polled := _polled(bed, "timers"))
    ratio = polled["naive_poll_s"] / polled["naive_waiting"] / (ours_s / len(cases))
    return figures | {"s_per_waiting_timer_naive_to_ours_ratio": round(ratio, 1)}


def _polled(bed: Bed, workload: str) -> Figures:
    """How long the naive host takes to come round to all of its waiting timers, and to fire those that are due."""
    naive, count = _naive(bed, f"polled_{workload}", "PT720H"), bed.some(POLLED, 100)
    soon = drawn(diagram("PT1S"), "WAIT")
    bed.say(f"the naive host looks into {count:,} cases whose timer is due, one in {DUE_OF} is")
    waits = naive.specs
    for n in range(count):
        naive.specs = waits if n % DUE_OF else soon
        naive.start(dict(ours.ANSWERS))
    time.sleep(1.0)
    used, fired = time.process_time(), []
    took = timed(lambda: fired.append(naive.poll())) / 1000
    used = time.process_time() - used
    naive.database.dispose()
    if fired != [-(-count // DUE_OF)]:
        raise RuntimeError(f"The naive host fired {fired}.")
    return {"naive_waiting": count, "naive_poll_s": round(took, 2), "naive_poll_cpu_s": round(used, 2)}


def _naive(bed: Bed, name: str, duration: str) -> Naive:
    return Naive(bed.make(f"naive_{name}"), drawn(diagram(duration), "WAIT"))


def diagram(duration: str) -> bytes:
    """As stock SpiffWorkflow reads it."""
    return draw(TYPE.replace("PT720H", f"'\"{duration}\"'"), "WAIT").encode()


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
    with running("floor", url) as floor:
        least = _resting(bed, url, {"web": floor.process.pid})
    with running("ours", url, token) as web, workers(url, 1) as [worker]:
        used = _resting(bed, url, {"web": web.process.pid, "worker": worker.pid})
    mine, polled = sum(used.values()), _polled(bed, "idle")
    polls = polled["naive_poll_cpu_s"] / polled["naive_waiting"] * len(cases) / 60 * 100
    figures: Figures = {"waiting": len(cases)} | polled
    for host, shares in (("", used), ("floor_", least)):
        figures |= {f"{host}{who}_cpu_%": round(share, 2) for who, share in shares.items()}
    return figures | {
        "naive_cpu_%_if_it_looked_once_a_minute": round(polls),
        "cpu_naive_to_ours_ratio": round(polls / mine, 1),
        "cpu_ours_to_floor_ratio": round(mine / sum(least.values()), 2),
    }  # fmt: skip


def _resting(bed: Bed, url: str, processes: dict[str, int]) -> dict[str, float]:
    """Per cent of a processor that each of these processes uses, and the database."""

    def used() -> dict[str, float]:
        return {name: process_cpu(pid) for name, pid in processes.items()} | {"database": database_cpu(url)}

    time.sleep(UNTIL_DUE)
    seconds = bed.some(IDLE_SECONDS, 10)
    bed.say(f"{seconds} s of nothing: {', '.join(processes)}")
    before, began = used(), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    return {name: (after - before[name]) / took * 100 for name, after in used().items()}


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
    return figures | _beside(bed, "drain", figures["1_nodes_fired_per_s"])


def _beside(bed: Bed, workload: str, our_rate: float) -> Figures:
    """The same with the naive host, which is told what is due and has nothing else to look at; and the rows alone."""
    bed.say("the naive host, and the floor")
    ours.prepare(url := bed.make(f"{workload}_floor"), ours.files("WAIT", process__bpmn=draw(TYPE, "WAIT")))
    floor, count = floors.Floor(url, _fired_once), bed.some(BESIDE, 100)
    naive = _naive(bed, f"told_{workload}", "PT1S")
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


def _fired_once(runtime: Runtime) -> Iterator[int]:
    """A case whose timer becomes due, and a worker fires it."""
    yield (case_id := ours.receive(runtime, "WAIT"))
    with runtime.begin() as unit:
        mine = (model.jobs.c.case_id == case_id) & (model.jobs.c.kind == "timer")
        unit.execute(model.jobs.update().where(mine).values(due_at=unit.now))
    Worker(runtime, {}).work()
    yield case_id

"""What handlers see all day: lists of tasks and of cases, and counts, over a million open tasks of fifty agencies."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from statistics import median
from typing import Any

from sqlalchemy import text

from bench import fill, ours
from bench.bed import Bed, Figures, percentile, timed
from bench.hosts import REPORT, Client, running
from bench.naive import LIFECYCLE, Naive, drawn
from engine import model, queries
from engine.people import accounts
from engine.queries import TaskFilter
from engine.runtime import Runtime
from engine.storage.database import connect

OPEN_TASKS = 1_000_000
AGENCIES, HANDLERS = 50, 200
LOOKS = 200  # of each kind
LOOKED_INTO = 2_000  # open tasks that the naive host can bear
FILTERS = {
    "mine": "assignee=me",
    "unclaimed": "assignee=",
    "agency": "group={agency}",
    "overdue": "due_before=2000-01-01T00:00:00Z",
    "soon": "due_before=2099-01-01T00:00:00Z",
    "type": "report_type=LIFE&area=999",
}
TABLES = (model.cases, model.instances, model.participants, model.people, model.deadlines, model.tasks)


def worklist(bed: Bed) -> Figures:
    """Lists and counts over a million open tasks, as 200 handlers ask for them; beside naive host and floor"""
    url = bed.make("worklist")
    ours.prepare(url)
    database = connect(url)
    runtime = Runtime(database, lambda: datetime.now(UTC))
    tokens = people(runtime)
    ours.receive(runtime, "LIFE")
    count = bed.some(OPEN_TASKS)
    bed.say(f"writing {count:,} open tasks of {AGENCIES} agencies")
    fill.multiply(url, count, TABLES, spread(bed.kind, runtime))
    figures: Figures = {"open_tasks": count}
    logins = list(tokens)
    looks = bed.some(LOOKS, 10)
    bed.say("counts: mine, unclaimed, the agency's")
    figures |= _said("counts", [timed(lambda: _count(runtime, random.choice(logins))) for _ in range(looks)])
    with running("ours", url) as host:
        clients = {}
        for login in random.sample(logins, 20):
            host.token = tokens[login]
            clients[login] = host.client()
        paths: dict[str, Callable[[str], str]] = {
            f"tasks_{name}": lambda login, words=words: f"/api/v1/tasks?limit=50&{words.format(agency=_agency(login))}"
            for name, words in FILTERS.items()
        }
        paths |= {
            "cases_newest": lambda _login: "/api/v1/cases?limit=50",
            "cases_open_by_due": lambda _login: "/api/v1/cases?limit=50&open=true&sort=due",
        }
        for name, path in paths.items():
            bed.say(f"list: {name}")
            figures |= _said(name, _asked(clients, path, looks))
        bed.say("a second page, and the twentieth")
        figures |= _said("tasks_page_20", [_paged(random.choice(list(clients.values())), 20) for _ in range(3)])
        figures |= _said("tasks_8_clients", _at_once(clients, looks))
        figures["worst_p95_ms"] = max(value for key, value in figures.items() if key.endswith("p95_ms"))
        figures |= _beside(bed, url, clients, looks)
    database.dispose()
    return figures


def _beside(bed: Bed, url: str, clients: dict[str, Client], looks: int) -> Figures:
    """An agency's list, beside one statement over the same table, and beside a host that keeps no list of tasks."""
    where, count = bed.make("worklist_naive"), bed.some(LOOKED_INTO, 100)
    naive = Naive(where, drawn(LIFECYCLE.read_bytes(), "LIFE"))
    bed.say(f"an agency's list beside the floor, and the naive host with {count:,} open tasks")
    for n in range(count):
        naive.start({**REPORT, "agency": f"desk_{n % AGENCIES}"})
    naive.database.dispose()
    with running("floor", url) as floor, running("naive", where) as slow:
        least, look = floor.client(), slow.client()
        took = []
        for login, client in random.choices([*clients.items()], k=looks):
            group = f"group={_agency(login)}"
            took.append((_list(client, f"/api/v1/tasks?limit=50&{group}"), _list(least, f"/tasks?{group}")))
        naive_ms = median(_list(look, f"/tasks?group=desk_{n}") for n in range(3))
    ours_ms, floor_ms = (median(times) for times in zip(*took, strict=True))
    return {
        "agency_list_ours_p50_ms": round(ours_ms, 2), "agency_list_floor_p50_ms": round(floor_ms, 2),
        "agency_list_naive_p50_ms": round(naive_ms, 2), "naive_open_tasks": count,
        "agency_list_ours_to_floor_ratio": round(median(mine / least for mine, least in took), 2),
        "agency_list_ms_per_open_task_naive_to_ours_ratio": round(
            naive_ms / count / (ours_ms / bed.some(OPEN_TASKS)), 1),
    }  # fmt: skip


def _list(client: Client, path: str) -> float:
    """Milliseconds of a list that has something in it."""
    answer: dict[str, Any] = {}
    took = timed(lambda: answer.update(client.get(path)))
    if not answer["items"]:
        raise RuntimeError(f"{client.host.name} has nothing at {path}")
    return took


def _agency(login: str) -> str:
    return f"desk_{int(login.removeprefix('handler_')) % AGENCIES}"


def people(runtime: Runtime) -> dict[str, str]:
    """Fifty agencies like the desk, and two hundred handlers: their tokens by login."""
    names = [name for name in model.agencies.c.keys() if name != "key"]
    columns = ", ".join(f'"{name}"' for name in names)
    tokens = {}
    with runtime.begin() as unit:
        for number in range(AGENCIES):
            unit.execute(
                text(f"INSERT INTO agencies (key, {columns}) SELECT :key, {columns} FROM agencies WHERE key = 'desk'"),
                {"key": f"desk_{number}"},
            )
        for number in range(HANDLERS):
            login = f"handler_{number}"
            values = {"login": login, "name": login, "role": "handler", "agency": _agency(login)}
            tokens[login] = ours.issue(unit, values)
    return tokens


def spread(kind: str, runtime: Runtime) -> dict[str, str]:
    """Tasks by turns with the agencies, due in the last ten days or the next thirty; every fifth has been claimed."""
    with runtime.read() as unit:
        first = accounts.account(unit, "handler_0").id
    agency = f"'desk_' || (n % {AGENCIES})"
    claimed = f"CASE WHEN (n / {HANDLERS}) % 5 = 0 THEN {first} + n % {HANDLERS} END"
    due = "strftime('%Y-%m-%d %H:%M:%f000', 'now', ((n * 7919) % 3456000 - 864000) || ' seconds')"
    if kind == "postgresql":
        due = "now() + ((n * 7919::bigint) % 3456000 - 864000) * interval '1 second'"
    return {"tasks.group": agency, "participants.agency": agency, "tasks.assignee": claimed, "tasks.due_at": due,
            "cases.due_at": due}  # fmt: skip


def _count(runtime: Runtime, login: str) -> Any:
    """As the page with the list does it, above the list."""
    with runtime.read() as unit:
        account = accounts.account(unit, login)
        return queries.count_tasks(unit, account, TaskFilter(group=account.agency))


def _asked(clients: dict[str, Client], path: Callable[[str], str], looks: int) -> list[float]:
    took = []
    for _ in range(looks):
        login, client = random.choice(list(clients.items()))
        took.append(timed(lambda client=client, login=login: client.get(path(login))))
    return took


def _paged(client: Client, pages: int) -> float:
    """Milliseconds of the last page of so many."""
    after, took = "", 0.0
    for _ in range(pages):
        answer: dict[str, Any] = {}
        took = timed(lambda after=after, answer=answer: answer.update(client.get(f"/api/v1/tasks?limit=50{after}")))
        if not answer.get("after"):
            break
        after = f"&after={answer['after']}"
    return took


def _at_once(clients: dict[str, Client], looks: int) -> list[float]:
    def looks_on(client: Client) -> list[float]:
        return [timed(lambda: client.get("/api/v1/tasks?limit=50")) for _ in range(max(1, looks // 8))]

    with ThreadPoolExecutor(8) as threads:
        return [one for times in threads.map(looks_on, list(clients.values())[:8]) for one in times]


def _said(name: str, took: list[float]) -> Figures:
    return {f"{name}_p50_ms": round(percentile(took, 0.5), 1), f"{name}_p95_ms": round(percentile(took, 0.95), 1)}

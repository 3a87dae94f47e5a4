"""The life of a report of a shipped type over HTTP, told by one of its scenarios: ours beside the naive host.

The process of `lifecycle` is small, and what a naive host pays grows with the diagram. This one is as analysts draw
them: Đồng Nai's medical help, 89 flows, tables, a called process, service levels on every step, a department that
watches. Each side plays all tasks of the scenario; ours also looks for the work of an agency that has just got it.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from SpiffWorkflow.bpmn.serializer.config import DEFAULT_CONFIG

from bench.bed import Bed, Figures
from bench.hosts import Client, Host, running, serve
from bench.naive import Naive, create_app
from engine.files import folders
from engine.flow.nodes import BusinessRuleTask
from engine.packages import Package
from engine.runtime import Runtime
from engine.storage.database import connect
from engine.storage.schema import upgrade
from tests.shipped import BPMN
from tests.stock_shipped import OurLanguage, ShippedOnStock
from webapi.rehearsal import read
from webapi.rehearsal.play import CALLER, seated

FOLDER = BPMN / "dong_nai" / "DNYT"
STORY = read(FOLDER / "scenarios" / "da_giai_quyet.toml")
TASKS = [step for step in STORY.steps if "task" in step]
REPORT = {  # what our engine tells a process, the naive host's is told
    **STORY.report["answers"], "number": "1022.DN.20210903.00001", "report_type": STORY.report_type, "province": "75",
    "area": None, "commune": None, "channel": "dien_thoai", "opened_at": STORY.begins.isoformat(),
    "status": "moi_tiep_nhan", "secrecy": "C2",
}  # fmt: skip
CASES, ROUNDS = 8, 8
LATER = datetime.now(UTC) + timedelta(days=3650)  # no clock strikes meanwhile


def shipped(bed: Bed) -> Figures:
    """The life of a report of a shipped type, seven tasks in three agencies, over HTTP, beside the naive host"""
    url = bed.make("ours_shipped")
    database = connect(url)
    upgrade(database)
    tokens, kinds = seated(Runtime(database, lambda: datetime.now(UTC)), folders.with_those_it_starts(FOLDER))
    database.dispose()
    with running("shipped", bed.make("naive_shipped")) as naive, running("ours", url) as our:
        people = {who: Client(our, tokens[who]) for who in {kinds["desk"], *(step["who"] for step in TASKS)}}
        lives = (lambda: _naive_life(naive.client()), lambda: _our_life(people, kinds["desk"]))
        hosts = (naive, our)
        for life in lives:
            life()
        rounds = [[_round(host, life, bed.some(CASES, 2)) for host, life in zip(hosts, lives, strict=True)]
                  for _ in range(bed.some(ROUNDS, 3))]  # fmt: skip
    return {
        "naive_cases_per_s": round(median(slow for (slow, _), _ in rounds), 1),
        "ours_cases_per_s": round(median(fast for _, (fast, _) in rounds), 1),
        "cases_per_s_ours_to_naive_ratio": round(median(fast / slow for (slow, _), (fast, _) in rounds), 2),
        "cpu_naive_to_ours_ratio": round(median(slow / fast for (_, slow), (_, fast) in rounds), 2),
    }


def _round(host: Host, life: Any, cases: int) -> tuple[float, float]:
    """Cases per second, and seconds of the server's CPU for a case."""
    cpu, began = host.cpu_seconds(), time.perf_counter()
    for _ in range(cases):
        life()
    return cases / (time.perf_counter() - began), (host.cpu_seconds() - cpu) / cases


def _our_life(people: dict[str, Client], desk: str) -> None:
    report = {key: value for key, value in STORY.report.items() if key != "then"}
    answer = people[desk].post("/api/v1/reports", {"report_type": STORY.report_type, "reporter": CALLER, **report})
    number, waiting = answer["number"], {task["element"]: task["id"] for task in answer["tasks"]}
    for step in TASKS:
        who = people[step["who"]]
        if step["task"] not in waiting:  # another agency had the case
            mine = who.get(f"/api/v1/tasks?case={number}")["items"]
            waiting |= {task["element"]: task["id"] for task in mine}
        task = waiting.pop(step["task"])
        answer = who.post(f"/api/v1/tasks/{task}/complete", {"answers": step["answers"]})
        waiting |= {task["element"]: task["id"] for task in answer["next"]}
    if answer["outcome"] != STORY.then["outcome"]:
        raise RuntimeError(f"ours came to {answer['outcome']}")


def _naive_life(client: Client) -> None:
    answer = client.post("/cases", REPORT)
    for step in TASKS:
        task = next(task["id"] for task in answer["tasks"] if task["element"] == step["task"])
        answer = client.post(f"/cases/{answer['id']}/tasks/{task}", step["answers"])
    if answer["tasks"]:
        raise RuntimeError(f"the naive host still waits for {answer['tasks']}")


def main(url: str, port: int) -> None:
    """The naive host: stock SpiffWorkflow, with the diagrams translated and our language for their expressions, which
    it does not have (`tests.stock_shipped`)."""
    package = Package(folders.read(FOLDER))
    later = LATER.isoformat
    functions = {"now": later, "today": LATER.date().isoformat, "due": lambda *_: later(), "warn": lambda *_: later(),
                 "late": lambda *_: later()}  # fmt: skip
    nodes = package.machine.definition.nodes.items()
    rules = {key: node.decision for key, node in nodes if isinstance(node, BusinessRuleTask)}
    language = OurLanguage(rules, functions)
    stock = ShippedOnStock(package.files, package.type["process"], language)
    serve(create_app(Naive(url, stock.specs, DEFAULT_CONFIG, language)), port)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

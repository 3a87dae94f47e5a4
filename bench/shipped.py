"""The life of a report of a shipped type over HTTP, told by one of its scenarios: beside the naive host and the floor.

The process of `lifecycle` is small, and what a naive host pays grows with the diagram. This one is as analysts draw
them: Đồng Nai's medical help, 89 flows, tables, a called process, service levels on every step, a department that
watches. Each side plays all tasks of the scenario; ours also looks for the work of an agency that has just got it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from SpiffWorkflow.bpmn.serializer.config import DEFAULT_CONFIG

from bench import floor as floors
from bench.bed import Bed, Figures, one
from bench.hosts import Client, Host, running, serve
from bench.lifecycles import CLIENTS, compared, lived
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
    """The life of a report of a shipped type, seven tasks in three agencies, over HTTP; beside naive host and floor"""
    urls = {name: bed.make(f"{name}_shipped") for name in ("naive", "floor", "ours")}
    tokens, desk = _seats(urls["ours"])
    host_of = (sys.executable, "-m", "bench.shipped")
    with (
        running("naive", urls["naive"], program=(*host_of, "naive")) as naive,
        running("floor", urls["floor"], program=(*host_of, "floor")) as floor,
        running("ours", urls["ours"]) as our,
    ):
        people = [_clients(our, tokens, desk) for _ in range(max(CLIENTS))]
        hosts: list[tuple[Host, list[Callable[[], object]]]] = [
            (naive, [partial(_naive_life, naive.client()) for _ in people]),
            (floor, [floor.client().lifecycle for _ in people]),
            (our, [partial(_our_whole_life, of_one, desk) for of_one in people]),
        ]
        for _, lives in hosts:
            lives[0]()  # warm up
        figures: Figures = {}
        for clients in CLIENTS:
            bed.say(f"lives of a report of {STORY.report_type}, {clients} client(s)")
            each = bed.some(CASES if clients == 1 else CASES // 2, 2)
            rounds = [[lived(host, lives[:clients], each) for host, lives in hosts]
                      for _ in range(bed.some(ROUNDS, 3))]  # fmt: skip
            figures |= compared(f"{clients}_clients", rounds, [host.name for host, _ in hosts], "case")
    return figures


def _seats(url: str) -> tuple[dict[str, str], str]:
    """The type is deployed, and somebody sits in every agency: their tokens by its key, and the desk's key."""
    database = connect(url)
    upgrade(database)
    tokens, kinds = seated(Runtime(database, lambda: datetime.now(UTC)), folders.with_those_it_starts(FOLDER))
    database.dispose()
    return tokens, kinds["desk"]


def _clients(our: Host, tokens: dict[str, str], desk: str) -> dict[str, Client]:
    return {who: Client(our, tokens[who]) for who in {desk, *(step["who"] for step in TASKS)}}


def _our_whole_life(people: dict[str, Client], desk: str) -> None:
    for _ in _our_life(people, desk):
        pass


def _our_life(people: dict[str, Client], desk: str) -> Iterator[str]:
    """Says after each call that changes something which case it is."""
    report = {key: value for key, value in STORY.report.items() if key != "then"}
    answer = people[desk].post("/api/v1/reports", {"report_type": STORY.report_type, "reporter": CALLER, **report})
    number, waiting = answer["number"], {task["element"]: task["id"] for task in answer["tasks"]}
    yield number
    for step in TASKS:
        who = people[step["who"]]
        if step["task"] not in waiting:  # another agency had the case
            mine = who.get(f"/api/v1/tasks?case={number}")["items"]
            waiting |= {task["element"]: task["id"] for task in mine}
        task = waiting.pop(step["task"])
        answer = who.post(f"/api/v1/tasks/{task}/complete", {"answers": step["answers"]})
        waiting |= {task["element"]: task["id"] for task in answer["next"]}
        yield number
    if answer["outcome"] != STORY.then["outcome"]:
        raise RuntimeError(f"ours came to {answer['outcome']}")


def _naive_life(client: Client) -> None:
    answer = client.post("/cases", REPORT)
    for step in TASKS:
        task = next(task["id"] for task in answer["tasks"] if task["element"] == step["task"])
        answer = client.post(f"/cases/{answer['id']}/tasks/{task}", step["answers"])
    if answer["tasks"]:
        raise RuntimeError(f"the naive host still waits for {answer['tasks']}")


def _watched(url: str) -> floors.Floor:
    """The floor, which has watched one such life."""
    tokens, desk = _seats(url)

    def life(_runtime: Runtime) -> Iterator[int]:
        for number in _our_life(_clients(our, tokens, desk), desk):
            yield one(url, "SELECT id FROM cases WHERE number = :number", number=number)

    with running("ours", url) as our:
        return floors.Floor(url, life)


def _naive(url: str) -> Naive:
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
    return Naive(url, stock.specs, DEFAULT_CONFIG, language)


def main(name: str, url: str, port: str) -> None:
    """The naive host or the floor of this process."""
    app = floors.create_app(_watched(url)) if name == "floor" else create_app(_naive(url))
    serve(app, int(port))


if __name__ == "__main__":
    main(*sys.argv[1:])

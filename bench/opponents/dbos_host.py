"""The lifecycle on DBOS, durable execution in Python: a function whose steps are kept in DBOS's own tables.

What a person answers is a message to the function; what it waits for next is an event of it, which the answer to a
call is made from. The boundary event is the end of a wait. python dbos_host.py DATABASE PORT
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import waitress
from dbos import DBOS
from flask import Flask, request

THREE_DAYS, LONG = 72 * 3600, 3650 * 24 * 3600
DBOS(config={
    "name": "beside", "system_database_url": sys.argv[1], "log_level": "ERROR",
    "notification_coalesce_sec": 0.001,  # its least: else each answer waits 10 ms for others to be told with it
})  # fmt: skip
logging.getLogger("waitress.queue").setLevel(logging.ERROR)
app = Flask(__name__)


@DBOS.workflow()
def life(report: dict[str, Any]) -> dict[str, Any]:
    data = {**report, "priority": "high" if report["urgent"] else "normal"}
    calls = 0

    def answered(element: str, patience: int = LONG) -> bool:
        """Whether somebody has answered the task in so many seconds."""
        DBOS.set_event(str(calls), element)
        data.update(answer := DBOS.recv(str(calls), patience) or {})
        return bool(answer)

    data["again"] = True
    while data["again"]:
        answered("verify")
        calls += 1
    answered("assign")
    calls += 1
    if not answered("handle", THREE_DAYS):
        data["late"] = True
        answered("handle")
    calls += 1
    answered("tell")
    calls += 1
    send()
    DBOS.set_event(str(calls), "")
    return data


@DBOS.step()
def send() -> None:
    """The result, to nobody: as with the other hosts."""


def waiting(case: str, call: int) -> dict[str, Any]:
    element = DBOS.get_event(case, str(call))
    return {"id": case, "tasks": [{"id": str(call), "element": element}] if element else []}


@app.post("/cases")
def create():
    case = DBOS.start_workflow(life, request.get_json()).workflow_id
    return waiting(case, 0), 201


@app.post("/cases/<case>/tasks/<int:call>")
def complete(case: str, call: int):
    DBOS.send(case, request.get_json(), str(call))
    return waiting(case, call + 1)


if __name__ == "__main__":
    DBOS.launch()
    waitress.serve(app, host="127.0.0.1", port=int(sys.argv[2]), threads=8, _quiet=True)

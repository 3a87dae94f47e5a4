"""The host anybody would write first: the whole process as JSON, read and written at every call.

Stock SpiffWorkflow, Flask, the same database settings and the same server as ours; no accounts, no forms, no history,
no task list, no outbox.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask, request
from lxml import etree
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.camunda.parser.CamundaParser import CamundaParser
from SpiffWorkflow.camunda.serializer import DEFAULT_CONFIG
from sqlalchemy import create_engine, text

from bench.hosts import serve
from engine.storage.database import prepare

Waiting = dict[str, str]  # a task's id and element
LIFECYCLE = Path(__file__).parent / "lifecycle" / "process.bpmn"


class Naive:
    """The host without the web: one process, one table."""

    def __init__(
        self, url: str, specs: tuple[Any, ...], kinds: Mapping[Any, Any] = DEFAULT_CONFIG,
        language: PythonScriptEngine | None = None,
    ) -> None:  # fmt: skip
        """Args:
        specs: of the process, and of those it calls.
        kinds: how the serializer writes what the parser made.
        language: reads its expressions; else SpiffWorkflow does.
        """
        self.database = prepare(create_engine(url, pool_use_lifo=True))
        self.serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(kinds))
        self.specs, self.language = specs, language
        on_postgresql = self.database.dialect.name == "postgresql"
        key = "BIGSERIAL" if on_postgresql else "INTEGER"
        self.found = text(f"SELECT state FROM naive WHERE id = :id{' FOR UPDATE' if on_postgresql else ''}")
        with self.database.begin() as connection:
            connection.execute(text(f"CREATE TABLE IF NOT EXISTS naive (id {key} PRIMARY KEY, state TEXT NOT NULL)"))

    def start(self, data: dict[str, Any]) -> tuple[int, list[Waiting]]:
        """The new case, and the tasks that wait."""
        workflow = BpmnWorkflow(*self.specs, script_engine=self.language)
        workflow.get_next_task(state=TaskState.READY).set_data(**data)
        workflow.do_engine_steps()
        with self._writing() as connection, connection.begin():
            insert = text("INSERT INTO naive (state) VALUES (:state) RETURNING id")
            number = connection.execute(insert, {"state": self.serializer.serialize_json(workflow)}).scalar()
        return number, self._ready(workflow)

    def complete(self, number: int, task: str, data: dict[str, Any]) -> list[Waiting] | None:
        """The tasks that wait now; ``None``: this one does not."""
        with self._writing() as connection, connection.begin():
            workflow = self.serializer.deserialize_json(connection.execute(self.found, {"id": number}).scalar())
            workflow.script_engine = self.language or workflow.script_engine
            waiting = workflow.get_task_from_id(UUID(task))
            if waiting.state != TaskState.READY:
                return None
            waiting.set_data(**data)
            waiting.run()
            workflow.do_engine_steps()
            state = {"id": number, "state": self.serializer.serialize_json(workflow)}
            connection.execute(text("UPDATE naive SET state = :state WHERE id = :id"), state)
        return self._ready(workflow)

    def fire(self, number: int) -> list[Waiting]:
        """Look whether a timer of this case is due, and go on; the tasks that wait now."""
        with self._writing() as connection, connection.begin():
            workflow = self.serializer.deserialize_json(connection.execute(self.found, {"id": number}).scalar())
            workflow.refresh_timers()
            if not workflow.get_tasks(state=TaskState.READY):  # it still waits
                return []
            workflow.do_engine_steps()
            state = {"id": number, "state": self.serializer.serialize_json(workflow)}
            connection.execute(text("UPDATE naive SET state = :state WHERE id = :id"), state)
        return self._ready(workflow)

    def poll(self) -> int:
        """Look at every case whether a timer of it is due, which no table tells; how many were."""
        with self.database.connect() as connection:
            cases = connection.execute(text("SELECT id FROM naive ORDER BY id")).scalars().all()
        return sum(bool(self.fire(case)) for case in cases)

    def tasks(self, agency: str) -> list[Waiting]:
        """An agency's first fifty open tasks: every case is looked into, for no table tells what it waits for."""
        found: list[Waiting] = []
        with self.database.connect() as connection:
            for row in connection.execute(text("SELECT id, state FROM naive ORDER BY id")):
                workflow = self.serializer.deserialize_json(row.state)
                waiting = self._ready(workflow) if workflow.last_task.data.get("agency") == agency else []
                found += [{"case": str(row.id), **task} for task in waiting]
        return found[:50]

    def _writing(self):
        return self.database.connect().execution_options(writes=True)

    @staticmethod
    def _ready(workflow: BpmnWorkflow) -> list[Waiting]:
        waiting = workflow.get_tasks(state=TaskState.READY, manual=True)
        return [{"id": str(task.id), "element": task.task_spec.bpmn_id} for task in waiting]


def drawn(diagram: bytes, process: str, *tables: bytes) -> tuple[Any]:
    """The process of a diagram, as `Naive` takes it.

    Args:
        tables: that it asks, as DMN.
    """
    parser = CamundaParser()
    parser.add_bpmn_xml(etree.fromstring(diagram))
    for table in tables:
        parser.add_dmn_xml(etree.fromstring(table))
    return (parser.get_spec(process),)


def create_app(host: Naive) -> Flask:
    app = Flask(__name__)

    @app.post("/cases")
    def create():
        number, tasks = host.start(request.get_json())
        return {"id": number, "tasks": tasks}, 201

    @app.post("/cases/<int:number>/tasks/<task>")
    def complete(number: int, task: str):
        tasks = host.complete(number, task, request.get_json())
        return ({"error": "not ready"}, 409) if tasks is None else {"id": number, "tasks": tasks}

    @app.get("/tasks")
    def tasks():
        return {"items": host.tasks(request.args["group"])}

    return app


if __name__ == "__main__":
    serve(create_app(Naive(sys.argv[1], drawn(LIFECYCLE.read_bytes(), "LIFE"))), int(sys.argv[2]))

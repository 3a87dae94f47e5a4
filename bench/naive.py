"""The host anybody would write first: the whole process as JSON, read and written at every call.

Stock SpiffWorkflow, Flask, the same database settings and the same server as ours; no accounts, no forms, no history,
no task list, no outbox.
"""

from __future__ import annotations

import sys
from pathlib import Path
from uuid import UUID

from flask import Flask, request
from lxml import etree
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.camunda.parser.CamundaParser import CamundaParser
from SpiffWorkflow.camunda.serializer import DEFAULT_CONFIG
from sqlalchemy import create_engine, text
from waitress import serve

from engine.database import prepare

LIFECYCLE = Path(__file__).parent / "lifecycle" / "process.bpmn"


def create_app(url: str) -> Flask:
    app, database = Flask(__name__), prepare(create_engine(url, pool_use_lifo=True))
    serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(DEFAULT_CONFIG))
    parser = CamundaParser()
    parser.add_bpmn_xml(etree.parse(LIFECYCLE))
    spec = parser.get_spec("LIFE")
    key = "BIGSERIAL" if database.dialect.name == "postgresql" else "INTEGER"
    lock = " FOR UPDATE" if database.dialect.name == "postgresql" else ""
    with database.begin() as connection:
        connection.execute(text(f"CREATE TABLE IF NOT EXISTS naive (id {key} PRIMARY KEY, state TEXT NOT NULL)"))

    def writing():
        return database.connect().execution_options(writes=True)

    def ready(workflow: BpmnWorkflow) -> list[str]:
        return [str(task.id) for task in workflow.get_tasks(state=TaskState.READY, manual=True)]

    @app.post("/cases")
    def create():
        workflow = BpmnWorkflow(spec)
        workflow.get_next_task(state=TaskState.READY).set_data(**request.get_json())
        workflow.do_engine_steps()
        with writing() as connection, connection.begin():
            insert = text("INSERT INTO naive (state) VALUES (:state) RETURNING id")
            number = connection.execute(insert, {"state": serializer.serialize_json(workflow)}).scalar()
        return {"id": number, "tasks": ready(workflow)}, 201

    @app.post("/cases/<int:number>/tasks/<task>")
    def complete(number: int, task: str):
        with writing() as connection, connection.begin():
            found = text(f"SELECT state FROM naive WHERE id = :id{lock}")
            workflow = serializer.deserialize_json(connection.execute(found, {"id": number}).scalar())
            waiting = workflow.get_task_from_id(UUID(task))
            if waiting.state != TaskState.READY:
                return {"error": "not ready"}, 409
            waiting.set_data(**request.get_json())
            waiting.run()
            workflow.do_engine_steps()
            state = {"id": number, "state": serializer.serialize_json(workflow)}
            connection.execute(text("UPDATE naive SET state = :state WHERE id = :id"), state)
        return {"id": number, "tasks": ready(workflow)}

    return app


if __name__ == "__main__":
    serve(create_app(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), threads=8, _quiet=True)

"""Batches: what workers do one by one, as Camunda's clients look on.

`B7` is batch 7 of `engine.work.batches`, `M7` migration 7. As in Camunda, one that is over leaves ``/batch`` and is
history.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint
from sqlalchemy import select

from engine.errors import InvalidRequest, NotFound
from engine.model import cases, incidents, jobs
from engine.people import access
from engine.runtime import Unit
from engine.versions import migrations
from engine.work import batches
from webapi.camunda import door, external, instances, values
from webapi.camunda import jobs as job_views

bp = Blueprint("batches", __name__)
ONE = "/batch/<string:text>"
_ID = re.compile(r"([BM])(\d{1,15})\Z")
_TYPES = {"suspend": "instance-update-suspension-state", "job-retries": "set-job-retries",
          "task-retries": "set-external-task-retries"}  # fmt: skip
_MIGRATION = {"running": False, "undoing": False, "canary": True}  # those under way, and whether they wait
_DONE = ("done", "moved", "undone", "gone")
_REFUSED = ("refused", "kept")
_SORTED = {"batchId": lambda one: (one["startTime"], one["id"]), "startTime": lambda one: one["startTime"]}


# -- asking for one --------------------------------------------------------------------------------------------------


@bp.post("/process-instance/suspended-async")
@door.changes
def suspend(unit: Unit, by: Any) -> Any:
    body = door.known(door.sent(), "suspended", "processInstanceIds", "processInstanceQuery")
    payload = {"suspended": door.switch(body, "suspended"), "reason": instances.REASON}
    return _started(unit, by, "suspend", _numbers(unit, by, body), payload)


@bp.post("/job/retries")
@door.changes
def retry_jobs(unit: Unit, by: Any) -> Any:
    """Those that were given up, of the jobs that are named or found: they are tried again."""
    body = door.known(door.sent(), "retries", "jobIds", "jobQuery", "dueDate")
    ids = [str(door.number({"jobIds": one}, "jobIds", 0)) for one in door.several(body, "jobIds")]
    if "jobQuery" in body:
        ids += [str(row.id) for row in unit.all(job_views.wanted(unit, body["jobQuery"] or {}, by))]
    return _retried(unit, by, body, ids)


@bp.post("/process-instance/job-retries")
@door.changes
def retry_jobs_of(unit: Unit, by: Any) -> Any:
    """All that were given up, in these cases."""
    known = ("retries", "processInstances", "processInstanceIds", "processInstanceQuery", "dueDate")
    body = door.known(door.sent(), *known)
    body["processInstanceIds"] = door.several(body, "processInstances", "processInstanceIds")
    held = select(jobs.c.id).join(cases, cases.c.id == jobs.c.case_id).join(incidents, incidents.c.job_id == jobs.c.id)
    mine = (incidents.c.resolved_at.is_(None), access.permits(by, "see-incident", access.CASES))
    query = held.where(cases.c.number.in_(_numbers(unit, by, body)), *mine)
    return _retried(unit, by, body, [str(row.id) for row in unit.all(query)])


@bp.post("/external-task/retries-async")
@door.changes
def retry_tasks(unit: Unit, by: Any) -> Any:
    body = door.known(door.sent(), "retries", "externalTaskIds", "processInstanceIds")
    payload = {"retries": door.number(body, "retries", 0)}
    return _started(unit, by, "task-retries", [str(one) for one in external.named(unit, by, body)], payload)


# -- looking on ------------------------------------------------------------------------------------------------------


@bp.get("/batch")
@door.reads
def index(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    return door.sort(wanted, [_batch(one) for one in _running(unit, by, wanted)], _SORTED)[offset : offset + limit]


@bp.get("/batch/count")
@door.reads
def count(unit: Unit, by: Any) -> Any:
    return {"count": len(_running(unit, by, door.asked()))}


@bp.get("/batch/statistics")
@door.reads
def statistics(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    rows = _running(unit, by, wanted)[offset : offset + limit]
    return [_batch(one) | _progress(one) for one in rows]


@bp.get("/batch/statistics/count")
@door.reads
def statistics_count(unit: Unit, by: Any) -> Any:
    return {"count": len(_running(unit, by, door.asked()))}


@bp.get(ONE)
@door.reads
def show(unit: Unit, by: Any, text: str) -> Any:
    return _batch(_still(unit, by, text))


@bp.put(f"{ONE}/suspended")
@door.changes
def hold(unit: Unit, by: Any, text: str) -> None:
    """A migration that waits after its first cases goes on; else one is cancelled, not held."""
    held, found = door.switch(door.known(door.sent(), "suspended"), "suspended"), _still(unit, by, text)
    if found["key"].startswith("B"):
        batches.hold(unit, found["id"], held, by=by)
    elif held and not found["held"]:
        raise InvalidRequest("A migration under way is not held: cancel it, and start another for the rest.",
                             field="suspended")  # fmt: skip
    elif found["held"] and not held:
        migrations.go_on(unit, found["id"], by=by)


@bp.delete(ONE)
@door.changes
def delete(unit: Unit, by: Any, text: str) -> None:
    """What is not done yet stays undone."""
    found = _still(unit, by, text)
    (batches if found["key"].startswith("B") else migrations).cancel(unit, found["id"], by=by)


@bp.get("/history/batch")
@door.reads
def history(unit: Unit, by: Any) -> Any:
    wanted = door.asked()
    limit, offset = door.window(wanted)
    rows = door.sort(wanted, [_past(one) for one in _some_past(unit, by, wanted)], _SORTED)
    return rows[offset : offset + limit]


@bp.get("/history/batch/count")
@door.reads
def history_count(unit: Unit, by: Any) -> Any:
    return {"count": len(_some_past(unit, by, door.asked()))}


@bp.get("/history/batch/<string:text>")
@door.reads
def history_of(unit: Unit, by: Any, text: str) -> Any:
    """With what was refused, and why: Camunda's clients pass over that."""
    found = _found(unit, by, text)
    return _past(found) | {"refused": found.get("refused", [])}


# -- particulars -----------------------------------------------------------------------------------------------------


def of_migration(unit: Unit, by: Any, migration_id: int) -> dict[str, Any]:
    return _batch(_found(unit, by, f"M{migration_id}"))


def _started(unit: Unit, by: Any, kind: str, subjects: list[str], payload: dict[str, Any]) -> dict[str, Any]:
    return _batch(_found(unit, by, f"B{batches.start(unit, kind, subjects, payload, by=by)}"))


def _retried(unit: Unit, by: Any, body: dict[str, Any], ids: list[str]) -> dict[str, Any]:
    if door.number(body, "retries", 0) < 1:
        raise InvalidRequest("The number of retries is 1 or more: a job is not given up by hand.", field="retries")
    return _started(unit, by, "job-retries", ids, {})


def _numbers(unit: Unit, by: Any, body: dict[str, Any]) -> list[str]:
    """The cases that are named, and those that a query finds; none besides those that the account sees."""
    named = door.several(body, "processInstanceIds")
    if body.get("processInstanceQuery"):
        named += [row.number for row in unit.all(instances.wanted(body["processInstanceQuery"], by))]
    if not named:
        raise InvalidRequest("Name the cases, by processInstanceIds or processInstanceQuery.",
                             field="processInstanceIds")  # fmt: skip
    return named


def _found(unit: Unit, by: Any, text: str) -> dict[str, Any]:
    """Raises:
    NotFound: there is none, or it is not for this account.
    """
    found = _ID.match(text)
    if found is None:
        raise NotFound(f"There is no batch {text[:80]!r}.")
    row_id = int(found[2])
    if found[1] == "M":
        return _moving(migrations.show(unit, row_id, by=by))
    return _ours(batches.show(unit, row_id, by=by))


def _still(unit: Unit, by: Any, text: str) -> dict[str, Any]:
    found = _found(unit, by, text)
    if not found["running"]:
        raise NotFound(f"The batch {text} is over.")
    return found


def _ours(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"key": f"B{row['id']}", "type": _TYPES[row["kind"]], "running": row["state"] in batches.RUNNING,
                  "held": row["state"] == "held"}  # fmt: skip


def _moving(row: dict[str, Any]) -> dict[str, Any]:
    refused = [{"subject": number, "why": one.why} for state in _REFUSED for one in row.get(state, ())
               for number in one.numbers]  # fmt: skip
    return row | {"key": f"M{row['id']}", "type": "instance-migration", "running": row["state"] in _MIGRATION,
                  "held": _MIGRATION.get(row["state"], False), "refused": refused}  # fmt: skip


def _all(unit: Unit, by: Any, wanted: dict[str, Any], *more: str) -> list[dict[str, Any]]:
    given = door.known(wanted, "batchId", "type", *more)
    rows = [_ours(row) for row in batches.index(unit, by=by)] + [_moving(row) for row in migrations.list(unit, by=by)]
    rows = [row for row in rows if given.get("batchId", row["key"]) == row["key"]]
    return [row for row in rows if given.get("type", row["type"]) == row["type"]]


def _running(unit: Unit, by: Any, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [row for row in _all(unit, by, wanted, "suspended") if row["running"]]
    held = wanted.get("suspended")
    return [row for row in rows if held in (None, "") or row["held"] is door.flag(held)]


def _some_past(unit: Unit, by: Any, wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """All of them, as Camunda's history has those that still run, too."""
    rows = _all(unit, by, wanted, "completed")
    over = wanted.get("completed")
    return [row for row in rows if over in (None, "") or row["running"] is not door.flag(over)]


def _count(row: dict[str, Any], *states: str) -> int:
    return sum(row["counts"].get(state, 0) for state in states)


def _batch(row: dict[str, Any]) -> dict[str, Any]:
    total = sum(row["counts"].values())
    return {"id": row["key"], "type": row["type"], "totalJobs": total, "jobsCreated": total, "batchJobsPerSeed": 100,
            "invocationsPerBatchJob": 1, "seedJobDefinitionId": None, "monitorJobDefinitionId": None,
            "batchJobDefinitionId": None, "suspended": row["held"], "tenantId": None,
            "createUserId": row["created_by"], "startTime": values.instant(row["created_at"]),
            "executionStartTime": values.instant(row["created_at"])}  # fmt: skip


def _progress(row: dict[str, Any]) -> dict[str, int]:
    done, refused = _count(row, *_DONE), _count(row, *_REFUSED)
    return {"completedJobs": done, "failedJobs": refused, "remainingJobs": sum(row["counts"].values()) - done - refused}


def _past(row: dict[str, Any]) -> dict[str, Any]:
    whole = _batch(row)
    unknown = ("jobsCreated", "suspended")
    return {name: value for name, value in whole.items() if name not in unknown} | {
        "endTime": values.instant(row["finished_at"]), "removalTime": None}  # fmt: skip

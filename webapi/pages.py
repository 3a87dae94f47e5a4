"""Whether the server is up: for whoever restarts it (``/healthz``), and whoever sends it requests (``/readyz``)."""

from __future__ import annotations

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from engine.model import provinces
from engine.queues import presence
from engine.runtime import Unit
from engine.storage import schema
from webapi import auth
from webapi.clock import SAID, node_clock

AWAY = "The database cannot be reached."
BEHIND = "The database is of an older version than this program: run `thongsuot db upgrade`."
NOBODY = "No worker is at work: deadlines and messages wait. Start `thongsuot worker`."


def register(app: Flask) -> None:
    app.add_url_rule("/health", "health", health)
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)


def health() -> ResponseReturnValue:
    """Up, and able to read the database; ``loaded``: there is a province to report to."""
    try:
        with auth.runtime().read() as unit:
            loaded = unit.scalar(select(provinces.c.code).limit(1)) is not None
    except DBAPIError:
        return jsonify(status="no database"), 503
    return jsonify(status="ok", loaded=loaded)


def healthz() -> ResponseReturnValue:
    """The process answers. Nothing else is asked: restarting it would not bring a database back."""
    return jsonify(status="alive")


def readyz() -> ResponseReturnValue:
    """Whether requests may be sent here, and everything that is amiss, one sentence each.

    Without a worker reports are still taken, and kept: it is said, and no reason to send citizens away.
    """
    try:
        with auth.runtime().read() as unit:
            ready, faults = _standing(unit)
        if (clock := node_clock(auth.runtime())) and clock.is_wrong:
            faults.append(SAID.format(clock.wrong.total_seconds()))
    except DBAPIError:
        ready, faults = False, [AWAY]
    return jsonify(ready=ready, faults=faults), 200 if ready else 503


def _standing(unit: Unit) -> tuple[bool, list[str]]:
    if schema.standing(unit.connection) == schema.BEHIND:
        return False, [BEHIND]
    return True, [] if presence.present(unit).count else [NOBODY]

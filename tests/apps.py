"""The application, made once for each process of the tests and bound to each test's database: making one costs a third
of a second, which is longer than most tests take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask

from engine.database import connect
from engine.runtime import Runtime
from tests.clock import Clock
from webapi import auth, camunda, create_app

_made: list[Flask] = []


@contextmanager
def bound(database_url: str, instance: Path, clock: Clock) -> Iterator[Flask]:
    """The application on this database, with this clock and nothing remembered of another."""
    if not _made:
        _made.append(create_app({"DATABASE": f"sqlite:///{instance}/none.db", "INSTANCE": str(instance)}))
    [app] = _made
    runtime = Runtime(connect(database_url), clock)
    app.config.update(DATABASE=database_url, INSTANCE=str(instance))
    auth.bind(app, runtime)
    camunda.open_waiting_room(app)
    try:
        yield app
    finally:
        camunda.waiting_room(app).close()
        runtime.database.dispose()

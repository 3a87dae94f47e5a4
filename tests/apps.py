"""The application, made once for each process of the tests and bound to each test's database: making one costs a third
of a second, which is longer than most tests take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask

from engine.runtime import Runtime
from tests.clock import Clock
from tests.databases import connected
from webapi import auth, camunda, create_app

_made: list[tuple[Flask, dict[str, Any]]] = []


@contextmanager
def bound(database_url: str, instance: Path, clock: Clock) -> Iterator[Flask]:
    """The application on this database, with this clock and nothing remembered of another."""
    if not _made:
        app = create_app({"DATABASE": f"sqlite:///{instance}/none.db", "INSTANCE": str(instance)})
        _made.append((app, dict(app.config)))
    [(app, settings)] = _made
    with connected(database_url) as database:
        app.config.clear()  # some tests change a setting
        app.config.update(settings, DATABASE=database_url, INSTANCE=str(instance))
        auth.bind(app, Runtime(database, clock))
        camunda.open_waiting_room(app)
        try:
            yield app
        finally:
            camunda.waiting_room(app).close()

"""Whether the server is up."""

from __future__ import annotations

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from engine.model import provinces
from webapi import auth


def register(app: Flask) -> None:
    app.add_url_rule("/health", "health", health)


def health() -> ResponseReturnValue:
    """Up, and able to read the database; ``loaded``: there is a province to report to."""
    try:
        with auth.runtime().read() as unit:
            loaded = unit.scalar(select(provinces.c.code).limit(1)) is not None
    except DBAPIError:
        return jsonify(status="no database"), 503
    return jsonify(status="ok", loaded=loaded)

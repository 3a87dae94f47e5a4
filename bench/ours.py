"""Our server with the lifecycle package and one operator, for the bench: `python -m bench.ours URL PORT TOKEN_FILE`."""

from __future__ import annotations

import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from engine import accounts, packages
from engine.access import Account
from engine.database import connect
from engine.runtime import Runtime
from engine.schema import upgrade

LIFECYCLE = Path(__file__).parent / "lifecycle"
OPERATOR = {"login": "bench", "name": "Bench", "role": "operator", "agency": "desk"}


def files() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(LIFECYCLE.iterdir())}


def prepare(url: str) -> str:
    """Make the tables, the report type and the operator; answers with the operator's token."""
    database = connect(url)
    upgrade(database)
    runtime = Runtime(database, lambda: datetime.now(UTC))
    with runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads(files()["province.toml"]))
        packages.deploy(unit, files(), by="bench")
        row = accounts.create(unit, dict(OPERATOR), None)
        operator = Account(row.id, "bench", "Bench", "operator", "desk", "99")
        token = accounts.issue(unit, operator, "bench").token
    database.dispose()
    return token


def main(url: str, port: int) -> None:
    from webapi import create_app, server

    app = create_app({"DATABASE": url, "INSTANCE": tempfile.mkdtemp(prefix="ts-bench-")})
    server.run(app, "127.0.0.1", port, app.config["THREADS"])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

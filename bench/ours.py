"""Our server with report types of the bench and one operator: `python -m bench.ours URL PORT`."""

from __future__ import annotations

import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine import intake, packages, queries, tasks
from engine.people import accounts
from engine.people.access import Account
from engine.runtime import Runtime, Unit
from engine.storage.database import connect
from engine.storage.schema import upgrade

LIFECYCLE = Path(__file__).parent / "lifecycle"
OPERATOR = {"login": "bench", "name": "Bench", "role": "operator", "agency": "desk"}
PROGRAM = {"login": "program", "name": "Program", "role": "client", "agency": "desk"}
ANSWERS = {"noi_dung": "Nhà bốn người hết gạo từ hôm qua, có cháu nhỏ.", "place": "khu phố 3", "urgent": True}


def files(code: str = "LIFE", **others: str) -> dict[str, str]:
    """The package of a report type: the lifecycle, or another diagram with the same report form.

    Args:
        others: files by name, a dot written as ``__``: ``process__bpmn``.
    """
    package = {path.name: path.read_text(encoding="utf-8") for path in sorted(LIFECYCLE.iterdir())}
    if code == "LIFE":
        return package
    kept = {name: package[name] for name in ("province.toml", "report.form")}
    kind = package["type.toml"].replace('"LIFE"', f'"{code}"')
    return kept | {"type.toml": kind} | {name.replace("__", "."): value for name, value in others.items()}


def prepare(url: str, *types: dict[str, str]) -> str:
    """Make the tables, the lifecycle and other types, and the operator; answers with the operator's token."""
    database = connect(url)
    upgrade(database)
    runtime = Runtime(database, lambda: datetime.now(UTC))
    with runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads(files()["province.toml"]))
        for one in (files(), *types):
            packages.deploy(unit, one, by="bench")
        token = issue(unit, OPERATOR)
    database.dispose()
    return token


def issue(unit: Unit, values: dict[str, Any], scopes: tuple[str, ...] | None = None) -> str:
    """Make an account; answers with a token of it, for these scopes if they are named."""
    row = accounts.create(unit, dict(values), None)
    account = Account(row.id, values["login"], values["name"], values["role"], values["agency"], "99")
    return accounts.issue(unit, account, "bench", None, scopes).token


def operator(unit: Unit) -> Account:
    return accounts.account(unit, "bench")


def receive(runtime: Runtime, code: str, answers: dict[str, Any] = ANSWERS) -> int:
    """A report, without the web; its case's id."""
    with runtime.begin() as unit:
        caller = intake.Person("Nguyễn Văn A", "0912345678")
        report = intake.Report(code, answers, channel="dien_thoai", area="999", reporter=caller)
        return intake.receive(unit, report, by=operator(unit)).case_id


def waiting(runtime: Runtime, case_id: int) -> list[Any]:
    """The open tasks of a case."""
    with runtime.read() as unit:
        found = queries.open_tasks(unit, operator(unit), case_id)
    return list(found)


def complete(runtime: Runtime, task: Any, answers: dict[str, Any]) -> None:
    with runtime.begin() as unit:
        tasks.complete(unit, task.id, answers, by=operator(unit))


def main(url: str, port: int) -> None:
    from webapi import create_app, server

    app = create_app({"DATABASE": url, "INSTANCE": tempfile.mkdtemp(prefix="ts-bench-")})
    server.run(app, "127.0.0.1", port, app.config["THREADS"])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

"""Deploys a version again and again, and is killed before its first statement, its third, … until one deployment gets
through; says after each death how it left the database. For `test_deploy_crash`.

    python -m tests.deploying_actor URL
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, select

from engine import intake, model
from engine.people import accounts
from engine.people.access import Account
from engine.runtime import Runtime, Unit
from engine.versions import deployments
from tests.drawing import draw
from tests.hotline import LIFE, PROVINCE, package

BY = Account(0, "cli", "Dòng lệnh", "admin")


def version(word: str) -> dict[str, str]:
    """One whose diagram and whose province both say this word."""
    return package(process__bpmn=draw(LIFE.replace("Xử lý", f"Xử lý {word}"), "PAKN"),
                   province__toml=PROVINCE.replace("Huyện Bàu Bàng", f"Huyện {word}"))  # fmt: skip


def opened(url: str) -> Runtime:
    return Runtime.open(url, lambda: datetime.now(UTC))


def dies_before(statement: int, url: str, files: dict[str, str]) -> None:
    """Deploy; be killed before that statement (commits count, too)."""
    left = [statement]
    runtime, flush = opened(url), Unit.flush

    def count(*_: Any) -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(unit: Unit, **how: Any) -> None:
        count()
        flush(unit, **how)

    Unit.flush = counted  # type: ignore[method-assign]
    event.listen(runtime.database, "commit", count)
    with runtime.begin() as unit:
        deployments.submit(unit, files, by=BY)
    count()
    os._exit(0)


def left_behind(url: str) -> dict[str, Any]:
    """What a server finds that starts now: version in force, and what it and the tables beside it say."""
    runtime = opened(url)
    with runtime.begin() as unit:
        package = unit.catalogue.current(unit, "PAKN")
        table = model.definitions.c
        rows = unit.all(select(table.id, table.version).order_by(table.version))
        settings = unit.scalar(select(model.provinces.c.settings).where(model.provinces.c.code == "74"))
        report = intake.Report("PAKN", {"noi_dung": "Tụ tập"}, channel="zalo", area="719")
        number = intake.receive(unit, report, by=accounts.account(unit, "app")).number
        found = {
            "version": package.version,
            "versions": [row.version for row in rows],
            "undecided": [row.version for row in rows if not deployments.show(unit, row.id)["decisions"]],
            "settings": settings == package.province,
            "area": unit.scalar(select(model.areas.c.name).where(model.areas.c.code == "719")),
            "drawn": package.machine.describe("xu_ly"),
            "received": unit.scalar(select(model.cases.c.definition_id).where(model.cases.c.number == number)),
            "current": package.id,
        }
    runtime.database.dispose()
    return found


def main(url: str) -> None:
    for statement in range(1, 200, 2):  # tried with each, too: twice as long
        word = f"bản {statement}"
        child = os.fork()
        if not child:
            dies_before(statement, url, version(word))
        _, status = os.waitpid(child, 0)
        print(json.dumps({"killed": os.WIFSIGNALED(status), "word": word} | left_behind(url)), flush=True)
        if not os.WIFSIGNALED(status):
            sys.exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main(sys.argv[1])

"""An office of real processes on one database, each of which may be killed, frozen, or told a wrong time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from engine import branches, packages
from engine.people import accounts
from engine.runtime import Runtime
from engine.storage.database import connect
from tests import crash_type, databases
from tests.chaos.actor import FULL, HOLDS
from tests.post import free_port
from tests.sources import ROOT

THREADS = 4
PEOPLE = {"tiep": ("operator", crash_type.DESK), "huyen": ("handler", crash_type.DISTRICT)}
# without the service: these are the processes of the product, which call none in Python
_BEFORE, _, _AFTER = crash_type.PROCESS.partition("<bpmn:serviceTask")
_DIAGRAM = (
    (_BEFORE + _AFTER.partition("</bpmn:serviceTask>")[2])
    .replace('<bpmn:sequenceFlow id="f5" sourceRef="ask" targetRef="fork" />', "")
    .replace('sourceRef="wait" targetRef="ask"', 'sourceRef="wait" targetRef="fork"')
    .replace("<bpmn:incoming>f5</bpmn:incoming>", "<bpmn:incoming>f4</bpmn:incoming>")
)  # fmt: skip
FILES = crash_type.FILES | {"process.bpmn": _DIAGRAM}
EMERGENCY = "CC115"  # the same, behind a key of the exchange whose callers are put through at once


def found(runtime: Runtime) -> dict[str, str]:
    """The province, its report types and its people; the people's tokens."""
    with runtime.begin() as unit:
        packages.load_province(unit, tomllib.loads(crash_type.PROVINCE))
        packages.deploy(unit, FILES, by="chaos")
        packages.deploy(unit, {name: text.replace("CRASH", EMERGENCY) for name, text in FILES.items()}, by="chaos")
        branches.load(unit, "74", [{"key": "1", "name": "115", "report_type": EMERGENCY, "transfer_to": "115",
                                    "from": unit.now}])  # fmt: skip
        for login, (role, agency) in PEOPLE.items():
            accounts.create(unit, {"login": login, "name": login, "role": role, "agency": agency}, None)
        return {login: accounts.issue(unit, accounts.account(unit, login), "chaos").token for login in PEOPLE}


class Process:
    """One web process or worker; killed or frozen, it is another one afterwards."""

    def __init__(self, arguments: list[str], environment: dict[str, str], clock: Path, port: int | None = None) -> None:
        self.port = port
        self.clock = clock
        self._command = [sys.executable, "-m", "tests.chaos.actor", str(clock), *arguments]
        self._environment = environment
        self.start()

    def start(self) -> None:
        self.clock.write_text("0")
        log = open(self.clock.with_suffix(".log"), "ab")
        with log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def be_wrong_by(self, seconds: float) -> None:
        self.clock.write_text(str(seconds))

    def figures(self) -> dict[str, float]:
        """Memory in MB, open files and threads of this moment; with SQLite, connections, which PostgreSQL counts."""
        import psutil

        one, database = psutil.Process(self._process.pid), make_url(self._environment["THONGSUOT_DATABASE"])
        with one.oneshot():
            memory, files, threads = one.memory_info().rss / 1e6, one.num_fds(), one.num_threads()
        figures: dict[str, float] = {"memory": memory, "files": files, "threads": threads}
        if database.drivername == "sqlite":
            figures["connections"] = [file.path for file in one.open_files()].count(str(database.database))
        return figures


class Office:
    """Two web processes, two workers, and the tokens of two people."""

    def __init__(self, url: str, folder: Path, sms: dict[str, Any], lease: float) -> None:
        """Args:
        lease: how many seconds a worker that has died holds what it did.
        """
        self.runtime = Runtime(connect(url), lambda: datetime.now(UTC))
        databases.make_tables(url)
        self.tokens = found(self.runtime)
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._environment = inherited | {
            "THONGSUOT_DATABASE": url, "THONGSUOT_INSTANCE": str(folder), "THONGSUOT_THREADS": str(THREADS),
            "THONGSUOT_NOTIFIERS": json.dumps({"sms": sms}), "PYTHONPATH": str(ROOT),
            "THONGSUOT_LIMITS": json.dumps({"web": 0}),  # one account reports for everybody
            HOLDS: str(lease),
        }  # fmt: skip
        self._folder = folder
        self.web = [self._web(number) for number in range(2)]
        self.workers = [self._process(["worker"], f"worker-{number}") for number in range(2)]

    def close(self) -> None:
        for one in [*self.web, *self.workers]:
            one.kill()
        self.runtime.database.dispose()

    def fill_disk(self, full: bool) -> None:
        """With SQLite, whose file can be kept from growing."""
        file = self._folder / FULL
        file.touch() if full else file.unlink(missing_ok=True)

    def _web(self, number: int) -> Process:
        port = free_port()
        return self._process(["serve", "--port", str(port)], f"web-{number}", port)

    def _process(self, arguments: list[str], name: str, port: int | None = None) -> Process:
        return Process(arguments, self._environment, self._folder / f"{name}.clock", port)

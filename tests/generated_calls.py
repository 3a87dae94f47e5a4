"""Everything that the OpenAPI document describes, called with what it allows: `./manage schemathesis`.

A server with Bình Dương's report types on a database of its own; schemathesis calls every operation as
each of some roles. A 500, or an answer that the document does not describe, is a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
from click.testing import CliRunner

from tests.served import served
from tests.sources import ROOT
from webapi import create_app
from webapi.cli import main

PEOPLE = (("quantri", "admin", None), ("van.phong", "office", "vpubnd_74"), ("can.bo", "handler", "ubnd_74_718"),
          ("phan.tich", "analyst", "vpubnd_74"), ("ung.dung", "client", "tongdai_74"),
          ("giam.sat", "overseer", "mttq_74"))  # fmt: skip
# Each may end the caller's own token, after which all else would be refused: so by itself, with a token of its own.
ENDING = ("DELETE /api/v1/login", "DELETE /api/v1/tokens/{token_id}")
REST = [word for name in ENDING for word in ("--exclude-name", name)]
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def run(arguments: list[str]) -> int:
    """Args:
    arguments: for ``schemathesis run``, after ours: ``--max-examples 100``.
    """
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        app = create_app({"DATABASE": f"sqlite:///{folder}/x.db", "INSTANCE": folder})
        environment = {"THONGSUOT_DATABASE": app.config["DATABASE"], "THONGSUOT_INSTANCE": folder}
        _prepare(environment)
        with served(app) as server:
            for login, role, _ in (*PEOPLE, ("", "nobody", None)):
                for part in (REST, *(["--include-name", name] for name in ENDING)):
                    print(f"» as {role}: {' '.join(part)}", flush=True)
                    sent = {"Authorization": f"Bearer {_token(environment, login)}"} if login else {}
                    command = [Path(sys.executable).with_name("schemathesis"), "run", f"{server}/api/v1/openapi.json"]
                    command += [word for name, value in sent.items() for word in ("--header", f"{name}: {value}")]
                    command += ["--url", server, "--checks", CHECKS, "--phases", "examples,fuzzing", "--seed", "1022"]
                    command += ["--max-examples", "10", "--request-timeout", "60"]
                    command += ["--suppress-health-check", "too_slow"]
                    if subprocess.run([*command, *part, *arguments], cwd=folder).returncode:
                        failed.append(role)
                    if part is REST and sent and httpx.get(f"{server}/api/v1/tasks", headers=sent).status_code == 401:
                        failed.append(f"{role}, whose token ended midway")
    print(f"» failures as: {', '.join(failed)}" if failed else "» no failure")
    return len(failed)


def _prepare(environment: dict[str, str]) -> None:
    _typed(environment, "db", "upgrade")
    _typed(environment, "load", str(ROOT / "bpmn" / "binh_duong"))
    for login, role, agency in PEOPLE:
        _typed(environment, "user", "add", login, "--name", login, "--role", role, "--no-password",
               *(("--agency", agency) if agency else ()))  # fmt: skip


def _token(environment: dict[str, str], login: str) -> str:
    return _typed(environment, "token", "create", login, "--label", "x").split()[-1]


def _typed(environment: dict[str, str], *words: str) -> str:
    done = CliRunner().invoke(main, words, env=environment)
    assert done.exit_code == 0, done.output
    return done.output


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(run(sys.argv[1:]))

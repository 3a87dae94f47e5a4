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

from click.testing import CliRunner

from tests.served import served
from tests.sources import ROOT
from webapi import create_app
from webapi.cli import main

PEOPLE = (("quantri", "admin", None), ("van.phong", "office", "vpubnd_74"), ("can.bo", "handler", "ubnd_74_718"),
          ("phan.tich", "analyst", "vpubnd_74"), ("ung.dung", "client", "tongdai_74"))  # fmt: skip
# What deletes comes last: among it is the log-out, after which all else would be refused.
PARTS = (["--exclude-method", "DELETE"], ["--include-method", "DELETE"])
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def run(arguments: list[str]) -> int:
    """Args:
    arguments: for ``schemathesis run``, after ours: ``--max-examples 100``.
    """
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        app = create_app({"DATABASE": f"sqlite:///{folder}/x.db", "INSTANCE": folder})
        environment = {"THONGSUOT_DATABASE": app.config["DATABASE"], "THONGSUOT_INSTANCE": folder}
        tokens = _people(environment)
        with served(app) as server:
            for role, token in tokens.items():
                print(f"» as {role}", flush=True)
                command = [Path(sys.executable).with_name("schemathesis"), "run", f"{server}/api/v1/openapi.json"]
                command += ["--url", server, "--header", f"Authorization: Bearer {token}", "--checks", CHECKS]
                command += ["--phases", "examples,fuzzing", "--max-examples", "10", "--seed", "1022"]
                command += ["--request-timeout", "60", "--suppress-health-check", "too_slow"]
                for part in PARTS:
                    if subprocess.run([*command, *part, *arguments], cwd=folder).returncode:
                        failed.append(role)
    print(f"» failures as: {', '.join(failed)}" if failed else "» no failure")
    return len(failed)


def _people(environment: dict[str, str]) -> dict[str, str]:
    def typed(*words: str) -> str:
        done = CliRunner().invoke(main, words, env=environment)
        assert done.exit_code == 0, done.output
        return done.output

    typed("db", "upgrade")
    typed("load", str(ROOT / "bpmn" / "binh_duong"))
    tokens = {}
    for login, role, agency in PEOPLE:
        typed("user", "add", login, "--name", login, "--role", role, "--no-password",
              *(("--agency", agency) if agency else ()))  # fmt: skip
        tokens[role] = typed("token", "create", login, "--label", "x").split()[-1]
    return tokens


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(run(sys.argv[1:]))

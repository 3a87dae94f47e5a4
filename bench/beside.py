"""The life of a report beside the other engines of the field, each fetched for the run and gone afterwards.

Each keeps what it must keep in the same PostgreSQL, is behind a server as plain as the naive host's, and does the same
work: four tasks over HTTP, what it has reached written down at every call. What is spared each is said in its file.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from sqlalchemy import make_url

from bench import ours
from bench.bed import Bed, Figures
from bench.hosts import Host, running
from bench.lifecycles import CASES, CLIENTS, ROUNDS, played, said

HERE = Path(__file__).parent / "opponents"


def _node(folder: str, *packages: str) -> tuple[str, ...]:
    npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix", folder]
    subprocess.run([*npm, *packages], check=True)
    return ("node", str(HERE / "bpmn_engine.mjs"), folder, str(ours.LIFECYCLE / "process.bpmn"))


def _python(script: str, folder: str, *packages: str) -> tuple[str, ...]:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = f"{folder}/bin/python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
    subprocess.run([*pip, *packages], check=True)
    return (python, str(HERE / script))


ENGINES: dict[str, tuple[Callable[..., tuple[str, ...]], tuple[str, ...]]] = {
    "bpmn_engine": (_node, ("bpmn-engine@25.0.1", "pg@8.23.1")),
    "viewflow": (
        lambda *where: _python("viewflow_host.py", *where),
        ("django-viewflow==2.4.0", "Django==5.2.19", "psycopg[binary]==3.3.9", "waitress==3.0.2"),
    ),
    "dbos": (
        lambda *where: _python("dbos_host.py", *where),
        ("dbos==3.4.0", "SQLAlchemy==2.1.9", "psycopg[binary]==3.3.9", "Flask==3.1.3", "waitress==3.0.2"),
    ),
}


def beside(bed: Bed) -> Figures:
    """The life of a report over HTTP, beside bpmn-engine (Node), Viewflow (Django) and DBOS on the same PostgreSQL"""
    if bed.kind != "postgresql":
        return {"left_out": "these engines' hosts have a driver for PostgreSQL only"}
    figures: Figures = {}
    token = ours.prepare(url := bed.make("beside_ours"))
    for name, (fetch, packages) in ENGINES.items():
        their = make_url(bed.make(f"beside_{name}")).set(drivername="postgresql")
        plain = their.render_as_string(hide_password=False)
        figures[f"{name}_is"] = " with ".join(packages)
        with tempfile.TemporaryDirectory(prefix="ts-bench-") as folder:
            program = fetch(folder, *packages)
            with running(name, plain, program=program) as other, running("ours", url, token) as our:
                figures |= _compared(bed, other, our)
    return figures


def _compared(bed: Bed, other: Host, our: Host) -> Figures:
    figures: Figures = {}
    name = other.name
    for host in (other, our):
        played(host, 1, 10)  # warm up
    for clients in CLIENTS:
        bed.say(f"lifecycle of 4 tasks, {clients} client(s), {name}")
        cases = bed.some(CASES, clients)
        rounds = [[played(host, clients, cases) for host in (other, our)] for _ in range(bed.some(ROUNDS, 3))]
        spoken = said(f"{clients}_clients", rounds, [name, f"ours_beside_{name}"])
        speed = median(mine[0] / theirs[0] for theirs, mine in rounds)
        cpu = median(theirs[1] / mine[1] for theirs, mine in rounds)
        figures |= spoken | {
            f"{clients}_clients_cases_per_s_ours_to_{name}_ratio": round(speed, 2),
            f"{clients}_clients_cpu_{name}_to_ours_ratio": round(cpu, 2),
        }
    return figures | {f"{name}_memory_mb": round(other.memory_mb()), "ours_memory_mb": round(our.memory_mb())}

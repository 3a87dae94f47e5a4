"""A story played in a process of its own, within a time: for a page, whose server has other things to do meanwhile.

    python -m webapi.rehearsal.apart     reads {"packages": […], "code": "BDKK", "story": "title = …"}
                                         writes {"why": …, "elements": […]}
                                         or, for {"stories": […]}, {"whys": […], "taken": …, "of": …, "untaken": […]}
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from engine.errors import InvalidRequest, TooMany
from engine.flow import paths
from engine.packages import Files, Package
from webapi.config import PREFIX
from webapi.rehearsal.play import course, rehearse
from webapi.rehearsal.story import parse

SECONDS = 60.0
SECONDS_FOR_ALL = 170.0
PATIENCE = 20.0  # seconds that a second one waits for the first to end
CALLED = Path("scenario.toml")  # in sentences
_turn = BoundedSemaphore()


def play(packages: Sequence[Files], code: str, story: str, seconds: float = SECONDS) -> dict[str, Any]:
    """Play a story of the last of these report types.

    Returns:
        ``why`` it does not go as it says, or None; ``elements``: where its case went.

    Raises:
        InvalidRequest: it is no scenario, or takes too long.
        TooMany: others are being played.
    """
    parse(story, code, CALLED)
    return _run({"packages": [dict(files) for files in packages], "code": code, "story": story}, seconds)


def play_all(packages: Sequence[Files], code: str, told: Sequence[str]) -> dict[str, Any]:
    """Play all stories of the last of these report types, each on a stage of its own.

    Returns:
        ``whys``: of each, as for `play`; how many of the diagrams' elements and flows were ``taken`` by any of them,
        ``of`` how many, as [elements, flows]; the ``untaken``: file, line, kind, id, label.

    Raises:
        InvalidRequest, TooMany: as for `play`.
    """
    for story in told:
        parse(story, code, CALLED)
    return _run({"packages": [dict(files) for files in packages], "code": code, "stories": [*told]}, SECONDS_FOR_ALL)


def _run(told: dict[str, Any], seconds: float) -> dict[str, Any]:
    if not _turn.acquire(timeout=PATIENCE):
        raise TooMany("Another scenario is being played: wait until it has ended.", retry_after=int(PATIENCE))
    try:
        done = subprocess.run([sys.executable, "-m", __name__], input=json.dumps(told), env=_environment(),
                              capture_output=True, text=True, encoding="utf-8", timeout=seconds)  # fmt: skip
    except subprocess.TimeoutExpired:
        raise InvalidRequest(f"It took longer than {seconds:g} seconds and was stopped: play it with `thongsuot try`.",
                             field="story") from None  # fmt: skip
    finally:
        _turn.release()
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _environment() -> dict[str, str]:
    """How this server serves is no affair of a rehearsal."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def main() -> None:
    told = json.load(sys.stdin)
    json.dump(_all(told) if "stories" in told else _one(told), sys.stdout)


def _one(told: dict[str, Any]) -> dict[str, Any]:
    with rehearse(told["packages"]) as ready, ready.stage() as stage:
        why, elements = course(parse(told["story"], told["code"], CALLED), stage)
    return {"why": why, "elements": elements}


def _all(told: dict[str, Any]) -> dict[str, Any]:
    package, whys = Package(told["packages"][-1]), []
    with rehearse(told["packages"]) as ready, paths.watching(str(package.type["process"])) as taken:
        for story in told["stories"]:
            with ready.stage() as stage:
                whys.append(course(parse(story, told["code"], CALLED), stage)[0])
    found = paths.cover(package.files, taken)
    return {"whys": whys, "taken": [found.count("element"), found.count("flow")],
            "of": [found.elements, found.flows], "untaken": [asdict(one) for one in found.untaken]}  # fmt: skip


if __name__ == "__main__":
    main()

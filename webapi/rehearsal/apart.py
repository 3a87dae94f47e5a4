"""A story played in a process of its own, within a time: for a page, whose server has other things to do meanwhile.

    python -m webapi.rehearsal.apart     reads {"packages": […], "code": "BDKK", "story": "title = …"}
                                         writes {"why": …, "elements": […]}
                                         or, for {"stories": […], "within": 5}, {"whys": […], "untaken": […]}
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from engine.errors import InvalidRequest, TooMany
from engine.flow import paths
from engine.packages import Files, Package
from webapi import cpu
from webapi.config import PREFIX
from webapi.rehearsal.play import Rehearsal, course, rehearse
from webapi.rehearsal.story import parse

SECONDS = 60.0
BEGUN_WITHIN = 5.0  # seconds in which several are begun before a page hears how far it is
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


def play_some(
    packages: Sequence[Files], code: str, told: Sequence[str], within: float = BEGUN_WITHIN
) -> dict[str, Any]:  # fmt: skip
    """Play as many of these stories as can be begun within so many seconds, in their order, and at least one; each on
    a stage of its own.

    Returns:
        ``whys``: of each that was played, as for `play`, or why it is no scenario; ``untaken``: what of the diagrams
        none of them took, as positions in what `paths.cover` tells of the package when nothing was played.

    Raises:
        InvalidRequest: it takes too long.
        TooMany: as for `play`.
    """
    return _run({"packages": [dict(files) for files in packages], "code": code, "stories": [*told],
                 "within": within}, SECONDS)  # fmt: skip


def _run(told: dict[str, Any], seconds: float) -> dict[str, Any]:
    if not _turn.acquire(timeout=PATIENCE):
        raise TooMany("Another scenario is being played: wait until it has ended.", retry_after=int(PATIENCE))
    try:
        with cpu.anywhere():
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
    json.dump(_some(told) if "stories" in told else _one(told), sys.stdout)


def _one(told: dict[str, Any]) -> dict[str, Any]:
    with rehearse(told["packages"]) as ready, ready.stage() as stage:
        why, elements = course(parse(told["story"], told["code"], CALLED), stage)
    return {"why": why, "elements": elements}


def _some(told: dict[str, Any]) -> dict[str, Any]:
    package, whys, ends = Package(told["packages"][-1]), [], time.monotonic() + told["within"]
    with rehearse(told["packages"]) as ready, paths.watching(str(package.type["process"])) as taken:
        for story in told["stories"]:
            whys.append(_why(story, told["code"], ready))
            if time.monotonic() > ends:
                break
    untaken = paths.cover(package.files, taken).untaken
    every = paths.cover(package.files, paths.Taken(taken.process)).untaken
    return {"whys": whys, "untaken": [position for position, one in enumerate(every) if one in untaken]}


def _why(told: str, code: str, ready: Rehearsal) -> str | None:
    try:
        story = parse(told, code, CALLED)
    except InvalidRequest as error:
        return error.detail
    with ready.stage() as stage:
        return course(story, stage)[0]


if __name__ == "__main__":
    main()

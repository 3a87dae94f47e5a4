"""A story played in a process of its own, within a time: for a page, whose server has other things to do meanwhile.

    python -m webapi.rehearsal.apart     reads {"packages": […], "code": "BDKK", "story": "title = …"}
                                         writes {"why": …, "elements": […]}
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from engine.errors import InvalidRequest, TooMany
from engine.packages import Files
from webapi.config import PREFIX
from webapi.rehearsal.play import course, rehearse
from webapi.rehearsal.story import parse

SECONDS = 60.0
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
    told = json.dumps({"packages": [dict(files) for files in packages], "code": code, "story": story})
    if not _turn.acquire(timeout=PATIENCE):
        raise TooMany("Another scenario is being played: wait until it has ended.", retry_after=int(PATIENCE))
    try:
        done = subprocess.run([sys.executable, "-m", __name__], input=told, env=_environment(), capture_output=True,
                              text=True, encoding="utf-8", timeout=seconds)  # fmt: skip
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
    with rehearse(told["packages"]) as ready, ready.stage() as stage:
        why, elements = course(parse(told["story"], told["code"], CALLED), stage)
    json.dump({"why": why, "elements": elements}, sys.stdout)


if __name__ == "__main__":
    main()

"""A worker that moves a case, or does one of a batch, for each line that it is sent, and then says so; to be killed.
For `test_migrating` and `test_deadly_lines`.

    python -m tests.moving_actor URL migrations|batches|imports INSTANT [WHOM]

INSTANT is what it takes for the present. It dies of the case, or the telephone number, WHOM, as of a fault below
Python: by SIGKILL.
"""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime

from engine import intake
from engine.runtime import Runtime
from engine.sheets import imports
from engine.versions import migrations, transfers
from engine.work import batches

STEPS = {"migrations": migrations.step, "batches": batches.step, "imports": imports.step}


def deadly(does, whom):
    """The same, but for one."""

    def do(unit, what, *more, **named):
        reporter = getattr(what, "reporter", None)
        if whom in (what, getattr(what, "number", None), getattr(reporter, "phone", None)):
            os.kill(os.getpid(), signal.SIGKILL)
        return does(unit, what, *more, **named)

    return do


if __name__ == "__main__":
    url, what, instant, *victim = sys.argv[1:]
    for whom in victim:
        batches.KINDS["suspend"] = deadly(batches.KINDS["suspend"], whom)
        transfers.move, transfers.back = deadly(transfers.move, whom), deadly(transfers.back, whom)
        intake.receive = deadly(intake.receive, whom)
    runtime = Runtime.open(url, lambda: datetime.fromisoformat(instant))
    for _ in sys.stdin:
        print("done" if STEPS[what](runtime) else "nothing left", flush=True)

"""A worker that moves a case, or does one of a batch, for each line that it is sent, and then says so; to be killed.
For `test_migrating`.

    python -m tests.moving_actor URL migrations|batches
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from engine.runtime import Runtime
from engine.versions import migrations
from engine.work import batches

STEPS = {"migrations": migrations.step, "batches": batches.step}

if __name__ == "__main__":
    runtime = Runtime.open(sys.argv[1], lambda: datetime.now(UTC))
    for _ in sys.stdin:
        print("done" if STEPS[sys.argv[2]](runtime) else "nothing left", flush=True)

"""A worker that moves cases, or does a batch, until there is nothing left, and says so after each case; to be killed.
For `test_migrating`.

    python -m tests.moving_actor URL migrations|batches
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from engine import batches, migrations
from engine.runtime import Runtime

STEPS = {"migrations": migrations.step, "batches": batches.step}

if __name__ == "__main__":
    runtime = Runtime.open(sys.argv[1], lambda: datetime.now(UTC))
    while STEPS[sys.argv[2]](runtime):
        print("done", flush=True)

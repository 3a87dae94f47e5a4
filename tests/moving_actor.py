"""A worker that moves cases until there is none left, and says so after each; to be killed. For `test_migrating`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from engine import migrations
from engine.runtime import Runtime

if __name__ == "__main__":
    runtime = Runtime.open(sys.argv[1], lambda: datetime.now(UTC))
    while migrations.step(runtime):
        print("moved", flush=True)

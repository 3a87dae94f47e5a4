"""Whoever is killed while deploying leaves the old version whole, or the new one: never something of both."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

from tests.sources import ROOT


def test_a_deployment_that_is_killed_anywhere_leaves_one_version_whole(hotline, database_url):
    done = subprocess.run([sys.executable, "-m", "tests.deploying_actor", database_url], cwd=ROOT, capture_output=True,
                          text=True, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) > 10 and [one["killed"] for one in told] == [True] * (len(told) - 1) + [False]

    version, area, drawn = 1, "Huyện Bàu Bàng", "Xử lý"
    for one in told:
        if one["version"] != version:
            version, area, drawn = version + 1, f"Huyện {one['word']}", f"Xử lý {one['word']}"
        assert (one["version"], one["area"], one["drawn"]) == (version, area, drawn), one
        assert one["versions"] == list(range(1, version + 1)) and one["undecided"] == [], one
        assert one["settings"] and one["received"] == one["current"], one
    assert told[-1]["drawn"] == f"Xử lý {told[-1]['word']}"  # the one that nobody killed
    assert 2 <= version <= 4, "all but the last, and those killed just behind the commit, died before it"

    hotline.clock.now = datetime(2100, 1, 1, tzinfo=UTC)  # the actor's clock is the real one
    made = hotline.as_("phantich").get("/deployments", key="PAKN").json["items"]  # the server that was there all along
    assert (made[0]["version"], made[0]["state"]) == (version, "current")
    assert hotline.case(hotline.receives())["status"] == "moi"

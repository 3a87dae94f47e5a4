"""Replay: what would have become of closed cases, had an edited report type been in force.

    record.py    what people did to a case, and when: read from its rows and its history
    scratch.py   a database in memory, which has the province and the versions, and forgets every case
    play.py      a case played there in some version: `instances.advance` and everything behind it, the clock moved
    compare.py   two plays of one case, and all of them summed up

Each case is played twice: in its own version, which has to lead where the record says, and in the edited one. So a
difference comes from the edit, and what cannot be replayed is told as such. The database is only read.
"""

from engine.replays.compare import CASES_MAX, Group, Replay, replay

__all__ = ["CASES_MAX", "Group", "Replay", "replay"]

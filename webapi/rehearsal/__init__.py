"""An analyst's stories, played through the HTTP API on a database of their own while the clock moves as they say.

The format is in docs/scenarios.md.
"""

from webapi.rehearsal.play import course, play, rehearse
from webapi.rehearsal.story import Story, parse, read, stories_in

__all__ = ["Story", "course", "parse", "play", "read", "rehearse", "stories_in"]

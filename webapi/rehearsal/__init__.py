"""An analyst's stories, played through the HTTP API on a database of their own while the clock moves as they say.

The format is in docs/scenarios.md.
"""

from webapi.rehearsal.play import play, rehearse
from webapi.rehearsal.story import Story, read, stories_in

__all__ = ["Story", "play", "read", "rehearse", "stories_in"]

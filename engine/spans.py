"""What the server does, told to whoever watches how long things take: a span for each.

The engine knows no OpenTelemetry. Somebody who watches is given by `watch`, when a process starts (`webapi.telemetry`);
else nobody is, and nothing is spent. Facts are ids and words of the program: never what somebody wrote or is.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Fact = int | str
Watcher = Callable[[str, dict[str, Fact]], AbstractContextManager[object]]

_NOTHING: AbstractContextManager[object] = nullcontext()
_watcher: list[Watcher] = []


def span(name: str, **facts: Fact) -> AbstractContextManager[object]:
    """What is done inside belongs to it, in this thread."""
    return _watcher[0](name, facts) if _watcher else _NOTHING


def watch(watcher: Watcher | None) -> None:
    """Args:
    watcher: makes a span of a name and facts; None: nobody watches any more.
    """
    _watcher[:] = [watcher] if watcher else []

"""Why somebody did something, as people can read it later."""

from __future__ import annotations

from engine.errors import InvalidRequest

REASON_MAX = 2_000


def checked_reason(reason: str, field: str = "reason") -> str:
    """A reason, or another ``field``, that people can read later.

    Raises:
        InvalidRequest: it is empty or endless.
    """
    reason = reason.strip()
    if not reason or len(reason) > REASON_MAX:
        raise InvalidRequest(f"Say why, in 1 to {REASON_MAX} characters.", field=field)
    return reason

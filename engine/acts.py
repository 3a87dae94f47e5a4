"""What was done that belongs to no case: who logged in or failed to, and changed accounts, tokens, agencies, versions.

Appended in the transaction that does it, and never changed; `engine.record.chain` links the lines. What belongs to a
case is in its history (`engine.model.events`), and `engine.record.audit` lists both.
"""

from __future__ import annotations

from typing import Any

from engine.model import acts
from engine.runtime import Unit
from engine.storage.prepared import Prepared

UNKNOWN = "unknown"  # somebody who could not log in
SYSTEM = "system"
KINDS = (
    "logged-in", "login-failed", "logged-out", "sessions-ended",
    "second-factor-set", "second-factor-removed", "recovery-code-used", "identity-bound",
    "token-made", "token-revoked",
    "account-made", "account-changed", "password-changed",
    "version-brought", "version-activated", "version-approved", "version-refused", "version-suspended",
    "version-released", "settings-loaded", "key-declared", "key-given-up",
    "agency-changed", "day-declared", "exported", "person-exported", "copy-restored",
)  # fmt: skip
_NOTE = Prepared.insertion(acts, "at", "kind", "actor", "subject", "address", "data")


def note(
    unit: Unit, kind: str, actor: str, subject: str | None = None, address: str | None = None, **data: Any
) -> None:
    """Add a line.

    Args:
        actor: a log-in name, or "cli", "system" or `UNKNOWN`.
        subject: to what or whom: a log-in name, an agency's or report type's key.
        data: what more there is to say; no secret, and nothing about citizens.
    """
    if kind not in KINDS:
        raise ValueError(f"no act is called {kind!r}")
    unit.write(_NOTE, {"at": unit.now, "kind": kind, "actor": actor, "subject": subject, "address": address,
                       "data": data})  # fmt: skip

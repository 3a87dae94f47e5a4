"""A second factor beside the password: codes that a device calculates from the time (TOTP, RFC 6238), and recovery
codes for who has lost the device.

A code works once. Who guesses is held back together with who guesses passwords (`engine.people.accounts.log_in`).
Recovery codes are 80 random bits each; only their hashes are kept.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import Row, delete, insert, select, update

from engine import acts, notices
from engine.errors import InvalidRequest, NotFound, WrongState
from engine.model import LOGIN, accounts, second_factors, tokens
from engine.people import access
from engine.people.access import Account
from engine.runtime import Unit

STEP = 30  # seconds for which a code is shown
DIGITS = 6
DRIFT = 1  # steps by which a device's clock may be wrong, either way
RECOVERY_CODES = 10
ISSUER = "Thông Suốt"


def code(secret: str, step: int) -> str:
    """What a device shows during a step of 30 seconds since 1970.

    >>> code(base64.b32encode(b"12345678901234567890").decode(), 1)
    '287082'
    """
    key = base64.b32decode(secret)
    made = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    at = made[-1] & 0xF
    number = int.from_bytes(made[at : at + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def step_at(moment: datetime) -> int:
    return int(moment.timestamp()) // STEP


# -- logging in ----------------------------------------------------------------------------------------------------


def has(unit: Unit, account_id: int) -> bool:
    return _confirmed(unit, account_id) is not None


def passes(unit: Unit, account_id: int, shown: str | None) -> bool | None:
    """Whether a code is right, and has not been used before; ``None``: one is needed, and none was shown. Who has no
    second factor passes."""
    row = _confirmed(unit, account_id)
    if row is None:
        return True
    shown = (shown or "").replace(" ", "").replace("-", "").lower()
    if not shown:
        return None
    return _takes(unit, row, shown) if len(shown) == DIGITS else _recovers(unit, row, shown)


def _confirmed(unit: Unit, account_id: int) -> Row[Any] | None:
    mine = (second_factors.c.account_id == account_id, second_factors.c.confirmed_at.is_not(None))
    return unit.first(select(second_factors).where(*mine))


def _takes(unit: Unit, row: Row[Any], shown: str) -> bool:
    """Whether it is the code of now, or of a moment ago; none works that is not later than the last one that did."""
    now = step_at(unit.now)
    right = [step for step in range(now - DRIFT, now + DRIFT + 1) if hmac.compare_digest(
        code(row.secret, step).encode(), shown.encode("utf-8", "replace"))]  # fmt: skip
    return any(
        unit.claims(_this(row.account_id, second_factors.c.last_step < step).values(last_step=step)) for step in right
    )


def _recovers(unit: Unit, row: Row[Any], shown: str) -> bool:
    used = _digest(shown)
    if used not in row.recovery:
        return False
    left = [one for one in row.recovery if one != used]
    # two log-ins with the same code at once: the second one waits for the row, and finds fewer codes in it
    locked = unit.first(select(second_factors).where(second_factors.c.account_id == row.account_id).with_for_update())
    if locked is None or used not in locked.recovery:
        return False
    unit.execute(_this(row.account_id).values(recovery=left))
    login = unit.scalar(select(accounts.c.login).where(accounts.c.id == row.account_id))
    acts.note(unit, "recovery-code-used", login, login, left=len(left))
    notices.tell(unit, "recovery-code-used", login)
    return True


# -- setting it up -------------------------------------------------------------------------------------------------


def begin(unit: Unit, by: Account) -> str:
    """A new secret for the person's device; nothing is asked for until `confirm`. Called twice, it is the same one.

    Raises:
        NotAllowed: ``by`` shows a token for some scopes only.
        WrongState: there is a second factor already.
    """
    _must_be_the_person(by)
    row = unit.first(select(second_factors).where(second_factors.c.account_id == by.id))
    if row is not None and row.confirmed_at is not None:
        raise WrongState("There is a second factor already: remove it first.")
    if row is not None:
        return str(row.secret)
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    unit.execute(insert(second_factors), {"account_id": by.id, "secret": secret, "created_at": unit.now,
                                          "recovery": []})  # fmt: skip
    return secret


def address(secret: str, login: str) -> str:
    """What the QR code for the device says."""
    label = quote(f"{ISSUER}:{login}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': ISSUER}, quote_via=quote)}"


def confirm(unit: Unit, shown: str, by: Account) -> list[str]:
    """From now on a code is asked for at every log-in. Those that are open end, the one that shows it as well: whoever
    knows the password may have opened them. Tokens of programs stay.

    Returns:
        The recovery codes, which can be read here and nowhere else.

    Raises:
        InvalidRequest: it is not the code that the device shows now.
        NotAllowed: as for `begin`.
        WrongState: nothing was begun, or it is confirmed already.
    """
    _must_be_the_person(by)
    row = unit.first(select(second_factors).where(second_factors.c.account_id == by.id))
    if row is None or row.confirmed_at is not None:
        raise WrongState("No second factor waits to be confirmed.")
    if not _takes(unit, row, shown.replace(" ", "")):
        raise InvalidRequest("This is not the code that the device shows now: is its clock right?", field="code")
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES)]
    unit.execute(_this(by.id).values(confirmed_at=unit.now, recovery=[_digest(one) for one in codes]))
    opened = (tokens.c.account_id == by.id, tokens.c.label == LOGIN, tokens.c.revoked_at.is_(None))
    unit.execute(update(tokens).where(*opened).values(revoked_at=unit.now))
    acts.note(unit, "second-factor-set", by.login, by.login)
    notices.tell(unit, "second-factor-set", by.login)
    return ["-".join(one[at : at + 4] for at in range(0, len(one), 4)) for one in codes]


def remove(unit: Unit, login: str, by: Account | None) -> None:
    """For a new device: whoever manages accounts removes it, having made sure who asks; for nobody's own account does
    a session alone do it.

    Args:
        by: ``None`` on the command line.

    Raises:
        NotAllowed: ``by`` does not manage accounts.
        NotFound: the account has none.
    """
    if by is not None:
        access.require(by, "manage")
    account_id = unit.scalar(select(accounts.c.id).where(accounts.c.login == login))
    if not unit.claims(delete(second_factors).where(second_factors.c.account_id == account_id)):
        raise NotFound(f"{login!r} has no second factor.")
    acts.note(unit, "second-factor-removed", "cli" if by is None else by.login, login)
    notices.tell(unit, "second-factor-removed", login)


def _must_be_the_person(by: Account) -> None:
    """A log-in may; also one that is good for nothing else."""
    if by.scopes:
        access.require_whole(by)


def _this(account_id: int, *more: Any) -> Any:
    return update(second_factors).where(second_factors.c.account_id == account_id, *more)


def _digest(shown: str) -> str:
    return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()

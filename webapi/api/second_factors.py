"""The second factor beside a password: a device that shows codes (TOTP), and recovery codes."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from engine.people import second_factors
from engine.people.access import Account
from engine.runtime import Unit
from webapi.api.blueprint import Blueprint, In, Out

bp = Blueprint("second_factors", "A device that shows codes, beside the password.")
FACTOR = "/me/second-factor"


class FactorOut(Out):
    secret = fields.String(metadata={"description": "base32, for a device that has no camera"})
    address = fields.String(metadata={"description": "what the device reads as a QR code"})


class CodeIn(In):
    code = fields.String(required=True, validate=validate.Length(6, 10))


class RecoveryOut(Out):
    recovery_codes = fields.List(fields.String(), metadata={"description": "shown this once; each works once"})


@bp.change(FACTOR, FactorOut)
def begin(unit: Unit, caller: Account) -> Any:
    """A secret for your device; nothing is asked for until you confirm"""
    secret = second_factors.begin(unit, caller)
    return {"secret": secret, "address": second_factors.address(secret, caller.login)}


@bp.change(f"{FACTOR}/confirm", RecoveryOut, CodeIn)
def confirm(unit: Unit, caller: Account, body: dict[str, Any]) -> Any:
    """Show a code: from then on one is asked for at every log-in

    All your log-ins end, this one as well: log in again with the code that comes next.
    """
    return {"recovery_codes": second_factors.confirm(unit, body["code"], caller)}


@bp.change("/accounts/<name:login>/second-factor", None, method="DELETE", status=204)
def remove(unit: Unit, caller: Account, login: str) -> Any:
    """Remove the second factor of somebody whose device is lost"""
    second_factors.remove(unit, login, caller)
    return "", 204

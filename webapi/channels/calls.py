"""What became of a call that the exchange was asked to connect (`engine.messaging.bridge`).

    {"call": "1022.BD.20210903.00042:call:6f1c…", "outcome": "answered", "seconds": 87}

Signed as SMS that come in are. Said twice, it is one; numbers are not asked for, and would not be kept.
"""

from __future__ import annotations

from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from engine.errors import InvalidRequest
from engine.messaging import bridge
from webapi import auth
from webapi.channels import sms

SECRETS = ("secret",)
OPTIONAL: tuple[str, ...] = ()
signed = sms.signed
_LONGEST = 24 * 3600  # seconds of a call


def take(province: str, document: dict[str, Any]) -> ResponseReturnValue:
    """Raises:
    InvalidRequest, NotFound: the exchange is told, as nobody else could repair it.
    """
    call, outcome, seconds = document.get("call"), document.get("outcome"), document.get("seconds")
    if not isinstance(call, str) or not 0 < len(call) <= 200 or "\0" in call:
        raise InvalidRequest("'call' is what the exchange was asked to connect: the key of our web hook.", field="call")
    if outcome not in bridge.OUTCOMES:
        raise InvalidRequest(f"'outcome' is one of {', '.join(bridge.OUTCOMES)}.", field="outcome")
    if seconds is not None and (type(seconds) is not int or not 0 <= seconds <= _LONGEST):
        raise InvalidRequest("'seconds' is how long they spoke, a whole number.", field="seconds")
    with auth.runtime().begin() as unit:
        return jsonify({"new": bridge.told(unit, province, call, outcome, seconds)})

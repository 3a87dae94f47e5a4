"""Messages and signals between cases: what an event says about who is meant, in its properties.

A message without a key stays in its case, as does a signal without a scope. With the property ``key`` a message goes to
whichever case of the province waits for it under that key; a case that waits without one waits under its own number.
With ``scope`` = ``province`` a signal is heard in every case of the province that waits for it likewise. Why:
`docs/decisions/0012-what-leaves-a-case-says-so.md`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.flow.nodes import Given, Node, Value
from engine.flow.scripts import ScriptError, check_value
from engine.flow.steps import Broadcast, Send
from engine.flow.tokens import Token
from engine.language.vietnamese import nfc
from engine.terms.calendar import ROUND_THE_CLOCK, Term

WIDE = "province"  # the one scope there is beside the case itself
KEY_MAX = 200  # characters
KEPT = "P7D"  # how long a message waits for its case, where the diagram does not say
KEPT_MAX = timedelta(days=90)
ENGINES_OWN = frozenset({"msg_tra_lai", "msg_cau_hoi", "msg_bo_sung", "msg_phan_anh_lai", "msg_danh_gia",
                         "msg_cuoc_goi"})  # fmt: skip
"""Messages by which people and the exchange speak to a case through doors of their own: no case sends them."""


@dataclass(frozen=True)
class Address:
    """Attributes:
    key: under which a message is sent or awaited; ``None``: it is sent inside the case, awaited by the case's number.
    kept: how long a message waits for its case: an ISO 8601 duration.
    wide: whether a signal is the whole province's.
    inputs: what becomes variables of whoever hears it.
    """

    key: Value | None = None
    kept: Value = ""
    wide: bool = False
    inputs: dict[str, Given] = field(default_factory=dict)


def key_of(node: Node, key: Value, token: Token) -> str:
    """Raises:
    ProcessFault: it comes out as no key.
    """
    found = node.value_of(key, token)
    said = nfc(str(found).strip()) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    if not 0 < len(said) <= KEY_MAX:
        raise node.fault(f"its key came out as {found!r:.60}, not as a short text or a whole number")
    return said


def leave(node: Node, name: str, address: Address, token: Token) -> None:
    """Have a message or signal go out of the case; it does with the transaction that it is thrown in."""
    effects = token.workflow.top_workflow.effects
    payload = _payload(node, address, token)
    if address.key is None:
        effects.append(Broadcast(token.id, node.bpmn_id, name, payload))
    else:
        until = _until(node, address, token)
        effects.append(Send(token.id, node.bpmn_id, name, key_of(node, address.key, token), payload, until))


def _payload(node: Node, address: Address, token: Token) -> dict[str, Any]:
    try:
        return check_value(node.filled(address.inputs, token), "what it says")  # type: ignore[no-any-return]
    except ScriptError as error:
        raise node.fault(str(error)) from None


def _until(node: Node, address: Address, token: Token) -> datetime:
    now: datetime = token.workflow.top_workflow.moment.now
    kept = node.value_of(address.kept, token) or KEPT
    try:
        until = ROUND_THE_CLOCK.add(now, Term.parse(kept))
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise node.fault(f"it is kept for {kept!r}, which is no duration of ISO 8601") from None
    if not now < until <= now + KEPT_MAX:
        raise node.fault(f"it is kept for {kept!r}; write a duration of at most {KEPT_MAX.days} days")
    return until

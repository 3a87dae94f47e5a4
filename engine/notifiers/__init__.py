"""Messages on their way out of the house: to a log, a mail server, an SMS gateway, Zalo, a partner's web hook.

A notifier is handed one message, with no transaction open, and either returns what the other side called it or
raises: `TryLater` when trying again may help, `Undeliverable` when it will not. Everything is sent at least once and
always with the same key; where the other side has a place for a key, it gets it.

Notifiers never log; reasons and the journal name a person by a masked number at most.
"""

from engine.notifiers.build import build
from engine.notifiers.message import Message, Notifier, Receipt, TryLater, Undeliverable, masked

__all__ = ["Message", "Notifier", "Receipt", "TryLater", "Undeliverable", "build", "masked"]

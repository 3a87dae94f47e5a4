"""Viber: a plain message to someone who wrote to a province's bot.

Not tried against Viber itself; the request and the status codes are those that Viber documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.notifiers import web
from engine.notifiers.message import Message, Receipt, TryLater, Undeliverable

# not as it should be, something missing, not known, not subscribed any more, no device for it, too old
_NEVER = (3, 4, 5, 6, 11, 13)


class Viber:
    def __init__(
        self,
        tokens: Mapping[str, str],
        sender: str = "1022",
        url: str = "https://chatapi.viber.com/pa/send_message",
        permanent: Iterable[int] = _NEVER,
        ca_file: str | None = None,
        proxy: str | None = None,
        timeout: float = 10,
    ) -> None:
        """Args:
        tokens: the authentication token of each province's bot, by the province's code.
        sender: the name people see, at most 28 characters.
        permanent: Viber's status codes after which trying again would not help.
        """
        if not 0 < len(sender) <= 28:
            raise ValueError("sender must have 1 to 28 characters.")
        self.tokens, self.sender = dict(tokens), sender
        self.url = web.checked(url)
        self.permanent = frozenset(permanent)
        self._client = web.client(timeout, ca_file, proxy)

    def send(self, message: Message) -> Receipt:
        token = self.tokens.get(message.province)
        if token is None:
            raise Undeliverable(f"No bot's token is set for the province {message.province}.")
        body = {"receiver": message.to, "type": "text", "text": message.text, "sender": {"name": self.sender},
                "tracking_data": message.key, "min_api_version": 1}  # fmt: skip
        headers = {"X-Viber-Auth-Token": token, "Idempotency-Key": message.key}
        answer = web.exchange(self._client, "Viber", "POST", self.url, json=body, headers=headers)
        web.judge(answer, "Viber", frozenset())
        status = web.part(answer.document, "status")
        if status == "0":
            return Receipt(web.part(answer.document, "message_token"))
        reason = f"Viber answered with the status {status}."
        raise Undeliverable(reason) if status in map(str, self.permanent) else TryLater(reason)

    def close(self) -> None:
        self._client.close()

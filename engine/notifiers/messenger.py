"""Facebook Messenger: a plain message to someone who wrote to a province's page.

Not tried against Facebook itself. A page may answer within 24 hours; after that only with a tag that Facebook has
granted it (``HUMAN_AGENT``, seven days). What comes too late is refused for good, and a person sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.notifiers import web
from engine.notifiers.message import Message, Receipt, TryLater, Undeliverable

# outside the time for answers or not allowed, no such person, person not available
_NEVER = (10, 100, 200, 551)


class Messenger:
    def __init__(
        self,
        access_tokens: Mapping[str, str],
        url: str = "https://graph.facebook.com/v19.0/me/messages",
        tag: str = "",
        permanent: Iterable[int] = _NEVER,
        ca_file: str | None = None,
        proxy: str | None = None,
        timeout: float = 10,
    ) -> None:
        """Args:
        access_tokens: of each province's page, by the province's code.
        tag: for answers after 24 hours, if Facebook has granted it.
        permanent: Facebook's error codes after which trying again would not help.
        """
        self.access_tokens = dict(access_tokens)
        self.url = web.checked(url)
        self.kind = {"messaging_type": "MESSAGE_TAG", "tag": tag} if tag else {"messaging_type": "RESPONSE"}
        self.permanent = frozenset(permanent)
        self._client = web.client(timeout, ca_file, proxy)

    def send(self, message: Message) -> Receipt:
        token = self.access_tokens.get(message.province)
        if token is None:
            raise Undeliverable(f"No page's access token is set for the province {message.province}.")
        body = {"recipient": {"id": message.to}, "message": {"text": message.text}} | self.kind
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": message.key}
        answer = web.exchange(self._client, "Facebook", "POST", self.url, json=body, headers=headers)
        code = web.part(answer.document, "error.code")
        if code is not None:
            reason = f"Facebook answered with the error {code}."
            raise Undeliverable(reason) if code in map(str, self.permanent) else TryLater(reason)
        web.judge(answer, "Facebook", frozenset())
        return Receipt(web.part(answer.document, "message_id"))

    def close(self) -> None:
        self._client.close()

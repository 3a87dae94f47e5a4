"""Zalo: a ZNS template to a telephone number, or a plain message to someone who wrote to the Official Account.

Not tried against Zalo itself. The requests and error codes are those that Zalo documents and several public
programs use. Renewing the access token (it lasts 25 hours; the refresh token works once) is not done here: whoever
does it writes the new one to ``access_token_file``, which is read before every message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.forms import contacts
from engine.notifiers import web
from engine.notifiers.message import Message, Receipt, TryLater, Undeliverable, telephone

_KNOWN = frozenset({"text", "key", "case"})
# number invalid, app too old, person inactive or declined, no such account, account takes no notices
_NEVER = (-108, -110, -114, -118, -119)


class Zalo:
    def __init__(
        self,
        template_id: str,
        template_data: Mapping[str, str],
        access_token: str = "",
        access_token_file: str = "",
        zns_url: str = "https://business.openapi.zalo.me/message/template",
        oa_url: str = "https://openapi.zalo.me/v3.0/oa/message/cs",
        permanent: Iterable[int] = _NEVER,
        ca_file: str | None = None,
        proxy: str | None = None,
        timeout: float = 10,
    ) -> None:
        """Args:
        template_id, template_data: of the ZNS template; {text}, {case} and {key} in the data are replaced. A message
            may bring its own in its payload, as ``template_id`` and ``template_data``.
        permanent: Zalo's error codes after which trying again would not help.
        """
        if strange := web.strangers(dict(template_data), _KNOWN):
            raise ValueError(f"Nothing fills {{{strange[0]}}}; there are {', '.join(sorted(_KNOWN))}.")
        if bool(access_token) == bool(access_token_file):
            raise ValueError("Set either access_token or access_token_file.")
        self.template = {"template_id": str(template_id), "template_data": dict(template_data)}
        self.access_token = access_token
        self.access_token_file = Path(access_token_file) if access_token_file else None
        self.zns_url, self.oa_url = web.checked(zns_url), web.checked(oa_url)
        self.permanent = frozenset(permanent)
        self._client = web.client(timeout, ca_file, proxy)

    def send(self, message: Message) -> Receipt:
        url, body = self._request(message)
        headers = {"access_token": self._token(), "Idempotency-Key": message.key}
        answer = web.exchange(self._client, "Zalo", "POST", url, json=body, headers=headers)
        web.judge(answer, "Zalo", frozenset())
        document = answer.document
        error = document.get("error") if isinstance(document, dict) else None
        if error == 0:
            return Receipt(web.part(document, "data.msg_id") or web.part(document, "data.message_id"))
        if not isinstance(error, int):
            raise TryLater("Zalo's answer cannot be read.")
        reason = f"Zalo answered with the error {error}."
        raise Undeliverable(reason) if error in self.permanent else TryLater(reason)

    def _request(self, message: Message) -> tuple[str, dict[str, Any]]:
        if contacts.phone(message.to) is None:
            if not message.text:
                raise Undeliverable("A Zalo message needs a text.")
            return self.oa_url, {"recipient": {"user_id": message.to}, "message": {"text": message.text}}
        values = {"text": message.text, "key": message.key, "case": message.case_number}
        own = {name: value for name, value in message.payload.items() if name in self.template}
        body = web.fill(self.template | own, values)
        return self.zns_url, {"phone": telephone(message, "international"), **body, "tracking_id": message.key[:48]}

    def _token(self) -> str:
        if self.access_token_file is None:
            return self.access_token
        try:
            return self.access_token_file.read_text().strip()
        except OSError as error:
            raise TryLater(f"The Zalo access token cannot be read: {error.strerror}.") from None

    def close(self) -> None:
        self._client.close()

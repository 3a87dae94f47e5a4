"""Web hooks: JSON to a partner's URL, signed, so that the partner knows who speaks and that it is now."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

import httpx

from engine.notifiers import web
from engine.notifiers.addresses import resolve
from engine.notifiers.message import Clock, Message, Receipt, Undeliverable, masked

# What says "not now", rather than "not like this".
_TEMPORARY = {401, 403, 408, 409, 421, 423, 425, 429}
_PERMANENT = frozenset(set(range(400, 500)) - _TEMPORARY)


class Webhook:
    """Sends only where a secret is set for the URL.

    The partner checks ``X-Signature: t=<seconds>,v1=<hex>``: HMAC-SHA256 with the shared secret over the text
    "<seconds>.<body>"; and should refuse what is older than five minutes. ``Idempotency-Key`` is the same at every
    attempt.
    """

    def __init__(
        self,
        secrets: Mapping[str, str],
        clock: Clock,
        allow_private: bool = False,
        ca_file: str | None = None,
        timeout: float = 10,
    ) -> None:
        """Args:
        secrets: by URL.
        allow_private: whether a URL may lead to an address inside the network.
        """
        for url, secret in secrets.items():
            web.checked(url)
            if len(secret) < 16:
                raise ValueError(f"The secret of {masked(url)} must have at least 16 characters.")
        self.secrets = dict(secrets)
        self.clock = clock
        self.allow_private = allow_private
        self._client = web.client(timeout, ca_file)

    def send(self, message: Message) -> Receipt:
        url = self._url(message.to)
        who = masked(message.to)
        secret = self.secrets.get(message.to)
        if secret is None:
            raise Undeliverable(f"No secret is set for {who}: add it to the web hook settings.")
        body = _body(message)
        headers = {
            "Host": url.netloc.decode("ascii"),
            "Content-Type": "application/json",
            "Idempotency-Key": message.key,
            "X-Signature": self.signature(body, secret),
        }
        address = resolve(url.host, url.port or (443 if url.scheme == "https" else 80), self.allow_private)
        answer = web.exchange(
            self._client, who, "POST", url.copy_with(host=address), content=body, headers=headers,
            extensions={"sni_hostname": url.host},
        )  # fmt: skip
        web.judge(answer, who, _PERMANENT, redirect_is_permanent=True)
        return Receipt(web.part(answer.document, "id"))

    def signature(self, body: bytes, secret: str) -> str:
        moment = int(self.clock().timestamp())
        mac = hmac.new(secret.encode(), b"%d.%b" % (moment, body), hashlib.sha256)
        return f"t={moment},v1={mac.hexdigest()}"

    def close(self) -> None:
        self._client.close()

    def _url(self, text: str) -> httpx.URL:
        try:
            url = httpx.URL(text)
        except (httpx.InvalidURL, UnicodeError):
            raise Undeliverable("The web hook's URL cannot be read.") from None
        if url.scheme not in ("http", "https") or not url.host or url.userinfo:
            reason = "must begin with https:// or http://, name a host, and have no password."
            raise Undeliverable(f"{masked(text)} {reason}")
        return url


def _body(message: Message) -> bytes:
    document = {
        "key": message.key,
        "case": message.case_number,
        "subject": message.subject,
        "text": message.text,
        "payload": message.payload,
    }
    if message.connect:
        document["connect"] = message.connect
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

"""SMS through an aggregator's HTTP interface. They all differ a little, so the request is a template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.notifiers import web
from engine.notifiers.message import Message, Receipt, TryLater, Undeliverable, telephone

_KNOWN = frozenset({"to", "text", "key", "case"})
_ENCODINGS = {"json": "json", "form": "data", "query": "params"}
_STYLES = ("e164", "international", "national")


class HttpSms:
    def __init__(
        self,
        url: str,
        body: Mapping[str, Any],
        method: str = "POST",
        encoding: str = "json",
        headers: Mapping[str, str] | None = None,
        user: str = "",
        password: str = "",
        number: str = "international",
        permanent: Iterable[int] = (400, 404, 410, 413, 422),
        reference: str = "",
        code: str = "",
        code_ok: Iterable[str] = (),
        code_permanent: Iterable[str] = (),
        ca_file: str | None = None,
        proxy: str | None = None,
        timeout: float = 10,
    ) -> None:
        """Args:
        body: the request's fields; {to}, {text}, {key} and {case} in their values are replaced.
        encoding: json, form or query.
        number: how {to} is written: e164, international (84912…) or national (0912…).
        permanent: statuses after which trying again would not help; others than these and 2xx are tried again.
        reference: where the answer has the message's id: "data.messages.0.id".
        code: where a 200 says what it means, for gateways that do; ``code_ok`` and ``code_permanent`` are its
            values, as text; any other is tried again.
        """
        if encoding not in _ENCODINGS or number not in _STYLES:
            raise ValueError(f"encoding must be one of {', '.join(_ENCODINGS)}, number one of {', '.join(_STYLES)}.")
        if strange := web.strangers(dict(body), _KNOWN):
            raise ValueError(f"Nothing fills {{{strange[0]}}}; there are {', '.join(sorted(_KNOWN))}.")
        if code and not code_ok:
            raise ValueError("code_ok must say which codes mean success.")
        self.url, self.body, self.method, self.encoding = web.checked(url), dict(body), method, _ENCODINGS[encoding]
        self.headers = dict(headers or {})
        self.auth = (user, password) if user else None
        self.number = number
        self.permanent = frozenset(permanent)
        self.reference, self.code = reference, code
        self.code_ok, self.code_permanent = set(map(str, code_ok)), set(map(str, code_permanent))
        self._client = web.client(timeout, ca_file, proxy)

    def send(self, message: Message) -> Receipt:
        if not message.text:
            raise Undeliverable("An SMS needs a text.")
        values = {
            "to": telephone(message, self.number), "text": message.text, "key": message.key,
            "case": message.case_number,
        }  # fmt: skip
        request = {
            self.encoding: web.fill(self.body, values),
            "headers": {**self.headers, "Idempotency-Key": message.key},
            "auth": self.auth,
        }
        answer = web.exchange(self._client, "The SMS gateway", self.method, self.url, **request)
        web.judge(answer, "The SMS gateway", self.permanent)
        if self.code:
            self._judge_code(web.part(answer.document, self.code))
        return Receipt(web.part(answer.document, self.reference))

    def _judge_code(self, code: str | None) -> None:
        if code in self.code_ok:
            return
        reason = f"answered with the code {code[:40]!r}" if code else "answered without a code"
        reason = f"The SMS gateway {reason}."
        raise Undeliverable(reason) if code in self.code_permanent else TryLater(reason)

    def close(self) -> None:
        self._client.close()

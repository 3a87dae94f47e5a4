"""Zalo: a ZNS template to a telephone number, or a plain message to someone who wrote to an Official Account.

Each province has an account of its own, with its own token and its own templates. Not tried against Zalo itself. The
requests and error codes are those that Zalo documents and several public programs use. Renewing an access token (it
lasts 25 hours; the refresh token works once) is not done here: whoever does it writes the new one to
``access_token_file``, which is read before every message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from engine.forms import contacts
from engine.notifiers import web
from engine.notifiers.message import Message, Receipt, TryLater, Undeliverable, telephone

_KNOWN = frozenset({"text", "key", "case"})
# number invalid, app too old, person inactive or declined, no such account, account takes no notices
_NEVER = (-108, -110, -114, -118, -119)


@dataclass(frozen=True)
class OfficialAccount:
    """What a province's account is called with: one of the two tokens.

    Attributes:
        template_id, template_data: of its ZNS template; {text}, {case} and {key} in the data are replaced. Without one
            the account writes only to people who wrote to it. A message may bring its own in its payload, under the
            same names.
    """

    access_token: str = ""
    access_token_file: str = ""
    template_id: str | int = ""
    template_data: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if strange := web.strangers(dict(self.template_data), _KNOWN):
            raise ValueError(f"Nothing fills {{{strange[0]}}}; there are {', '.join(sorted(_KNOWN))}.")
        if bool(self.access_token) == bool(self.access_token_file):
            raise ValueError("Set either access_token or access_token_file.")

    def token(self) -> str:
        """Raises:
        TryLater: its file cannot be read.
        """
        if not self.access_token_file:
            return self.access_token
        try:
            return Path(self.access_token_file).read_text().strip()
        except OSError as error:
            raise TryLater(f"The Zalo access token cannot be read: {error.strerror}.") from None


class Zalo:
    def __init__(
        self,
        accounts: Mapping[str, Mapping[str, Any]],
        zns_url: str = "https://business.openapi.zalo.me/message/template",
        oa_url: str = "https://openapi.zalo.me/v3.0/oa/message/cs",
        permanent: Iterable[int] = _NEVER,
        ca_file: str | None = None,
        proxy: str | None = None,
        timeout: float = 10,
    ) -> None:
        """Args:
        accounts: by the province's code, each with the fields of `OfficialAccount`.
        permanent: Zalo's error codes after which trying again would not help.
        """
        self.accounts = {province: _account(province, given) for province, given in accounts.items()}
        self.zns_url, self.oa_url = web.checked(zns_url), web.checked(oa_url)
        self.permanent = frozenset(permanent)
        self._client = web.client(timeout, ca_file, proxy)

    def send(self, message: Message) -> Receipt:
        account = self.accounts.get(message.province)
        if account is None:
            raise Undeliverable(f"No Official Account is set up for the province {message.province}.")
        url, body = self._request(account, message)
        headers = {"access_token": account.token(), "Idempotency-Key": message.key}
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

    def _request(self, account: OfficialAccount, message: Message) -> tuple[str, dict[str, Any]]:
        if contacts.phone(message.to) is None:
            if not message.text:
                raise Undeliverable("A Zalo message needs a text.")
            return self.oa_url, {"recipient": {"user_id": message.to}, "message": {"text": message.text}}
        template = {"template_id": str(account.template_id), "template_data": dict(account.template_data)}
        template |= {name: value for name, value in message.payload.items() if name in template}
        if not template["template_id"]:
            whose = f"The Official Account of the province {message.province}"
            raise Undeliverable(f"{whose} has no template for telephone numbers: set template_id and template_data.")
        values = {"text": message.text, "key": message.key, "case": message.case_number}
        body = web.fill(template, values)
        return self.zns_url, {"phone": telephone(message, "international"), **body, "tracking_id": message.key[:48]}

    def close(self) -> None:
        self._client.close()


def _account(province: str, given: Any) -> OfficialAccount:
    """Raises ValueError, as settings that will not do, with the province's code."""
    known = [one.name for one in fields(OfficialAccount)]
    if not isinstance(given, Mapping):
        raise ValueError(f"The account of {province} must be a table with {', '.join(known)}.")
    if strange := sorted(given.keys() - set(known)):
        raise ValueError(f"The account of {province} has no option {strange[0]!r}; it has {', '.join(known)}.")
    try:
        return OfficialAccount(**given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The account of {province}: {error}") from None

"""SMS straight to a mobile operator's SMSC, over SMPP 3.4.

One bound connection is kept and shared; whoever sends waits for the answer before the next may. Nothing reads the
connection in between: an SMSC that asks for signs of life meanwhile may close it, which is noticed (a silent
connection is asked first) and mended by binding again. Delivery receipts are acknowledged and not kept.

A message whose parts were taken on in part is sent again whole. Its parts then have the same reference number, made
from the key, so that a telephone puts them together once.
"""

from __future__ import annotations

import logging
import socket
import ssl
import struct
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import Any

from smpplib import client as smpp_client
from smpplib import consts, exceptions
from smpplib import smpp as pdus

from engine.language import sms
from engine.notifiers.gsm7 import encode as gsm7
from engine.notifiers.message import Clock, Message, Receipt, TryLater, Undeliverable, seconds, telephone

IDLE = timedelta(seconds=20)  # after so long a silence the connection is asked whether it still is one
_NEVER = frozenset({
    consts.SMPP_ESME_RINVMSGLEN, consts.SMPP_ESME_RINVDSTADR, consts.SMPP_ESME_RINVDSTTON,
    consts.SMPP_ESME_RINVDSTNPI, consts.SMPP_ESME_RINVNUMDESTS,
})  # fmt: skip
_BROKEN = (exceptions.ConnectionError, exceptions.PDUError, exceptions.UnknownCommandError, OSError,
           ValueError, struct.error)  # fmt: skip
_INTERNATIONAL, _ALPHANUMERIC, _ISDN = 1, 5, 1  # types of number, numbering plan

_wire = logging.getLogger(f"{__name__}.wire")
_wire.setLevel(logging.CRITICAL)  # smpplib would log every message in hexadecimal


class Smpp:
    def __init__(
        self,
        host: str,
        port: int,
        system_id: str,
        password: str,
        source: str,
        clock: Clock,
        source_ton: int = _ALPHANUMERIC,
        source_npi: int = 0,
        system_type: str = "",
        most_parts: int = 6,
        receipts: bool = False,
        tls: bool = False,
        ca_file: str | None = None,
        timeout: float = 10,
    ) -> None:
        """Args:
        source: what the person sees as the sender: a brand name of at most 11 letters, or a number (then set
            ``source_ton`` and ``source_npi`` as the operator says).
        most_parts: a longer message is not sent.
        receipts: whether to ask for delivery receipts.
        """
        if not 0 < len(system_id) <= 15 or len(password) > 8 or len(system_type) > 12 or not 0 < len(source) <= 20:
            raise ValueError("SMPP allows system_id 15 characters, password 8, system_type 12, and source 1 to 20.")
        self.host, self.port = host, int(port)
        self.timeout = seconds(timeout)
        self.most_parts = most_parts
        self.clock = clock
        self._login = {"system_id": system_id, "password": password, "system_type": system_type}
        self._envelope = {
            "source_addr_ton": source_ton, "source_addr_npi": source_npi, "source_addr": source,
            "dest_addr_ton": _INTERNATIONAL, "dest_addr_npi": _ISDN, "registered_delivery": int(receipts),
        }  # fmt: skip
        self._tls = ssl.create_default_context(cafile=ca_file) if tls else None
        self._client: smpp_client.Client | None = None
        self._used_at: datetime | None = None
        self._lock = Lock()

    def send(self, message: Message) -> Receipt:
        coding, parts = encoded(message.text, message.key)
        if not 0 < len(parts) <= self.most_parts:
            raise Undeliverable(f"The text takes {len(parts)} messages; it must take 1 to {self.most_parts}.")
        submit = self._envelope | {
            "destination_addr": telephone(message, "international"),
            "data_coding": coding,
            "esm_class": consts.SMPP_GSMFEAT_UDHI if len(parts) > 1 else 0,
        }
        with self._lock:
            try:
                client = self._bound()
                ids = [self._submit(client, submit | {"short_message": part}) for part in parts]
            except _BROKEN as error:
                self._close()
                raise TryLater(f"The SMSC {self.host} cannot be used: {_cause(error)}.") from None
            self._used_at = self.clock()
        return Receipt(",".join(ids))

    def close(self) -> None:
        """Say goodbye."""
        with self._lock:
            if self._client is not None:
                try:
                    self._ask(self._client, "unbind")
                except (TryLater, *_BROKEN):
                    pass  # it is gone either way
            self._close()

    def _bound(self) -> smpp_client.Client:
        if self._client is not None and self._used_at is not None and self.clock() - self._used_at > IDLE:
            try:
                self._ask(self._client, "enquire_link")
            except _BROKEN:
                self._close()
        if self._client is None:
            self._client = self._bind()
        return self._client

    def _bind(self) -> smpp_client.Client:
        client = _Client(self.host, self.port, self.timeout, self._tls)
        try:
            client.connect()
            answer = self._ask(client, "bind_transceiver", **self._login)
        except BaseException:
            client.disconnect()
            raise
        if answer.is_error():
            client.disconnect()
            raise TryLater(f"The SMSC {self.host} did not let us in: {_status(answer)}.")
        return client

    def _submit(self, client: smpp_client.Client, fields: dict[str, Any]) -> str:
        answer = self._ask(client, "submit_sm", **fields)
        if answer.command != "submit_sm_resp" or answer.is_error():
            reason = f"The SMSC did not take the message on: {_status(answer)}."
            raise Undeliverable(reason) if answer.status in _NEVER else TryLater(reason)
        return (answer.message_id or b"").decode("ascii", "replace")

    def _ask(self, client: smpp_client.Client, command: str, **fields: Any) -> Any:
        """Send a request and wait for its answer, obliging the SMSC's own requests meanwhile."""
        request = pdus.make_pdu(command, client=client, **fields)
        client.send_pdu(request)
        until = monotonic() + self.timeout
        while monotonic() < until:
            pdu = client.read_pdu()
            if pdu.is_response():
                if pdu.sequence == request.sequence:
                    return pdu
            elif pdu.command in ("deliver_sm", "enquire_link", "unbind"):
                answer = pdus.make_pdu(f"{pdu.command}_resp", client=client)
                answer.sequence = pdu.sequence
                client.send_pdu(answer)
                if pdu.command == "unbind":
                    raise exceptions.ConnectionError("it said goodbye")
        raise TimeoutError

    def _close(self) -> None:
        if self._client is not None:
            self._client.disconnect()
        self._client = None


class _Client(smpp_client.Client):
    """smpplib's, but for names with IPv6 addresses too, and with the certificate checked against the name."""

    def __init__(self, host: str, port: int, timeout: float, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=timeout, logger_name=_wire.name, allow_unknown_opt_params=True)
        self.tls = tls

    def connect(self) -> None:
        self._socket = socket.create_connection((self.host, self.port), self.timeout)
        if self.tls:
            self._socket = self.tls.wrap_socket(self._socket, server_hostname=self.host)
        self.state = consts.SMPP_CLIENT_STATE_OPEN


def encoded(text: str, key: str) -> tuple[int, list[bytes]]:
    """The data coding, and the parts as they are sent: each of several with a header that says which it is."""
    latin = sms.encoding(text) == sms.GSM7
    bodies = [gsm7(part) if latin else part.encode("utf-16-be") for part in sms.segments(text)]
    if len(bodies) > 1:
        reference = sha256(key.encode()).digest()[0]
        bodies = [bytes((5, 0, 3, reference, len(bodies), n)) + body for n, body in enumerate(bodies, 1)]
    return (consts.SMPP_ENCODING_DEFAULT if latin else consts.SMPP_ENCODING_ISO10646), bodies


def _status(pdu: Any) -> str:
    name = consts.DESCRIPTIONS.get(pdu.status, "unknown status")
    return f"{name} (0x{pdu.status:08X})"


def _cause(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "the connection broke" if isinstance(error, exceptions.ConnectionError) else "it spoke no SMPP"

"""An SMSC on loopback that keeps what it is sent: real sockets, real PDUs."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from smpplib import consts
from smpplib import smpp as pdus
from smpplib.client import SimpleSequenceGenerator


class Smsc:
    """Answers as told.

    Attributes:
        submitted: every submit_sm, in order.
        statuses: what the next submits are answered with; OK when there is nothing more.
        bind_status: what a bind is answered with.
        before_answer: PDUs sent before the next submit is answered: "deliver_sm", "enquire_link", "unbind".
        acknowledged: by command, the number with which those were answered; it should be 77.
        silent: whether submits are left without an answer.
    """

    def __init__(self) -> None:
        self.submitted: list[Any] = []
        self.commands: list[str] = []
        self.statuses: list[int] = []
        self.bind_status = consts.SMPP_ESME_ROK
        self.before_answer: list[str] = []
        self.acknowledged: dict[str, int] = {}
        self.silent = False
        self._numbers = SimpleSequenceGenerator()
        self.connections: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._threads = [Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def texts(self) -> list[str]:
        """What telephones would show: parts put together by their headers."""
        shown: dict[Any, dict[int, str]] = {}
        for number, pdu in enumerate(self.submitted):
            header, body = b"", pdu.short_message
            if pdu.esm_class & consts.SMPP_GSMFEAT_UDHI:
                header, body = body[:6], body[6:]
            text = body.decode("ascii" if pdu.data_coding == consts.SMPP_ENCODING_DEFAULT else "utf-16-be")
            of = (pdu.destination_addr, header[3], header[4]) if header else number
            shown.setdefault(of, {})[header[5] if header else 1] = text
        return ["".join(parts[n] for n in sorted(parts)) for parts in shown.values()]

    def hang_up(self) -> None:
        for connection in self.connections:
            connection.shutdown(socket.SHUT_RDWR)
        self.connections.clear()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self.connections:
            connection.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections.append(connection)
            self._threads.append(Thread(target=self._serve, args=(connection,), daemon=True))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while head := connection.recv(4, socket.MSG_WAITALL):
                    raw = head + connection.recv(struct.unpack(">L", head)[0] - 4, socket.MSG_WAITALL)
                    self._answer(connection, pdus.parse_pdu(raw, client=self._numbers, allow_unknown_opt_params=True))
            except OSError:
                return

    def _answer(self, connection: socket.socket, pdu: Any) -> None:
        self.commands.append(pdu.command)
        if pdu.is_response():
            self.acknowledged[pdu.command] = pdu.sequence
        facts: dict[str, Any] = {}
        if pdu.command == "submit_sm":
            self.submitted.append(pdu)
            for command in self.before_answer:
                asked = pdus.make_pdu(command, client=self._numbers, short_message=b"stat:DELIVRD")
                asked.sequence = 77
                connection.sendall(asked.generate())
            self.before_answer = []
            if self.silent:
                return
            facts = {"message_id": f"m{len(self.submitted)}", "status": self.statuses.pop(0) if self.statuses else 0}
        elif pdu.command == "bind_transceiver":
            facts = {"system_id": "smsc", "status": self.bind_status}
        if pdu.is_request():
            answer = pdus.make_pdu(f"{pdu.command}_resp", client=self._numbers, **facts)
            answer.sequence = pdu.sequence
            connection.sendall(answer.generate())


@contextmanager
def serving() -> Iterator[Smsc]:
    smsc = Smsc()
    try:
        yield smsc
    finally:
        smsc.close()

"""The default: messages go into a file, one line of JSON each, and to nobody."""

from __future__ import annotations

import json
import os
from pathlib import Path

from engine.notifiers.message import Clock, Message, Receipt, TryLater, masked


class Journal:
    """Appends; several processes may. The file can be read by its owner only: what is said is nobody else's."""

    def __init__(self, path: str, clock: Clock | None = None) -> None:
        self.path = Path(path)
        self.clock = clock

    def send(self, message: Message) -> Receipt:
        line = {
            "at": self.clock().isoformat(timespec="seconds") if self.clock else None,
            "kind": message.kind,
            "key": message.key,
            "to": masked(message.to),
            "case": message.case_number,
            "subject": message.subject,
            "text": message.text,
            "payload": message.payload,
        }
        try:
            self._append(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            raise TryLater(f"{self.path} cannot be written: {error.strerror}.") from error
        return Receipt()

    def _append(self, line: str) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(file, 0o600)  # also when somebody made the file before us
            os.write(file, line.encode())  # one write: lines of several processes do not mix
        finally:
            os.close(file)

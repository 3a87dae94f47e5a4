"""An SMS gateway with moods: a real server, as slow, broken and talkative as gateways are."""

from __future__ import annotations

import json
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

MOODS = ("well", "hangs", "fails", "takes and fails", "says it twice", "hangs up")
TIMEOUT = 1.0  # of whoever asks, in seconds


class Gateway:
    """Attributes:
    taken: how often each key was taken; the same key again is told from a new message by the gateway itself.
    refused: how often whoever sent a key was told nothing, or that it failed.
    mood: one of `MOODS`.
    """

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.mood = "well"
        self._lock = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who hung up on us
        Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def settings(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self._server.server_port}/"
        body = {"key": "{key}", "to": "{to}", "text": "{text}"}
        return {"kind": "http", "url": url, "body": body, "timeout": TIMEOUT}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _note(self, key: str, mood: str) -> None:
        with self._lock:
            if mood != "fails":
                self.taken[key] += 1
            if mood not in ("well", "says it twice"):
                self.refused[key] += 1

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                mood = gateway.mood
                key = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["key"]
                gateway._note(key, mood)
                if mood == "hangs":
                    time.sleep(2 * TIMEOUT)
                if mood == "hangs up":
                    self.close_connection = True
                    return
                for _ in range(1 + (mood == "says it twice")):
                    self._answer(500 if "fails" in mood else 200)

            def _answer(self, status: int) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

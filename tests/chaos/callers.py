"""People who use the office: they report, and do tasks, and ask again with the same key until they are answered."""

from __future__ import annotations

import time
from collections import Counter
from random import Random
from threading import Event, Thread
from typing import Any
from uuid import UUID

import httpx

from tests.chaos.office import PEOPLE, Office

REPORT = {"report_type": "CRASH", "answers": {"noi_dung": "Cây đổ"}, "reporter": {"phone": "0912345678"}}
TIMEOUT = 10.0
AGAIN = 0.2  # seconds
NOBODY = 0  # as a status: nobody answered


class Callers:
    """Attributes:
    reported: the number acknowledged for each key; completed: the tasks acknowledged as done.
    statuses: how often which answer was given; waits: how long each 201 took, in seconds, and when it came.
    """

    def __init__(self, office: Office, chance: Random, reporters: int, pause: float) -> None:
        self.reported: dict[str, str] = {}
        self.completed: set[int] = set()
        self.statuses: Counter[int] = Counter()
        self.waits: list[tuple[float, float]] = []
        self.enough, self.finished = Event(), Event()
        self._office, self._pause = office, pause
        self._threads = [Thread(target=self._report, args=(Random(chance.random()),)) for _ in range(reporters)]
        self._threads += [Thread(target=self._work, args=(login, Random(chance.random()))) for login in PEOPLE]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self.enough.set()
        self.finished.set()
        for thread in self._threads:
            thread.join()

    def _report(self, chance: Random) -> None:
        with httpx.Client(timeout=TIMEOUT) as client:
            while not self.enough.is_set():
                key, answer = str(UUID(int=chance.getrandbits(128))), None
                while answer is None and not self.finished.is_set():
                    answer = self._ask(client, chance, "tiep", "/reports", REPORT, {"Idempotency-Key": key})
                if answer is not None and answer.status_code == 201:
                    self.reported[key] = answer.json()["number"]
                time.sleep(self._pause * chance.uniform(0.5, 1.5))

    def _work(self, login: str, chance: Random) -> None:
        with httpx.Client(timeout=TIMEOUT) as client:
            while not self.finished.is_set():
                found = self._ask(client, chance, login, "/tasks?limit=20")
                tasks = found.json()["items"] if found is not None and found.status_code == 200 else []
                for task in tasks:
                    body = {"answers": {"ghi_chu": "Đúng"} if task["element"] == "verify" else {}}
                    done = self._ask(client, chance, login, f"/tasks/{task['id']}/complete", body)
                    if done is not None and done.status_code == 200:
                        self.completed.add(task["id"])
                time.sleep(0.05)

    def _ask(self, client: httpx.Client, chance: Random, login: str, path: str, body: Any = None,
             headers: dict[str, str] | None = None) -> httpx.Response | None:  # fmt: skip
        """An answer that is one; ``None``: try again."""
        url = f"http://127.0.0.1:{chance.choice(self._office.web).port}/api/v1{path}"
        headers = {"Authorization": f"Bearer {self._office.tokens[login]}"} | (headers or {})
        began = time.monotonic()
        try:
            answer = client.request("POST" if body else "GET", url, json=body, headers=headers)
        except httpx.HTTPError:
            self.statuses[NOBODY] += 1
            time.sleep(AGAIN)
            return None
        self.statuses[answer.status_code] += 1
        if answer.status_code >= 500 or answer.status_code == 429:
            time.sleep(AGAIN)
            return None
        if answer.status_code == 201:
            self.waits.append((time.monotonic(), time.monotonic() - began))
        return answer

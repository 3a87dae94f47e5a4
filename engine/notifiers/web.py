"""What the notifiers that speak HTTP share: a careful client, templates, and reading answers."""

from __future__ import annotations

import json
import logging
import re
import ssl
from collections.abc import Mapping
from time import monotonic
from typing import Any, NamedTuple

import httpx

from engine.notifiers.message import LONGEST_WAIT, TryLater, Undeliverable, seconds

LARGEST_ANSWER = 64 * 1024
# httpx writes every URL into the log; a gateway's may carry a telephone number, a web hook's its password.
logging.getLogger("httpx").setLevel(logging.WARNING)
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Answer(NamedTuple):
    status: int
    body: bytes

    @property
    def document(self) -> Any:
        """The JSON of the answer; ``None`` if it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def client(timeout: float, ca_file: str | None = None, proxy: str | None = None) -> httpx.Client:
    """A client that follows no redirects and takes nothing from the environment.

    Each request has a connection of its own. On one that is kept, an answer which a gateway gives twice would be taken
    for the answer to the next message, which would be lost; and where addresses stand for names, two names at one
    address would share a connection whose certificate was checked for one of them.
    """
    return httpx.Client(
        timeout=seconds(timeout),
        follow_redirects=False,
        trust_env=False,
        verify=ssl.create_default_context(cafile=ca_file),
        proxy=proxy,
        limits=httpx.Limits(max_keepalive_connections=0),
        headers={"Accept-Encoding": "identity", "User-Agent": "thong-suot"},
    )


def checked(url: str) -> str:
    """The URL of a setting. Raises ValueError unless it is one of http or https."""
    parsed = httpx.URL(url)
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError(f"The URL {url!r} must begin with https:// or http:// and name a host.")
    return url


def exchange(browser: httpx.Client, who: str, method: str, url: str | httpx.URL, **request: Any) -> Answer:
    """Ask and read the answer, at most 64 kB of it, in at most 10 s for the body.

    Raises:
        TryLater: no answer, whatever the cause.
    """
    started = monotonic()
    body = bytearray()
    try:
        with browser.stream(method, url, **request) as response:
            for piece in response.iter_raw():
                body += piece
                if len(body) > LARGEST_ANSWER or monotonic() - started > LONGEST_WAIT:
                    break
            return Answer(response.status_code, bytes(body[:LARGEST_ANSWER]))
    except httpx.TimeoutException:
        raise TryLater(f"{who} did not answer in time.") from None
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise TryLater(f"{who} could not be reached ({type(error).__name__}).") from None


def judge(answer: Answer, who: str, permanent: frozenset[int], redirect_is_permanent: bool = False) -> None:
    """Nothing for a status of success.

    Raises:
        Undeliverable: one of the statuses that will not change.
        TryLater: any other.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        reason = f"{who} answered with a redirect ({status}), which is not followed: set its new URL."
        raise Undeliverable(reason) if redirect_is_permanent else TryLater(reason)
    reason = f"{who} answered {status}."
    raise Undeliverable(reason) if status in permanent else TryLater(reason)


def fill(template: Any, values: Mapping[str, str]) -> Any:
    """The template with every {name} replaced, in one go: what a value says is never a placeholder.

    >>> fill({"msg": "{text}", "n": [1, "{to}"]}, {"text": "{to}", "to": "84912345678"})
    {'msg': '{to}', 'n': [1, '84912345678']}
    """
    if isinstance(template, str):
        return _PLACEHOLDER.sub(lambda found: values.get(found.group(1), found.group()), template)
    if isinstance(template, Mapping):
        return {name: fill(value, values) for name, value in template.items()}
    return [fill(value, values) for value in template] if isinstance(template, list) else template


def strangers(template: Any, known: frozenset[str]) -> list[str]:
    """The placeholders in a template that nothing will fill."""
    return sorted(set(_PLACEHOLDER.findall(json.dumps(template, ensure_ascii=False))) - known)


def part(document: Any, path: str) -> str | None:
    """What lies at "data.messages.0.id", as text."""
    for name in path.split(".") if path else []:
        if isinstance(document, list) and name.isdigit() and int(name) < len(document):
            document = document[int(name)]
        elif isinstance(document, dict):
            document = document.get(name)
        else:
            return None
    return str(document)[:200] if path and isinstance(document, str | int | float) else None

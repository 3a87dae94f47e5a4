"""Fetching a file whose address somebody else chose: over https, out of the internet, not too large, not too slowly.

Every name is resolved once and the connection goes to that very address, also after each redirect: no answer to a
second look can lead into our own network. What the file is, is found from its content (`engine.files.attachments`), but
an answer that calls itself a web page is none: that is how a link that has expired likes to answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import IO, cast

import httpx

from engine.errors import InvalidRequest
from engine.files.attachments import Store, Stored
from engine.notifiers import web
from engine.notifiers.addresses import resolve
from engine.notifiers.message import TryLater, Undeliverable, masked

LONGEST = 60.0  # seconds for one file
REDIRECTS = 3
PAGES = ("text/html", "application/xhtml+xml")
_TEMPORARY = (408, 425, 429)


class Downloads:
    """May be used by several threads.

    >>> fetch = Downloads(store, 10_000_000)
    >>> fetch("https://z-photo.example/1.jpg")
    """

    def __init__(
        self, store: Store, largest: int, inside: Iterable[str] = (), ca_file: str | None = None, timeout: float = 10
    ) -> None:
        """Args:
        largest: bytes of a file.
        inside: hosts, each with its port if it is not 443, that may be in our own network.
        ca_file: certificates to believe instead of the system's.
        timeout: seconds without a word.
        """
        if isinstance(inside, str):
            raise ValueError('inside must be a list of hosts such as ["files.example.vn", "10.0.0.7:8443"].')
        self._store, self._largest, self._inside = store, largest, frozenset(inside)
        self._client = web.client(timeout, ca_file)

    def __call__(self, url: str) -> Stored:
        """The file, in the store.

        Raises:
            TryLater: nobody answers, or not now.
            Undeliverable: it is not there any more, or nothing that we would fetch; the reason is a sentence.
        """
        started = monotonic()
        for _ in range(REDIRECTS + 1):
            target = _checked(url)
            with self._answer(target) as answer:
                if not answer.has_redirect_location:
                    return self._kept(answer, masked(url), started)
                try:
                    url = str(target.join(answer.headers["Location"]))
                except httpx.InvalidURL:
                    raise Undeliverable(f"{masked(url)} leads on to something that is no address.") from None
        raise Undeliverable(f"{masked(url)}: it leads on and on to other addresses.")

    @contextmanager
    def _answer(self, url: httpx.URL) -> Iterator[httpx.Response]:
        """An answer whose body is not read yet."""
        named, who = url.netloc.decode("ascii"), masked(str(url))
        address = resolve(url.host, url.port or 443, allow_private=named in self._inside)
        asked = {"sni_hostname": url.host, "timeout": self._client.timeout.as_dict()}
        request = self._client.build_request(
            "GET", url.copy_with(host=address), headers={"Host": named}, extensions=asked
        )
        with _in_words(who):
            answer = self._client.send(request, stream=True)
        try:
            yield answer
        finally:
            answer.close()

    def _kept(self, answer: httpx.Response, who: str, started: float) -> Stored:
        _judge(answer, who)
        try:
            stored = self._store.put(cast("IO[bytes]", _Body(answer, who, started)), self._largest)
        except InvalidRequest as refusal:
            raise Undeliverable(f"{who}: {refusal.detail}") from None
        if stored.media_type in PAGES:
            raise Undeliverable(f"{who} answered with a web page, which is no file that somebody sent.")
        return stored


class _Body:
    """What `Store.put` reads, as it comes."""

    def __init__(self, answer: httpx.Response, who: str, started: float) -> None:
        self._pieces: Iterator[bytes] = answer.iter_raw()  # as they come: gathering a block could take for ever
        self._who, self._ends = who, started + LONGEST

    def read(self, _size: int) -> bytes:
        with _in_words(self._who):
            piece = next(self._pieces, b"")
        if monotonic() > self._ends:
            raise TryLater(f"{self._who} takes longer than {LONGEST:g} seconds to send its file.")
        return piece


@contextmanager
def _in_words(who: str) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException:
        raise TryLater(f"{who} did not answer in time.") from None
    except (httpx.HTTPError, httpx.StreamError) as error:
        raise TryLater(f"{who} could not be reached ({type(error).__name__}).") from None


def _checked(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError):
        raise Undeliverable("The address of the file cannot be read.") from None
    if url.scheme != "https" or not url.host or url.userinfo:
        raise Undeliverable(f"{masked(text)} must begin with https://, name a host, and have no password.")
    return url


def _judge(answer: httpx.Response, who: str) -> None:
    status, said = answer.status_code, answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if 400 <= status < 500 and status not in _TEMPORARY:
        raise Undeliverable(f"{who} answered {status}: the file is not there, or not any more.")
    if status != 200:
        raise TryLater(f"{who} answered {status}.")
    if said in PAGES:
        raise Undeliverable(f"{who} answered with a web page, which is no file that somebody sent.")

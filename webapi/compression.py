"""Pages and what they load leave compressed, for browsers that can read it: over a slow line they are there in a third
of the time.
"""

from __future__ import annotations

import gzip
import io
import secrets
from functools import lru_cache
from pathlib import Path

from flask import Response, request

LEAST = 1_000  # octets; less gains nothing
KINDS = ("text/", "application/json", "application/javascript", "application/xml", "image/svg+xml")
_NAME_MOST = 100


def page(answer: Response) -> Response:
    """What was made for one reader.

    How well a page compresses tells something of the secrets in it, to who can make it repeat guesses and listen to
    its length (BREACH). So it carries a name, which nobody reads, of a length that is drawn anew each time.
    """
    if answer.is_streamed or answer.direct_passthrough or not _pays(answer, len(answer.get_data())):
        return answer
    name = "a" * secrets.randbelow(_NAME_MOST)
    packed = io.BytesIO()
    with gzip.GzipFile(filename=name, mode="wb", compresslevel=5, fileobj=packed, mtime=0) as file:
        file.write(answer.get_data())
    return _packed(answer, packed.getvalue())


def file(answer: Response, path: Path) -> Response:
    """A file of ours, the same for everybody: compressed once, as well as it can be."""
    if not _pays(answer, answer.content_length or 0):
        return answer
    answer.close()  # the file as it stands on the disk is not sent
    answer.direct_passthrough = False
    return _packed(answer, _best(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=32)
def _best(path: Path, _changed: int) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)


def _pays(answer: Response, octets: int) -> bool:
    compressible = answer.status_code == 200 or answer.status_code >= 400
    compressible = compressible and octets >= LEAST and (answer.mimetype or "").startswith(KINDS)
    if compressible:
        answer.vary.add("Accept-Encoding")
    return compressible and "Content-Encoding" not in answer.headers and request.accept_encodings.quality("gzip") > 0


def _packed(answer: Response, octets: bytes) -> Response:
    answer.set_data(octets)
    answer.headers["Content-Encoding"] = "gzip"
    etag, _weak = answer.get_etag()
    if etag:
        answer.set_etag(etag, weak=True)  # the same thing, in other octets
    return answer

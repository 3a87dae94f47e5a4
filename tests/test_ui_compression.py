"""What leaves compressed, for whom, and that nothing else changes."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clock import Clock
from tests.province import opened
from tests.shipped import Shipped
from tests.visitor import Visitor
from webapi.ui import show


@pytest.fixture
def visitor(sqlite_url: str, clock: Clock, tmp_path: Path, shipped: Shipped) -> Iterator[Visitor]:
    with opened(sqlite_url, tmp_path, clock, shipped) as province:
        yield Visitor(province.app)


def test_pages_and_files_are_small_for_who_can_read_that(visitor: Visitor):
    client = visitor.client
    plain = client.get("/gui/bd/BDKK")
    sizes = set()
    for _once in range(8):
        packed = client.get("/gui/bd/BDKK", headers={"Accept-Encoding": "br, gzip;q=0.8"})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 2
        assert gzip.decompress(packed.data).decode().count("<label") == plain.text.count("<label") > 5
        sizes.add(len(packed.data))
    assert len(sizes) > 1  # its length does not tell what was in it
    assert "Content-Encoding" not in plain.headers and "Accept-Encoding" in plain.headers["Vary"]

    sheet = client.get("/static/site.css", headers={"Accept-Encoding": "gzip"})
    whole = client.get("/static/site.css", buffered=True).data
    assert gzip.decompress(sheet.data) == (show.STATIC / "site.css").read_bytes() == whole
    assert "immutable" in sheet.headers["Cache-Control"] and "Accept-Encoding" in sheet.headers["Vary"]
    again = client.get("/static/site.css", headers={"Accept-Encoding": "gzip", "If-None-Match": sheet.headers["ETag"]})
    again.close()
    assert (again.status_code, again.data) == (304, b"")


def test_what_is_not_wanted_or_would_gain_nothing_leaves_as_it_is(visitor: Visitor):
    client = visitor.client
    for path, accepts in (("/gui/bd/BDKK", "gzip;q=0"), ("/gui/bd/BDKK", "br"), ("/static/icon.svg", "gzip"),
                          ("/dang-xuat", "gzip"), ("/api/v1/track/1022.BD.1?secret=x", "gzip")):  # fmt: skip
        answer = client.get(path, headers={"Accept-Encoding": accepts}, buffered=True)
        assert "Content-Encoding" not in answer.headers, (path, accepts)
    part = client.get("/static/site.css", headers={"Accept-Encoding": "gzip", "Range": "bytes=0-9"})
    part.close()
    assert "Content-Encoding" not in part.headers
    refused = client.get("/khong-co-trang-nay", headers={"Accept-Encoding": "gzip", "Accept": "text/html"})
    assert refused.status_code == 404 and gzip.decompress(refused.data).decode().count("<main") == 1

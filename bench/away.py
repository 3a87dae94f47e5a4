"""The life of a report with the database a millisecond away, as on another machine: what an exchange costs then.

PostgreSQL is reached by way of a process that hands on what either says half a millisecond later:
`python -m bench.away SOCKET BEFORE SECONDS`.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from bench import ours
from bench.bed import Bed, Figures
from bench.hosts import running
from bench.lifecycles import by_clients, played

EACH_WAY = 0.0005  # seconds; what the process itself needs comes on top


def away(bed: Bed) -> Figures:
    """The life of a report over HTTP with PostgreSQL a millisecond away, beside the naive host and the floor"""
    if bed.kind != "postgresql":
        return {"left_out": "SQLite is a file on the same machine"}
    urls = {name: bed.make(f"away_{name}") for name in ("naive", "floor", "ours")}
    ours.prepare(urls["floor"])
    token = ours.prepare(urls["ours"])
    with (
        _delayed(urls["ours"]) as folder,
        running("naive", _by_way_of(folder, urls["naive"])) as naive,
        running("floor", _by_way_of(folder, urls["floor"])) as floor,
        running("ours", _by_way_of(folder, urls["ours"]), token) as our,
    ):
        hosts = (naive, floor, our)
        for host in hosts:
            played(host, 1, 6)  # warm up
        return by_clients(bed, hosts, (1, 8))


def _by_way_of(folder: str, url: str) -> str:
    return make_url(url).update_query_dict({"host": folder}).render_as_string(hide_password=False)


@contextmanager
def _delayed(url: str) -> Iterator[str]:
    """The folder of a socket behind which the same server answers later."""
    there = Path(str(make_url(url).query["host"]))
    (socket,) = [one for one in there.glob(".s.PGSQL.*") if not one.name.endswith(".lock")]
    with tempfile.TemporaryDirectory(prefix="ts-away-") as folder:
        command = [sys.executable, "-m", "bench.away", f"{folder}/{socket.name}", str(socket), str(EACH_WAY)]
        process = subprocess.Popen(command)
        try:
            while not Path(folder, socket.name).exists():
                time.sleep(0.05)
            yield folder
        finally:
            process.kill()
            process.wait()


async def _serve(socket: str, before: str, seconds: float) -> None:
    async def hand_on(heard: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while said := await heard.read(2**18):
            loop.call_later(seconds, to.write, said)
        loop.call_later(seconds, to.close)

    async def meet(heard: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        there, then = await asyncio.open_unix_connection(before)
        await asyncio.gather(hand_on(heard, then), hand_on(there, to), return_exceptions=True)

    await (await asyncio.start_unix_server(meet, socket)).serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], sys.argv[2], float(sys.argv[3])))

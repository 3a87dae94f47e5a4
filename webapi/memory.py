"""Large pages for what a web process has loaded.

The kernel hands memory out 4 KB at a time, and the processor remembers where a few thousand such pieces lie. A request
passes through tens of megabytes of Python's objects, a little of each; on a virtual machine, where to find out where a
piece lies takes two look-ups one in the other, that is a twentieth of a call (docs/bench.md). In pieces of 2 MB all of
it is remembered at once.
"""

from __future__ import annotations

import ctypes
import logging
import mmap
import sys
from pathlib import Path
from threading import Thread

log = logging.getLogger(__name__)

LARGE = 2 << 20  # bytes
_COLLAPSE = 25  # MADV_COLLAPSE of Linux 6.1: now, and not when the kernel gets round to it


def soon() -> None:
    """`in_large_pages`, beside whatever else is done: it takes a fifth of a second."""
    Thread(target=in_large_pages, name="memory", daemon=True).start()


def in_large_pages() -> None:
    """Ask for them, for all that this process holds by now. A kernel that gives none leaves all as it is."""
    if sys.platform != "linux":
        return
    ask = ctypes.CDLL(None).madvise
    for start, end in _held():
        first, last = -(-start // LARGE) * LARGE, end // LARGE * LARGE
        for piece in range(first, last, LARGE):  # one that is just in use keeps none of the others from it
            for wish in (mmap.MADV_HUGEPAGE, _COLLAPSE):
                ask(ctypes.c_void_p(piece), ctypes.c_size_t(LARGE), wish)


def _held() -> list[tuple[int, int]]:
    """From where to where there is memory that belongs to no file; what adjoins is one."""
    held: list[tuple[int, int]] = []
    try:
        lines = Path("/proc/self/maps").read_bytes().splitlines()
    except OSError as error:
        log.info("No large pages: %r", error, extra={"action": "no-large-pages"})
        return []
    for line in lines:
        where, rights, _, _, file, *_ = line.split()
        start, end = (int(one, 16) for one in where.split(b"-"))
        if rights == b"rw-p" and file == b"0":
            held.append((held.pop()[0], end) if held and held[-1][1] == start else (start, end))
    return held

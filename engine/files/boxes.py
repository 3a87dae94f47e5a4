"""What a film, a sound or a HEIC photo says beside what is to be seen and heard: where, when, with whose device.

Such a file (ISO 14496-12: MP4, MOV, 3GP, M4A, HEIC, AVIF) is boxes within boxes, and its pictures are found by where
they lie, so that nothing may be moved. `bare` gives every byte that is needed to show it, and zeros for the others: a
box that is not known to be needed becomes one that is ``free``, and of the data there stays what the tracks of picture
and sound, or the items that are pictures, say is theirs: neither Exif nor where a film went, second by second, nor what
a dashcam writes in between for itself. When it was made, and how its parts are called, goes, too. What does not read
like a box is blanked to the end of what it is in. What is *within* the compressed picture or sound is not looked at:
telephones write nothing there. A film in pieces (``moof``) cannot be bared.
"""

from __future__ import annotations

import io
import os
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

_FILM = "video/mp4"  # of whatever brand is not one of these
_BRANDS = {brand.encode().ljust(4): kind for kind, brands in {
    "video/quicktime": "qt", "video/3gpp": "3gp4 3gp5 3gp6", "audio/mp4": "M4A M4B", "image/heif": "mif1 msf1",
    "image/heic": "heic heix heim heis", "image/avif": "avif avis",
}.items() for brand in brands.split()}  # fmt: skip
KINDS = frozenset({_FILM, *_BRANDS.values(), "video/3gpp2", "audio/x-m4b"})  # the last two as they were called before
_BOXES_MAX = 20_000  # a film has a hundred; one of many fragments, thousands
_TABLE_MAX = 8 << 20  # bytes of a table that says where something lies
_PLACES_MAX = 400_000  # rows of all such tables: an hour of picture and sound has 280,000
_SAMPLES = b"stsd stts stss ctts cslg stsc stsz stz2 stco co64 sdtp sbgp sgpd subs stps"
_KEPT = {kind.encode(): frozenset(kept.split()) for kind, kept in {
    "": b"ftyp moov mdat meta",
    "moov": b"mvhd trak",
    "trak": b"tkhd edts mdia tapt",
    "mdia": b"mdhd hdlr minf elng",
    "minf": b"vmhd smhd gmhd hdlr dinf stbl",
    "stbl": _SAMPLES,
    "meta": b"hdlr pitm iinf iref iprp iloc idat grpl dinf",
    "iprp": b"ipco ipma",
    "ipco": b"hvcC av1C avcC jpgC ispe pixi irot imir clap pasp colr auxC lsel a1op a1lx clli mdcv cclv rloc oinf tols",
}.items()}  # fmt: skip
_FULL = {b"meta": 4}  # bytes of such a box before those within
_DATED = (b"mvhd", b"tkhd", b"mdhd")
_SEEN = (b"vide", b"soun", b"pict", b"auxv")  # what a track is of
_PICTURES = (b"hvc1", b"av01", b"avc1", b"jpeg", b"grid", b"iden", b"iovl", b"tmap")  # what an item is
_PLAIN_SOUND = (b"sowt", b"twos", b"raw ", b"in24", b"in32", b"fl32", b"fl64", b"ulaw", b"alaw", b"ipcm", b"fpcm")


class Unreadable(ValueError):
    """It does not say where all of it lies; what it tells cannot be found."""


@dataclass(frozen=True)
class Box:
    """Where one begins, where what is in it begins, and where it ends; in bytes from the file's beginning."""

    kind: bytes
    at: int
    start: int
    end: int
    within: tuple[Box, ...] = ()

    def first(self, *path: bytes) -> Box | None:
        if not path:
            return self
        return next((found for box in self.within if box.kind == path[0] and (found := box.first(*path[1:]))), None)


@dataclass
class _Told:
    """What a file tells.

    Attributes:
        blank: from where to where; free: where the names of boxes stand that go.
        shown: from where to where there lies what is to be seen and heard.
    """

    file: IO[bytes]
    blank: list[tuple[int, int]] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    shown: list[tuple[int, int]] = field(default_factory=list)
    boxes: int = 0
    places: int = 0

    def count(self) -> None:
        self.boxes += 1
        if self.boxes > _BOXES_MAX:
            raise Unreadable("it has too many parts")

    def count_places(self, many: int) -> None:
        self.places += many
        if self.places > _PLACES_MAX:
            raise Unreadable("it lies in too many places")

    def drop(self, box: Box) -> None:
        self.free.append(box.at + 4)
        self.blank.append((box.start, box.end))


def is_one(file: IO[bytes]) -> bool:
    """Whether it begins like such a file."""
    return _beginning(file)[4:8] == b"ftyp"


def media_type(file: IO[bytes]) -> str | None:
    """What it is, by its brand; ``None``: it cannot be bared."""
    try:
        _look(file)
    except Unreadable:
        return None
    return _BRANDS.get(_beginning(file)[8:], _FILM)


def bare(file: IO[bytes]) -> IO[bytes]:
    """The same file, as long as it is, without what it tells; it closes with it.

    Raises:
        Unreadable: it cannot be found.
    """
    told = _look(file)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return io.BufferedReader(_Blanked(file, _joined(told.blank, size), told.free), 1 << 16)


def _beginning(file: IO[bytes]) -> bytes:
    file.seek(0)
    head = file.read(12)
    file.seek(0)
    return head


def _look(file: IO[bytes]) -> _Told:
    told, size = _Told(file), file.seek(0, os.SEEK_END)
    whole = Box(b"", 0, 0, size, tuple(_within(told, Box(b"", 0, 0, size))))
    kinds = [box.kind for box in whole.within]
    film, photo = whole.first(b"moov"), whole.first(b"meta")
    if kinds.count(b"moov") > 1 or kinds.count(b"meta") > 1:
        raise Unreadable("it is two in one")
    if photo and not photo.first(b"iloc"):
        told.drop(photo)
    elif photo:
        _look_at_items(told, photo)
    for track in film.within if film else ():
        if track.kind == b"trak":
            _look_at_track(told, track)
    if not told.shown:
        raise Unreadable("nothing in it says what is to be seen")
    data = [box for box in whole.within if box.kind == b"mdat"] + ([photo.first(b"idat")] if photo else [])
    told.blank.extend(_between(_joined(told.shown, size), [box for box in data if box]))
    return told


def _between(shown: list[tuple[int, int]], data: list[Box]) -> Iterator[tuple[int, int]]:
    """What of the data is not shown."""
    for box in data:
        at = box.start
        for start, end in shown:
            if start < box.end and end > at:
                yield at, max(start, at)
                at = end
        yield min(at, box.end), box.end


def _within(told: _Told, parent: Box) -> Iterator[Box]:
    """What is kept of a box; the rest is noted."""
    at = parent.start + _FULL.get(parent.kind, 0)
    while at < parent.end:
        box = _box(told.file, at, parent.end, film_may_be_cut=not parent.kind)
        told.count()
        if box is None:
            told.blank.append((at, parent.end))
            return
        if box.kind == b"moof":
            raise Unreadable("it comes in pieces")
        if box.kind not in _KEPT[parent.kind]:
            told.drop(box)
        else:
            if box.kind in _DATED:
                wide = _read(told.file, box, 0, 1) == b"\1"
                told.blank.append((box.start + 4, min(box.start + (20 if wide else 12), box.end)))
            elif box.kind == b"hdlr":  # how whoever made it calls this
                told.blank.append((min(box.start + 12, box.end), box.end))
            elif box.kind == b"dinf":  # where, on whose disk, it lay: here
                told.blank.extend(_whereabouts(told, box))
            yield Box(box.kind, at, box.start, box.end,
                      tuple(_within(told, box)) if box.kind in _KEPT else ())  # fmt: skip
        at = box.end


def _box(file: IO[bytes], at: int, limit: int, film_may_be_cut: bool = False) -> Box | None:
    """``None``: what stands there is none."""
    file.seek(at)
    head = file.read(min(16, limit - at))
    if len(head) < 8:
        return None
    size, start = int.from_bytes(head[:4], "big"), at + 8
    if size == 1 and len(head) == 16:
        size, start = int.from_bytes(head[8:], "big"), at + 16
    elif size == 0:
        size = limit - at
    if film_may_be_cut and head[4:8] == b"mdat":
        size = min(size, limit - at)
    return Box(head[4:8], at, start, at + size) if start - at <= size <= limit - at else None


def _whereabouts(told: _Told, info: Box) -> Iterator[tuple[int, int]]:
    """Whatever a list of sources says beside what kind they are."""
    listed = _box(told.file, info.start, info.end)
    at = listed.start + 8 if listed else info.end
    while box := _box(told.file, at, listed.end if listed else at):
        told.count()
        yield min(box.start + 4, box.end), box.end
        at = box.end


def _look_at_track(told: _Told, track: Box) -> None:
    """One that is neither picture nor sound goes."""
    handler, table = track.first(b"mdia", b"hdlr"), track.first(b"mdia", b"minf", b"stbl")
    described = table.first(b"stsd") if table else None
    kind = _read(told.file, handler, 8, 4) if handler else b""
    if kind not in _SEEN:
        told.drop(track)
        return
    if table is None or described is None:
        raise Unreadable("a track does not say where it lies")
    told.blank.extend(_makers(told, described, kind != b"soun"))
    told.shown.extend(_chunks(told, table, described, kind == b"soun"))


def _makers(told: _Told, described: Box, seen: bool) -> Iterator[tuple[int, int]]:
    """Where it stands who made the codec, and what they call it."""
    at = described.start + 8
    while box := _box(told.file, at, described.end):
        told.count()
        yield min(at + 20, box.end), min(at + 24, box.end)
        if seen:
            yield min(at + 50, box.end), min(at + 82, box.end)
        at = box.end


def _chunks(told: _Told, table: Box, described: Box, sound: bool) -> Iterator[tuple[int, int]]:
    """Where the samples of a track lie, a chunk at a time."""
    places = table.first(b"stco") or table.first(b"co64")
    runs, sizes = table.first(b"stsc"), table.first(b"stsz")
    if not places or not runs or not sizes:
        raise Unreadable("a track does not say where it lies")
    starts = _rows(told, places, 4, ">I" if places.kind == b"stco" else ">Q")
    by_chunk = _rows(told, runs, 4, ">III")
    same = int.from_bytes(_read(told.file, sizes, 4, 4), "big")
    each = [] if same else [size for (size,) in _rows(told, sizes, 8, ">I")]
    if same and sound:
        same = max(same, _bytes_of_a_sample(told, described))
    if starts and not by_chunk:
        raise Unreadable("a track does not say where it lies")
    sample, run = 0, 0
    for number, (start,) in enumerate(starts, 1):
        while run + 1 < len(by_chunk) and by_chunk[run + 1][0] <= number:
            run += 1
        many = by_chunk[run][1]
        yield start, start + (same * many if same else sum(each[sample : sample + many]))
        sample += many


def _bytes_of_a_sample(told: _Told, described: Box) -> int:
    """Of sound that is not compressed, which may give its size as 1 whatever it is."""
    entry = _box(told.file, described.start + 8, described.end)
    said = _read(told.file, entry, 8, 12) if entry else b""
    version, channels, bits = int.from_bytes(said[:2], "big"), int.from_bytes(said[8:10], "big"), said[10:12]
    if entry is None or entry.kind not in _PLAIN_SOUND or version == 2 or not channels:
        raise Unreadable("its sound does not say where it lies")
    return channels * (1 if entry.kind in (b"ulaw", b"alaw") else int.from_bytes(bits, "big") // 8)


def _look_at_items(told: _Told, meta: Box) -> None:
    """Where the pictures of a photo lie."""
    kinds = dict(_items(told, meta.first(b"iinf")))
    data = meta.first(b"idat")
    for item, where, start, length in _extents(told, meta.first(b"iloc")):
        base = {0: 0, 1: data.start if data else None}.get(where)
        if kinds.get(item) not in _PICTURES:
            continue
        if base is None or not length:
            raise Unreadable("it does not say where its picture lies")
        told.shown.append((base + start, base + start + length))


def _items(told: _Told, listed: Box | None) -> Iterator[tuple[int, bytes]]:
    """Each item's number, and what it is."""
    if listed is None:
        return
    at = listed.start + (6 if _read(told.file, listed, 0, 1) == b"\0" else 8)
    while (box := _box(told.file, at, listed.end)) and box.kind == b"infe":
        told.count()
        version, at = _read(told.file, box, 0, 1), box.end
        if version in (b"\2", b"\3"):
            wide = 2 if version == b"\2" else 4
            said = _read(told.file, box, 4, wide + 6)
            yield int.from_bytes(said[:wide], "big"), said[wide + 2 :]
            told.blank.append((min(box.start + wide + 10, box.end), box.end))  # its name


def _extents(told: _Told, listed: Box | None) -> Iterator[tuple[int, int, int, int]]:
    """Each piece of each item: its number, from where it counts (0: the file's beginning), where, and how long."""
    table = io.BytesIO(_table(told.file, listed) if listed else b"")

    def number(wide: int) -> int:
        said = table.read(wide)
        if len(said) < wide:
            raise Unreadable("the table of its items is cut")
        return int.from_bytes(said, "big")

    version, widths = number(4) >> 24, number(2)
    offset, length, base, index = (widths >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in range(number(4 if version == 2 else 2)):
        item = number(4 if version == 2 else 2)
        where = number(2) & 15 if version else 0
        number(2)  # in which file: ours
        begins = number(base)
        for _ in range(number(2)):
            told.count_places(1)
            number(index if version else 0)
            yield item, where, begins + number(offset), number(length)


def _rows(told: _Told, box: Box, before: int, form: str) -> list[tuple[int, ...]]:
    """A table's rows, behind how many there are."""
    said, size = _table(told.file, box), struct.calcsize(form)
    many = int.from_bytes(said[before : before + 4], "big")
    told.count_places(many)
    if len(said) < before + 4 + many * size:
        raise Unreadable("a table is cut")
    return list(struct.iter_unpack(form, said[before + 4 : before + 4 + many * size]))


def _table(file: IO[bytes], box: Box) -> bytes:
    if box.end - box.start > _TABLE_MAX:
        raise Unreadable("a table is too long")
    return _read(file, box, 0, _TABLE_MAX)


def _read(file: IO[bytes], box: Box, offset: int, many: int) -> bytes:
    file.seek(box.start + offset)
    return file.read(max(min(many, box.end - box.start - offset), 0))


def _joined(ranges: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """The same places, in order, none twice."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        end = min(end, size)
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        elif start < end:
            joined.append((start, end))
    return joined


class _Blanked(io.RawIOBase):
    """A file with zeros at some places, and with ``free`` at others."""

    def __init__(self, file: IO[bytes], blank: list[tuple[int, int]], free: list[int]) -> None:
        self._file, self._blank, self._free = file, blank, sorted(free)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        at = self._file.tell()
        read = self._file.read(len(buffer))
        end = at + len(read)
        buffer[: len(read)] = read
        last = bisect_left(self._blank, end, key=lambda one: one[0])
        for start, stop in self._blank[self._before(at) : last]:
            low, high = max(start, at), min(stop, end)
            buffer[low - at : max(low, high) - at] = bytes(max(high - low, 0))
        for start in self._free[bisect_right(self._free, at - 4) : bisect_left(self._free, end)]:
            low, high = max(start, at), min(start + 4, end)
            buffer[low - at : high - at] = b"free"[low - start : high - start]
        return len(read)

    def _before(self, at: int) -> int:
        """The last of the blanks that begin no later; they do not overlap."""
        return max(bisect_right(self._blank, at, key=lambda one: one[0]) - 1, 0)

    def close(self) -> None:
        self._file.close()
        super().close()

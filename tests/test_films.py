"""Films, sounds and HEIC photos without what they say beside what is to be seen and heard.

Two are real: `films/film.mov` as ffmpeg writes it, with picture, sound, a text track that says where it went, and a
time code; `films/photo.heic` as heif-enc does, with the Exif part of a photo. The others are boxes put together here.
"""

from __future__ import annotations

import io
import re
import struct
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from engine.files import boxes, reading
from engine.model import records

HERE = Path(__file__).with_name("films")
FILM, PHOTO = (HERE / "film.mov").read_bytes(), (HERE / "photo.heic").read_bytes()
TELLS = (b"0987650321", b"+10.98", b"GPS", b"Dac Biet", b"Lavf", b"Lavc59.37.100 mpeg4", b"FFMP", b"Handler")


def bared(whole: bytes) -> bytes:
    return boxes.bare(io.BytesIO(whole)).read()


def box(kind: bytes, *within: bytes) -> bytes:
    content = b"".join(within)
    return struct.pack(">I4s", len(content) + 8, kind) + content


def full(kind: bytes, *within: bytes, version: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24), *within)


def track(handler: bytes, *lies: bytes) -> bytes:
    entry = box(b"sowt", b"\0" * 6, b"\0\1", b"\0" * 8, struct.pack(">HH", 2, 16), b"\0" * 8)
    table = box(b"stbl", full(b"stsd", struct.pack(">I", 1), entry), *lies)
    named = full(b"hdlr", b"\0" * 4, handler, b"\0" * 12, b"Cau Be\0")
    made = b"\xee" * 8, b"\0" * 12
    return box(b"trak", full(b"tkhd", *made), box(b"mdia", full(b"mdhd", *made), named, box(b"minf", table)))


def lies(size: int, *chunks: int, many: int = 1) -> tuple[bytes, ...]:
    """Where a track's chunks begin, each of so many samples of that size."""
    sizes, number = struct.pack(">II", size, many * len(chunks)), len(chunks)
    return (full(b"stsc", struct.pack(">IIII", 1, 1, many, 1)), full(b"stsz", sizes),
            full(b"co64", struct.pack(f">I{number}Q", number, *chunks)))  # fmt: skip


def film(*more: bytes) -> bytes:
    """Seven bytes to be seen and eight to be heard; around them where it went, of a track that says so and of none."""
    data, at = b"10.98106.65" b"<seen!>" b"freeGPS 106.6633" b"<sound!>", 16 + 8  # behind the heads of two boxes
    seen, heard, went = lies(7, at + 11), lies(1, at + 34, many=2), lies(11, at)
    moov = box(b"moov", full(b"mvhd", b"\xee" * 8, b"\0" * 12), track(b"vide", *seen), track(b"soun", *heard),
               track(b"meta", *went), *more)  # fmt: skip
    return box(b"ftyp", b"mp42\0\0\0\0") + box(b"mdat", data) + moov


def test_a_film_is_seen_and_heard_as_before_and_tells_nothing_else():
    told = bared(FILM)
    assert all(one in FILM for one in TELLS) and [one for one in TELLS if one in told] == []
    assert len(told) == len(FILM) and told.count(b"trak") == 2 and told.count(b"free") > FILM.count(b"free")
    made = int((datetime(2021, 9, 3, 8) - datetime(1904, 1, 1)).total_seconds()).to_bytes(4, "big")
    assert made in FILM and made not in told
    data = FILM.index(b"mdat") + 4
    end = data + int.from_bytes(FILM[data - 8 : data - 4], "big") - 8
    silent = [at for at in range(data, end) if FILM[at] != told[at]]
    text = FILM.index(b"GPS (106.6512")
    assert text in silent and len(silent) < 100 < end - data  # picture and sound are whole


def test_a_photo_is_seen_as_before_and_its_exif_and_xmp_are_blank():
    told = bared(PHOTO)
    assert [one for one in TELLS if one in PHOTO] == [b"0987650321", b"Dac Biet"]
    assert [one for one in TELLS if one in told] == [] and len(told) == len(PHOTO)
    changed = [at for at in range(len(PHOTO)) if PHOTO[at] != told[at]]
    assert 0 <= changed[0] - PHOTO.index(b"MM\0*") <= changed[-1] - changed[0] < 72

    def item(number: int, kind: bytes) -> bytes:
        return full(b"infe", struct.pack(">HH", number, 0), kind, b"IMG_2021.xmp\0", version=2)

    listed = full(b"iinf", struct.pack(">H", 2), item(1, b"hvc1"), item(2, b"mime"))
    placed = full(b"iloc", struct.pack(">BBH", 0x44, 0x00, 2), struct.pack(">HHHHII", 1, 1, 0, 1, 0, 5),
                struct.pack(">HHHHII", 2, 1, 0, 1, 5, 6), version=1)  # fmt: skip
    meta = full(b"meta", listed, placed, box(b"idat", b"<see>106.65"), box(b"xml ", b"106.65"))
    told = bared(box(b"ftyp", b"mif1\0\0\0\0") + meta)
    assert b"<see>\0\0\0\0\0\0" in told and b"106.65" not in told and b"IMG" not in told


def test_what_is_needed_to_show_it_is_all_that_is_kept():
    tells = box(b"udta", box(b"\xa9xyz", b"106.65")), full(b"meta", b"106.65"), box(b"uuid", b"x" * 16 + b"106.65")
    whole = film(*tells) + b"".join(tells) + struct.pack(">I4sQ", 1, b"uuid", 22) + b"106.65" + b"tail of the camera"
    told = bared(whole)
    assert b"<seen!>" in told and b"<sound!>" in told and b"vide" in told and len(told) == len(whole)
    assert [one for one in (b"106.6", b"10.9", b"33", b"GPS", b"Cau Be", b"tail", b"\xee") if one in told] == []
    assert told.count(b"free") == 3 + 3 + 1 + 1  # in the film, behind it, one with a long size; the track

    file = boxes.bare(io.BytesIO(whole))  # what is asked for in pieces, as browsers do, is the same
    pieces = []
    for at in range(0, len(whole), 5):
        file.seek(at)
        pieces.append(file.read(5))
    assert b"".join(pieces) == told


ODD = lies(1, 24, many=2)


@pytest.mark.parametrize(("whole", "why"), [
    (box(b"ftyp", b"mp42") + box(b"mdat", b"seen"), "nothing in it says what is to be seen"),
    (box(b"ftyp", b"mp42") + box(b"moov", track(b"meta", *ODD)), "nothing in it says what is to be seen"),
    (film(track(b"vide")), "a track does not say where it lies"),
    (film(track(b"vide", full(b"stsc", b"\0" * 4), *ODD[1:])), "a track does not say where it lies"),
    (film(track(b"soun", *ODD).replace(b"sowt", b"ima4")), "its sound does not say where it lies"),
    (film() + box(b"moof", full(b"mfhd", b"\0" * 4)), "it comes in pieces"),
    (film() + box(b"moov", track(b"vide", *ODD)), "it is two in one"),
    (film(track(b"vide", ODD[0], ODD[1], full(b"stco", b"\x7f" * 8))), "it lies in too many places"),
    (film(*[track(b"vide", *lies(1, *range(24, 100_024)))] * 4), "it lies in too many places"),
    (film(track(b"vide", ODD[0], ODD[1], full(b"stco", b"\0\0\0\x09" * 2))), "a table is cut"),
    (box(b"ftyp", b"mp42") + box(b"moov", box(b"junk") * 30_000), "it has too many parts"),
    (PHOTO[: (at := PHOTO.index(b"iloc") + 4)] + b"\2" + PHOTO[at + 1 :], "the table of its items is cut"),
], ids=["no film", "unseen", "nowhere", "no runs", "sound", "in pieces", "two", "hostile", "many", "cut", "parts",
        "items"])  # fmt: skip
def test_what_does_not_say_where_all_of_it_lies_cannot_be_bared(whole: bytes, why: str):
    with pytest.raises(boxes.Unreadable, match=why):
        bared(whole)
    assert boxes.is_one(io.BytesIO(whole)) and boxes.media_type(io.BytesIO(whole)) is None


def test_what_it_is_stands_at_its_beginning():
    assert [boxes.media_type(io.BytesIO(one)) for one in (FILM, PHOTO, film())] == [
        "video/quicktime", "image/heic", "video/mp4"]  # fmt: skip
    assert not boxes.is_one(io.BytesIO(b"\xff\xd8\xff\xe0")) and not boxes.is_one(io.BytesIO(b""))


HOSTILE = (b"\0", b"\1", b"\xff" * 4, b"\0\0\0\1", b"\x7f\xff", b"udta", b"moof")


@settings(max_examples=200, deadline=1000)
@given(some.sampled_from((FILM, PHOTO, film())), some.integers(1, 4000),
       some.lists(some.tuples(some.integers(0, 4000), some.sampled_from(HOSTILE)), min_size=1, max_size=4))  # fmt: skip
def test_whatever_is_written_into_one_it_is_as_long_as_before_or_cannot_be_bared(whole, cut, written):
    for at, what in written:
        at %= len(whole)
        whole = whole[:at] + what + whole[at + len(what) :]
    whole = whole[: max(cut, 12)]
    try:
        assert len(bared(whole)) == len(whole)
    except boxes.Unreadable:
        pass


def test_the_index_of_files_that_somebody_has_to_look_at_knows_all_that_need_not():
    assert set(re.findall(r"'([^']+)'", str(records.DOUBTFUL))) == reading.BARED

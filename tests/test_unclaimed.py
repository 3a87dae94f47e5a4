"""Files that no case has are set aside, and later removed; none that a case has, or is about to have, ever is."""

from __future__ import annotations

import io
import os
from threading import Thread

import pytest

from engine.errors import WrongState
from engine.files import attachments, unclaimed
from engine.files.attachments import Store, Stored
from engine.people import accounts
from engine.work.worker import Worker
from tests.hotline import Hotline
from tests.test_privacy import store


def put(hotline: Hotline, content: bytes) -> Stored:
    """A file that comes now, by the tests' clock."""
    kept = store(hotline).put(io.BytesIO(content), 1_000)
    os.utime(kept.path, (hotline.clock.now.timestamp(),) * 2)
    return kept


def adds(hotline: Hotline, number: str, kept: Stored) -> None:
    with hotline.runtime.begin() as unit:
        attachments.add(unit, number, kept, "giay.txt", by=accounts.account(unit, "truc"))


def days_go_by(hotline: Hotline, hours: int) -> None:
    """Two nodes, each with a worker that tidies every hour."""
    for _ in range(hours):
        hotline.waits(1)
        for _node in range(2):
            Worker(hotline.runtime, {}, store=store(hotline)).tidy()


def test_a_file_whose_process_died_before_its_row_goes_and_those_of_cases_stay(hotline, caplog):
    number = hotline.receives()
    ours, lost = put(hotline, b"on paper"), put(hotline, b"never told of")
    adds(hotline, number, ours)

    days_go_by(hotline, 23)
    assert lost.path.exists()  # somebody may just be adding it
    days_go_by(hotline, 26)
    assert not lost.path.exists() and ours.path.exists()
    told = [record for record in caplog.records if record.__dict__.get("action") == "files-unclaimed"]
    assert [(one.aside, one.gone) for one in told] == [(1, 0)]
    hotline.waits(24 * 30)
    days_go_by(hotline, 1)

    assert [one.name for one in store(hotline).folder.rglob("*") if one.is_file()] == [ours.sha256]


def test_a_file_that_was_set_aside_is_there_again_for_whoever_names_it(hotline):
    number, kept = hotline.receives(), put(hotline, b"on paper")
    days_go_by(hotline, 49)
    assert not kept.path.exists()

    with store(hotline).open(kept.sha256) as file:
        assert file.read() == b"on paper"
    adds(hotline, number, kept)
    days_go_by(hotline, 49)

    assert kept.path.exists()


def test_what_a_case_has_comes_back_once_the_right_database_is_there_again(hotline, monkeypatch):
    number, kept = hotline.receives(), put(hotline, b"on paper")
    adds(hotline, number, kept)
    with monkeypatch.context() as patch:
        patch.setattr(unclaimed, "_unknown", lambda _, files: set(files))  # it knows none of them
        days_go_by(hotline, 49)
        assert not kept.path.exists()

    days_go_by(hotline, 1)

    assert kept.path.exists()


def test_what_is_erased_is_not_aside_either(hotline):
    kept = put(hotline, b"on paper")
    days_go_by(hotline, 49)

    store(hotline).remove(kept.sha256)

    assert not [one for one in store(hotline).folder.rglob("*") if one.is_file()]


def test_the_same_file_that_has_just_come_again_stays(hotline, monkeypatch):
    kept, look = put(hotline, b"on paper"), Store.lying

    def and_then_it_comes_again(self: Store, *args) -> list[str]:
        found = look(self, *args)
        if found:
            put(hotline, b"on paper")
        return found

    monkeypatch.setattr(Store, "lying", and_then_it_comes_again)
    days_go_by(hotline, 49)

    assert kept.path.exists()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one writer
def test_whoever_is_just_adding_an_old_file_is_waited_for(hotline):
    number, kept = hotline.receives(), put(hotline, b"on paper")
    part = int(kept.sha256[:2], 16) % attachments.PARTS
    hotline.waits(24)
    hotline.waits((part - hotline.clock.now.hour) % 24 + (24 if part == hotline.clock.now.hour else 0))
    done: list[int] = []
    sweeps = Thread(target=lambda: done.append(unclaimed.sweep(hotline.runtime, store(hotline))))

    with hotline.runtime.begin() as unit:
        attachments.add(unit, number, kept, "giay.txt", by=accounts.account(unit, "truc"))
        sweeps.start()
        sweeps.join(1)
        assert sweeps.is_alive() and kept.path.exists()
    sweeps.join()

    assert done == [0] and kept.path.exists()


def test_whoever_comes_after_is_told_to_send_it_again(hotline):
    number, kept = hotline.receives(), put(hotline, b"on paper")
    days_go_by(hotline, 49)

    with pytest.raises(WrongState, match="send it again"):
        adds(hotline, number, kept)


def test_more_than_one_part_is_looked_through_each_day(hotline):
    kept = [put(hotline, str(number).encode()) for number in range(40)]

    days_go_by(hotline, 49)

    assert not [one for one in kept if one.path.exists()]

"""A province's mailbox, on a real IMAP server."""

from __future__ import annotations

import logging
from datetime import timedelta
from threading import Barrier, Thread

import pytest

from engine.channels.mailbox import imap, letter, postman
from engine.channels.mailbox.imap import Mailbox, MailboxProblem, mailboxes
from engine.channels.mailbox.postman import Postman
from tests import imapd
from tests.letters import written
from tests.post import deaf_peer, free_port


@pytest.fixture
def box(mail_server: imapd.Server) -> imapd.Box:
    return mail_server.box()


class Shelf:
    """Keeps letters; by identity, as arrivals do."""

    def __init__(self) -> None:
        self.letters: dict[str, bytes] = {}
        self.kept = 0

    def __call__(self, province: str, raw: bytes) -> None:
        assert province == "74"
        self.kept += 1
        self.letters.setdefault(letter.identity(raw), raw)


ALL_OF_IT = written("Ổ gà lớn", files=(("ảnh.jpg", bytes(range(256)) * 40),))


def test_what_waits_is_fetched_as_it_came_and_put_away(box):
    shelf = Shelf()
    box.gets(ALL_OF_IT, b"not a letter at all \xff\xfe", written("Hai"))
    box.are_looked_at()  # which changes nothing

    assert postman.empty(box.mailbox, shelf) == 3

    first, broken, _ = shelf.letters.values()
    assert letter.read(first).files[0].content == bytes(range(256)) * 40
    assert broken.startswith(b"not a letter at all")
    assert (box.waiting, box.done) == (0, 3)
    assert postman.empty(box.mailbox, shelf) == 0


def test_a_letter_that_is_moved_back_or_came_twice_is_known(box):
    shelf = Shelf()
    box.gets(ALL_OF_IT, b"Received: by another way\n" + ALL_OF_IT)

    assert postman.empty(box.mailbox, shelf) == 2
    assert len(shelf.letters) == 1


def test_of_a_letter_that_is_too_large_the_beginning_is_kept(box, monkeypatch):
    monkeypatch.setattr(imap, "LARGEST", 2_000)
    shelf = Shelf()
    box.gets(ALL_OF_IT)

    postman.empty(box.mailbox, shelf)

    (kept,) = shelf.letters.values()
    assert len(kept) == 2_000
    assert (letter.read(kept).text, letter.read(kept).left_out) == ("Ổ gà lớn", ("ảnh.jpg",))


def test_a_letter_that_cannot_be_kept_stays_where_it_is(box):
    def full(province: str, raw: bytes) -> None:
        raise MemoryError

    box.gets(written())
    with pytest.raises(MemoryError):
        postman.empty(box.mailbox, full)

    assert (box.waiting, box.done) == (1, 0)


def test_two_postmen_at_once_keep_each_letter_once(box):
    shelf, both = Shelf(), Barrier(2, timeout=60)

    def keep(province: str, raw: bytes) -> None:
        if not shelf.kept:
            both.wait()  # each has fetched the first letter
        shelf(province, raw)

    box.gets(*(written(f"Thư {n}") for n in range(5)))
    second = Thread(target=postman.empty, args=(box.mailbox, keep))
    second.start()
    postman.empty(box.mailbox, keep)
    second.join()

    assert shelf.kept > 5
    assert {letter.read(raw).text for raw in shelf.letters.values()} == {f"Thư {n}" for n in range(5)}
    assert len(shelf.letters) == 5 and box.waiting == 0


def test_a_server_that_cannot_move_letters_is_asked_to_copy_and_to_delete(box, monkeypatch):
    monkeypatch.setattr(imap.Folder, "__init__", _unable(imap.Folder.__init__))
    shelf = Shelf()
    box.gets(written("Một"), written("Hai"))

    assert postman.empty(box.mailbox, shelf) == 2
    assert (box.waiting, box.done) == (0, 2)
    assert postman.empty(box.mailbox, shelf) == 0


def _unable(make):
    def made(folder, *arguments):
        make(folder, *arguments)
        folder._can_move = False

    return made


def test_who_is_told_to_stop_begins_no_other_letter(box):
    shelf = Shelf()
    box.gets(written("Một"), written("Hai"))

    assert postman.empty(box.mailbox, shelf, stopping=lambda: shelf.kept == 1) == 1
    assert box.waiting == 1


# -- when it does not work ---------------------------------------------------------------------------------------------


def changed(mailbox: Mailbox, **options: object) -> Mailbox:
    return Mailbox(**{**vars(mailbox), **options})  # type: ignore[arg-type]


def refusal(mailbox: Mailbox) -> str:
    with pytest.raises(MailboxProblem) as problem:
        postman.empty(mailbox, Shelf())
    assert mailbox.password not in str(problem.value)
    return str(problem.value)


def test_a_mail_server_that_is_away_silent_or_unlike_we_were_told_is_named_in_a_sentence(box):
    assert "Connection refused" in refusal(changed(box.mailbox, port=free_port()))
    with deaf_peer() as deaf:
        assert refusal(changed(box.mailbox, port=deaf, timeout=0.2)) == "it did not answer in time"
        assert refusal(changed(box.mailbox, port=deaf, timeout=0.2, tls="implicit")) == "it did not answer in time"
    assert "Invalid authentication" in refusal(changed(box.mailbox, password="sai"))
    assert refusal(changed(box.mailbox, folder="Khong co")) == "it refused our SELECT Khong co"
    assert "certificate or encryption" in refusal(changed(box.mailbox, tls="implicit"))
    assert "TLS" in refusal(changed(box.mailbox, tls="starttls"))


def test_a_mailbox_that_cannot_be_used_is_left_alone_for_longer_and_longer(box, clock, caplog):
    caplog.set_level(logging.WARNING)
    shelf = Shelf()
    ours = Postman(changed(box.mailbox, port=free_port()), shelf, clock)
    waits = []
    for _ in range(7):
        assert ours.goes() == 0
        (line,) = caplog.messages
        caplog.clear()
        assert ours.goes() == 0 and not caplog.messages  # too early: not even tried
        waits.append(int(line.split("in ")[-1].split()[0]))
        clock.advance(timedelta(minutes=waits[-1]))
    assert waits == [1, 2, 4, 8, 16, 30, 30]

    box.gets(written())
    ours.mailbox = box.mailbox
    assert ours.goes() == 1
    assert ours.goes() == 0


@pytest.mark.parametrize(("settings", "sentence"), [
    ({"74": "x"}, "The settings of the mailbox of 74 must be a table."),
    ({"74": {"host": "x", "user": "y"}}, "The mailbox of 74 needs the option 'password'."),
    ({"74": {"hots": "x"}}, "The mailbox of 74 has no option 'hots'; it has host, user, password, port, tls"),
    ({"74": {"host": "x", "user": "y", "password": "z", "tls": "ssl"}}, "tls must be one of implicit, starttls, none"),
    ({"74": {"host": "x", "user": "y", "password": "z", "port": "993"}}, "port must be a number up to 65535"),
    ({"74": {"host": "x", "user": "y", "password": "mật"}}, "password must be a text of ASCII"),
    ({"74": {"host": "x", "user": "y", "password": "z", "folder": 'a"b'}}, 'folder may have no " and no'),
    ({"74": {"host": "x", "user": "y", "password": "z", "done": "INBOX"}}, "done must be another folder"),
    ({"74": {"host": "x", "user": "y", "password": "z", "timeout": 60}}, "A time-out must be more than 0"),
    ({"74": {"host": "x", "user": "y", "password": "z", "province": "75"}}, "has no option 'province'"),
])  # fmt: skip
def test_settings_that_will_not_do_are_refused_with_a_sentence(settings, sentence):
    with pytest.raises(ValueError) as refused:
        mailboxes({province: {"email": options} for province, options in settings.items()})
    assert sentence in str(refused.value)


def test_who_has_no_mailbox_has_none():
    assert mailboxes({}) == mailboxes({"74": {"zalo": {}}, "75": "?"}) == []


def test_a_mailbox_never_shows_its_password(box):
    assert box.mailbox.password not in repr(box.mailbox)

"""What becomes of letters: cases, words about cases, or only contacts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from time import sleep

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from engine import model, packages
from engine.channels import arrivals
from engine.channels.arrivals import Event
from engine.channels.mailbox import letter, taking
from engine.channels.mailbox.postman import Postman
from engine.files.attachments import Store
from engine.notifiers import Message, Receipt
from engine.queues import outbox
from engine.work.worker import Worker
from tests.hotline import PROVINCE, package
from tests.letters import CITIZEN, bounced, written
from tests.sources import ROOT
from webapi.cli import main
from webapi.worker import Metronome

LARGEST = 1_000  # bytes of a file
STRANGER = "la@example.vn"


class Post:
    """A mail server that takes whatever it is given."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> Receipt:
        self.sent.append(message)
        return Receipt(f"<{message.key.replace(':', '%3A')}@binhduong.example>")


class Desk:
    """The hotline, with a mailbox."""

    def __init__(self, hotline, folder):
        self.hotline, self.runtime, self.clock = hotline, hotline.runtime, hotline.clock
        self.store = Store(folder / "files")
        self.readers = {"email": taking.reader(self.store, LARGEST)}
        self.post = Post()
        self.worker = Worker(self.runtime, dict.fromkeys(("sms", "email"), self.post), readers=self.readers)
        files = package(province__toml='message_type = "PAKN"\n' + PROVINCE)
        with self.runtime.begin() as unit:
            packages.load_province(unit, packages.Package(files).province)

    def gets(self, raw):
        """A letter arrives; the row that was made of it, if it is a new one."""
        made = arrivals.put(self.runtime, "74", "email", [Event(letter.identity(raw), raw)])
        for arrival_id in made:
            assert arrivals.attempt(self.runtime, arrival_id, self.readers) == "done"
        return self.all(model.arrivals)[-1] if made else None

    def all(self, table):
        with self.runtime.read() as unit:
            return unit.all(select(table).order_by(table.c.id))

    def case(self, arrival):
        with self.runtime.read() as unit:
            number = unit.scalar(select(model.cases.c.number).where(model.cases.c.id == arrival.case_id))
        return self.hotline.case(number)

    def remarks(self, number):
        return [row["text"] for row in self.hotline.as_("vanphong").get(f"/cases/{number}/comments").json["items"]]

    def files(self, number):
        return [row["name"] for row in self.hotline.as_("vanphong").get(f"/cases/{number}/attachments").json["items"]]

    def tells(self):
        """What is owed is sent; the letters that went out, newest last."""
        self.worker.drain()
        return [message for message in self.post.sent if message.kind == "email"]

    def settles(self, number):
        self.hotline.does("truc", number, lead_agency="ubnd_74_718")
        self.hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Đã vá")


@pytest.fixture
def desk(hotline, tmp_path):
    return Desk(hotline, tmp_path)


def test_a_letter_becomes_a_case_and_its_writer_is_answered_by_letter(desk):
    arrival = desk.gets(written("Ổ gà lớn\n\ntrước chợ", subject="Đường hỏng", files=(("ảnh.txt", b"x"),)))

    case = desk.case(arrival)
    assert (case["channel"], case["subject"]) == ("email", "Đường hỏng")
    assert case["report"]["noi_dung"] == "Ổ gà lớn\n\ntrước chợ"
    person = desk.all(model.people)[-1]
    assert (person.name, person.email, person.phone) == ("Nguyễn Văn Bình", CITIZEN, None)
    assert desk.files(case["number"]) == ["ảnh.txt"]
    (told,) = desk.tells()
    assert (told.to, case["number"] in told.text) == (CITIZEN, True)
    (contact,) = desk.all(model.contacts)
    assert (contact.channel, contact.outcome, contact.case_id) == ("email", "case", arrival.case_id)


def test_the_same_letter_again_is_the_same_case(desk):
    raw = written()

    assert desk.gets(raw) is not None
    assert desk.gets(b"Received: by another way\n" + raw) is None
    assert desk.gets(written()) is not None  # the same words in another letter
    assert len(desk.all(model.cases)) == 2


def test_files_that_are_not_kept_are_named_in_the_case(desk):
    case = desk.case(desk.gets(written(files=(("lớn.mp4", b"x" * 1_001), ("rỗng.txt", b""), ("ảnh.txt", b"x")))))

    assert case["report"]["noi_dung"].endswith("(Tệp không nhận được: rỗng.txt, lớn.mp4)")
    assert desk.files(case["number"]) == ["ảnh.txt"]


@pytest.mark.parametrize(("said", "subject", "kept"), [
    ("", "Ổ gà trước chợ", "Ổ gà trước chợ"), ("", "", "(Thư không có chữ)"),
])  # fmt: skip
def test_a_letter_without_words_is_a_case_too(desk, said, subject, kept):
    assert desk.case(desk.gets(written(said, subject=subject)))["report"]["noi_dung"] == kept


def test_an_answer_to_our_letter_belongs_to_its_case(desk):
    number = desk.case(desk.gets(written()))["number"]
    (told,) = desk.tells()

    answer = desk.gets(written("Thêm: sát cổng\n\n> 1022: …", subject="Re: 1022", files=(("2.txt", b"y"),),
                               sender=f"Bình <{CITIZEN.upper()}>",
                               In_Reply_To=f"<{told.key.replace(':', '%3A')}@binhduong.example>"))  # fmt: skip

    assert desk.case(answer)["number"] == number
    assert desk.remarks(number) == ["Thêm: sát cổng"] and desk.files(number) == ["2.txt"]
    assert len(desk.all(model.cases)) == 1 and len(desk.all(model.contacts)) == 2


def test_a_letter_whose_subject_names_its_writers_case_belongs_to_it(desk):
    number = desk.case(desk.gets(written()))["number"]
    other = desk.case(desk.gets(written("Chuyện khác")))["number"]

    desk.gets(written("Thêm", subject=f"Hỏi về {number}"))

    assert other != number  # what answers nothing is a matter of its own
    assert (desk.remarks(number), desk.remarks(other)) == (["Thêm"], [])


@pytest.mark.parametrize("by_subject", [True, False])
def test_a_stranger_neither_writes_into_a_case_nor_learns_of_it(desk, by_subject):
    number = desk.case(desk.gets(written()))["number"]
    (told,) = desk.tells()
    named = {"subject": f"Re: {number}"} if by_subject else {"In_Reply_To": f"<{told.key}@binhduong.example>"}

    theirs = desk.case(desk.gets(written("Cho xem", sender=STRANGER, files=(("2.txt", b"y"),), **named)))

    assert theirs["number"] != number
    assert desk.remarks(number) == [] and desk.files(number) == []
    answer = desk.tells()[-1]
    assert answer.to == STRANGER and number not in answer.text
    assert desk.tells()[0].to == CITIZEN and len(desk.tells()) == 2


def test_a_case_that_does_not_exist_is_no_ones(desk):
    assert desk.case(desk.gets(written(subject="1022.BD.20210903.99999")))["channel"] == "email"


@pytest.mark.parametrize("headers", [
    {"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"Return_Path": "<>"}, {"sender": "nobody"},
])  # fmt: skip
def test_a_programs_letter_is_counted_and_nothing_answers_it(desk, headers):
    arrival = desk.gets(written("Tôi đang nghỉ phép", **headers))

    assert (arrival.state, arrival.case_id) == ("done", None)
    assert desk.all(model.cases) == [] and desk.all(model.outbox) == []
    (contact,) = desk.all(model.contacts)
    assert (contact.channel, contact.outcome, contact.direction) == ("email", "refused", "in")
    assert contact.topic.startswith("Thư tự động")


def test_a_programs_answer_to_our_letter_is_no_word_of_the_citizen(desk):
    number = desk.case(desk.gets(written()))["number"]
    (told,) = desk.tells()

    desk.gets(written("Tôi nghỉ phép", Auto_Submitted="auto-replied", In_Reply_To=f"<{told.key}@x.vn>"))

    assert desk.remarks(number) == [] and len(desk.all(model.cases)) == 1


def test_our_own_letter_that_comes_back_is_not_answered(desk):
    desk.gets(written())
    (told,) = desk.tells()
    desk.gets(written(Message_ID=f"<{told.key.replace(':', '%3A')}@binhduong.example>"))

    assert len(desk.all(model.cases)) == 1 and desk.all(model.contacts)[-1].outcome == "refused"


def test_two_programs_do_not_write_to_each_other_for_ever(desk):
    for n in range(taking.FROM_ONE_SENDER + 5):
        desk.gets(written(f"Vòng {n}"))
    desk.gets(written("Người khác", sender=STRANGER))

    assert len(desk.all(model.cases)) == taking.FROM_ONE_SENDER + 1
    assert [contact.outcome for contact in desk.all(model.contacts)].count("refused") == 5
    desk.hotline.waits(1.01)
    desk.gets(written("Hôm sau"))
    assert len(desk.all(model.cases)) == taking.FROM_ONE_SENDER + 2


def test_a_letter_that_came_back_is_undeliverable_and_its_case_says_so(desk):
    number = desk.case(desk.gets(written()))["number"]
    (told,) = desk.tells()
    ours = f"<{told.key.replace(':', '%3A')}@binhduong.example>"

    desk.gets(bounced(ours, STRANGER))  # who does not know whom we wrote to says nothing about it
    desk.gets(bounced(ours.replace("%3A", "%3A9"), CITIZEN))
    assert [row.state for row in desk.all(model.outbox)] == ["sent"]
    desk.gets(bounced(ours, CITIZEN.upper()))

    (row,) = desk.all(model.outbox)
    assert (row.state, row.last_error) == ("dead", "the letter came back: 5.1.1")
    timeline = desk.hotline.as_("vanphong").get(f"/cases/{number}/timeline").json["items"]
    assert [event["data"]["why"] for event in timeline if event["kind"] == "message-undeliverable"] == [row.last_error]
    assert len(desk.all(model.cases)) == 1 and len(desk.all(model.contacts)) == 4
    desk.gets(bounced(ours, CITIZEN, returned_to=CITIZEN))  # once more, by another server: it is known
    with desk.runtime.begin() as unit:
        outbox.resend(unit, row.id, "vanphong")


def test_a_letter_to_one_person_of_an_agency_that_came_back_is_known_as_well(desk):
    """Whoever was not told that their account had changed may not be its only user."""
    admin, address = desk.hotline.as_("quantri"), "phuong@co-quan.example"
    seen = {"If_Match": admin.get("/accounts/phuong").headers["ETag"]}
    assert admin.post("/accounts/phuong", {"email": address}, method="PATCH", **seen).status_code == 200
    (told,) = desk.tells()

    desk.gets(bounced(f"<{told.key.replace(':', '%3A')}@binhduong.example>", address))

    (row,) = desk.all(model.outbox)
    assert (row.topic, row.state, row.last_error) == ("account-changed", "dead", "the letter came back: 5.1.1")


def test_what_cannot_be_understood_is_kept_for_a_person_to_see(desk, monkeypatch):
    monkeypatch.setattr(taking, "read", lambda raw: 1 / 0)
    (made,) = arrivals.put(desk.runtime, "74", "email", [Event("1", b"x")])
    assert arrivals.attempt(desk.runtime, made, desk.readers) == "failed"

    desk.clock.advance(timedelta(days=1))
    monkeypatch.undo()
    desk.worker.drain()
    assert [row.state for row in desk.all(model.arrivals)] == ["done"]


@pytest.mark.parametrize("stars", ["4", "0"])
def test_a_digit_in_answer_to_the_result_rates_it_and_0_says_that_it_is_none(desk, stars):
    number = desk.case(desk.gets(written()))["number"]
    desk.settles(number)
    told = desk.tells()[-1]

    desk.gets(written(f"{stars}\n", In_Reply_To=f"<{told.key.replace(':', '%3A')}@binhduong.example>"))

    case = desk.hotline.case(number)
    assert (case["rating"], case["closed_at"] is None) == ((4, False) if stars == "4" else (None, True))


# -- from the mail server to the case --------------------------------------------------------------------------------

CHILD = """
import tests  # the keys
import os, signal, sys
from pathlib import Path
from engine.files.attachments import Store
from engine.storage.database import connect
from engine.channels.mailbox import imap, postman, taking
from engine.runtime import Runtime
from datetime import UTC, datetime

url, folder, port, user, password, arrives, done, dies = sys.argv[1:]
if dies == "dies":
    imap.Folder.put_away = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
mailbox = imap.Mailbox("74", "127.0.0.1", user, password, int(port), "none", arrives, done)
runtime = Runtime(connect(url), lambda: datetime(2021, 9, 3, 1, tzinfo=UTC))
postman.empty(mailbox, taking.keeper(runtime, {"email": taking.reader(Store(Path(folder)), 1000)}))
"""


def test_a_postman_that_is_killed_before_a_letter_is_put_away_makes_no_second_case(
    desk, mail_server, database_url, tmp_path
):
    box = mail_server.box()
    box.gets(written("Ổ gà lớn"))
    to = (str(box.mailbox.port), box.mailbox.user, box.mailbox.password, box.mailbox.folder, box.mailbox.done)

    def goes(how):
        command = [sys.executable, "-c", CHILD, database_url, str(tmp_path / "files"), *to, how]
        return subprocess.run(command, cwd=ROOT, timeout=60, env=os.environ).returncode

    assert goes("dies") == -signal.SIGKILL
    assert (box.waiting, len(desk.all(model.cases))) == (1, 1)
    assert goes("lives") == 0
    assert (box.waiting, box.done, len(desk.all(model.cases))) == (0, 1, 1)


def test_mailboxes_are_looked_into_by_hand_and_by_every_worker(desk, mail_server, database_url, tmp_path):
    box = mail_server.box()
    options = {
        name: getattr(box.mailbox, name) for name in ("host", "user", "password", "port", "tls", "folder", "done")
    }
    environment = {"THONGSUOT_DATABASE": database_url, "THONGSUOT_INSTANCE": str(tmp_path),
                   "THONGSUOT_CHANNELS": json.dumps({"74": {"email": options}})}  # fmt: skip

    def poll(*arguments, **more):
        return CliRunner().invoke(main, ["mail", "poll", *arguments], env=environment | more)

    box.gets(written("Một"), written("Hai"))
    assert poll().output == "74: 2 letters\n"
    assert (len(desk.all(model.cases)), box.done) == (2, 2)
    assert "No mailbox is set up" in poll("--province", "75").output
    wrong = poll(THONGSUOT_CHANNELS='{"74": {"email": {"host": "x"}}}').output
    assert "THONGSUOT_CHANNELS: The mailbox of 74 needs the option 'user'." in wrong

    box.gets(written("Ba"))
    metronome = Metronome(desk.worker, [Postman(box.mailbox, taking.keeper(desk.runtime, desk.readers), desk.clock)])
    metronome.start()
    try:
        for _ in range(1_000):
            if box.done == 3:
                break
            sleep(0.05)
    finally:
        metronome.stop()
    assert (len(desk.all(model.cases)), box.waiting) == (3, 0)

"""What a letter says is read from its bytes, however its program wrote them."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.channels.mailbox import letter
from tests.letters import CITIZEN, bounced, written

OURS = "<0a1b@binhduong.example>"


def raw(body: bytes, *lines: str, charset: str = "utf-8") -> bytes:
    """A letter byte by byte."""
    head = [f"From: {CITIZEN}", f'Content-Type: text/plain; charset="{charset}"', "Content-Transfer-Encoding: 8bit"]
    return "\r\n".join([*head, *lines]).encode() + b"\r\n\r\n" + body


def test_a_letter_says_who_wrote_what():
    read = letter.read(written("Chợ đêm tụ tập đông người\n\nXin xử lý.\n"))

    assert (read.sender, read.name, read.subject) == (CITIZEN, "Nguyễn Văn Bình", "Phản ánh")
    assert read.text == "Chợ đêm tụ tập đông người\n\nXin xử lý."
    assert read.automatic is None and read.bounce is None and read.answers == ()


@pytest.mark.parametrize(("charset", "content"), [
    ("utf-8", "Biên Hòa".encode()),
    ("utf-8", "Bie\u0302n Ho\u0300a".encode()),  # marks after their letters
    ("us-ascii", "Biên Hòa".encode()),  # claims what it is not
    ("iso-8859-1", "Biên Hòa".encode()),
    ("x-unknown", "Biên Hòa".encode()),
    ("unicode_escape", "Biên Hòa".encode()),
    ("base64", "Biên Hòa".encode()),
    ("windows-1258", b"Bi\xean Ho\xcca"),
    ("us-ascii", b"Bi\xean Ho\xcca"),
    ("utf-16-le", "Biên Hòa".encode("utf-16-le")),
    ("utf-8", b"\xef\xbb\xbf\x00Bi\xc3\xaan \xe2\x80\xaeH\xc3\xb2a\x07"),  # signs that turn or hide text
])  # fmt: skip
def test_letters_are_vietnamese_whatever_the_program_claims(charset, content):
    assert letter.read(raw(content, charset=charset)).text == "Biên Hòa"


@pytest.mark.parametrize("subject", [
    b"=?UTF-8?B?Qmnhu4NuIHF14bqjbmcgY8Ohbw==?=",
    b"=?utf-8?Q?Bi=E1=BB=83n?= =?utf-8?Q?_qu=E1=BA=A3ng_c=C3=A1o?=",
    b"=?utf-8?Q?Bi=E1=BB?=\r\n =?utf-8?Q?=83n_qu=E1=BA=A3ng_c=C3=A1o?=",  # cut within a letter
    "Biển quảng cáo".encode(),
    "Biển quảng\r\n cáo".encode(),
    "Biển quảng cáo".encode().replace(b"n ", b"n\x00 "),
])  # fmt: skip
def test_a_subject_is_read_however_it_was_written(subject):
    said = b"From: a@b.vn\r\nSubject: " + subject + b"\r\n\r\nx"

    assert letter.read(said).subject == "Biển quảng cáo"


@pytest.mark.parametrize(("sender", "address", "name"), [
    ("An <AN@Example.VN>", "an@example.vn", "An"),
    ("an@example.vn", "an@example.vn", ""),
    ('"Nguyễn, An" <an@example.vn>', "an@example.vn", "Nguyễn, An"),
    ("=?utf-8?q?x=40evil=2Evn=2C?= <an@example.vn>", "an@example.vn", "x@evil.vn,"),
    ("An <an>", "", ""), ("", "", ""), ("<>", "", ""),
])  # fmt: skip
def test_a_sender_is_an_address_that_can_be_answered_or_nobody(sender, address, name):
    read = letter.read(f"From: {sender}\r\nSubject: x\r\n\r\nx".encode())

    assert (read.sender, read.name) == (address, name)
    assert (read.automatic == "không có người gửi") == (not address)


def test_html_is_made_plain():
    html = """<html><head><style>p {color: red}</style><title>T</title></head><body>
        <p>Ch&#7907; đêm<br>tụ tập&nbsp;đông</p>
        <script>alert(1)</script><ul><li>một<li>hai</ul><p>xin   <b>xử lý</b></body></html>"""

    assert letter.read(written("", html=html)).text == "Chợ đêm\ntụ tập đông\nmột\nhai\nxin xử lý"
    assert letter.read(written("Chữ thường", html="<p>HTML</p>")).text == "Chữ thường"


@pytest.mark.parametrize("said", [
    "Vẫn chưa xong\n\nVào Th 6, 3 thg 9, 2021 vào lúc 15:30 1022 <1022@x.vn> đã viết:\n> 1022: kết quả …\n> abc",
    "Vẫn chưa xong\n\nOn Fri, Sep 3, 2021 at 3:30 PM 1022 Bình Dương <1022@x.vn>\nwrote:\n\n> 1022: kết quả",
    "Vẫn chưa xong\n\n-----Original Message-----\nFrom: 1022\nSent: today\n\n1022: kết quả",
    "Vẫn chưa xong\n\n________________________________\nFrom: 1022 <1022@x.vn>\nSent: Friday\n\n1022: kết quả",
    "Vẫn chưa xong\n\nTừ: 1022 <1022@x.vn>\nĐã gửi: 3/9\nĐến: An\n\n1022: kết quả",
    "On Fri, 1022 <1022@x.vn> wrote:\n> 1022: kết quả\n\nVẫn chưa xong",
    "> 1022: kết quả\n> hai\nVẫn chưa xong\n\nĐã gửi từ iPhone của tôi\n",
    "Vẫn chưa xong\n-- \nNguyễn Văn Bình\nCông ty X",
])  # fmt: skip
def test_of_an_answer_only_what_is_new_is_kept(said):
    assert letter.read(written(said, In_Reply_To=OURS)).text == "Vẫn chưa xong"


def test_a_quotation_in_html_is_one_too():
    html = (
        "<div>Vẫn chưa xong</div><div class=gmail_quote>On Fri, 1022 wrote:<br><blockquote>kết quả</blockquote></div>"
    )

    assert letter.read(written("", html=html, subject="Re: 1022")).text == "Vẫn chưa xong"


def test_what_is_passed_on_is_no_quotation_and_nothing_said_is_thrown_away():
    passed_on = "Nhờ xem giúp\n\n> Chợ đêm\n> tụ tập"

    assert letter.read(written(passed_on)).text == passed_on
    assert letter.read(written("> 1022: kết quả", In_Reply_To=OURS)).text == "> 1022: kết quả"
    assert letter.read(written("-- \nchỉ có chữ ký")).text == "--\nchỉ có chữ ký"


def test_files_come_with_their_names():
    read = letter.read(written(files=(("ảnh chợ.jpg", b"\xff\xd8\xff"), ("../../etc/passwd", b"x"))))

    assert [(file.name, file.content) for file in read.files] == [
        ("ảnh chợ.jpg", b"\xff\xd8\xff"), ("../../etc/passwd", b"x"),
    ]  # fmt: skip
    assert read.text == "Chợ đêm tụ tập đông người"


def test_a_file_that_came_incomplete_is_named_and_not_taken():
    whole = written(files=(("một.jpg", b"1" * 300), ("hai.jpg", b"2" * 3000), ("ba.jpg", b"3" * 300)))
    read = letter.read(whole[: whole.index(b"MjIy") + 500])

    assert [file.name for file in read.files] == ["một.jpg"] and read.left_out == ("hai.jpg",)
    assert read.text == "Chợ đêm tụ tập đông người"


def test_too_many_files_are_named():
    read = letter.read(written(files=tuple((f"{n}.txt", b"x") for n in range(letter.FILES_MAX + 2))))

    assert len(read.files) == letter.FILES_MAX and read.left_out == ("20.txt", "21.txt")


@pytest.mark.parametrize("headers", [
    {"Auto_Submitted": "auto-replied"}, {"Auto_Submitted": "auto-generated (vacation)"},
    {"Auto_Submitted": "Auto-Notified; owner-email=x@y.vn"},
    {"Precedence": "bulk"}, {"Precedence": "JUNK"}, {"Precedence": "list"}, {"Precedence": "auto_reply"},
    {"X_Auto_Response_Suppress": "DR, OOF, AutoReply"}, {"X_Auto_Response_Suppress": "All"},
    {"List_Id": "<tin-tuc.example.vn>"}, {"List_Unsubscribe": "<mailto:x@y.vn>"}, {"X_Autoreply": "yes"},
    {"Return_Path": "<>"}, {"X_Failed_Recipients": "an@example.vn"},
    {"sender": "MAILER-DAEMON@example.vn"}, {"sender": "Postmaster <postmaster@example.vn>"},
    {"sender": "No Reply <no-reply@example.vn>"}, {"sender": "bounces+12=x@example.vn"},
])  # fmt: skip
def test_what_a_program_wrote_is_known_by_its_marks(headers):
    assert letter.read(written(**headers)).automatic


@pytest.mark.parametrize("headers", [
    {}, {"Auto_Submitted": "no"}, {"Precedence": "first-class"}, {"X_Auto_Response_Suppress": "RN, NRN"},
    {"Return_Path": "<binh@example.vn>"}, {"sender": "norepublic@example.vn"}, {"subject": "Automatic reply: hỏi"},
])  # fmt: skip
def test_what_a_person_wrote_has_none_of_them(headers):
    assert letter.read(written(**headers)).automatic is None


def test_a_bounce_names_our_letter_and_its_recipients():
    read = letter.read(bounced(OURS, "An@Example.vn", returned_to="cu@example.vn"))

    assert read.bounce == letter.Bounce(OURS, frozenset({"an@example.vn", "cu@example.vn"}), "5.1.1")
    assert read.automatic


def test_a_letter_that_is_only_late_has_not_bounced():
    assert letter.read(bounced(OURS, CITIZEN, action="delayed")).bounce is None


def test_the_letters_it_answers_are_known():
    read = letter.read(written(In_Reply_To=OURS, References=f"<x@y.vn> {OURS} <z@y.vn>"))

    assert read.answers == (OURS, "<x@y.vn>", "<z@y.vn>")


def test_a_letter_is_the_same_however_it_is_delivered_and_no_other_is():
    one = written(Message_ID="<1@example.vn>")
    identity = letter.identity(one)

    assert letter.identity(b"Received: from x\r\nReturn-Path: <binh@example.vn>\r\n" + one) == identity
    others = [written(Message_ID="<2@example.vn>"), written("khác", Message_ID="<1@example.vn>"),
              written(Message_ID="<1@example.vn>", sender="la@example.vn"), one[:-5], b""]  # fmt: skip
    assert identity not in map(letter.identity, others)


def test_parts_within_parts_without_end_are_no_danger():
    deep = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(1200))

    read = letter.read(f"From: {CITIZEN}\r\nSubject: x\r\n{deep}x".encode())
    assert read.sender == CITIZEN and len(read.files) + len(read.left_out) == 1


HEADERS = ("From", "To", "Subject", "Content-Type", "Content-Disposition", "Content-Transfer-Encoding", "Message-ID",
           "References", "Return-Path", "Auto-Submitted", "Date")  # fmt: skip
VALUES = st.one_of(
    st.binary(max_size=60), st.text(max_size=40).map(str.encode),
    st.sampled_from([b'multipart/mixed; boundary="b"', b"multipart/report; boundary=b", b"text/html; charset=utf-7",
                     b"message/rfc822", b"attachment; filename*0*=utf-8''%E1; filename*x=1", b"base64", b"x-uuencode",
                     b"quoted-printable", b"=?utf-8?b?!!!?=", b"=?x?q?=?=", b"message/delivery-status"]),
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(HEADERS), VALUES), max_size=8), st.binary(max_size=200))
@example([("Content-Type", b'text/plain; charset="\xff"')], b"\xff\x00")
def test_no_letter_is_so_broken_that_it_cannot_be_kept(headers, body):
    said = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in headers)
    read = letter.read(said + b"\r\n--b\r\nContent-Type: text/plain\r\n\r\n" + body)

    for text in (read.subject, read.text, read.name, *read.left_out, letter.identity(said + body)):
        text.encode()  # nothing that a database could not keep
        assert "\0" not in text

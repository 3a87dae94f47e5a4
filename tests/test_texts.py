"""What people are sent, to the byte, and what it costs."""

import unicodedata
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ProcessFault
from engine.language import sms
from engine.language.texts import Text, length_in_words, local_time, time_left
from engine.language.vietnamese import fold, nfc, plain

DONG_NAI = "Tổng đài 1022 thông báo, kiến nghị của ông (bà) đã được giải quyết. Xin cảm ơn!"
RECEIVED = "Tổng đài 1022 đã tiếp nhận phản ánh của ông (bà), mã {ma}. Hạn trả lời: {han}. Tra cứu: {link}"


def text(words, **more) -> Text:
    return Text.parse("T01", {"sms": words, **more})


# -- the words ----------------------------------------------------------------------------------------------------


def test_the_exact_text_of_dong_nai_comes_out_unchanged_to_the_byte():
    rendered = text(DONG_NAI).render({})

    assert len(DONG_NAI) == 79
    assert rendered.text.encode() == DONG_NAI.encode()
    assert rendered == (DONG_NAI, 2, "ucs2")


def test_without_marks_it_is_one_message():
    rendered = text(DONG_NAI, plain=True).render({})

    assert rendered.text == "Tong dai 1022 thong bao, kien nghi cua ong (ba) da duoc giai quyet. Xin cam on!"
    assert (rendered.segments, rendered.encoding) == (1, "gsm7")


def test_a_text_in_decomposed_letters_is_sent_in_composed_ones():
    assert text(unicodedata.normalize("NFD", DONG_NAI)).render({}).text == DONG_NAI
    assert text("{a}{b}").render({"a": "ô", "b": "\u0309"}).text == "ổ"


def test_it_is_only_sent_for_outcomes_for_which_it_is_true():
    solved = text(DONG_NAI, only_for_outcomes=["da_giai_quyet"])

    assert solved.may_be_sent("da_giai_quyet")
    assert not solved.may_be_sent("khong_dung_thuc_te") and not solved.may_be_sent(None)
    assert text(DONG_NAI).may_be_sent(None)


def test_values_are_put_in_and_moments_are_local():
    values = {"ma": "1022.BD.20210903.00042", "han": datetime(2021, 9, 3, 8, 30, tzinfo=UTC), "link": "https://x.vn/1"}

    assert text(RECEIVED).placeholders == {"ma", "han", "link"}
    assert text(RECEIVED).render(values).text == (
        "Tổng đài 1022 đã tiếp nhận phản ánh của ông (bà), mã 1022.BD.20210903.00042. "
        "Hạn trả lời: 15:30 03/09/2021. Tra cứu: https://x.vn/1"
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3, "3"),
        (0, "0"),
        (2.5, "2,5"),
        (True, "có"),
        (date(2021, 9, 3), "03/09/2021"),
        (timedelta(hours=2, minutes=5), "2 giờ 5 phút"),
        (["gạo", "rau"], "gạo, rau"),
        ("một\r\nBcc: ai@do.vn\x00", "một Bcc: ai@do.vn"),
        ("{ma}", "{ma}"),
        ("a" * 999, "a" * 299 + "…"),
    ],
)
def test_values_are_said_in_one_bounded_line(value, said):
    assert text("{x}").render({"x": value}).text == said


@pytest.mark.parametrize("values", [{}, {"x": None}, {"x": " "}, {"x": {}}, {"x": []}, {"x": float("nan")}])
def test_a_missing_value_is_the_analysts_fault_and_names_text_and_placeholder(values):
    with pytest.raises(ProcessFault, match=r"'T01' needs a value for \{x\}"):
        text("mã {x}").render(values)


def test_placeholders_reach_into_groups_and_doubled_braces_are_braces():
    rendered = text("{{{dia_diem.huyen}}}").render({"dia_diem": {"huyen": "Thủ Dầu Một"}})

    assert rendered.text == "{Thủ Dầu Một}"


def test_the_way_it_goes():
    assert text("x").goes_by("web") == ("sms",)
    assert text("x").goes_by("zalo") == ("sms", "zalo")
    assert text("x", channels=["email"]).goes_by("zalo") == ("email",)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({}, "needs words"),
        ({"sms": "  "}, "needs words"),
        ({"sms": "x" * 1001}, "1001 characters"),
        ({"sms": "mã {ma"}, "belongs to no placeholder"),
        ({"sms": "mã {}"}, "belongs to no placeholder"),
        ({"sms": "mã {ma.__class__!r}"}, "belongs to no placeholder"),
        ({"sms": "x", "plane": True}, "Did you mean 'plain'?"),
        ({"sms": "x", "plain": "yes"}, "true or false"),
        ({"sms": "x", "name": 7}, "its name"),
        ({"sms": "x", "channels": ["fax"]}, "no channel 'fax'"),
        ({"sms": "x", "only_for_outcomes": "da_giai_quyet"}, "list of names"),
        ("x", "must be a table"),
    ],
)
def test_a_text_that_makes_no_sense_is_refused_by_name(table, sentence):
    with pytest.raises(ValueError, match="'T07'") as refusal:
        Text.parse("T07", table)

    assert sentence in str(refusal.value)


def test_times_are_said_as_people_here_say_them():
    assert local_time(datetime(2021, 9, 2, 17, 5, tzinfo=UTC)) == "00:05 03/09/2021"
    assert time_left(timedelta(hours=2, minutes=5)) == "còn 2 giờ 5 phút"
    assert time_left(timedelta(minutes=-5)) == "quá hạn 5 phút"
    assert time_left(timedelta()) == time_left(timedelta(seconds=-59)) == "vừa quá hạn"
    assert time_left(timedelta(seconds=1)) == "còn dưới 1 phút"
    assert length_in_words(timedelta(days=2, minutes=1)) == "2 ngày 1 phút"
    with pytest.raises(TypeError):
        local_time(datetime(2021, 9, 3))


# -- what it costs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "encoding", "units", "segments"),
    [
        ("", "gsm7", 0, 0),
        ("a" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        ("€" * 81, "gsm7", 162, 2),
        ("a" * 152 + "[" + "a" * 152, "gsm7", 306, 3),  # the bracket may not be cut: it opens the second message
        ("àèéùìòñ", "gsm7", 7, 1),
        ("ạ" * 70, "ucs2", 70, 1),
        ("ạ" * 71, "ucs2", 71, 2),
        ("ạ" * 134, "ucs2", 134, 2),
        ("ạ" * 135, "ucs2", 135, 3),
        ("😷" * 35, "ucs2", 70, 1),
        ("ạ" * 66 + "😷" + "ạ" * 66, "ucs2", 134, 3),
        ("ạ" * 65 + "😷" + "ạ" * 67, "ucs2", 134, 2),
        ("`", "ucs2", 1, 1),  # on every keyboard, not in the alphabet
    ],
)
def test_the_price_of_a_text(words, encoding, units, segments):
    assert sms.measure(words) == (encoding, units, segments)


@given(st.text(alphabet="aạ€[😷\n", max_size=400))
def test_a_text_is_cut_without_losing_a_letter_and_no_message_is_too_long(words):
    parts = sms.segments(words)

    assert "".join(parts) == words
    code = sms.encoding(words)
    for part in parts if len(parts) > 1 else []:
        units = len(part) + sum(map(part.count, "€[")) if code == "gsm7" else len(part.encode("utf-16-be")) // 2
        assert 0 < units <= {"gsm7": 153, "ucs2": 67}[code]


# -- letters ------------------------------------------------------------------------------------------------------


def test_both_placements_of_a_tone_and_both_ways_to_write_it_are_found():
    spellings = ["Biên Hòa", "Biên Hoà", "BIÊN  HOÀ ", unicodedata.normalize("NFD", "biên hòa"), "bien hoa"]

    assert {fold(spelling) for spelling in spellings} == {"bien hoa"}


def test_every_letter_of_the_alphabet_loses_its_marks():
    alphabet = {
        "a": "aàảãáạăằẳẵắặâầẩẫấậ",
        "d": "dđð",
        "e": "eèẻẽéẹêềểễếệ",
        "i": "iìỉĩíị",
        "o": "oòỏõóọôồổỗốộơờởỡớợ",
        "u": "uùủũúụưừửữứự",
        "y": "yỳỷỹýỵ",
    }
    for base, letters in alphabet.items():
        assert plain(letters) == base * len(letters)
        assert plain(letters.upper()) == base.upper() * len(letters)
        assert fold(unicodedata.normalize("NFD", letters.upper())) == base * len(letters)


def test_plain_text_is_cheap_and_keeps_its_capitals():
    assert plain("“Đồng Nai” – Quận 1… 5.000₫") == '"Dong Nai" - Quan 1... 5.000d'


@given(st.text())
def test_folding_twice_is_folding_once_and_storing_is_stable(words):
    assert nfc(nfc(words)) == nfc(words)
    assert fold(nfc(words)) == fold(words)
    assert plain(plain(words)) == plain(words)

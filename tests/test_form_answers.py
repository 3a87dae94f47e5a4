"""Forms: what counts as an answer to each kind of question."""

from __future__ import annotations

from datetime import date

import pytest

from tests.asking import DUNG_SAI, asks, draw, fault, faults, kept, refused

# -- texts -------------------------------------------------------------------------------------------------------------


def test_a_text_is_kept_trimmed_and_in_one_unicode_spelling():
    assert kept(asks("textfield"), "  Nguye\u0302\u0303n Va\u0306n A ") == "Nguyễn Văn A"


def test_a_page_sends_line_breaks_in_its_own_way_and_they_are_kept_as_one():
    assert kept(asks("textarea", maxLength=5), "a\r\nb\r\nc") == "a\nb\nc"


@pytest.mark.parametrize(("value", "sentence"), [
    ("một\nhai", "Hãy viết mục này trên một dòng, không xuống dòng và không dùng phím tab."),
    ("a\u2028b", "Hãy viết mục này trên một dòng, không xuống dòng và không dùng phím tab."),
    ("a\0b", "Có ký tự không hiển thị được. Hãy xóa và gõ lại mục này."),
    ("a\u202eb", "Có ký tự không hiển thị được. Hãy xóa và gõ lại mục này."),
    ("a\ud800b", "Có ký tự không hiển thị được. Hãy xóa và gõ lại mục này."),
    (12, "Hãy nhập mục này bằng chữ."),
    (["a"], "Hãy nhập mục này bằng chữ."),
])  # fmt: skip
def test_a_line_of_text_takes_no_line_breaks_and_nothing_invisible(value, sentence):
    assert fault(asks("textfield"), value) == sentence


@pytest.mark.parametrize("blank", ["", "   ", None])
def test_a_required_text_of_spaces_is_no_answer(blank):
    assert fault(asks("textfield", required=True), blank) == "Hãy điền “Mục x”."


def test_lengths_are_counted_as_browsers_count_and_the_sentence_says_how_many_there_are():
    assert fault(asks("textfield", maxLength=200), "ă" * 231) == "Tối đa 200 ký tự, hiện có 231."
    assert fault(asks("textfield", maxLength=3), "😀😀") == "Tối đa 3 ký tự, hiện có 4."
    assert fault(asks("textarea", minLength=10), " ngắn ") == "Tối thiểu 10 ký tự, hiện có 4."
    assert fault(asks("textarea"), "a" * 4001) == "Tối đa 4000 ký tự, hiện có 4001."
    assert kept(asks("textarea", maxLength=9000), "a" * 9000) == "a" * 9000


@pytest.mark.parametrize(("pattern", "good", "bad"), [
    (r"^\d{12}$", "012345678901", "٠١٢٣٤٥٦٧٨٩٠١"),
    (r"[A-C]\d", "xxB2yy", "D2"),
    (r"^[\u00c0-\u1ef9a-z ]+$", "đường số", "đường 7"),
    (r"^(a+)+$", "a" * 3000, "a" * 3000 + "!"),
])  # fmt: skip
def test_patterns_mean_what_they_mean_in_the_browser_and_never_take_long(pattern, good, bad):
    assert kept(asks("textfield", pattern=pattern), good) == good
    assert fault(asks("textfield", pattern=pattern), bad) == "“Mục x” chưa đúng dạng yêu cầu. Hãy kiểm tra và nhập lại."


def test_a_line_break_does_not_slip_through_the_end_of_a_pattern():
    component = asks("textarea", pattern=r"^\d{3}$", patternErrorMessage="Hãy nhập ba chữ số.")

    assert fault(component, "123\nx") == "Hãy nhập ba chữ số."
    assert fault(asks("textarea", pattern=r"^a\s*b$"), "a\nb\nc")
    assert kept(component, "123\n") == "123"


@pytest.mark.parametrize("pattern", [r"(?=x)y", r"(a)\1", "(", "(?i)abc", r"\Aabc\z", "[[:alpha:]]", "a" * 1001])
def test_a_pattern_the_server_cannot_run_as_the_browser_does_is_refused(pattern):
    assert refused(asks("textfield", "cccd", pattern=pattern)).startswith(
        "Form 'phieu.form': The pattern of 'cccd' cannot be used: "
    )


@pytest.mark.parametrize(("written", "number"), [
    ("0912345678", "+84912345678"), ("0912 345 678", "+84912345678"), ("(0274) 3.822-222", "+842743822222"),
    ("+84 912 345 678", "+84912345678"), ("0084912345678", "+84912345678"), ("+84 (0) 912345678", "+84912345678"),
    ("02743822222", "+842743822222"), ("+4930664040900", "+4930664040900"), ("1022", None), ("0112345678", None),
    ("+8491234567", None), ("+84912345678901", None), ("０９１２３４５６７８", None), ("091234567a", None),
])  # fmt: skip
def test_telephone_numbers_are_kept_in_one_form(written, number):
    component = asks("textfield", validationType="phone")

    if number:
        assert kept(component, written) == number
    else:
        sentence = "Hãy nhập một số điện thoại đúng, ví dụ 0912345678 hoặc +84912345678."
        assert fault(component, written) == sentence


@pytest.mark.parametrize(
    "address", ["a@", "a b@c.vn", "a@-b.vn", "a@b..vn", "ten@gmail", "nguyễn@b.vn", "a" * 250 + "@b.vn"]
)
def test_an_address_that_cannot_be_written_to_is_refused(address):
    component = asks("textfield", validationType="email")

    assert kept(component, "a.b+c@so-yte.binhduong.gov.vn") == "a.b+c@so-yte.binhduong.gov.vn"
    assert fault(component, address) == "Hãy nhập một địa chỉ thư điện tử đúng, ví dụ ten@example.vn."


# -- numbers, boxes, dates ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "number"), [(3, 3), ("3", 3), (3.0, 3), ("3.50", 3.5), ("1e3", 1000), (0, 0), ("", None)]
)
def test_numbers_may_come_as_texts_because_pages_send_texts(sent, number):
    assert kept(asks("number"), sent) == number


@pytest.mark.parametrize(("rules", "sent", "sentence"), [
    ({}, "ba", "Hãy nhập một số, ví dụ 12 hoặc 3.5."),
    ({}, True, "Hãy nhập một số, ví dụ 12 hoặc 3.5."),
    ({}, float("nan"), "Hãy nhập một số, ví dụ 12 hoặc 3.5."),
    ({}, float("inf"), "Hãy nhập một số, ví dụ 12 hoặc 3.5."),
    ({}, 10**400, "Số này quá lớn. Hãy nhập một số có tối đa 15 chữ số."),
    ({}, "9" * 17, "Số này quá lớn. Hãy nhập một số có tối đa 15 chữ số."),
    ({"min": 1}, 0, "Hãy nhập một số từ 1 trở lên."),
    ({"max": 2.5}, 3, "Hãy nhập một số không quá 2,5."),
    ({"decimalDigits": 0}, 1.5, "Hãy nhập một số nguyên."),
    ({"decimalDigits": 1}, "1.25", "Hãy nhập tối đa 1 chữ số thập phân."),
    ({"increment": "0.5"}, 1.7, "Hãy nhập 1,5 hoặc 2, là hai số hợp lệ gần nhất."),
])  # fmt: skip
def test_a_wrong_number_is_refused_with_what_would_be_right(rules, sent, sentence):
    assert fault(asks("number", **rules), sent) == sentence


def test_a_number_of_five_thousand_digits_is_only_too_large():
    assert fault(asks("number"), 10**5000) == "Số này quá lớn. Hãy nhập một số có tối đa 15 chữ số."


def test_a_tenth_is_a_multiple_of_a_tenth():
    assert kept(asks("number", increment="0.1", decimalDigits=1), 0.3) == 0.3


def test_a_number_that_is_kept_as_text_keeps_its_zeros():
    assert kept(asks("number", serializeToString=True), "3.50") == "3.50"


def test_a_box_that_must_be_ticked_must_be_ticked():
    box = asks("checkbox", required=True)

    assert kept(box, True) is True
    assert kept(box, "on") is True
    assert kept(asks("checkbox"), "") is False
    assert fault(box, False) == "Hãy đánh dấu vào ô “Mục x”."
    assert fault(box, "có") == "Hãy trả lời có (true) hoặc không (false)."
    assert faults(draw(box), {}) == {"x": "Hãy đánh dấu vào ô “Mục x”."}


@pytest.mark.parametrize(("subtype", "times", "sent", "value"), [
    ("date", None, "2021-09-03", "2021-09-03"),
    ("time", "utc_offset", "07:30", "07:30+07:00"),
    ("time", "utc_normalized", "07:30", "00:30Z"),
    ("time", "no_timezone", "00:30:00Z", "07:30"),
    ("datetime", "utc_offset", "2021-09-03T07:30", "2021-09-03T07:30+07:00"),
    ("datetime", "utc_normalized", "2021-09-03T05:30", "2021-09-02T22:30Z"),
    ("datetime", "no_timezone", "2021-09-03T00:30Z", "2021-09-03T07:30"),
])  # fmt: skip
def test_times_without_a_zone_are_vietnams_and_are_kept_as_the_form_says(subtype, times, sent, value):
    assert kept(asks("datetime", subtype=subtype, timeSerializingFormat=times or "utc_offset"), sent) == value


@pytest.mark.parametrize(("subtype", "sent", "word"), [
    ("date", "2021-02-30", "2021-09-03"), ("date", "03/09/2021", "2021-09-03"), ("date", "2021-09-03T07:30", "ngày"),
    ("date", "1021-09-03", "1900"), ("time", "25:00", "07:30"), ("datetime", "2021-09-03", "T07:30"),
    ("date", 5, "ngày"),
])  # fmt: skip
def test_a_date_that_does_not_exist_is_refused_with_an_example(subtype, sent, word):
    assert word in fault(asks("datetime", subtype=subtype), sent)


def test_a_date_may_not_lie_in_the_past_where_the_form_says_so():
    form = draw(asks("datetime", subtype="datetime", disallowPassedDates=True, timeSerializingFormat="utc_normalized"))

    today = date(2021, 9, 3)
    assert form.check({"x": "2021-09-03T00:10"}, today=today) == {"x": "2021-09-02T17:10Z"}
    assert faults(form, {"x": "2021-09-02T23:50"}, today=today) == {"x": "Hãy chọn một ngày từ hôm nay trở đi."}


# -- choices and files -------------------------------------------------------------------------------------------------


def test_only_what_is_offered_can_be_chosen():
    question = asks("select", values=DUNG_SAI, required=True)

    assert kept(question, "sai") == "sai"
    assert fault(question, "") == "Hãy chọn “Mục x”."
    assert fault(question, "khác") == "Hãy chọn một trong các lựa chọn có sẵn."
    assert fault(question, ["dung"]) == "Hãy chọn một trong các lựa chọn có sẵn."
    assert fault(question, {"value": "dung"}) == "Hãy chọn một trong các lựa chọn có sẵn."


@pytest.mark.parametrize(("options", "sent", "chosen"), [
    ([1, 2], "1", 1), ([1, 2], 1, 1), ([1, "1"], "1", "1"), ([1, "1"], 1, 1), ([True, 1], "true", True),
    ([0, False], False, False), ([0, False], 0, 0), ([1.5, 2], 2.0, 2),
])  # fmt: skip
def test_numbers_and_texts_are_told_apart_where_both_are_offered(options, sent, chosen):
    value = kept(asks("radio", values=options), sent)

    assert (type(value), value) == (type(chosen), chosen)


def test_several_can_be_chosen_each_once():
    question = asks("taglist", values=["mot", "hai", 3], required=True)

    assert kept(question, ["3", "mot", "mot"]) == [3, "mot"]
    assert kept(asks("checklist", values=["mot"]), []) == []
    assert fault(question, []) == "Hãy chọn “Mục x”."
    assert fault(question, ["mot", "bon"]) == "Hãy chỉ chọn trong các lựa chọn có sẵn."
    assert fault(question, "mot") == "Hãy gửi mục này dưới dạng danh sách."


def test_options_may_come_from_the_case():
    form = draw(asks("select", valuesKey="don_vi"), asks("checklist", "y", valuesExpression="=danh_muc.nhom"))
    data = {"don_vi": [{"label": "Sở Y tế", "value": "syt"}, "stnmt"], "danh_muc": {"nhom": ["a", "b"]}}

    assert form.check({"x": "syt", "y": ["b"]}, data=data) == {"x": "syt", "y": ["b"]}
    assert faults(form, {"x": "khac", "y": ["c"]}, data=data) == {
        "x": "Hãy chọn một trong các lựa chọn có sẵn.", "y": "Hãy chỉ chọn trong các lựa chọn có sẵn.",
    }  # fmt: skip
    assert faults(form, {"x": "syt"}) == {"x": "Hiện chưa có lựa chọn nào cho mục này. Hãy liên hệ tổng đài 1022."}


def test_files_are_named_by_the_ids_of_their_attachments():
    assert kept(asks("filepicker", multiple=True), [7, "8", 7]) == [7, 8]
    assert kept(asks("filepicker"), 7) == [7]
    assert fault(asks("filepicker"), [7, 8]) == "Hãy chỉ đính kèm một tệp."
    assert fault(asks("filepicker", required=True), []) == "Hãy đính kèm tệp cho mục “Mục x”."
    assert fault(asks("filepicker"), "files::1") == "Hãy tải tệp lên trước rồi gửi mã số của tệp."
    assert fault(asks("filepicker", multiple=True), list(range(1, 22))) == "Hãy gửi tối đa 20 mục trong danh sách này."

"""SMS over SMPP, to an SMSC on loopback."""

from __future__ import annotations

from datetime import timedelta

import pytest
from smpplib import consts

from engine.notifiers import TryLater, Undeliverable
from tests import smsc
from tests.post import E1, RECEIVED, Clock, free_port, notifier, put_off, refused_for_good, sms


@pytest.fixture
def operator():
    with smsc.serving() as operator:
        yield operator


@pytest.fixture
def line(operator):
    made = []

    def make(clock=None, **more):
        options = {"host": "127.0.0.1", "port": operator.port, "system_id": "bd1022", "password": "secret"}
        made.append(notifier("sms", clock, **{"kind": "smpp", "source": "TD1022"} | options | more))
        return made[-1]

    yield make
    for sender in made:
        sender.close()


def test_a_text_with_marks_goes_in_two_parts_that_a_telephone_puts_together(operator, line):
    receipt = line().send(sms())

    first, second = operator.submitted
    assert operator.texts() == [E1]
    assert receipt.reference == "m1,m2"
    assert first.short_message[:3] == b"\5\0\3"
    assert (first.short_message[4:6], second.short_message[4:6]) == (b"\2\1", b"\2\2")
    assert len(first.short_message) == 140
    assert first.data_coding == consts.SMPP_ENCODING_ISO10646
    assert (first.destination_addr, first.dest_addr_ton, first.dest_addr_npi) == (b"84912345123", 1, 1)
    assert (first.source_addr, first.source_addr_ton, first.source_addr_npi) == (b"TD1022", 5, 0)


def test_a_text_without_marks_goes_in_one(operator, line):
    plain = "Tong dai 1022 thong bao, kien nghi cua ong (ba) da duoc giai quyet. Xin cam on!"

    assert line().send(sms(plain)).reference == "m1"
    assert operator.texts() == [plain]
    assert (operator.submitted[0].data_coding, operator.submitted[0].esm_class) == (0, 0)


def test_no_character_is_cut_in_half(operator, line):
    line(most_parts=9).send(sms("a" * 66 + "😀" + "ă" * 80))
    line(most_parts=9).send(sms("a" * 152 + "€" * 60))

    assert operator.texts()[0] == "a" * 66 + "😀" + "ă" * 80
    assert b"".join(pdu.short_message[6:] for pdu in operator.submitted[3:]) == b"a" * 152 + b"\x1be" * 60
    assert operator.submitted[3].short_message[6:] == b"a" * 152


def test_one_connection_carries_many_messages_and_says_goodbye(operator, line):
    sender = line()
    for _ in range(3):
        sender.send(sms(RECEIVED))
    sender.close()

    assert operator.commands == ["bind_transceiver", *["submit_sm"] * 6, "unbind"]


def test_a_throttled_message_is_tried_again_whole_and_its_parts_still_belong_together(operator, line):
    operator.statuses = [consts.SMPP_ESME_ROK, consts.SMPP_ESME_RTHROTTLED]
    sender = line()

    assert "0x00000058" in put_off(sender, sms())
    assert sender.send(sms()).reference == "m3,m4"
    assert operator.texts() == [E1]
    assert operator.commands.count("bind_transceiver") == 1


@pytest.mark.parametrize(("status", "kind"), [
    (consts.SMPP_ESME_RINVDSTADR, Undeliverable), (consts.SMPP_ESME_RMSGQFUL, TryLater),
    (consts.SMPP_ESME_RSYSERR, TryLater), (consts.SMPP_ESME_RINVSRCADR, TryLater), (0x1400, TryLater),
])  # fmt: skip
def test_an_operator_refuses_for_now_or_for_good(operator, line, status, kind):
    operator.statuses = [status]

    with pytest.raises(kind) as failure:
        line().send(sms())
    assert f"0x{status:08X}" in failure.value.reason


def test_the_operators_own_requests_are_answered_while_we_wait(operator, line):
    operator.before_answer = ["deliver_sm", "enquire_link", "submit_sm_resp"]
    sender = line()

    assert sender.send(sms("mot")).reference == "m1"
    assert sender.send(sms("hai")).reference == "m2"
    sender.close()
    assert operator.acknowledged == {"deliver_sm_resp": 77, "enquire_link_resp": 77}


def test_a_connection_that_broke_while_nobody_spoke_is_made_again_before_the_next_message(operator, line):
    clock = Clock()
    sender = line(clock)
    sender.send(sms("mot"))

    operator.hang_up()
    clock.now += timedelta(minutes=1)
    sender.send(sms("hai"))
    clock.now += timedelta(minutes=1)
    sender.send(sms("ba"))

    assert operator.texts() == ["mot", "hai", "ba"]
    assert operator.commands == [
        "bind_transceiver", "submit_sm", "bind_transceiver", "submit_sm", "enquire_link", "submit_sm",
    ]  # fmt: skip


def test_a_connection_that_breaks_under_a_message_is_made_again_at_the_next_attempt(operator, line):
    sender = line()
    operator.before_answer = ["unbind"]

    assert "the connection broke" in put_off(sender, sms("mot"))
    assert sender.send(sms("mot")).reference == "m2"


def test_an_operator_who_is_away_silent_or_does_not_know_us_is_tried_again(operator, line):
    assert "Connection refused" in put_off(line(port=free_port()), sms())
    operator.bind_status = consts.SMPP_ESME_RINVPASWD
    assert "did not let us in" in put_off(line(), sms())
    operator.bind_status, operator.silent = consts.SMPP_ESME_ROK, True
    assert "did not answer in time" in put_off(line(timeout=0.2), sms())


def test_a_text_that_is_too_long_empty_or_for_nobody_is_not_sent(operator, line):
    assert "takes 7 messages" in refused_for_good(line(), sms("ă" * 67 * 7))
    assert "takes 0 messages" in refused_for_good(line(), sms(""))
    assert "is not a telephone number" in refused_for_good(line(), sms(to="an@example.vn"))
    assert operator.commands == []

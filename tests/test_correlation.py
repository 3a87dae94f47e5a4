"""Messages and signals from outside, for whoever is meant by what it knows."""

from __future__ import annotations

from typing import Any

import generic_camunda_client as generated
import pycamunda.signal
import pytest
import requests
from pycamunda import message

from tests.exchange import WAITS, Exchange
from tests.hotline import Hotline
from tests.hotline import refused as refused_natively
from tests.served import served
from tests.test_camunda import Rest, refused
from tests.test_correspondence import LISTENS

only_once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NAME = {"messageName": "msg_ket_qua"}
MISMATCH = "org.camunda.bpm.engine.MismatchingMessageCorrelationException: Cannot correlate message"


@pytest.fixture
def exchange(hotline: Hotline) -> Exchange:
    return Exchange(hotline)


@pytest.fixture
def office(hotline: Hotline) -> Rest:
    return Rest(hotline, "vanphong")


def knows(**values: Any) -> dict[str, Any]:
    return {name: {"value": value} for name, value in values.items()}


def test_a_message_finds_the_one_case_that_knows_what_is_asked(exchange, office):
    first, second = exchange.begins("CHO", "BN-1"), exchange.begins("CHO", "BN-2")
    body = NAME | {"correlationKeys": knows(ma="BN-2"), "processVariables": knows(ket_luan="am_tinh")}

    result = office.post("/message", body | {"resultEnabled": True, "variablesInResultEnabled": True})

    [told] = result.json
    assert (told["resultType"], told["processInstance"]) == ("Execution", None)
    assert told["execution"] == {"id": second, "processInstanceId": second, "ended": False, "tenantId": None}
    assert told["variables"]["ket_luan"] == {"value": "am_tinh", "type": "String", "valueInfo": {}}
    assert [exchange.at(one) for one in (first, second)] == [[], ["xem"]]
    assert office.post("/message", NAME | {"businessKey": first}).status_code == 204
    assert exchange.at(first) == ["xem"]


def test_nobody_or_too_many_is_refused_and_nobody_gets_it(exchange, office):
    waiting = [exchange.begins("CHO", "BN-1") for _ in range(2)]
    for body, said in (
        (NAME, "'msg_ket_qua': 2 cases wait"),
        (NAME | {"correlationKeys": knows(ma="BN-1")}, "2 cases wait"),
        (NAME | {"correlationKeys": knows(ma="BN-3")}, "No case that is yours to tell waits"),
        (NAME | {"correlationKeys": knows(ma=None)}, "No case"),
        (NAME | {"localCorrelationKeys": knows(ma="BN-1")}, "No case"),
        (NAME | {"tenantId": "75"}, "No case"),
        ({"messageName": "msg_khac", "businessKey": waiting[0]}, "No case"),
    ):
        answer = office.post("/message", body)
        assert refused(answer, 400).startswith(MISMATCH) and said in answer.json["message"], body
        assert answer.json["type"] == "RestException"
    assert [exchange.at(one) for one in waiting] == [[], []]

    everybody = office.post("/message", NAME | {"all": True, "tenantId": "74", "resultEnabled": True}).json
    assert [one["execution"]["id"] for one in everybody] == waiting
    assert office.post("/message", NAME | {"all": True, "resultEnabled": True}).json == []
    assert office.post("/message", NAME | {"all": True}).status_code == 204


@only_once
def test_what_cannot_be_asked_is_refused_with_what_to_change(exchange, office, hotline):
    number, other = exchange.begins("CHO", "BN-1"), exchange.begins("CHO", "BN-1")
    for body, status, said in (
        ({}, 400, "messageName"),
        (NAME | {"businessKey": number, "processInstanceId": other}, 400, "name two cases"),
        (NAME | {"processInstanceId": number, "tenantId": "74"}, 400, "Leave out tenantId"),
        (NAME | {"processInstanceId": "1022.BD.20210903.99999"}, 404, "There is no case"),
        (NAME | {"businessKey": number, "processVariablesLocal": knows(x=1)}, 400, "'processVariablesLocal' is not"),
        (NAME | {"businessKey": number, "processVariables": knows(status="x")}, 400, "may not say 'status'"),
        (NAME | {"correlationKeys": ["ma"]}, 400, "{name: {value, type}}"),
        ({"messageName": "msg_tra_lai", "businessKey": number}, 400, "return the task itself"),
    ):
        assert said in refused(office.post("/message", body), status), body
    by_knowledge = NAME | {"correlationKeys": knows(ma="BN-1")}
    assert "may not read" in refused(Rest(hotline, "quantri").post("/message", by_knowledge), 403)
    assert "No case that is yours" in refused(Rest(hotline, "binh").post("/message", NAME), 400)
    assert "No case that is yours" in refused(Rest(hotline, "app").post("/message", by_knowledge), 400)
    hotline.as_("vanphong").post(f"/cases/{number}/suspend", {"reason": "Rà soát"})
    assert "suspended" in refused(office.post("/message", NAME | {"all": True}), 400)
    assert exchange.at(other) == []


SEVERAL = (
    WAITS.replace("catch cho", "script ds script='ds = [\"yte\", \"congan\"]'\nreceive cho")
    .replace("key=${ma}", "key=${co_quan} multi=ds item=co_quan")
    .replace("-> cho ->", "-> ds -> cho ->")
)


@only_once
def test_of_several_places_in_one_case_the_one_is_meant_that_knows_it_alone(exchange, office):
    exchange.deploys("CHO", SEVERAL)
    number = exchange.begins("CHO")
    to_health = NAME | {"localCorrelationKeys": knows(co_quan="yte"), "processVariables": knows(ket_luan="co")}

    for other in (True, False):  # which are neither 1 nor 0
        alone = to_health["localCorrelationKeys"] | knows(loopCounter=other)
        refused(office.post("/message", to_health | {"localCorrelationKeys": alone}), 400)
    assert office.post("/message", to_health).status_code == 204
    refused(office.post("/message", to_health), 400)
    assert exchange.at(number) == []
    exchange.sent("congan")
    exchange.carries()

    assert exchange.at(number) == ["xem"]
    data = office.get(f"/process-instance/{number}/variables").json
    assert '"ket_luan":"co"' in data["cho"]["value"] and '"ket_luan":"duong_tinh"' in data["cho"]["value"]


def test_a_signal_from_outside_is_the_offices_and_heard_in_the_province(exchange, office, hotline):
    exchange.deploys("CHO", LISTENS)
    first, second = exchange.begins("CHO"), exchange.begins("CHO")
    body = {"name": "sig_qua_tai", "variables": knows(ket_luan="qua_tai")}

    assert office.post("/signal", body | {"executionId": first}).status_code == 204
    assert (exchange.at(first), exchange.at(second)) == (["lam", "xem"], ["lam"])
    assert office.post("/signal", body).status_code == 204
    exchange.carries()
    assert (exchange.at(first), exchange.at(second)) == (["lam", "xem", "xem"], ["lam", "xem"])
    assert exchange.heard(second) == "qua_tai"

    admin = Rest(hotline, "quantri")
    for caller, more, status, said in (
        (admin, {}, 400, "Say in which province"),
        (admin, {"tenantId": "99"}, 400, "Say in which province"),
        (office, {"tenantId": "99"}, 400, "Say in which province"),
        (Rest(hotline, "app"), {}, 403, "may not throw signals in"),
        (Rest(hotline, "truc"), {}, 403, "may not throw signals in"),
        (office, {"executionId": first, "tenantId": "74"}, 400, "Leave out tenantId"),
        (office, {"executionId": first, "name": "sig_khac"}, 400, "does not wait for the signal 'sig_khac'"),
        (office, {"variables": knows(status="x")}, 400, "may not say 'status'"),
        (office, {"name": ""}, 400, "name"),
    ):
        assert said in refused(caller.post("/signal", body | more), status), more
    assert admin.post("/signal", body | {"tenantId": "74"}).status_code == 204
    assert exchange.states() == ["taken"] * 2 + ["waiting"] * 2


@only_once
def test_real_clients_correlate_messages_and_throw_signals(exchange, hotline):
    exchange.deploys("TIN", LISTENS)
    first, second, third = (exchange.begins("CHO", f"BN-{n}") for n in (1, 2, 3))
    listener = exchange.begins("TIN")
    with served(hotline.app) as address:
        url = f"{address}/engine-rest"
        single = message.CorrelateSingle(url, "msg_ket_qua", result_enabled=True)
        single.add_correlation_key("ma", "BN-2")
        single.add_process_variable("ket_luan", "am_tinh")
        [result] = as_(hotline, "vanphong", single)
        as_(hotline, "vanphong", pycamunda.signal.EventAll(url, "sig_qua_tai"))
        settings = generated.Configuration(host=url)
        with generated.ApiClient(settings, "Authorization", f"Bearer {hotline.tokens['vanphong']}") as client:
            to_it = {"message_name": "msg_ket_qua", "business_key": first}
            wanted = generated.CorrelationMessageDto(**to_it, result_enabled=True)
            [told] = generated.MessageApi(client).deliver_message(correlation_message_dto=wanted)
            none = generated.CorrelationMessageDto(**to_it)
            with pytest.raises(generated.ApiException, match="MismatchingMessageCorrelationException"):
                generated.MessageApi(client).deliver_message(correlation_message_dto=none)
    exchange.carries()

    assert (result.execution.process_instance_id, told.execution.process_instance_id) == (second, first)
    assert [exchange.at(one) for one in (first, second, third, listener)] == [["xem"], ["xem"], [], ["lam", "xem"]]
    assert exchange.heard(second) == "am_tinh"


def as_(hotline: Hotline, login: str, command: Any) -> Any:
    command.session = requests.Session()
    command.session.headers["Authorization"] = f"Bearer {hotline.tokens[login]}"
    return command()


@only_once
def test_a_program_tells_the_case_that_waits_under_a_key(exchange, hotline):
    office = hotline.as_("vanphong")
    first, second = exchange.begins("CHO", "BN-1"), exchange.begins("CHO", "BN-2")
    body = {"name": "msg_ket_qua", "key": " BN-2 ", "payload": {"ket_luan": "am_tinh"}}

    answer = office.post("/messages", body)

    assert (answer.status_code, answer.json["state"], answer.json["case"]) == (201, "taken", second)
    assert (exchange.at(first), exchange.at(second), exchange.heard(second)) == ([], ["xem"], "am_tinh")
    assert "No case" in refused_natively(office.post("/messages", body), 409, "uncorrelated")
    for more in ({"case": first}, {"key": None}):
        refused_natively(office.post("/messages", body | more), 422, "invalid-request")

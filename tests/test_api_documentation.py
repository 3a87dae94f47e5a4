"""What the API says about itself: OpenAPI, a page to read, a page for each refusal."""

from __future__ import annotations

import re

import pytest

from engine.errors import EngineError
from tests.hotline import refused
from webapi import create_app, problems


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("instance")
    return create_app({"DATABASE": f"sqlite:///{folder}/x.db", "INSTANCE": str(folder)}).test_client()


@pytest.fixture(scope="module")
def document(client):
    return client.get("/api/v1/openapi.json").json


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield f"{method.upper()} {path}", operation


def test_the_document_is_openapi_3_1(document):
    assert document["openapi"] == "3.1.0"
    assert len(dict(operations(document))) > 50


def test_codes_are_described_as_they_are_checked(document):
    code = document["components"]["schemas"]["ReportIn"]["properties"]["report_type"]

    assert code["pattern"] == "^[A-Za-z0-9_.-]{1,80}$" and "report-types" in code["description"]


def test_every_operation_says_what_it_is_for_and_how_it_refuses(document):
    silent = [name for name, operation in operations(document) if not operation.get("summary")]
    unclear = [name for name, operation in operations(document) if "default" not in operation["responses"]]
    refusal = document["components"]["responses"]["DEFAULT_ERROR"]["content"]

    assert (silent, unclear) == ([], [])
    assert list(refusal) == ["application/problem+json"]


def test_what_needs_no_token_is_the_citizens_door_what_is_published_and_the_login(document):
    open_ = {name for name, operation in operations(document) if not operation.get("security")}

    assert open_ == {"GET /api/v1/track/{number}", "POST /api/v1/track/{number}/message", "POST /api/v1/login",
                     "DELETE /api/v1/login", "GET /api/v1/me", "GET /api/v1/published",
                     "GET /api/v1/published/sheet.csv", "GET /api/v1/open-data/{province}/{month}"}  # fmt: skip


def test_everything_that_is_made_takes_an_idempotency_key(document):
    secret = ("POST /api/v1/login", "POST /api/v1/tokens")  # their answers are not kept, so they cannot be repeated
    makes = {name: operation for name, operation in operations(document)
             if "201" in operation["responses"] and name not in secret}  # fmt: skip
    without = [name for name, operation in makes.items()
               if not any(one.get("name") == "Idempotency-Key" for one in operation.get("parameters", []))]  # fmt: skip

    assert makes and without == []


def test_every_reference_leads_somewhere(document):
    def references(value):
        if isinstance(value, dict):
            yield from [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            value = list(value.values())
        for one in value if isinstance(value, list) else []:
            yield from references(one)

    for reference in set(references(document)):
        target = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_the_page_shows_every_operation_and_loads_nothing_from_elsewhere(client, document):
    page = client.get("/api/v1/docs")

    assert page.status_code == 200
    for name, _ in operations(document):
        assert name.split(" ")[1] in page.text
    assert "<script" not in page.text and "//" not in page.text.replace("http://localhost/", "").replace("://", "")


def test_every_refusal_has_a_page_that_says_what_to_do(client):
    waiting, codes = [EngineError], set()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        codes.add(kind.code)

    assert codes <= set(problems.ADVICE)
    for code in problems.ADVICE:
        assert problems.ADVICE[code].split("'")[0][:20] in client.get(f"/problems/{code}").text
    assert client.get("/problems/nope").status_code == 404


def test_a_refusal_may_say_more_than_every_refusal_does(client):
    """`field`, `faults`, `retry_after` …: a client made from the document must not refuse them."""
    document = client.get("/api/v1/openapi.json").json

    assert document["components"]["schemas"]["Problem"]["additionalProperties"] is True


def test_a_server_without_a_database_says_so(client):
    assert (client.get("/health").status_code, client.get("/health").json) == (503, {"status": "no database"})


def test_what_nobody_expected_is_500_with_an_id_and_nothing_of_the_inside(client):
    answer = client.get("/api/v1/cases", headers={"Authorization": "Bearer ts_" + "a" * 43})

    assert answer.status_code == 500 and answer.json["id"] in answer.json["detail"]
    assert "sqlite" not in answer.text and "Traceback" not in answer.text


def test_pages_that_do_not_exist_are_refused_alike(client):
    refused(client.get("/nowhere"), 404, "not-found")


WRITES = ("GET", "POST", "PUT", "PATCH", "DELETE")


def filled(path):
    return re.sub(r"\{\w+\}", "1", path)


@pytest.mark.parametrize(
    ("header", "refusals"),
    # one that could be a token is looked up along with what is asked for, after the body was read
    [(None, {401}), ("Basic cXVhbnRyaTp4", {401}), ("Bearer ts_" + "a" * 43, {400, 401, 415, 422})],
)
def test_no_operation_with_a_lock_opens_without_its_key(hotline, document, header, refusals):
    """As schemathesis' check `ignored_auth`, which is no part of the suite."""
    locked = [name.split() for name, operation in operations(document) if operation.get("security")]
    headers = {"Authorization": header} if header else {}
    client = hotline.app.test_client()

    answers = {f"{method} {path}": client.open(filled(path), method=method, headers=headers).status_code
               for method, path in locked}  # fmt: skip

    assert len(answers) > 50 and {name: status for name, status in answers.items() if status not in refusals} == {}


def test_a_method_that_is_not_described_is_refused_and_those_that_are_are_named(hotline, document):
    """As schemathesis' check `unsupported_method`."""
    client, wrong = hotline.app.test_client(), []
    headers = {"Authorization": f"Bearer {hotline.tokens['quantri']}"}
    for path, described in document["paths"].items():
        described = {method.upper() for method in described} & {*WRITES}
        for method in {*WRITES} - described:
            answer = client.open(filled(path), method=method, headers=headers)
            allowed = {*answer.headers.get("Allow", "").split(", ")} & {*WRITES}
            if answer.status_code != 405 or allowed != described:
                wrong.append(f"{method} {path}: {answer.status_code}, Allow: {allowed}, not {described}")

    assert wrong == []

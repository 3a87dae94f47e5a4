"""Open311 GeoReport v2, ``/open311/v2``: what cities' apps speak. It only translates (docs/open311.md).

Reading needs no key and shows only what is public (`engine.public.open_data`); posting needs an ``api_key``, the token
of an account that may send reports.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from marshmallow import fields
from werkzeug.exceptions import HTTPException

from engine import cases, intake
from engine.channels import fetches
from engine.errors import EngineError, NotFound
from engine.people.access import Account
from engine.public import open_data
from engine.runtime import Unit
from webapi import auth, idempotency, limits, problems
from webapi.api.blueprint import Out
from webapi.open311 import answers, posts, searches, services
from webapi.open311.posts import Post

FORM = "<any(xml, json):form>"
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"
CHANGED = "2026-11-24T00:00:00+07:00"  # when this door last learned something
KEYS = "Khóa (api_key) do quản trị viên máy chủ này cấp. Ask the administrator of this server for a key."
CONTACT = "Tổng đài 1022"
ALIKE = timedelta(minutes=10)  # the same content by the same account within this time is the same report

bp = Blueprint("open311", __name__, url_prefix="/open311")
bp.register_error_handler(EngineError, answers.refused)
bp.register_error_handler(HTTPException, answers.http_refused)
for cause in problems.OUTAGES:
    bp.register_error_handler(cause, answers.outage_refused)


class ReceiptOut(Out):
    """What whoever posts is answered."""

    service_request_id = fields.String()
    service_notice = fields.String()
    account_id = fields.String()


def register(app: Flask) -> None:
    app.register_blueprint(bp)


# -- what can be reported ------------------------------------------------------------------------------------------


@bp.get(f"/discovery.{FORM}")
@bp.get(f"/v2/discovery.{FORM}")
def discovery(form: str) -> Response:
    """Where this server's GeoReport is, and in which formats."""
    root = (current_app.config["PUBLIC_URL"] or request.url_root).rstrip("/")
    endpoint = {
        "specification": SPECIFICATION, "url": f"{root}/open311/v2", "changeset": CHANGED,
        "type": "production" if current_app.config["PRODUCTION"] else "test",
        "formats": list(answers.MEDIA_TYPES.values()),
    }  # fmt: skip
    found = {"changeset": CHANGED, "contact": CONTACT, "key_service": KEYS, "endpoints": [endpoint]}
    return answers.answer("discovery", found, form)


@bp.get(f"/v2/services.{FORM}")
def list_services(form: str) -> Response:
    with auth.runtime().read() as unit:
        found = open_data.services(unit, searches.jurisdiction())
    return answers.answer("services", [services.listed(package) for package in found], form)


@bp.get(f"/v2/services/<name:code>.{FORM}")
def show_service(code: str, form: str) -> Response:
    with auth.runtime().read() as unit:
        package = open_data.service(unit, code, searches.jurisdiction())
    return answers.answer("service_definition", services.defined(package), form)


# -- reporting -----------------------------------------------------------------------------------------------------


@bp.post(f"/v2/requests.{FORM}")
def create(form: str) -> Response:
    """Once this answers 201, the report cannot be lost; sent again, it is answered again, not done again."""
    done = _receive_once(posts.read())
    written = answers.answer("service_requests", done.get_json(), form, done.status_code)
    if idempotency.REPLAYED in done.headers:
        written.headers[idempotency.REPLAYED] = "true"
    return written


def _receive(unit: Unit, caller: Account, post: Post) -> Any:
    package = open_data.service(unit, posts.service_code(post), post.values.get("jurisdiction_id"))
    report = posts.report(post, package)
    limits.report(unit, report.channel, caller.login, report.report_type)
    receipt = intake.receive(unit, report, by=caller)
    if remark := posts.remark(post, package):
        cases.remark(unit, receipt.case_id, remark, public=False, by=caller.login)
    if media := post.values.get("media_url"):
        fetches.note(unit, receipt.case_id, media)
    track = str(package.province.get("tracking_url", "")).replace("{number}", receipt.number)
    notice = f"Đã tiếp nhận phản ánh {receipt.number}. Mã tra cứu của người dân: {receipt.secret}. {track}".strip()
    said = {"service_request_id": receipt.number, "service_notice": notice, "account_id": post.values.get("account_id")}
    return [said], 201


_receive_once = idempotency.once(
    ReceiptOut(many=True), _receive, alike=ALIKE, token=lambda post: post.values.get("api_key") or auth.token()
)


@bp.get(f"/v2/tokens/<name:token>.{FORM}")
def show_token(token: str, form: str) -> Response:
    """Every report gets its number at once, so no tokens are given out; a public case's number stands for itself."""
    with auth.runtime().read() as unit:
        found = open_data.show(unit, token, searches.jurisdiction())
    return answers.answer("service_requests", [{"service_request_id": found["number"], "token": token}], form)


# -- what was reported ---------------------------------------------------------------------------------------------


@bp.get(f"/v2/requests.{FORM}")
def list_requests(form: str) -> Response:
    """By number, which overrides everything else; or as the other parameters say, newest first."""
    numbers = searches.numbers()
    with auth.runtime().read() as unit:
        if numbers:
            found = open_data.by_number(unit, numbers, searches.jurisdiction())
        else:
            found = open_data.search(unit, searches.read())
    return answers.answer("service_requests", [searches.told(case) for case in found], form)


@bp.get(f"/v2/requests/<name:number>.{FORM}")
def show_request(number: str, form: str) -> Response:
    with auth.runtime().read() as unit:
        found = open_data.show(unit, number, searches.jurisdiction())
    return answers.answer("service_requests", [searches.told(found)], form)


@bp.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def nothing(path: str) -> Response:
    """What is not there is refused as GeoReport refuses."""
    raise NotFound("Không có địa chỉ này; xem /open311/discovery.xml.")

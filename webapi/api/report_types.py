"""Report types: what can be reported, and what is asked."""

from __future__ import annotations

from typing import Any

from flask import Response
from marshmallow import fields

from engine.errors import NotFound
from engine.packages import Package
from engine.people.access import Account
from engine.runtime import Unit
from webapi.api.blueprint import Blueprint, Code, In, Out
from webapi.bodies import dump

bp = Blueprint("report-types", "What can be reported, with the forms that ask for it, in the version now in force.")
TYPE = "/report-types/<name:code>"


class ReportTypeOut(Out):
    """A kind of report."""

    code = fields.String()
    province = fields.String()
    name = fields.Dict(metadata={"description": "by language"})
    version = fields.Integer()
    secrecy = fields.String()
    intake_form = fields.String(metadata={"description": "the form that POST /reports asks for"})


class ReportTypesOut(Out):
    items = fields.List(fields.Nested(ReportTypeOut))


class PromiseOut(Out):
    name = fields.String()
    term = fields.String(metadata={"description": "ISO 8601; days are working days on a calendar with hours"})
    words = fields.String(metadata={"description": "in Vietnamese"})
    calendar = fields.String()
    source = fields.String()


class ReportTypeDetail(ReportTypeOut):
    deployment = fields.Integer(metadata={"description": "id for GET /deployments/{id}"})
    forms = fields.List(fields.String())
    statuses = fields.Dict()
    outcomes = fields.Dict()
    lanes = fields.Dict()
    deadlines = fields.List(fields.Nested(PromiseOut))


class TypeQuery(In):
    province = Code()


@bp.read("/report-types", ReportTypesOut, TypeQuery)
def index(unit: Unit, caller: Account, query: dict[str, Any]) -> Any:
    """Every report type in force"""
    wanted = query.get("province")
    found = [_summary(package) for package in unit.catalogue.all_current(unit)]
    return {"items": [one for one in found if wanted in (None, one["province"])]}


@bp.read(TYPE, ReportTypeDetail)
def show(unit: Unit, caller: Account, code: str) -> Any:
    """One report type: its forms, words and promises"""
    package = unit.catalogue.current(unit, code)
    tables = {name: package.type.get(name, {}) for name in ("statuses", "outcomes", "lanes")}
    forms = {"forms": sorted(package.forms), "deployment": package.id, "deadlines": _promises(package)}
    return _summary(package) | tables | forms


@bp.read(f"{TYPE}/forms/<name:form>", None)
def form(unit: Unit, caller: Account, code: str, form: str) -> Any:
    """A form, as form-js JSON (the file format of Camunda Modeler)"""
    found = _form(unit, code, form)
    return Response(dump(found.schema()), mimetype="application/json")


@bp.read(f"{TYPE}/forms/<name:form>/schema", None)
def form_schema(unit: Unit, caller: Account, code: str, form: str) -> Any:
    """The JSON Schema of a form's answers, for programs"""
    return Response(dump(_form(unit, code, form).json_schema()), mimetype="application/schema+json")


def _form(unit: Unit, code: str, name: str) -> Any:
    found = unit.catalogue.current(unit, code).forms.get(name)
    if found is None:
        raise NotFound(f"The report type {code} has no form {name!r}.")
    return found


def _summary(package: Package) -> dict[str, Any]:
    return {
        "code": package.code, "province": str(package.province["code"]), "name": package.name,
        "version": package.version, "secrecy": package.secrecy,
        "intake_form": package.type.get("intake_form"),
    }  # fmt: skip


def _promises(package: Package) -> list[dict[str, Any]]:
    return [
        {"name": name, "term": str(promise.term), "calendar": promise.calendar.name, "source": promise.source,
         "words": promise.term.words(working=not promise.calendar.is_round_the_clock)}
        for name, promise in package.terms.promises.items()
    ]  # fmt: skip

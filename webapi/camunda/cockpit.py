"""Where the Modeler's link "Open in Camunda Cockpit" leads: to our own pages.

The Modeler asks ``/.well-known`` where Cockpit is, and appends ``process-instance/NUMBER``, or ``repository`` with a
query that names the deployment: ``[{"type":"id","operator":"eq","value":"3"}]``.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, current_app, redirect, request, url_for

from webapi.camunda import door

bp = Blueprint("cockpit", __name__)
OPS = "/ops/"


@bp.get("/.well-known/camunda-automation-platform/webapps")
def webapps() -> Any:
    """Asked without log-in, and from a page of the Modeler's own."""
    root = (current_app.config["PUBLIC_URL"] or request.url_root).rstrip("/")
    there = root + OPS
    return door.with_cors(door.answer({"cockpitUrl": there, "adminUrl": there, "tasklistUrl": there}))


@bp.get(f"{OPS}process-instance/<name:number>")
def case(number: str) -> Any:
    return redirect(url_for("ui_cases.show", number=number))


@bp.get(f"{OPS}repository")
def deployment() -> Any:
    named = re.search(r'"value":"(\d{1,18})"', request.args.get("deploymentsQuery", ""))
    return redirect(url_for("ui_analyst.version", definition_id=int(named[1]))) if named else types()


@bp.get(OPS)
def types() -> Any:
    return redirect(url_for("ui_analyst.index"))

"""The lifecycle on Viewflow, Django's workflow library, in its own tables. python viewflow_host.py DATABASE PORT"""

from __future__ import annotations

import json
import logging
import sys

import django
import waitress
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.urls import path
from psycopg.conninfo import conninfo_to_dict

where = conninfo_to_dict(sys.argv[1])
settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["127.0.0.1"],
    SECRET_KEY="beside",
    USE_TZ=True,
    LOGGING_CONFIG=None,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "viewflow.workflow", "viewflow_app"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": where.pop("dbname"),
            "OPTIONS": where,
            "CONN_MAX_AGE": None,
        }
    },
)
logging.getLogger("waitress.queue").setLevel(logging.ERROR)
django.setup()

from viewflow.workflow.models import Task  # noqa: E402
from viewflow_app.flows import DESK, Life  # noqa: E402


def waiting(case: int) -> dict:
    tasks = Task.objects.filter(process=case, status="ASSIGNED").values_list("id", "flow_task")
    return {"id": case, "tasks": [{"id": str(key), "element": element.name} for key, element in tasks]}


def create(request: HttpRequest) -> JsonResponse:
    with transaction.atomic():
        process = Life.received.run(data=json.loads(request.body))
        return JsonResponse(waiting(process.pk), status=201)


def complete(request: HttpRequest, case: int, task: int) -> JsonResponse:
    with transaction.atomic():
        with Task.objects.select_related("process").get(pk=task, process=case).activation() as activation:
            activation.start(request)
            activation.process.data |= json.loads(request.body)
            activation.process.save(update_fields=["data"])
            activation.execute()
        return JsonResponse(waiting(case))


urlpatterns = [path("cases", create), path("cases/<int:case>/tasks/<int:task>", complete)]

if __name__ == "__main__":
    call_command("migrate", verbosity=0)
    DESK.save()
    waitress.serve(get_wsgi_application(), host="127.0.0.1", port=int(sys.argv[2]), threads=8, _quiet=True)

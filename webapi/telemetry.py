"""Spans for OpenTelemetry: a request, a unit of work, a job that fires, a message that is sent; each with ids, none
with people (`webapi.logs` has the same rule). Where they go is said by OpenTelemetry's own ``OTEL_…`` variables.

Without them nothing is imported and nothing is spent. Of an exception its kind is told, never its message, which may
quote anybody; of a request its route, never its address, which may hold a tracking secret.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request, request_finished

from engine import spans
from engine.errors import EngineError
from webapi import logs
from webapi.config import BadSetting
from webapi.metrics import METHODS

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
ONLY_WITHIN = {"read"}  # each look of a worker, every second, would be a trace of nothing


def set_up(service: str, app: Flask | None = None) -> TracerProvider | None:
    """Tell of what this process does, if the environment says where to. To be called once, before it is at work.

    Args:
        service: the process's name, unless ``OTEL_SERVICE_NAME`` gives another.
        app: whose requests are told of.

    Raises:
        BadSetting: it is to be told in a way that we do not speak, or OpenTelemetry is not installed.
    """
    if not _wanted(os.environ):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise BadSetting(f"{ENDPOINTS[1]} is set, and OpenTelemetry is not installed: docs/operations.md.") from error
    name = os.environ.get("OTEL_SERVICE_NAME") or service
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("thongsuot")
    spans.watch(_watcher(tracer))
    if app is not None:
        request_finished.connect(_name, app)
        app.wsgi_app = _Requests(app.wsgi_app, tracer, app.config["TRUSTED_PROXIES"] > 0)  # type: ignore[method-assign]
    return provider


def _wanted(environment: Mapping[str, str]) -> bool:
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if off or environment.get("OTEL_TRACES_EXPORTER") == "none" or not any(environment.get(name) for name in ENDPOINTS):
        return False
    protocol = next((environment[name] for name in PROTOCOLS if environment.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        raise BadSetting(f"{PROTOCOLS[1]}={protocol!r} must be http/protobuf, or left out.")
    return True


def _watcher(tracer: Any) -> spans.Watcher:
    from opentelemetry.trace import get_current_span

    @contextmanager
    def watch(name: str, facts: dict[str, spans.Fact]) -> Iterator[None]:
        if name in ONLY_WITHIN and not get_current_span().get_span_context().is_valid:
            yield
            return
        told = {f"thongsuot.{key}": value for key, value in facts.items()}
        # of what is raised OpenTelemetry would tell the message
        with tracer.start_as_current_span(
            name, attributes=told, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except Exception as error:
                _fail(span, error)
                raise

    return watch


def _fail(span: Any, error: Exception) -> None:
    """A refusal is no fault: somebody asked for what cannot be."""
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", type(error).__qualname__)
    if not isinstance(error, EngineError):
        span.set_status(StatusCode.ERROR)


class _Requests:
    """Around the application: a span until the first byte of the answer leaves. What a proxy that is not ours says of
    whose part it is, is not believed."""

    def __init__(self, app: Callable[..., Iterable[bytes]], tracer: Any, believed: bool) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._app, self._tracer, self._believed = app, tracer, believed
        self._extract = TraceContextTextMapPropagator().extract

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        from opentelemetry.trace import SpanKind

        said = {"traceparent": environ.get("HTTP_TRACEPARENT", "")} if self._believed else {}
        with self._tracer.start_as_current_span(
            "request", context=self._extract(said), kind=SpanKind.SERVER, record_exception=False,
            set_status_on_exception=False,
        ):  # fmt: skip
            return self._app(environ, start_response)


def _name(_app: Flask, response: Response, **_: Any) -> None:
    """Once it is known what a request was: called after each."""
    from opentelemetry.trace import StatusCode, get_current_span

    span, method = get_current_span(), request.method if request.method in METHODS else "_OTHER"
    route = request.url_rule.rule if request.url_rule else ""
    span.update_name(f"{method} {route}".strip())
    told = {"http.request.method": method, "http.route": route, "http.response.status_code": response.status_code}
    span.set_attributes(told | {f"thongsuot.{name}": value for name, value in logs.ids().items()})
    if response.status_code >= 500:
        span.set_status(StatusCode.ERROR)

"""The web server: waitress, set up the one way we use it."""

from __future__ import annotations

import gc
from html import escape

from flask import Flask
from waitress.task import ErrorTask

from engine import branches
from webapi import auth, camunda, cpu, door, leaving, memory, passing, policy, telemetry
from webapi.bodies import dump
from webapi.clock import node_clock
from webapi.sockets import Channel, Sockets, Whole
from webapi.ui import door as sessions
from webapi.urgent import Urgent

CONNECTIONS = 500  # at once; beyond them nobody is let in or told anything, not with an emergency either
OUTSIDE = 4096  # may have connected and wait to be let in; the kernel (Linux) drops or resets whoever is beyond them
FORM_OVERHEAD = 100_000  # bytes of a multipart body beside the file


class Refusal(Whole, ErrorTask):
    """What waitress refuses before the application sees it leaves like every other refusal (see `webapi.problems`): for
    programs as a problem, for a browser as a page."""

    sentences = {
        413: "The body is larger than anything that is taken here: send less at once. "
        "(Nội dung gửi lên quá lớn: xin trở lại trang trước, gửi ít tệp hơn hoặc tệp nhỏ hơn.)"
    }

    def execute(self) -> None:
        error = self.request.error
        code = {413: "request-entity-too-large", 503: "surge"}.get(error.code, "bad-request")
        said = {"type": f"/problems/{code}", "title": f"{error.reason}.", "status": error.code,
                "detail": self.sentences.get(error.code, f"{str(error.body).rstrip('.')}.")}  # fmt: skip
        if isinstance(error, door.Surge):
            said |= {"detail": door.SAID.format(error.body, error.body), "retry_after": int(error.body)}
            self.response_headers.append(("Retry-After", error.body))
        kind, body = "application/problem+json", dump(said)
        if "text/html" in self.request.headers.get("ACCEPT", ""):
            kind, body = "text/html; charset=utf-8", _page(said["detail"])
            self.response_headers += policy.HEADERS.items()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", kind))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


def _page(sentence: str) -> bytes:
    """For people; without a style, which would have to be asked for."""
    return f"""<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Thông Suốt</title></head><body><p>{escape(sentence)}</p></body></html>
""".encode()


def run(app: Flask, host: str, port: int, threads: int) -> None:
    """Serve until the process is told to stop."""
    gc.collect()
    gc.freeze()  # what has been loaded by now stays: the collector need not look at it again and again
    gc.set_threshold(10_000, 20, 20)
    memory.soon()
    telemetry.set_up("thongsuot-web", app)
    runtime = auth.runtime_of(app)
    if clock := node_clock(runtime):
        clock.keep_right(runtime.database)
    passing.lay_here(app.config)
    Channel.error_task_class = Refusal
    urgent = Urgent(lambda: _emergencies(app), runtime.callers, sessions.signed(app))
    urgent.keep_up()
    entrance = door.Door(urgent, app.standing)  # type: ignore[attr-defined]
    entrance.set_thread_count(threads)
    sockets = Sockets()
    sockets.open(
        app,
        _dispatcher=entrance,
        host=host,
        port=port,
        threads=threads,
        connection_limit=CONNECTIONS,
        backlog=OUTSIDE,
        ident=None,
        clear_untrusted_proxy_headers=True,
        max_request_body_size=app.config["BODY_MAX"] + FORM_OVERHEAD,
    )
    gates = [one.socket for one in sockets.listeners]
    # beyond so many connections nobody is let in, however long a thread rests for them
    entrance.queue.outside = lambda: 0 if len(sockets) >= CONNECTIONS else sum(map(door.standing_outside, gates))
    cpu.stay()
    leaving.serve(sockets, entrance, camunda.waiting_room(app).close)


def _emergencies(app: Flask) -> frozenset[str]:
    with auth.runtime_of(app).read() as unit:
        return branches.put_through(unit)

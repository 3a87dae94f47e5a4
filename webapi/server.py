"""The web server: waitress, set up the one way we use it."""

from __future__ import annotations

import gc

import waitress
from flask import Flask

FORM_OVERHEAD = 100_000  # bytes of a multipart body beside the file


def run(app: Flask, host: str, port: int, threads: int) -> None:
    """Serve until the process is told to stop."""
    gc.collect()
    gc.freeze()  # what has been loaded by now stays: the collector need not look at it again and again
    gc.set_threshold(10_000, 20, 20)
    waitress.serve(
        app,
        host=host,
        port=port,
        threads=threads,
        ident=None,
        clear_untrusted_proxy_headers=True,
        max_request_body_size=app.config["BODY_MAX"] + FORM_OVERHEAD,
    )

"""Where attachments are, and how one is sent: opened block by block, never whole in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Response, current_app, request, send_file
from sqlalchemy import Row
from werkzeug.wsgi import FileWrapper

from engine.files import sealed_files
from engine.files.attachments import SHOWABLE, UNKNOWN, Store
from engine.files.scanning import Clamd


def store(values: Mapping[str, Any] | None = None) -> Store:
    """Of these settings, else of the application that is asked."""
    values = current_app.config if values is None else values
    scanner = Clamd(values["CLAMD"]) if values["CLAMD"] else None
    return Store(Path(values["INSTANCE"]) / "attachments", scanner)


def shown(row: Row[Any]) -> Response:
    """An attachment: in place if it is a picture or a PDF, anything else for saving."""
    answer = _sent(row, row.media_type, saved=row.media_type not in SHOWABLE)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def saved(row: Row[Any]) -> Response:
    """An attachment for saving, whatever it is."""
    return _sent(row, UNKNOWN, saved=True)


def _sent(row: Row[Any], media_type: str, *, saved: bool) -> Response:
    file = store().open(row.sha256)
    answer = send_file(file, media_type, as_attachment=saved, download_name=row.name, etag=row.sha256, max_age=0,
                       conditional=False)  # fmt: skip
    answer.response = FileWrapper(file, sealed_files.BLOCK)  # by this thread, not by waitress's only one
    answer.content_length = row.size
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer.make_conditional(request.environ, accept_ranges=True, complete_length=row.size)

"""Where attachments are, and how one is sent: opened block by block, but for a photo that is bared, which is small."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Response, current_app, request, send_file
from sqlalchemy import Row
from werkzeug.wsgi import FileWrapper

from engine.files import reading, sealed_files
from engine.files.attachments import SHOWABLE, UNKNOWN, Store
from engine.files.scanning import Clamd


def store(values: Mapping[str, Any] | None = None) -> Store:
    """Of these settings, else of the application that is asked."""
    values = current_app.config if values is None else values
    scanner = Clamd(values["CLAMD"]) if values["CLAMD"] else None
    return Store(Path(values["INSTANCE"]) / "attachments", scanner)


def shown(row: Row[Any], bare: bool) -> Response:
    """An attachment: in place if it is a picture or a PDF, anything else for saving.

    Args:
        bare: without what a photo or a film says beside itself.
    """
    answer = _sent(row, bare, row.media_type, saved=row.media_type not in SHOWABLE)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


def saved(row: Row[Any], bare: bool) -> Response:
    """An attachment for saving, whatever it is."""
    return _sent(row, bare, UNKNOWN, saved=True)


def _sent(row: Row[Any], bare: bool, media_type: str, *, saved: bool) -> Response:
    file, size, etag = store().open(row.sha256), row.size, row.sha256
    if bare and row.media_type in reading.BARED:
        file, etag = reading.bared(file, row), f"{etag}-bare"
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
    answer = send_file(file, media_type, as_attachment=saved, download_name=row.name, etag=etag, max_age=0,
                       conditional=False)  # fmt: skip
    answer.response = FileWrapper(file, sealed_files.BLOCK)  # by this thread, not by waitress's only one
    answer.content_length = size
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer.make_conditional(request.environ, accept_ranges=True, complete_length=size)

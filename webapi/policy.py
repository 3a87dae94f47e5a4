"""What a browser may do with a page of ours: show it, with our own styles and scripts, and ask nobody else.

Every answer that it would show as a page says so, whichever part of the server has made it.
"""

from __future__ import annotations

from flask import Flask, Response

POLICY = "; ".join((
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "font-src 'self' data:",
    "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'", "manifest-src 'self'",
))  # fmt: skip
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def register(app: Flask) -> None:
    app.after_request(lambda answer: strict(answer) if answer.mimetype == "text/html" else answer)


def strict(answer: Response) -> Response:
    """With what is there already as it is: a file that somebody sent has a policy of its own (`webapi.attached`)."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer

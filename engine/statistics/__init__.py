"""Reports on what became of contacts and cases (F.2): each is described once, and read, filed and opened by that."""

from __future__ import annotations

"""Say what waits beside the work, and which processes are drawn in a version's files."""

import json
import re
import zlib

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_PROCESS = re.compile(r"<(?:[\w.-]+:)?process\s[^>]*?\bid\s*=\s*[\"']([^\"']+)[\"']")  # the gate has read these files


def upgrade() -> None:
    op.add_column("subscriptions", sa.Column("aside", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("definitions", sa.Column("processes", sa.JSON(), server_default="[]", nullable=False))
    rows = sa.table("definitions", sa.column("id"), sa.column("files"), sa.column("processes", sa.JSON()))
    connection = op.get_bind()
    for key, files in connection.execute(sa.select(rows.c.id, rows.c.files)).all():
        drawn = _drawn(json.loads(zlib.decompress(files))) if files else []
        connection.execute(rows.update().where(rows.c.id == key).values(processes=drawn))


def _drawn(files: dict[str, str]) -> list[str]:
    return [one for name, text in files.items() if name.endswith(".bpmn") for one in _PROCESS.findall(text)]


def downgrade() -> None:
    op.drop_column("subscriptions", "aside")
    op.drop_column("definitions", "processes")

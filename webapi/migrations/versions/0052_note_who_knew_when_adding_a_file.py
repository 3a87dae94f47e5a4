"""Note whether who added a file knew who reported; keep no words of cases of class C4 where anybody could read them.

Of the files that are there, those are noted as of somebody who did not know of whom everything says so: an account that
the case's class keeps behind the veil, that always had its role, was never let know who reported and never looked, in a
case that was never less secret. All others count as of somebody who did, as do those that nodes of the version before
add meanwhile: they wait until they are let go. Words that such nodes write of new cases of C4 meanwhile stay.
"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

DOUBTFUL = (
    "media_type NOT IN ('audio/mp4', 'audio/x-m4b', 'image/avif', 'image/heic', 'image/heif', 'image/jpeg', "
    "'image/png', 'image/webp', 'video/3gpp', 'video/3gpp2', 'video/mp4', 'video/quicktime')"
)
BEHIND_THE_VEIL = sa.text(
    f"UPDATE attachments SET author_knew = false WHERE {DOUBTFUL}"
    " AND EXISTS (SELECT 1 FROM cases JOIN accounts ON accounts.login = attachments.author"
    " WHERE cases.id = attachments.case_id AND (accounts.role = 'monitor' AND cases.secrecy IN ('C2', 'C3')"
    " OR accounts.role = 'handler' AND cases.secrecy = 'C2'))"
    " AND NOT EXISTS (SELECT 1 FROM unmaskings WHERE unmaskings.case_id = attachments.case_id"
    " AND unmaskings.login = attachments.author AND unmaskings.until_at IS NOT NULL)"
    " AND NOT EXISTS (SELECT 1 FROM events WHERE events.case_id = attachments.case_id"
    " AND (events.kind = 'secrecy' OR events.kind = 'person-viewed' AND events.actor = attachments.author))"
    " AND attachments.author NOT IN :moved"
).bindparams(sa.bindparam("moved", type_=sa.Text(), expanding=True))
CONFIDENTIAL = "secrecy = 'C4' AND search_text <> ''"


def upgrade() -> None:
    _forget_words()
    knew = sa.Column("author_knew", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    op.add_column("attachments", knew)
    op.get_bind().execute(BEHIND_THE_VEIL, {"moved": sorted(_moved())})


def _forget_words() -> None:
    connection = op.get_bind()
    on_sqlite = connection.dialect.name == "sqlite"
    if on_sqlite:
        op.execute("PRAGMA secure_delete=ON")  # what was there is not just let go
    changed = connection.execute(sa.text(f"UPDATE cases SET search_text = '' WHERE {CONFIDENTIAL}"))
    if on_sqlite and changed.rowcount:
        op.execute("INSERT INTO case_words (case_words) VALUES ('rebuild')")  # it only notes what it should forget


def _moved() -> set[str]:
    """Whoever has had another role."""
    acts = sa.table("acts", sa.column("kind"), sa.column("subject"), sa.column("data", sa.JSON()))
    changes = op.get_bind().execute(sa.select(acts.c.subject, acts.c.data).where(acts.c.kind == "account-changed"))
    return {row.subject for row in changes if "role" in row.data.get("was", {})}


def downgrade() -> None:
    op.drop_column("attachments", "author_knew")

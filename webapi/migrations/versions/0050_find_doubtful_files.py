"""The newest files that may tell unseen who made them are looked for each time that a desk opens its list of work."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

DOUBTFUL = sa.text(
    "media_type NOT IN ('audio/mp4', 'audio/x-m4b', 'image/avif', 'image/heic', 'image/heif', 'image/jpeg', "
    "'image/png', 'image/webp', 'video/3gpp', 'video/3gpp2', 'video/mp4', 'video/quicktime')"
)


def upgrade() -> None:
    op.create_index(
        "ix_attachments_doubtful", "attachments", ["id"], sqlite_where=DOUBTFUL, postgresql_where=DOUBTFUL
    )


def downgrade() -> None:
    op.drop_index("ix_attachments_doubtful", table_name="attachments")

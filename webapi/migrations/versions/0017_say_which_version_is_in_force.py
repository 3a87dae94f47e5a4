"""Say which version is in force, since when, and who decided it."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
APPROVAL = {"wanted_from": INSTANT, "refused_at": INSTANT, "refused_by": sa.Text(), "refused_reason": sa.Text()}


def upgrade() -> None:
    op.create_table(
        "activations",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("definition_id", Id, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("active_from", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["definition_id"], ["definitions.id"], name=op.f("fk_activations_definition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activations")),
    )
    op.create_index(op.f("ix_activations_key_active_from_id"), "activations", ["key", "active_from", "id"])
    op.create_index(op.f("ix_activations_definition_id"), "activations", ["definition_id"])
    op.execute(
        "INSERT INTO activations (definition_id, key, active_from, decided_at, decided_by)"
        " SELECT id, key, active_from, created_at, created_by FROM definitions ORDER BY key, version"
    )
    op.drop_column("definitions", "active_from")
    for name, kind in APPROVAL.items():
        op.add_column("definitions", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for name in APPROVAL:
        op.drop_column("definitions", name)
    op.add_column("definitions", sa.Column("active_from", INSTANT, nullable=True))
    op.execute(
        "UPDATE definitions SET active_from = coalesce((SELECT max(active_from) FROM activations"
        " WHERE definition_id = definitions.id), created_at)"
    )
    with op.batch_alter_table("definitions") as definitions:
        definitions.alter_column("active_from", existing_type=INSTANT, nullable=False)
    op.drop_table("activations")

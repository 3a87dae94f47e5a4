"""Say whose process started a case."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BORN = sa.text("born_of IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("cases") as cases:
        cases.add_column(sa.Column("born_of", Id))
        cases.create_foreign_key(op.f("fk_cases_born_of"), "cases", ["born_of"], ["id"])
    op.create_index("ix_cases_born_of", "cases", ["born_of"], sqlite_where=BORN, postgresql_where=BORN)


def downgrade() -> None:
    op.drop_index("ix_cases_born_of", "cases")
    with op.batch_alter_table("cases") as cases:
        cases.drop_constraint(op.f("fk_cases_born_of"), type_="foreignkey")
        cases.drop_column("born_of")

"""Say whose process started a case, and find the cases of one place."""

import sqlalchemy as sa
from alembic import op

from engine.language.vietnamese import fold

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BORN, SOMEWHERE = sa.text("born_of IS NOT NULL"), sa.text("search_place <> ''")


def upgrade() -> None:
    with op.batch_alter_table("cases") as cases:
        cases.add_column(sa.Column("born_of", Id))
        cases.add_column(sa.Column("search_place", sa.Text(), server_default="", nullable=False))
        cases.create_foreign_key(op.f("fk_cases_born_of"), "cases", ["born_of"], ["id"])
    op.create_index("ix_cases_born_of", "cases", ["born_of"], sqlite_where=BORN, postgresql_where=BORN)
    op.create_index(
        "ix_cases_place", "cases", ["province", "search_place", "opened_at"],
        sqlite_where=SOMEWHERE, postgresql_where=SOMEWHERE,
    )  # fmt: skip
    rows = sa.table("cases", *map(sa.column, ("id", "place", "search_place")))
    connection = op.get_bind()
    for key, place in connection.execute(sa.select(rows.c.id, rows.c.place).where(rows.c.place != "")).all():
        connection.execute(rows.update().where(rows.c.id == key).values(search_place=fold(place)))


def downgrade() -> None:
    op.drop_index("ix_cases_born_of", "cases")
    op.drop_index("ix_cases_place", "cases")
    with op.batch_alter_table("cases") as cases:
        cases.drop_constraint(op.f("fk_cases_born_of"), type_="foreignkey")
        cases.drop_column("born_of")
        cases.drop_column("search_place")

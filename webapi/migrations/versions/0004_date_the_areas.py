"""Date the areas, and say what became of them.

Those that are there already are districts of whom nobody has noted since when; a case may name its commune.
"""

import sqlalchemy as sa
from alembic import op

from engine.places.areas import search_keys

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Folded = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("areas") as areas:
        areas.add_column(sa.Column("level", sa.Text(), server_default="district", nullable=False))
        areas.add_column(sa.Column("valid_from", sa.Date()))
        areas.add_column(sa.Column("valid_to", sa.Date()))
        areas.add_column(sa.Column("search_name", Folded, server_default="", nullable=False))
        areas.add_column(sa.Column("search_short", Folded, server_default="", nullable=False))
        areas.create_check_constraint(op.f("ck_areas_level"), "level IN ('district', 'commune')")
        areas.create_index(op.f("ix_areas_province_level"), ["province", "level"])
        areas.create_index(op.f("ix_areas_parent"), ["parent"])
        areas.create_index(op.f("ix_areas_search_name"), ["search_name"])
        areas.create_index(op.f("ix_areas_search_short"), ["search_short"])
    op.create_table(
        "area_successors",
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("successor", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["area"], ["areas.code"], name=op.f("fk_area_successors_area")),
        sa.ForeignKeyConstraint(["successor"], ["areas.code"], name=op.f("fk_area_successors_successor")),
        sa.PrimaryKeyConstraint("area", "successor", name=op.f("pk_area_successors")),
    )
    op.create_index(op.f("ix_area_successors_successor"), "area_successors", ["successor"])
    with op.batch_alter_table("cases") as cases:
        cases.add_column(sa.Column("commune", sa.Text()))
        cases.create_foreign_key(op.f("fk_cases_commune"), "areas", ["commune"], ["code"])
    _make_findable()


def _make_findable() -> None:
    rows = sa.table("areas", *map(sa.column, ("code", "name", "search_name", "search_short")))
    connection = op.get_bind()
    for code, name in connection.execute(sa.select(rows.c.code, rows.c.name)).all():
        connection.execute(rows.update().where(rows.c.code == code).values(**search_keys(name)))


def downgrade() -> None:
    with op.batch_alter_table("cases") as cases:
        cases.drop_constraint(op.f("fk_cases_commune"), type_="foreignkey")
        cases.drop_column("commune")
    op.drop_table("area_successors")
    with op.batch_alter_table("areas") as areas:
        for index in ("province_level", "parent", "search_name", "search_short"):
            areas.drop_index(op.f(f"ix_areas_{index}"))
        areas.drop_constraint(op.f("ck_areas_level"), type_="check")
        for column in ("search_short", "search_name", "valid_to", "valid_from", "level"):
            areas.drop_column(column)

"""Chain what was done: keep acts beside the cases' histories, link all lines by hashes, and refuse to change them."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
TABLES = ("events", "acts", "links")
SENTENCE = "a line of the record is appended, never changed"
SAME = " AND ".join(f'NEW."{column}" = OLD."{column}"' for column in ("id", "case_id", "at", "kind", "actor"))
EMPTIES = {  # or seals
    "sqlite": "NOT ((NEW.data = '{}' OR substr(NEW.data, 1, 2) = '\"~') "
              f"AND NEW.element IS OLD.element AND {SAME})",
    "postgresql": "NOT ((NEW.data::text = '{}' OR substr(NEW.data::text, 1, 2) = '\"~') "
                  f"AND NEW.element IS NOT DISTINCT FROM OLD.element AND {SAME})",
}  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "acts",
        sa.Column("id", Id, autoincrement=True, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acts")),
    )
    op.create_index(op.f("ix_acts_at"), "acts", ["at"])
    op.create_table(
        "links",
        sa.Column("seq", Id, autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("row_id", Id, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_links")),
        sa.UniqueConstraint("source", "row_id", name=op.f("uq_links_source_row_id")),
    )
    op.create_index(op.f("ix_links_day_seq"), "links", ["day", "seq"])
    database = op.get_bind().dialect.name
    if database == "postgresql":
        op.execute("CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
                   f"$$ BEGIN RAISE EXCEPTION '{SENTENCE}'; END $$")  # fmt: skip
    for table in TABLES:
        for statement in _seals(database, table):
            op.execute(statement)


def _seals(database: str, table: str) -> list[str]:
    when = EMPTIES[database] if table == "events" else None
    if database == "sqlite":
        refuse = f"BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"
        return [
            f"CREATE TRIGGER {table}_never_change BEFORE UPDATE ON {table} WHEN {when or '1'} {refuse}",
            f"CREATE TRIGGER {table}_never_go BEFORE DELETE ON {table} {refuse}",
        ]
    run = "EXECUTE FUNCTION refuse_change()"
    return [
        f"CREATE TRIGGER {table}_never_change BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({when or 'true'}) {run}",
        f"CREATE TRIGGER {table}_never_go BEFORE DELETE ON {table} FOR EACH ROW {run}",
        f"CREATE TRIGGER {table}_never_all_go BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {run}",
    ]


def downgrade() -> None:
    op.drop_table("links")
    op.drop_table("acts")
    names = ("never_change", "never_go", "never_all_go")
    for name in names if op.get_bind().dialect.name == "postgresql" else names[:2]:
        op.execute(f"DROP TRIGGER events_{name}" + (" ON events" if op.get_bind().dialect.name == "postgresql" else ""))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")

"""Connectors, what came by them, and the newest versions that they offer."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.String(length=1000).with_variant(sa.String(length=1000, collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "connector",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("format", sa.String(50), nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("timeout", sa.Integer(), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("credential", sa.String(20), nullable=False),
        sa.Column("username", sa.String(200), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("cache_minutes", sa.Integer(), nullable=False),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("checked", MOMENT, nullable=True),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("latency", sa.Integer(), nullable=True),
        sa.Column("server", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_connector_feed_id_feed"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connector")),
        sa.UniqueConstraint("key", name=op.f("uq_connector_key")),
    )
    op.create_index(op.f("ix_connector_feed_id"), "connector", ["feed_id"])
    op.create_table(
        "feed_connector",
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feed.id"], name=op.f("fk_feed_connector_feed_id_feed"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["connector_id"],
            ["connector.id"],
            name=op.f("fk_feed_connector_connector_id_connector"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("feed_id", "connector_id", name=op.f("pk_feed_connector")),
    )
    op.create_index(op.f("ix_feed_connector_connector_id"), "feed_connector", ["connector_id"])
    op.create_table(
        "newest",
        sa.Column("package_id", sa.Integer(), nullable=False),
        sa.Column("connector", sa.String(100), nullable=False),
        sa.Column("version", sa.String(300), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("published", MOMENT, nullable=True),
        sa.Column("behind", sa.Boolean(), nullable=False),
        sa.Column("checked", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["package_id"], ["package.id"], name=op.f("fk_newest_package_id_package"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("package_id", name=op.f("pk_newest")),
    )
    op.add_column("feed", sa.Column("remote", sa.String(20), nullable=False, server_default="browse"))
    op.add_column("feed", sa.Column("reserved_names", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("feed", sa.Column("allowed_names", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("version", sa.Column("connector", sa.String(100), nullable=False, server_default=""))
    op.add_column("version", sa.Column("changed_upstream", sa.String(200), nullable=False, server_default=""))

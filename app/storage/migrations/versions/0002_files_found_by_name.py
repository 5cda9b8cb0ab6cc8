"""Listed files, facets, handles and the journal."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.String(length=1000).with_variant(sa.String(length=1000, collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("file", sa.Column("listed", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("manifest", sa.Column("facets", sa.Text(), nullable=False, server_default=""))
    op.add_column("feed", sa.Column("pruned", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("feed", sa.Column("journal_begun", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_package_feed_id_serial", "package", ["feed_id", "serial"])
    op.create_table(
        "handle",
        sa.Column("text", KEY, nullable=False),
        sa.Column("manifest_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["manifest_id"], ["manifest.id"], name=op.f("fk_handle_manifest_id_manifest"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("text", "manifest_id", name=op.f("pk_handle")),
    )
    op.create_index(op.f("ix_handle_manifest_id"), "handle", ["manifest_id"])
    op.create_table(
        "journal_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["feed.id"], name=op.f("fk_journal_line_feed_id_feed"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_line")),
    )
    op.create_index("ix_journal_line_feed_id_id", "journal_line", ["feed_id", "id"])

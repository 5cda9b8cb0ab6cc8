"""What requests with an idempotency key were answered."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.String(length=1000).with_variant(sa.String(length=1000, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "answered",
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("operation", sa.String(1100), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("location", sa.String(1100), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("actor", "key", name=op.f("pk_answered")),
    )
    op.create_index(op.f("ix_answered_at"), "answered", ["at"])

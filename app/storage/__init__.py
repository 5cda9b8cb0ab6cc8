"""Rows and bytes: SQLAlchemy models, the engines, migrations and blob stores."""

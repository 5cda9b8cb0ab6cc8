"""The Flask extensions, and the request's session: Flask-SQLAlchemy over the runtime's own engine."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import Engine

from app.services.runtime import Actor, Runtime, Work
from app.storage.models import Base


class _Database(SQLAlchemy):
    """Take the engine that the runtime opened instead of making one."""

    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Flask) -> Engine:
        runtime: Runtime = app.extensions["promontory"]
        return runtime.database.reader


db = _Database(metadata=Base.metadata)
login_manager = LoginManager()
csrf = CSRFProtect()


def runtime() -> Runtime:
    """Give the runtime behind the current application."""
    found: Runtime = current_app.extensions["promontory"]
    return found


def reading(actor: Actor) -> Work:
    """Give work for the current request that changes nothing, in the request's own session."""
    return Work(runtime(), db.session(), actor)

"""Tell whether the server is well."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import __version__
from app.plugin.web import text_response
from app.web.extensions import runtime

blueprint = Blueprint("health", __name__)
log = logging.getLogger(__name__)


@blueprint.get("/health")
@blueprint.get("/health/json")
def health() -> Response:
    """Answer in the vendor's JSON, or plain ``OK`` where only text is wanted; 500 when anything is unwell."""
    well = _database_answers()
    if request.accept_mimetypes.best_match(["application/json", "text/plain"]) == "text/plain" and not _asked_json():
        return text_response("OK" if well else "Error", 200 if well else 500)
    body = {
        "applicationName": "Promontory",
        "databaseStatus": "OK" if well else "Error",
        "databaseStatusDetails": "" if well else "The database does not answer.",
        "extensionsInstalled": {source.name: __version__ for source in runtime().plugins.sources if not source.failure},
        "licenseStatus": "OK",
        "licenseStatusDetail": "Open source",
        "versionNumber": __version__,
        "releaseNumber": __version__,
        "serviceStatus": "OK",
        "serviceStatusDetail": "",
        # The vendor's client takes any status but OK for a failure, also that of what is not there.
        "replicationStatus": {},
    }
    answer = jsonify(body)
    answer.status_code = 200 if well else 500
    return answer


def _asked_json() -> bool:
    return request.path.endswith("/json") or request.args.get("format") == "json"


def _database_answers() -> bool:
    try:
        with runtime().database.reader.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        log.exception("the database does not answer")
        return False
    return True

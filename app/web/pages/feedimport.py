"""Import many packages into a feed: from a connector, or from a folder of the server."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from flask import Blueprint, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.domain.connectors import RemoteUse
from app.domain.errors import AppError
from app.domain.permissions import Permission
from app.services import access, imports
from app.services.imports import Line, PackagesRequest, Take
from app.services.runtime import Work
from app.storage.models import Feed
from app.web.extensions import runtime
from app.web.pages.feed import header, may
from app.web.pages.security.frame import blame, save
from app.web.pages.session import current_actor, end_reading, page_work

blueprint = Blueprint("feed_import", __name__)
_SHOWN = 200
_PLACES = {
    "unknown-folder": "folder",
    "invalid-folder": "folder",
    "empty-folder": "folder",
    "no-names": "names",
    "unknown-connector": "connector",
}


class PackagesForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask which packages of which connector."""

    connector = SelectField("Connector")
    names = TextAreaField(
        "Packages",
        [Optional(), Length(max=200_000)],
        description="One name or pattern a line, such as express or @acme/*. Nothing here: all that it offers.",
    )
    take = RadioField(
        "Versions of each",
        choices=[
            SelectChoice("latest", "The latest"),
            SelectChoice("latest-stable", "The latest that is stable"),
            SelectChoice("all", "All"),
        ],
        default="latest",
    )


class FolderForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask which folder."""

    folder = StringField(
        "Folder",
        [InputRequired("Name a folder."), Length(max=4000)],
        description="Its whole path where Promontory runs; every package file below it is taken.",
    )


def _form(feed: Feed) -> PackagesForm:
    form = PackagesForm()
    names = [link.connector.name for link in feed.links if link.connector.enabled]
    form.connector.choices = [SelectChoice(name, name) for name in names]
    return form


@blueprint.get("/feeds/<feed_name>/import")
def show(feed_name: str) -> str:
    """Show what can be imported from."""
    work = page_work()
    feed = access.get_feed(work, feed_name)
    return _page(work, feed, _form(feed), FolderForm())


def _page(work: Work, feed: Feed, form: PackagesForm, folder_form: FolderForm, plan: list[Line] | None = None) -> str:
    allowed = may(work, feed)
    folders = allowed["upload"] and access.allowed(work, Permission.CONFIGURE)
    return render_template(
        "feed/import.html",
        **header(work, feed),
        form=form,
        folder_form=folder_form if folders else None,
        connected=bool(form.connector.choices) and feed.remote != RemoteUse.OFF and allowed["pull"],
        plan=plan[:_SHOWN] if plan is not None else None,
        cut=plan is not None and len(plan) > _SHOWN,
    )


@blueprint.post("/feeds/<feed_name>/import")
def start(feed_name: str) -> str | Response | tuple[str, int]:
    """Show what an import would bring, or begin it as a job."""
    work = page_work()
    feed = access.get_feed(work, feed_name)
    folder_wanted = request.form.get("what") == "folder"
    access.require(work, Permission.ADD_PACKAGE if folder_wanted else Permission.PULL_PACKAGE, feed)
    form, folder_form = _form(feed), FolderForm()
    asked = folder_form if folder_wanted else form
    if not asked.validate_on_submit():
        return _page(work, feed, form, folder_form)
    try:
        if request.form.get("act") == "start":
            job = save(lambda write: _begin(write, feed_name, form, folder_form if folder_wanted else None))
            return redirect(url_for("jobs.show", number=job))
        plan = list(islice(_plan(feed_name, form, folder_form if folder_wanted else None), _SHOWN + 1))
    except AppError as error:
        blame(asked, error, _PLACES)
        work = page_work()
        return _page(work, access.get_feed(work, feed_name), form, folder_form), error.status
    work = page_work()
    return _page(work, access.get_feed(work, feed_name), form, folder_form, plan)


def _request(feed_name: str, form: PackagesForm) -> PackagesRequest:
    names = tuple(name.strip() for name in (form.names.data or "").splitlines() if name.strip())
    return PackagesRequest(feed_name, form.connector.data, names, Take(form.take.data))


def _begin(work: Work, feed_name: str, form: PackagesForm, folder: FolderForm | None) -> int:
    if folder is not None:
        return imports.start_folder(work, feed_name, folder.folder.data.strip()).id
    return imports.start_packages(work, _request(feed_name, form)).id


def _plan(feed_name: str, form: PackagesForm, folder: FolderForm | None) -> Iterator[Line]:
    actor = current_actor()
    end_reading()
    if folder is not None:
        return imports.plan_folder(runtime(), actor, feed_name, folder.folder.data.strip())
    return imports.plan_packages(runtime(), actor, _request(feed_name, form))

"""Sign in and out, the first administrator, the window's one-time entrance."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from app.domain.errors import AppError, NotFound
from app.services import installation, passwords, people
from app.web.extensions import runtime
from app.web.identity import gatekeeper
from app.web.pages.session import end_reading, extension, local_path, page_work, sign_in, sign_out
from app.web.tokens import OneTimeTokens, Token

blueprint = Blueprint("account", __name__)


class SignInForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask for name and password."""

    name = StringField("Name", [InputRequired("Type your name."), Length(max=100)])
    password = PasswordField("Password", [InputRequired("Type your password."), Length(max=1024)])


class SetUpForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask for the first administrator."""

    name = StringField("Name", [InputRequired("Choose a name."), Length(max=100)])
    password = PasswordField(
        "Password",
        [InputRequired("Choose a password."), Length(passwords.MIN_LENGTH, 1024)],
        description=f"At least {passwords.MIN_LENGTH} characters.",
    )
    repeat = PasswordField("Password again", [EqualTo("password", "The two passwords differ.")])


@blueprint.route("/sign-in", methods=["GET", "POST"], endpoint="sign_in")
def sign_in_page() -> str | Response | tuple[str, int]:
    """Sign in with name and password."""
    form = SignInForm()
    if not people.any_user(page_work()):
        return render_template("account/not_set_up.html")
    if not form.validate_on_submit():
        return render_template("account/sign_in.html", form=form)
    try:
        actor = gatekeeper().check_password(
            page_work(), form.name.data or "", form.password.data or "", request.remote_addr or ""
        )
    except AppError as error:
        form.form_errors.append(error.message)
        return render_template("account/sign_in.html", form=form), error.status
    end_reading()
    sign_in(actor.user_id or 0)
    return redirect(local_path(request.args.get("next")))


@blueprint.post("/sign-out", endpoint="sign_out")
def sign_out_page() -> Response:
    """End the session."""
    sign_out()
    return redirect(url_for("account.sign_in"))


def _tokens() -> OneTimeTokens:
    return cast("OneTimeTokens", extension("tokens"))


def _known(token: Token | None) -> Token:
    if token is None:
        raise NotFound("This link was used already or is too old; start Promontory again for a new one.")
    return token


@blueprint.route("/set-up/<secret>", methods=["GET", "POST"])
def set_up(secret: str) -> str | Response | tuple[str, int]:
    """Create the first administrator by the link that the server printed; the link works once."""
    if _known(_tokens().look(secret)).user_id is not None:
        raise NotFound("This link is for something else.")
    form = SetUpForm()
    if not form.validate_on_submit():
        return render_template("account/set_up.html", form=form)
    end_reading()
    try:
        user = installation.create_first_administrator(runtime(), form.name.data or "", form.password.data)
    except AppError as error:
        form.form_errors.append(error.message)
        return render_template("account/set_up.html", form=form), error.status
    _tokens().use(secret)
    sign_in(user.id)
    flash("You are set up. The next steps are below.", "success")
    return redirect(url_for("feeds.index"))


@blueprint.get("/enter/<secret>")
def enter(secret: str) -> Response:
    """Sign in the owner of the data directory, whose window opens this link once."""
    token = _known(_tokens().use(secret))
    if token.user_id is None:
        raise NotFound("This link is for something else.")
    sign_in(token.user_id)
    return redirect(url_for("feeds.index"))

"""My account: the password, where one is signed in, personal API keys."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired, Length

from app.domain.errors import AppError, Unauthenticated
from app.services import keys, passwords, people, sessions
from app.storage.models import User
from app.web.extensions import runtime
from app.web.identity import gatekeeper
from app.web.pages.session import current_actor, end_reading, page_work, sign_in, sign_out

blueprint = Blueprint("profile", __name__, url_prefix="/account")


class PasswordForm(FlaskForm):  # type: ignore[misc] # the library ships no types
    """Ask for the old and the new password."""

    old = PasswordField("Password now", [InputRequired("Type the password you have now."), Length(max=1024)])
    new = PasswordField(
        "New password",
        [InputRequired("Choose a password."), Length(passwords.MIN_LENGTH, passwords.MAX_LENGTH)],
        description=f"At least {passwords.MIN_LENGTH} characters; several words are better than signs.",
    )
    repeat = PasswordField(
        "New password again", [InputRequired("Type it again."), EqualTo("new", "The two passwords differ.")]
    )


def _form(user: User) -> PasswordForm:
    form = PasswordForm()
    if user.password_hash is None:
        # The owner of the window came in without one.
        del form.old
    return form


def _me() -> User:
    user_id = current_actor().user_id
    if user_id is None:
        raise Unauthenticated("Sign in to see your account.")
    return page_work().session.get_one(User, user_id)


@blueprint.get("/")
def show() -> str:
    """Show my account."""
    return _page(_form(_me()))


def _page(form: PasswordForm) -> str:
    user, work = _me(), page_work()
    mine = [key for key in keys.list_keys(work) if key.user_id == user.id]
    return render_template(
        "account/profile.html",
        user=user,
        form=form,
        sessions=sessions.list_sessions(work),
        this_session=current_user.session_id,
        keys=mine,
        now=work.now(),
    )


@blueprint.post("/password")
def set_password() -> str | Response | tuple[str, int]:
    """Change my password: every session of mine ends, and this browser begins a new one."""
    user = _me()
    form = _form(user)
    if not form.validate_on_submit():
        return _page(form), 400
    name, user_id = user.name, user.id
    try:
        if "old" in form:
            gatekeeper().check_password(page_work(), name, form.old.data, request.remote_addr or "")
        end_reading()
        with runtime().writing(current_actor()) as write:
            people.set_password(write, name, form.new.data)
    except AppError as error:
        if isinstance(error, Unauthenticated):
            form.old.errors = ["This is not your password."]
        else:
            form.new.errors = [error.message]
        return _page(form), 400
    sign_in(user_id)
    flash("Your password is changed, and you are signed out everywhere else.", "success")
    return redirect(url_for("profile.show"))


@blueprint.post("/sessions/<int:number>/end")
def end_session(number: int) -> Response:
    """End one of my sessions; ending this one signs me out."""
    _me()
    if number == current_user.session_id:
        sign_out()
        return redirect(url_for("account.sign_in"))
    end_reading()
    with runtime().writing(current_actor()) as write:
        sessions.end(write, number)
    flash("That browser is signed out.", "success")
    return redirect(url_for("profile.show"))


@blueprint.post("/sessions/end-others")
def end_other_sessions() -> Response:
    """End every session of mine but this one."""
    _me()
    keep = current_user.session_id
    end_reading()
    with runtime().writing(current_actor()) as write:
        gone = sessions.end_all(write, but=keep)
    flash(f"{gone} other {'browser is' if gone == 1 else 'browsers are'} signed out.", "success")
    return redirect(url_for("profile.show"))

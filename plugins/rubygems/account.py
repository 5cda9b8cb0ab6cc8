"""``gem signin``: a password for a key."""

from __future__ import annotations

from app.plugin import Unauthenticated
from app.plugin.web import Response, Routes, ServedFeed, text_error, text_response

routes = Routes(error=text_error)


@routes.route("/api/v1/api_key", ("GET", "POST"), None, harmless="it checks a password and gives its owner a key")
def api_key(feed: ServedFeed) -> Response:
    """Give a key to who sends the right password; which rights gem asks for with it does not matter."""
    sent = feed.request.authorization
    # Nobody is known where the password is wrong; asking once more would count as a second guess.
    if feed.user_name is None or sent is None or sent.type != "basic" or not sent.username:
        raise Unauthenticated("Send your name and the right password; 'gem signin --host' does.")
    return text_response(feed.log_in(sent.username, sent.password or ""))

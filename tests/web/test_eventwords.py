"""An event's data in words."""

from typing import Any

import pytest

from app.web.eventwords import event_detail


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, ""),
        ({"displayName": "Mei", "groups": []}, "display name Mei"),
        ({"rights": ["add", "view"], "enabled": True}, "rights add, view; enabled yes"),
        ({"changed": {"email": ["", "m@example.org"]}}, "email nothing → m@example.org"),
        ({"changed": {"members": [["a"], ["a", "b"]]}, "address": "::1"}, "members a → a, b; address ::1"),
        ({"sha256": "0" * 64}, f"sha256 {'0' * 47}…"),
        ({"size": 0, "expires": None}, "size 0"),
    ],
)
def test_an_event_s_data_are_said_in_one_line(data: dict[str, Any], words: str) -> None:
    assert event_detail(data) == words

"""The contract suite for plugin authors: subclass ``FormatContract``, give a format, run pytest."""

import pytest

pytest.register_assert_rewrite(
    *(
        f"app.testing.{name}"
        for name in (
            "access",
            "completeness",
            "features",
            "hygiene",
            "identity",
            "promoting",
            "pulling",
            "reading",
            "serving",
            "specimens",
        )
    )
)

from app.testing.contract import FormatContract, RuleContract, ServerContract  # noqa: E402 - asserts first

__all__ = ["FormatContract", "RuleContract", "ServerContract"]

"""What is taken as a password, and how it is kept."""

import importlib

import pytest

from app.domain.errors import Invalid
from app.services import passwords


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "too short"),
        ("x" * 1025, "too long"),
        ("1234567890", "easily guessed"),
        ("password123", "easily guessed"),
        ("qwertyuiop", "easily guessed"),
        ("aaaaaaaaaaaaaaa", "easily guessed"),
        ("annabelle.jones", "easily guessed"),
        ("promontory", "easily guessed"),
    ],
)
def test_weak_passwords_are_refused(password: str, why: str) -> None:
    with pytest.raises(Invalid, match=why) as refusal:
        passwords.hash_new(password, "annabelle.jones", "")
    assert password not in refusal.value.message or password == "short"


@pytest.mark.parametrize("password", ["correct horse battery", "Zwölf Boxkämpfer jagen", "k9$Lm2!vQx", "long " * 200])
def test_good_passwords_are_kept_hashed(password: str) -> None:
    stored = passwords.hash_new(password, "ann")
    assert password not in stored
    assert passwords.is_right(stored, password)
    assert not passwords.is_right(stored, password + "x")
    assert not passwords.is_right(None, password)


def test_the_hash_is_a_memory_hard_one_of_todays_strength() -> None:
    fresh = importlib.util.find_spec("app.services.passwords")
    assert fresh is not None
    assert fresh.loader is not None
    module = importlib.util.module_from_spec(fresh)
    fresh.loader.exec_module(module)
    name, n, r, p = module.METHOD.split(":")
    assert (name, int(n) * int(r) * int(p) >= 2**15 * 8 * 3) == ("scrypt", True)
    stored = module.hash_new("correct horse battery")
    assert passwords.is_right(stored, "correct horse battery")

"""Settings: defaults, then ``promontory.toml`` in the data directory, then the environment (``PROMONTORY_*``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from sqlalchemy import make_url


class Settings(BaseSettings):
    """Hold the settings of one installation; every field has a help text."""

    model_config = SettingsConfigDict(env_prefix="PROMONTORY_", extra="forbid", frozen=True)

    data: Path = Field(
        default_factory=lambda: user_data_path("promontory", appauthor=False),
        description="Directory of everything kept: database, blobs, plugins, this file.",
    )
    database: str = Field("", description="SQLAlchemy URL of the database; empty: SQLite in the data directory.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8624, ge=0, le=65535, description="Port to listen on; keep it, clients remember it.")
    public_url: str = Field("", description="Address under which clients reach the server, if not host and port.")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Further host names under which the server answers (JSON array in the environment)."
    )
    feed_host: str = Field(
        "{feed}.localhost", description="Pattern of the host name that each feed has of its own; empty: none."
    )
    max_package_bytes: int = Field(4_294_967_296, gt=0, description="Largest accepted package file, in bytes.")
    threads: int = Field(4, ge=1, le=64, description="Threads that answer requests.")
    workers: int = Field(
        2, ge=0, le=64, description="Jobs that this process works on at once; 0 leaves them to 'promontory worker'."
    )
    plugins: str = Field("", description="Further directories of plugins, separated like PATH.")
    session_hours: int = Field(24 * 14, gt=0, description="Hours after which a signed-in person signs in again.")
    idle_hours: int = Field(72, gt=0, description="Hours without a request after which a session ends.")
    key_in_query: bool = Field(False, description="Accept an API key as ?key=; it ends up in logs.")
    secret_key: str = Field(
        "", description="Key that encrypts the secrets of connectors; empty: secret.key in the data directory."
    )
    upstream_hosts: tuple[str, ...] = Field(
        (),
        description="Hosts (host or host:port) in private networks that connectors may reach (JSON array in the "
        "environment).",
    )
    trust_proxy: bool = Field(False, description="Believe X-Forwarded-* of one reverse proxy in front.")
    test_hooks: bool = Field(False, description="Answer the extra requests that public conformance suites need.")

    @property
    def database_url(self) -> str:
        """Give the database's URL, the default one included."""
        return self.database or f"sqlite:///{self.data / 'promontory.db'}"

    def shown(self, name: str) -> Any:
        """Give a setting's value as JSON, without the passwords that it holds."""
        value = getattr(self, name)
        if name == "database" and value:
            return make_url(value).render_as_string(hide_password=True)
        if name == "secret_key" and value:
            return "(set; not shown)"
        if isinstance(value, Path):
            return str(value)
        return list(value) if isinstance(value, tuple) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library passes all five
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: what the caller says, the environment, the file."""
        given: dict[str, Any] = {**env_settings(), **init_settings()}
        directory = Path(given.get("data") or user_data_path("promontory", appauthor=False))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, directory / "promontory.toml")


def load_settings(**given: Any) -> Settings:
    """Load the settings; ``given`` (from a command line) overrides every source."""
    return Settings(**{name: value for name, value in given.items() if value is not None})

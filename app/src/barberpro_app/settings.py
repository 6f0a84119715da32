"""What one process is told: `app.json`, the folder of secrets, and three environment variables.

Read once, strictly, into frozen objects; an unknown key, a wrong type or a missing secret is one
message with the path of the key. The contract is docs/reference/app-contract.md.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from barberpro_app.kit.database_address import verified
from barberpro_app.kit.errors import ConfigurationError

Text = Annotated[str, Field(max_length=200)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Locale = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]
#: Files in the folder of secrets that WhatsApp needs, all of them.
WHATSAPP_SECRETS = (
    "whatsapp-token",
    "whatsapp-phone-number-id",
    "whatsapp-app-secret",
    "whatsapp-verify-token",
)
LOG_LEVELS = ("debug", "info", "warning")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class Brand(_Part):
    name: Annotated[str, Field(min_length=1, max_length=120)]
    tagline: Text = ""
    primary_color: Colour = "#7a1f2b"
    accent_color: Colour = "#c9a227"
    contact_email: Text = ""
    contact_phone: Text = ""


class Policies(_Part):
    """Rules for clients; the owner may change them later (`settings_value`)."""

    hold_minutes: Annotated[int, Field(ge=1, le=120)] = 10
    slot_minutes: Annotated[int, Field(ge=5, le=240)] = 15
    booking_window_days: Annotated[int, Field(ge=1, le=365)] = 60
    minimum_notice_minutes: Annotated[int, Field(ge=0, le=43200)] = 60
    cancel_notice_hours: Annotated[int, Field(ge=0, le=720)] = 12
    reschedule_notice_hours: Annotated[int, Field(ge=0, le=720)] = 12


class Mail(_Part):
    """The e-mail server. `starttls`: TLS after the greeting (RFC 3207); `tls`: from the first byte
    (RFC 8314), not both."""

    host: Text = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    sender: Annotated[str, Field(alias="from", max_length=254)]
    username: Text = ""
    starttls: bool = False
    tls: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Mail:
        if self.starttls and self.tls:
            raise ValueError("starttls and tls exclude each other")
        return self


class Payments(_Part):
    """`mercado_pago_api`: where the provider's API is; another address is for tests."""

    methods: tuple[Text, ...] = ()
    mercado_pago_api: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$")] = (
        "https://api.mercadopago.com"
    )


class WhatsApp(_Part):
    """How to reach the WhatsApp Cloud API; its token and keys are secrets. `report_seconds`: how long
    a report is waited for, of a message of which nobody knows whether it arrived.
    `drop_mobile_nine`: Argentine numbers go as 54..., as Meta's test numbers want them."""

    api: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$")] = "https://graph.facebook.com"
    version: Annotated[str, Field(pattern=r"^v[0-9]{1,3}\.[0-9]$")] = "v23.0"
    timeout_seconds: Annotated[int, Field(ge=1, le=60)] = 10
    report_seconds: Annotated[int, Field(ge=1, le=3600)] = 180
    drop_mobile_nine: bool = False


class Calendars(_Part):
    """Where Google's services are; other addresses are for tests. `own_network`: a provider's CalDAV
    server may be on a private address and without TLS, for a business that runs one itself."""

    google_api: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$")] = (
        "https://www.googleapis.com"
    )
    google_accounts: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$")] = (
        "https://accounts.google.com"
    )
    google_oauth: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$")] = (
        "https://oauth2.googleapis.com"
    )
    own_network: bool = False


class Compliance(_Part):
    health_data: bool = False
    clinical_retention_years: Annotated[int, Field(ge=1, le=100)] | None = None
    audit_trail: Text = "comprehensive"


class AppConfiguration(_Part):
    """`app.json`, schema version 1."""

    schema_version: Literal[1]
    deployment_id: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    environment: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,31}$")] = "production"
    brand: Brand
    vertical: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
    locale: Locale = "es-AR"
    locales: tuple[Locale, ...] = ("es-AR", "en")
    timezone: Text = "America/Argentina/Buenos_Aires"
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "AR"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "ARS"
    words: dict[Locale, dict[str, Text]] = Field(default_factory=dict)
    public_url: Annotated[str, Field(pattern=r"^https?://[^\s/?#]+$")]
    services: tuple[Text, ...] = ()
    features: dict[str, Any] = Field(default_factory=dict)
    policies: Policies = Policies()
    payments: Payments = Payments()
    mail: Mail | None = None
    whatsapp: WhatsApp = WhatsApp()
    calendars: Calendars = Calendars()
    compliance: Compliance = Compliance()

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("not a zone of the IANA time zone database")
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Secret:
    """A value that does not show itself in logs or tracebacks; `reveal()` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


class Secrets:
    """The folder with one file per secret; a file is read when it is asked for. What the owner typed
    in a page (the domain `vault`) goes before the file of that name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._typed: Mapping[str, Secret] = {}

    def take(self, typed: Mapping[str, Secret]) -> None:
        """From now on these go before files."""
        self._typed = dict(typed)

    def text(self, name: str) -> Secret:
        """Raises `ConfigurationError` if the file is missing, unreadable or empty."""
        value = self.optional(name)
        if value is None:
            raise ConfigurationError(
                f"the secret {name} is missing\n  where: {self._folder / name}\n"
                "  mend: write it there (mode 0600), or set BARBERPRO_SECRETS_DIR"
            )
        return value

    def optional(self, name: str) -> Secret | None:
        if name in self._typed:
            return self._typed[name]
        path = self._folder / name
        try:
            value = path.read_text(encoding="utf-8").strip()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"cannot read the secret {name}\n  where: {path}\n  mend: {error}"
            ) from error
        return Secret(value) if value else None

    def key(self, name: str) -> bytes:
        """A secret of 32 random bytes in base64."""
        try:
            value = base64.b64decode(self.text(name).reveal(), validate=True)
        except (binascii.Error, ValueError):
            value = b""
        if len(value) != 32:
            raise ConfigurationError(
                f"the secret {name} is not 32 bytes in base64\n  where: {self._folder / name}\n"
                "  mend: head -c32 /dev/urandom | base64"
            )
        return value

    @property
    def database_url(self) -> str:
        return self._address("database-url")

    @property
    def database_direct_url(self) -> str | None:
        """The way around the pooler in transaction mode that `database_url` leads through; None where there
        is none."""
        return self._optional_address("database-direct-url")

    @property
    def database_session_url(self) -> str:
        """For who needs a session of its own, as hearing changes and commands."""
        return self.database_direct_url or self.database_url

    @property
    def database_replica_url(self) -> str | None:
        """Of a replica, for reads that may be a little old; None where there is none."""
        return self._optional_address("database-replica-url")

    @property
    def database_owner_url(self) -> str:
        return self._address("database-owner-url")

    def _optional_address(self, name: str) -> str | None:
        return self._address(name) if self.optional(name) is not None else None

    def _address(self, name: str) -> str:
        """Of a database; over a network with TLS, verified, unless the address says otherwise."""
        try:
            return verified(self.text(name).reveal(), self._folder / "database-ca.crt")
        except ValueError as error:
            raise ConfigurationError(
                f"the secret {name} is no address of a database\n  where: {self._folder / name}\n"
                f"  mend: {error}"
            ) from error


class Settings(_Part):
    """Everything that one process is told."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    app: AppConfiguration
    secrets: Secrets
    revision: int = 0
    log_level: str = "info"
    media_dir: Path | None = None

    @property
    def media_folder(self) -> Path:
        """Where photographs are kept. Raises `ConfigurationError` if nobody said."""
        if self.media_dir is None:
            raise ConfigurationError(
                "there is no folder for photographs\n  where: environment\n"
                "  mend: set BARBERPRO_MEDIA_DIR to a folder that only the app reads"
            )
        return self.media_dir


def read_configuration(path: Path) -> AppConfiguration:
    """`app.json` as an object. Raises `ConfigurationError` with the file and the key."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"cannot read the configuration\n  where: {path}\n  mend: {error}"
        ) from error
    try:
        return AppConfiguration.model_validate_json(text)
    except ValidationError as error:
        raise ConfigurationError(explain(error, path)) from error


def explain(error: ValidationError, path: Path) -> str:
    """A validation error as lines for an operator; values are not shown."""
    lines = [f"{path.name} is not valid", f"  where: {path}"]
    for item in error.errors(include_url=False, include_input=False)[:10]:
        key = ".".join(str(part) for part in item["loc"]) or "(the whole file)"
        lines.append(f"  mend: {key}: {item['msg']}")
    return "\n".join(lines)


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises `ConfigurationError`."""
    variables = os.environ if environment is None else environment
    revision = variables.get("BARBERPRO_REVISION", "0")
    if not re.fullmatch(r"\d{1,9}", revision):
        raise ConfigurationError(
            "BARBERPRO_REVISION is not a number\n  where: environment\n  mend: set it to digits"
        )
    level = variables.get("BARBERPRO_LOG_LEVEL", "info")
    if level not in LOG_LEVELS:
        raise ConfigurationError(
            f"BARBERPRO_LOG_LEVEL is {level!r}\n  where: environment\n"
            f"  mend: use one of {', '.join(LOG_LEVELS)}"
        )
    return Settings(
        app=read_configuration(Path(_required(variables, "BARBERPRO_APP_CONFIG"))),
        secrets=Secrets(Path(_required(variables, "BARBERPRO_SECRETS_DIR"))),
        revision=int(revision),
        log_level=level,
        media_dir=Path(variables["BARBERPRO_MEDIA_DIR"])
        if variables.get("BARBERPRO_MEDIA_DIR")
        else None,
    )


def _required(variables: Mapping[str, str], name: str) -> str:
    value = variables.get(name, "")
    if not value:
        raise ConfigurationError(
            f"{name} is not set\n  where: environment\n  mend: see docs/reference/app-contract.md"
        )
    return value

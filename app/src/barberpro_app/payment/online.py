"""Whether payments online are set up here, and with whom.

Set up means that the folder of secrets has `mercado-pago-access-token`; the provider's library is
loaded only then, and the token may be written or changed while the process runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from urllib.parse import urlsplit

from barberpro_app.kit.database import Database
from barberpro_app.kit.errors import ConfigurationError
from barberpro_app.payment.errors import NotSetUpError
from barberpro_app.payment.noted import NotedProvider
from barberpro_app.payment.provider import OnlineProvider
from barberpro_app.settings import AppConfiguration, Settings

TOKEN, WEBHOOK_SECRET = "mercado-pago-access-token", "mercado-pago-webhook-secret"
_MODULE = "barberpro_app.payment.mercado_pago"


class OnlinePayments:
    """The provider of this deployment; the composition root makes one per process."""

    def __init__(self, settings: Settings, provider: OnlineProvider | None = None) -> None:
        self._settings = settings
        self._given = provider
        self._made: tuple[str, OnlineProvider] | None = None

    @property
    def enabled(self) -> bool:
        """Whether a client can pay online here, now."""
        return self.provider_or_none() is not None

    @property
    def provider(self) -> OnlineProvider:
        """Raises `NotSetUpError`."""
        found = self.provider_or_none()
        if found is None:
            raise NotSetUpError
        return found

    def provider_or_none(self) -> OnlineProvider | None:
        if self._given is not None:
            return self._given
        try:
            secret = self._settings.secrets.optional(TOKEN)
        except ConfigurationError:
            return None
        if secret is None:
            return None
        token = secret.reveal()
        if self._made is None or self._made[0] != token:
            address = self._settings.app.payments.mercado_pago_api
            self._made = (token, import_module(_MODULE).MercadoPago(token, address))
        return self._made[1]

    @property
    def webhook_secret(self) -> str | None:
        """What notifications are signed with; None: they are not taken, and payments are polled."""
        secret = self._settings.secrets.optional(WEBHOOK_SECRET)
        return secret.reveal() if secret else None

    @property
    def notification_url(self) -> str | None:
        """Where the provider sends notifications; None where it could not reach us anyway."""
        address = self._settings.app.public_url
        host = urlsplit(address).hostname or ""
        local = host == "localhost" or host.endswith(".localhost") or host.startswith("127.")
        return None if local else f"{address.rstrip('/')}/webhooks/mercado-pago"


@dataclass(frozen=True, slots=True)
class PaymentDesk:
    """What taking payments needs beyond one connection: calls to the provider are made between
    transactions, never inside one."""

    database: Database
    app: AppConfiguration
    online: OnlinePayments

    @property
    def provider(self) -> OnlineProvider:
        """The provider, with how its calls end noted for operators. Raises `NotSetUpError`."""
        return NotedProvider(self.online.provider, self.database)

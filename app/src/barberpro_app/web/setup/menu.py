"""The menu of the settings, in groups, by what the reader may see."""

from __future__ import annotations

from dataclasses import dataclass

from barberpro_app.web.site.rendering import Reader


@dataclass(frozen=True)
class Entry:
    """A page: its address, the key of its name (with a capital, a word of the vertical), the
    service that has it and who may see it."""

    address: str
    name: str
    service: str = ""
    roles: tuple[str, ...] = ()
    scope: str = ""


@dataclass(frozen=True)
class Link:
    """One line of the menu, in the reader's language."""

    address: str
    name: str
    here: bool


@dataclass(frozen=True)
class Group:
    """Pages that belong together."""

    name: str
    links: list[Link]

    @property
    def here(self) -> bool:
        """Whether the page that is shown is one of them."""
        return any(link.here for link in self.links)


_LEADERS = ("owner", "manager")

#: A new page is a line here.
MENU: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    ("business", (
        Entry("/ajustes/primeros-pasos", "opening.title", roles=_LEADERS),
        Entry("/ajustes/marca", "brand.title"),
        Entry("/ajustes/sedes", "Locations"),
        Entry("/ajustes/servicios", "Services"),
        Entry("/ajustes/recursos", "resource.title"),
        Entry("/ajustes/feriados", "holidays.title"),
        Entry("/ajustes/cartel", "poster.title"),
        Entry("/ajustes/dominio", "domain.title", roles=("owner",)),
    )),
    ("agenda", (
        Entry("/ajustes/reglas", "policies.title"),
        Entry("/ajustes/clases", "classes.title", "class-management-service"),
        Entry("/ajustes/aprobacion", "approval.title"),
        Entry("/ajustes/ausencias", "absence.title"),
        Entry("/ajustes/espera", "waiting.title"),
        Entry("/ajustes/series", "series.settings", "payment"),
        Entry("/calendarios", "calendar.title", "calendar-sync"),
        Entry("/ajustes/google", "google.title", "calendar-sync", ("owner",)),
    )),
    ("money", (
        Entry("/ajustes/cobros-en-linea", "online.title", "payment", ("owner",)),
        Entry("/ajustes/precios", "prices.title", "payment"),
        Entry("/ajustes/abonos", "plans.title", "payment"),
        Entry("/ajustes/pagos", "money.title", "payment"),
        Entry("/ajustes/premios", "rewards.settings", "loyalty-program-service"),
    )),
    ("messages", (
        Entry("/ajustes/recordatorios", "reminders.title"),
        Entry("/ajustes/avisos-al-equipo", "notices_team.title"),
        Entry("/ajustes/mensajes", "messages.title"),
        Entry("/ajustes/correo", "mail.title", "notification", ("owner",)),
        Entry("/ajustes/whatsapp", "whatsapp.title", "whatsapp-webhook", ("owner",)),
        Entry("/ajustes/plantillas", "templates.title", "whatsapp-webhook", ("owner",)),
        Entry("/ajustes/instagram", "instagram.title", "social-sharing-service", _LEADERS),
    )),
    ("team", (
        Entry("/ajustes/profesionales", "Providers"),
        Entry("/ajustes/equipo", "staff.title"),
        Entry("/matriculas", "licence.title", "provider-verification-service"),
        Entry("/ajustes/nutricionistas", "nutritionist.title", "nutrition-service"),
    )),
    ("clients", (
        Entry("/ajustes/historias-clinicas", "grant.title", "encrypted-notes-service", ("owner",)),
        Entry("/ajustes/medidas", "measure.title", "progress-tracking-service"),
        Entry("/ajustes/arrepentimientos", "withdrawals.title"),
        Entry("/ajustes/datos-personales", "request.title", roles=_LEADERS),
        Entry("/ajustes/conservacion", "retention.title", roles=("owner",)),
    )),
    ("advanced", (
        Entry("/ajustes/api", "api.title", roles=("owner",)),
        Entry("/ajustes/auditoria", "audit.title", scope="audit:read"),
    )),
)  # fmt: skip


def menu(reader: Reader, path: str) -> list[Group]:
    """The groups with a page that the reader may see; `path` is the page that is shown."""
    return [
        Group(_name(reader, f"menu.{key}"), links)
        for key, entries in MENU
        if (links := [_link(reader, item, path) for item in entries if _may(reader, item)])
    ]


def _may(reader: Reader, item: Entry) -> bool:
    if item.service and item.service not in reader.app.services:
        return False
    if item.roles and not reader.principal.has_role(*item.roles):
        return False
    return not item.scope or reader.principal.has_scope(item.scope)


def _link(reader: Reader, item: Entry, path: str) -> Link:
    here = path == item.address or path.startswith(f"{item.address}/")
    return Link(item.address, _name(reader, item.name), here)


def _name(reader: Reader, key: str) -> str:
    return reader.t(key) if "." in key else reader.t.word(key)

"""The words of the vertical (turno, sesión, clase, consulta) with their articles and agreement.

Texts name them as fields: ``{booking}``, ``{the_booking}``, ``confirmad{o}``. ``{o}``, ``{os}`` and
``{po}`` are the endings that agree with the booking, the bookings and the provider.
"""

from __future__ import annotations

from collections.abc import Mapping

NAMES = (
    "booking",
    "bookings",
    "book",
    "provider",
    "providers",
    "service",
    "services",
    "client",
    "clients",
    "location",
    "locations",
    "any_provider",
    "agenda",
)
DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "es-AR": {
        "booking": "turno",
        "bookings": "turnos",
        "book": "reservar",
        "provider": "profesional",
        "providers": "profesionales",
        "service": "servicio",
        "services": "servicios",
        "client": "cliente",
        "clients": "clientes",
        "location": "sede",
        "locations": "sedes",
        "any_provider": "cualquiera disponible",
        "agenda": "agenda",
        "booking_gender": "m",
        "provider_gender": "m",
    },
    "en": {
        "booking": "appointment",
        "bookings": "appointments",
        "book": "book",
        "provider": "professional",
        "providers": "professionals",
        "service": "service",
        "services": "services",
        "client": "client",
        "clients": "clients",
        "location": "location",
        "locations": "locations",
        "any_provider": "anyone available",
        "agenda": "agenda",
        "booking_gender": "m",
        "provider_gender": "m",
    },
}


def capital(word: str) -> str:
    """First letter in upper case, the rest untouched."""
    return word[:1].upper() + word[1:]


def _spanish(word: str, prefix: str, feminine: bool) -> dict[str, str]:
    return {
        f"the_{prefix}": f"{'la' if feminine else 'el'} {word}",
        f"a_{prefix}": f"{'una' if feminine else 'un'} {word}",
        f"this_{prefix}": f"{'esta' if feminine else 'este'} {word}",
        f"another_{prefix}": f"{'otra' if feminine else 'otro'} {word}",
        f"of_{prefix}": f"{'de la' if feminine else 'del'} {word}",
        f"to_{prefix}": f"{'a la' if feminine else 'al'} {word}",
    }


def _english(word: str, prefix: str) -> dict[str, str]:
    article = "an" if word[:1].lower() in "aeiou" else "a"
    return {
        f"the_{prefix}": f"the {word}",
        f"a_{prefix}": f"{article} {word}",
        f"this_{prefix}": f"this {word}",
        f"another_{prefix}": f"another {word}",
        f"of_{prefix}": f"of the {word}",
        f"to_{prefix}": f"to the {word}",
    }


def fields(locale: str, given: Mapping[str, str]) -> dict[str, str]:
    """Every field that a text may name, for ``locale``; ``given`` are the vertical's own words.

    Each also exists with a capital (``{Booking}``, ``{The_booking}``).
    """
    base = {**DEFAULTS.get(locale, DEFAULTS["en"]), **given}
    found = {name: base[name] for name in NAMES}
    feminine = base["booking_gender"] == "f"
    provider_feminine = base["provider_gender"] == "f"
    if locale.startswith("es"):
        found |= _spanish(base["booking"], "booking", feminine)
        found |= _spanish(base["provider"], "provider", provider_feminine)
        found |= {
            "the_bookings": f"{'las' if feminine else 'los'} {base['bookings']}",
            "the_providers": f"{'las' if provider_feminine else 'los'} {base['providers']}",
            "o": "a" if feminine else "o",
            "os": "as" if feminine else "os",
            "un": "una" if feminine else "un",
            "po": "a" if provider_feminine else "o",
        }
    else:
        found |= _english(base["booking"], "booking")
        found |= _english(base["provider"], "provider")
        found |= {
            "the_bookings": f"the {base['bookings']}",
            "the_providers": f"the {base['providers']}",
            "o": "",
            "os": "",
            "un": "",
            "po": "",
        }
    found |= {capital(name): capital(word) for name, word in found.items()}
    return found

"""The pages that the router itself answers with, in Spanish and English; no script, no outside file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    status: int
    title: str
    spanish: str
    english: str
    retry_seconds: int | None = None

    def html(self) -> str:
        refresh = (
            f'<meta http-equiv="refresh" content="{self.retry_seconds}">'
            if self.retry_seconds
            else ""
        )
        return (
            '<!doctype html><html lang="es-AR"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<meta name="robots" content="noindex">{refresh}<title>{self.title}</title><style>'
            "body{margin:0;min-height:100vh;display:grid;place-items:center;background:#f6f5f2;"
            "color:#1d1d1b;font:1.1rem/1.5 system-ui,sans-serif}"
            "main{max-width:32rem;padding:2rem;text-align:center}h1{font-size:1.6rem}"
            "p[lang=en]{color:#55554f;font-size:1rem}"
            "@media(prefers-color-scheme:dark){body{background:#1d1d1b;color:#f6f5f2}"
            "p[lang=en]{color:#b9b8b0}}</style></head><body><main>"
            f'<h1>{self.title}</h1><p>{self.spanish}</p><p lang="en">{self.english}</p>'
            "</main></body></html>"
        )


PREPARING = Page(
    503, "Este sitio se está preparando",
    "En unos minutos vas a poder reservar tu turno acá. Esta página se actualiza sola.",
    "This site is being prepared. The page refreshes by itself.", 5,
)  # fmt: skip
STOPPED = Page(
    503, "Estamos en pausa",
    "El sitio no está atendiendo en este momento. Probá de nuevo más tarde.",
    "The site is not running at the moment. Please try again later.", 60,
)  # fmt: skip
UNAVAILABLE = Page(
    503, "Volvemos enseguida",
    "Algo no respondió a tiempo. Tus turnos están a salvo; probá de nuevo en un momento.",
    "Something did not answer in time. Your bookings are safe; please try again in a moment.", 10,
)  # fmt: skip
UNKNOWN = Page(
    404, "No hay nada en esta dirección",
    "Revisá que la dirección esté bien escrita.",
    "There is nothing at this address; please check how it is spelt.",
)  # fmt: skip

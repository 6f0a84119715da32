"""What we understand of what people write, and what we answer."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

_STOP = {"baja", "stop", "parar", "cancelar avisos", "no molestar", "darme de baja", "dar de baja",
         "desuscribir", "unsubscribe", "no mas mensajes", "end", "quit"}  # fmt: skip
_START = {"alta", "start", "volver", "suscribir"}

ANSWERS = {
    "es-AR": {
        "stopped": "Listo: no te escribimos más por WhatsApp. Para volver a recibir avisos,"
        " respondé ALTA.",
        "started": "Listo: te avisamos por WhatsApp. Para no recibir más avisos, respondé BAJA.",
        "confirmed": "¡Gracias! Te esperamos.",
        "cancelled": "Listo, quedó cancelado. Gracias por avisar.",
        "reschedule": "Elegí otro horario acá: {url}",
        "too_late": "Ya no se puede cancelar por acá. Escribinos o llamanos: {contact}",
        "gone": "Esa reserva ya no está vigente. Podés reservar acá: {home}",
        "unknown": "No encontramos esa reserva. Podés reservar acá: {home}",
        "help": "Este número es automático y no lee mensajes. Para reservar o cambiar: {home}."
        " Para hablar con nosotros: {contact}. Para no recibir más avisos, respondé BAJA.",
    },
    "en": {
        "stopped": "Done: we will not write to you by WhatsApp any more. To get messages again,"
        " answer START.",
        "started": "Done: we will write to you by WhatsApp. To stop, answer STOP.",
        "confirmed": "Thank you! See you then.",
        "cancelled": "Done, it is cancelled. Thank you for telling us.",
        "reschedule": "Choose another time here: {url}",
        "too_late": "It is too late to cancel here. Please write or call us: {contact}",
        "gone": "That booking does not stand any more. You can book here: {home}",
        "unknown": "We did not find that booking. You can book here: {home}",
        "help": "This number answers by itself and reads no messages. To book or change: {home}."
        " To talk to us: {contact}. To get no more messages, answer STOP.",
    },
}


def wish_of(text: str) -> Literal["stop", "start", ""]:
    """Whether a message asks to stop or to start messages: only if it says nothing else."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    words = " ".join(re.sub(r"[^a-z ]+", " ", plain).split())
    if words in _STOP:
        return "stop"
    return "start" if words in _START else ""

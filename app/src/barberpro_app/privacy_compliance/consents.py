"""The texts that people agree to, by purpose and language; a changed text gets a new version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Purpose = Literal[
    "health_data", "session_recording", "news", "portfolio",
    "activity_data", "progress_data", "nutrition_data", "share_progress",
]  # fmt: skip
PURPOSES: tuple[Purpose, ...] = ("health_data", "session_recording", "news")


@dataclass(frozen=True, slots=True)
class ConsentText:
    """`sha256` is of the text as it was shown."""

    purpose: Purpose
    version: str
    locale: str
    text: str

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.text.encode()).digest()


_VERSION = "2026-11"
_TEXTS: dict[Purpose, dict[str, str]] = {
    "health_data": {
        "es": (
            "Acepto que {brand} registre y use datos sobre mi salud para atenderme. Los datos están"
            " bajo secreto profesional, se guardan cifrados y no se comparten sin mi autorización,"
            " salvo que la ley lo exija. Dar estos datos es voluntario. Puedo ver quién los"
            " consultó, pedir una copia y retirar este consentimiento cuando quiera; lo ya escrito"
            " en la historia clínica se conserva diez años desde la última anotación"
            " (Ley 26.529, art. 18)."
        ),
        "en": (
            "I agree that {brand} records and uses data about my health to attend me. The data are"
            " under professional secrecy, are kept encrypted and are not shared without my"
            " authorisation unless the law demands it. Giving these data is voluntary. I can see"
            " who looked at them, ask for a copy and withdraw this consent at any time; what is"
            " already in the clinical record is kept for ten years from the last entry"
            " (Ley 26.529, art. 18)."
        ),
    },
    "session_recording": {
        "es": (
            "Acepto que se grabe esta sesión, y solo esta. La grabación se cifra en el dispositivo"
            " antes de salir de él y únicamente mi profesional puede abrirla; ni {brand} ni quien"
            " aloja el sistema pueden. Se borra en la fecha acordada o antes, si lo pido. Puedo"
            " negarme o retirar este consentimiento en cualquier momento, también durante la"
            " sesión, sin que cambie mi atención."
        ),
        "en": (
            "I agree that this session, and only this one, is recorded. The recording is encrypted"
            " on the device before it leaves it and only my professional can open it; neither"
            " {brand} nor whoever hosts the system can. It is deleted on the agreed date, or"
            " earlier if I ask. I can refuse or withdraw this consent at any time, also during the"
            " session, without any change to my care."
        ),
    },
    "portfolio": {
        "es": (
            "Acepto que {brand} publique estas dos fotos mías, de antes y después, en su galería y"
            " en sus redes sociales. Las fotos se guardan sin datos de lugar. Puedo retirar este"
            " consentimiento cuando quiera: las fotos dejan de mostrarse en el momento y se borran"
            " de este sitio. Negarme no cambia mi atención."
        ),
        "en": (
            "I agree that {brand} publishes these two photographs of me, before and after, in its"
            " gallery and on its social networks. They are kept without data of the place. I can"
            " withdraw this consent at any time: the photographs are not shown from that moment on"
            " and are deleted from this site. Refusing does not change how I am attended."
        ),
    },
    "activity_data": {
        "es": (
            "Acepto que {brand} guarde un resumen de las actividades que importe de mi reloj o"
            " aplicación: cuándo, cuánto duró, distancia, desnivel, energía y pulso medio y máximo."
            " No se guarda el recorrido. Dar estos datos es voluntario (Ley 25.326, art. 7) y no"
            " cambia mis clases. Si retiro este consentimiento, las actividades se borran en el"
            " momento."
        ),
        "en": (
            "I agree that {brand} keeps a summary of the activities that I import from my watch or"
            " app: when, for how long, distance, ascent, energy, and average and maximum heart"
            " rate. The route is not kept. Giving these data is voluntary (Ley 25.326, art. 7) and"
            " does not change my classes. If I withdraw this consent, the activities are deleted"
            " at once."
        ),
    },
    "progress_data": {
        "es": (
            "Acepto que {brand} guarde mis medidas corporales, mis marcas y mis objetivos para"
            " seguir mi progreso. Dar estos datos es voluntario (Ley 25.326, art. 7) y no cambia"
            " mis clases. Puedo descargarlos cuando quiera. Si retiro este consentimiento, se"
            " borran en el momento."
        ),
        "en": (
            "I agree that {brand} keeps my body measures, my lifts and my goals to follow my"
            " progress. Giving these data is voluntary (Ley 25.326, art. 7) and does not change my"
            " classes. I can download them at any time. If I withdraw this consent, they are"
            " deleted at once."
        ),
    },
    "nutrition_data": {
        "es": (
            "Acepto que {brand} guarde los datos que doy para mi plan de alimentación (edad, sexo,"
            " altura, peso, actividad, lo que no puedo comer) y los planes que se hagan con ellos."
            " Un plan se me muestra solo firmado por un nutricionista matriculado. Dar estos datos"
            " es voluntario (Ley 25.326, art. 7). Si retiro este consentimiento, los datos y los"
            " planes se borran en el momento."
        ),
        "en": (
            "I agree that {brand} keeps the data that I give for my meal plan (age, sex, height,"
            " weight, activity, what I cannot eat) and the plans made with them. A plan is shown to"
            " me only once a licensed nutritionist has signed it. Giving these data is voluntary"
            " (Ley 25.326, art. 7). If I withdraw this consent, the data and the plans are deleted"
            " at once."
        ),
    },
    "share_progress": {
        "es": (
            "Acepto que los profesionales de {brand} con quienes tengo reservas vean y completen"
            " mis actividades, mis medidas y mi plan de alimentación. Cada vez que alguien los"
            " mira queda anotado y puedo verlo. Si retiro este consentimiento, dejan de verlos en"
            " el momento."
        ),
        "en": (
            "I agree that the professionals of {brand} whom I have bookings with see and complete"
            " my activities, my measures and my meal plan. Each time somebody looks is written"
            " down, and I can see it. If I withdraw this consent, they see them no more from that"
            " moment on."
        ),
    },
    "news": {
        "es": "Acepto que {brand} me escriba con novedades y promociones. Puedo darme de baja cuando quiera.",
        "en": "I agree that {brand} writes to me about news and offers. I can opt out at any time.",
    },
}


def consent_text(purpose: Purpose, locale: str, brand: str) -> ConsentText:
    """The text in force, in the reader's language."""
    by_language = _TEXTS[purpose]
    language = locale[:2] if locale[:2] in by_language else "es"
    # only the brand's name is filled in, and what it contains is not read as a template
    text = by_language[language].replace("{brand}", brand)
    return ConsentText(purpose, _VERSION, locale, text)

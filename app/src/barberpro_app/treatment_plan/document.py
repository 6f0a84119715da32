"""The estimate as it is signed: plain text in Spanish, the same to the letter each time."""

from __future__ import annotations

from datetime import date

from barberpro_app.settings import AppConfiguration
from barberpro_app.treatment_plan.schemas import Cover, Plan

_SIGNS = {"ARS": "$", "USD": "US$"}


def estimate(app: AppConfiguration, plan: Plan, cover: Cover, valid_until: date) -> str:
    """What the patient reads and accepts."""
    lines = [
        f"PRESUPUESTO DE TRATAMIENTO · {app.brand.name}",
        f"Paciente: {plan.client_name}",
        f"Profesional: {plan.author_name}",
        f"Tratamiento: {plan.title}",
        "",
    ]
    for stage in plan.stages:
        where = f" (pieza {stage.tooth})" if stage.tooth else ""
        lines.append(
            f"{stage.number}. {stage.description}{where}: {amount(stage.price, plan.currency)}"
        )
    lines += ["", f"Total: {amount(plan.total, plan.currency)}"]
    if cover.insurer:
        parts = [cover.insurer, cover.plan, cover.affiliate_number]
        lines.append("Cobertura: " + ", ".join(part for part in parts if part))
    if plan.currency == "USD":
        lines.append("Importes en dólares estadounidenses.")
    lines += [
        f"Válido hasta: {valid_until:%d/%m/%Y}",
        "",
        "Con mi firma electrónica acepto este presupuesto (Ley 25.506, art. 5). Puedo interrumpir"
        " el tratamiento cuando quiera; pago lo realizado.",
    ]
    return "\n".join(lines)


def amount(hundredths: int, currency: str) -> str:
    """ "$ 12.345,60" """
    whole, cents = divmod(hundredths, 100)
    return f"{_SIGNS[currency]} {whole:,}".replace(",", ".") + f",{cents:02d}"

"""Receipts as PDF. A receipt says that money was received; it is no invoice of ARCA, and says so."""

from __future__ import annotations

from datetime import datetime

from fpdf import FPDF

from barberpro_app.kit.latin import plain
from barberpro_app.payment.schemas import Payment
from barberpro_app.settings import AppConfiguration

_METHODS = {"cash": "Efectivo", "transfer": "Transferencia", "mercado_pago": "Mercado Pago"}
_SYMBOLS = {"ARS": "$", "USD": "US$", "EUR": "EUR"}
_LEGEND = (
    "Documento no válido como factura. No es un comprobante fiscal de ARCA: "
    "pedí la factura al negocio si la necesitás."
)
_WIDTH, _MARGIN = 148, 14  # millimetres; A5 is 148 by 210


def render(app: AppConfiguration, payment: Payment) -> bytes:
    """The receipt of a payment that was received. The standard fonts of PDF know the letters of
    western Europe; a letter that they lack is shown as its nearest one, or as a question mark."""
    pdf = FPDF(format=(_WIDTH, 210))
    pdf.set_title(f"Recibo {number(payment)}")
    pdf.set_creator("BarberPro")
    pdf.set_lang("es-AR")
    pdf.set_margins(_MARGIN, _MARGIN)
    pdf.set_auto_page_break(True, margin=_MARGIN)
    pdf.add_page()
    _head(pdf, app, payment)
    for label, value in _lines(app, payment):
        _row(pdf, label, value)
    _amount(pdf, payment)
    pdf.set_font("Helvetica", size=9)
    pdf.set_text_color(70, 70, 70)
    pdf.multi_cell(0, 5, plain(_LEGEND), align="L", new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def number(payment: Payment) -> str:
    return f"{payment.receipt_number or 0:08d}"


def _head(pdf: FPDF, app: AppConfiguration, payment: Payment) -> None:
    red, green, blue = (int(app.brand.primary_color[i : i + 2], 16) for i in (1, 3, 5))
    pdf.set_fill_color(red, green, blue)
    pdf.rect(0, 0, _WIDTH, 5, style="F")
    pdf.set_y(_MARGIN)
    pdf.set_font("Helvetica", style="B", size=16)
    pdf.multi_cell(0, 8, plain(app.brand.name), align="L", new_x="LMARGIN", new_y="NEXT")
    contact = " · ".join(
        part for part in (app.brand.contact_email, app.brand.contact_phone) if part
    )
    if contact:
        pdf.set_font("Helvetica", size=9)
        pdf.set_text_color(70, 70, 70)
        pdf.multi_cell(0, 5, plain(contact), align="L", new_x="LMARGIN", new_y="NEXT")
        pdf.set_text_color(0, 0, 0)
    pdf.ln(5)
    pdf.set_font("Helvetica", style="B", size=12)
    pdf.cell(0, 7, f"Recibo N.º {number(payment)}", align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(2)


def _lines(app: AppConfiguration, payment: Payment) -> list[tuple[str, str]]:
    paid = payment.paid_at or payment.created_at
    lines = [("Fecha", _stamp(paid.astimezone(app.zone)))]
    if payment.client_name:
        lines.append(("Recibimos de", payment.client_name))
    if payment.booking_code:
        lines.append(("En concepto de", f"Reserva {payment.booking_code}"))
    lines.append(("Medio de pago", _METHODS[payment.method]))
    if payment.reference:
        lines.append(("Referencia", payment.reference))
    if payment.refunded_centavos:
        lines.append(("Devuelto", money(payment.refunded_centavos, payment.currency)))
    return lines


def _row(pdf: FPDF, label: str, value: str) -> None:
    pdf.set_font("Helvetica", size=10)
    pdf.set_text_color(70, 70, 70)
    pdf.cell(38, 7, plain(label))
    pdf.set_text_color(0, 0, 0)
    pdf.multi_cell(0, 7, plain(value), align="L", new_x="LMARGIN", new_y="NEXT")


def _amount(pdf: FPDF, payment: Payment) -> None:
    pdf.ln(3)
    pdf.set_draw_color(190, 190, 190)
    pdf.line(_MARGIN, pdf.get_y(), _WIDTH - _MARGIN, pdf.get_y())
    pdf.ln(3)
    pdf.set_font("Helvetica", style="B", size=14)
    pdf.cell(38, 9, "Total")
    total = money(payment.received_centavos, payment.currency)
    pdf.cell(0, 9, total, align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(4)


def _stamp(moment: datetime) -> str:
    return f"{moment:%d/%m/%Y %H:%M}"


def money(centavos: int, currency: str) -> str:
    """Integer hundredths as people write them in Argentina: $ 12.000,50."""
    whole, rest = divmod(centavos, 100)
    return f"{_SYMBOLS.get(currency, currency)} {whole:,}".replace(",", ".") + f",{rest:02d}"

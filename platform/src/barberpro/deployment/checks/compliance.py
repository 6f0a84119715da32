"""Controls of law and policy, seen again on what actually runs; ids are those of ``catalog/controls``."""

from __future__ import annotations

import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from barberpro.deployment.checks.pages import Link, Page
from barberpro.planning.findings import Finding, Severity

REGRET, UNSUBSCRIBE = "boton-de-arrepentimiento", "boton-de-baja"
PRIVACY = re.compile(r"privacidad|datos personales|privacy", re.IGNORECASE)
PRIVACY_LAW = re.compile(r"25\.?326")
AUTHORITY = re.compile(r"Agencia de Acceso a la Informaci[oó]n P[uú]blica|\bAAIP\b", re.IGNORECASE)
SIGNATURE = re.compile(r"firma(do|da)? digital", re.IGNORECASE)
PRICE = re.compile(r"\$\s?\d[\d.,]*")
FOREIGN_PRICE = re.compile(r"US\$|U\$S|\bUSD\b|€|R\$", re.IGNORECASE)
CARD_NAMES = re.compile(
    r"card.?num|cardnumber|\bpan\b|\bcvv\b|\bcvc\b|security.?code|tarjeta", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Rule:
    """``control`` is its id in the catalog, ``law`` the citation, ``name`` what a reader calls it."""

    control: str
    law: str
    name: str

    def kept(self, what: str, where: str, evidence: str = "") -> Finding:
        return self._finding(Severity.INFO, what, where, evidence)

    def broken(
        self, what: str, where: str, evidence: str = "", severity: Severity = Severity.BLOCKING
    ) -> Finding:
        return self._finding(severity, what, where, evidence)

    def _finding(self, severity: Severity, what: str, where: str, evidence: str) -> Finding:
        mend = "deploy a release and a vertical that keep this control"
        return Finding(
            id=f"compliance-{self.name.replace(' ', '-')}",
            severity=severity,
            what=f"{self.name}: {what}",
            where=where,
            why=self.law,
            mend="" if severity is Severity.INFO else mend,
            control=self.control,
            evidence=evidence,
        )


BUTTONS = Rule("AR-954-2025-1", "Disp. SSDCyLC 954/2025 art. 1", "consumer buttons")
NOTICE = Rule("AR-25326-6", "Ley 25.326 art. 6", "privacy notice")
LEGEND = Rule("AR-AAIP-14-2018", "Res. AAIP 14/2018 art. 3", "legend of the authority")
CONSENT = Rule("AR-25326-5", "Ley 25.326 art. 5", "consent")
TRANSFER = Rule("AR-25326-12", "Ley 25.326 art. 12", "third-party requests")
SELLER = Rule("AR-270-2020", "Res. SCI 270/2020", "seller identified")
PRICES = Rule("AR-SIYC-4-2025", "Res. SIyC 4/2025", "prices in pesos")
WORDING = Rule("AR-25506-5", "Ley 25.506 arts. 2 and 5", "signature wording")
CARDS = Rule("PCI-SAQ-A", "PCI DSS v4.0.1, SAQ A", "no card data")
SECRETS = Rule("AR-25326-9", "Ley 25.326 art. 9", "secret files")


def check_consumer_buttons(client: httpx.Client, page: Page) -> Iterator[Finding]:
    """The regret button: in plain sight on the first page, and open to whoever comes, without an
    account. The button that ends a subscription is owed by who sells one, which is said."""
    for name, owed in ((REGRET, True), (UNSUBSCRIBE, False)):
        link = next((link for link in page.links if name in slug(link.text)), None)
        if link is None and owed:
            yield BUTTONS.broken(f"no link {name} on the first page", page.url, page.text[:120])
        elif link is None:
            yield Finding(
                id="consumer-unsubscribe-not-owed",
                severity=Severity.INFO,
                what="BOTÓN DE BAJA is not shown: no subscription is sold here",
                where=page.url,
                why=BUTTONS.law,
            )
        else:
            yield _opens(client, link)


def _opens(client: httpx.Client, link: Link) -> Finding:
    response = client.get(link.href)
    if response.status_code == 200:
        return BUTTONS.kept(f"{link.text!r} opens without an account", link.href, "200")
    answer = f"{response.status_code} {response.headers.get('location', '')}"
    return BUTTONS.broken(f"{link.text!r} does not open without an account", link.href, answer)


def slug(text: str) -> str:
    """Lower case, without accents, words joined by hyphens."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return "-".join(re.findall(r"[a-z0-9]+", plain))


def check_privacy_notice(client: httpx.Client, page: Page) -> Iterator[Finding]:
    """Whoever leaves data is told who keeps it and why, and which authority watches over it."""
    link = next((link for link in page.links if PRIVACY.search(link.text)), None)
    if link is None:
        yield NOTICE.broken("there is no link to it", page.url, page.text[:120])
        return
    response = client.get(link.href)
    if response.status_code != 200:
        yield NOTICE.broken("it does not open", link.href, str(response.status_code))
        return
    text = Page(str(response.url), response.text).text
    if PRIVACY_LAW.search(text):
        yield NOTICE.kept("it is public and names the law", link.href, "25.326")
    else:
        yield NOTICE.broken("it does not name the law", link.href, "no 25.326")
    found = AUTHORITY.search(text)
    if found:
        yield LEGEND.kept("it is on the notice", link.href, found.group(0))
    else:
        yield LEGEND.broken("it is not on the notice", link.href, "no AAIP")


def check_third_parties(pages: Sequence[Page], policies: Iterable[str]) -> Iterator[Finding]:
    """A booking page makes the visitor's browser ask nobody else: no transfer of personal data
    (an address is one) that nobody was told of."""
    foreign = sorted({url for page in pages for url in page.foreign()})
    if foreign:
        yield TRANSFER.broken(f"pages load from {', '.join(foreign[:5])}", _where(pages))
    else:
        what = f"{len(pages)} pages load from their own origin only"
        yield TRANSFER.kept(what, _where(pages), next(iter(policies), "")[:120])


def check_card_fields(pages: Sequence[Page]) -> Iterator[Finding]:
    """No page asks for a card: its number never reaches the deployment."""
    fields = sorted(
        {
            field.get("name", "") or field.get("autocomplete", "")
            for page in pages
            for field in page.inputs
            if field.get("autocomplete", "").startswith("cc-")
            or CARD_NAMES.search(f"{field.get('name', '')} {field.get('id', '')}")
        }
    )
    if fields:
        yield CARDS.broken(f"pages ask for a card: {', '.join(fields)}", _where(pages))
    else:
        count = sum(len(page.inputs) for page in pages)
        yield CARDS.kept(f"none of {count} fields asks for a card", _where(pages))


def check_consent(pages: Sequence[Page]) -> Iterator[Finding]:
    """Nothing is ticked beforehand."""
    ticked = sorted(
        field.get("name", "")
        for page in pages
        for field in page.inputs
        if field.get("type") == "checkbox" and "checked" in field
    )
    if ticked:
        yield CONSENT.broken(f"ticked beforehand: {', '.join(ticked)}", _where(pages))
    else:
        yield CONSENT.kept("nothing is ticked beforehand", _where(pages))


def check_offer(page: Page, brand: dict[str, str], currency: str) -> Iterator[Finding]:
    """Before a client chooses: who offers, how to reach them, and prices in the currency."""
    reach = [v for v in (brand.get("contact_email"), brand.get("contact_phone")) if v]
    named = brand.get("name", "") in page.text
    if named and any(value in page.text for value in reach):
        yield SELLER.kept("name and contact are on the first page", page.url, ", ".join(reach))
    else:
        what = "name or contact are not on the first page"
        yield SELLER.broken(what, page.url, page.text[:120], Severity.WARNING)
    foreign = FOREIGN_PRICE.search(page.text)
    if foreign:
        yield PRICES.broken("a price is in another currency", page.url, foreign.group(0))
    elif PRICE.search(page.text):
        yield PRICES.kept(f"prices are in {currency}", page.url, PRICE.findall(page.text)[0])


def check_wording(pages: Sequence[Page]) -> Iterator[Finding]:
    """No page calls a mark a digital signature."""
    found = next((m.group(0) for page in pages if (m := SIGNATURE.search(page.text))), None)
    if found:
        yield WORDING.broken(f"a page says {found!r}", _where(pages), found, Severity.WARNING)
    else:
        yield WORDING.kept("no page speaks of a digital signature", _where(pages))


def check_secret_files(folder: Path) -> Iterator[Finding]:
    """Secrets are readable by their owner alone, and so is their folder's content."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    wide = [path.name for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o177]
    if stat.S_IMODE(folder.stat().st_mode) & 0o027:
        wide.append(f"{folder.name}/")
    if wide or not paths:
        what = f"others can read: {', '.join(wide)}" if wide else "there are no secrets"
        yield SECRETS.broken(what, str(folder))
    else:
        names = ", ".join(path.name for path in paths)
        yield SECRETS.kept(f"{len(paths)} secrets have mode 0600", str(folder), names)


def _where(pages: Sequence[Page]) -> str:
    return ", ".join(urlsplit(page.url).path for page in pages)

"""Controls of law and policy, seen again on what actually runs (law: docs of each control)."""

from __future__ import annotations

import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import httpx

from barberpro.deployment.checks.pages import Page
from barberpro.planning.findings import Finding, Severity

PRIVACY = re.compile(r"privacidad|datos personales|privacy", re.IGNORECASE)
PRIVACY_LAW = re.compile(r"25\.?326")
CARD_NAMES = re.compile(
    r"card.?num|cardnumber|\bpan\b|\bcvv\b|\bcvc\b|security.?code|numero.?(de.?)?tarjeta|"
    r"tarjeta|vencimiento.?tarjeta",
    re.IGNORECASE,
)


def check_consumer_buttons(
    client: httpx.Client, page: Page, owed: Sequence[str]
) -> Iterator[Finding]:
    """The links that the plan owes consumers: in plain sight on the first page, and open to
    whoever comes, without an account. ``owed`` holds their names as the law writes them."""
    law = "Disp. SSDCyLC 954/2025 art. 1; Ley 24.240 art. 34"
    for owing in owed:
        name = _slug(owing)
        link = next((link for link in page.links if _slug(link.text).find(name) >= 0), None)
        if link is None:
            yield _breach(name, "the link is not on the first page", page.url, law, page.text[:120])
            continue
        response = client.get(link.href)
        if response.status_code != 200:
            answer = f"{response.status_code} {response.headers.get('location', '')}"
            yield _breach(name, "the link does not open without an account", link.href, law, answer)
        else:
            yield _proof(name, f"{link.text!r} opens without an account", link.href, law, "200")


def _slug(text: str) -> str:
    """Lower case, without accents, words joined by hyphens."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return "-".join(re.findall(r"[a-z0-9]+", plain))


def check_privacy_notice(client: httpx.Client, page: Page) -> Iterator[Finding]:
    """Whoever leaves data is told who keeps it and why (Ley 25.326 art. 6)."""
    law = "Ley 25.326 art. 6"
    link = next((link for link in page.links if PRIVACY.search(link.text)), None)
    if link is None:
        yield _breach("privacy-notice", "there is no link to it", page.url, law, page.text[:120])
        return
    response = client.get(link.href)
    if response.status_code != 200:
        answer = str(response.status_code)
        yield _breach("privacy-notice", "it does not open", link.href, law, answer)
    elif not PRIVACY_LAW.search(response.text):
        yield _breach("privacy-notice", "it does not name the law", link.href, law, "no 25.326")
    else:
        yield _proof("privacy-notice", "the notice is public", link.href, law, "200, 25.326 named")


def check_third_parties(pages: Sequence[Page], policies: Iterable[str]) -> Iterator[Finding]:
    """A booking page makes the visitor's browser ask nobody else: no transfer of personal data
    (an address is one) that nobody was told of."""
    law = "Ley 25.326 arts. 5, 12"
    foreign = sorted({url for page in pages for url in page.foreign()})
    where = ", ".join(page.url for page in pages)
    if foreign:
        what = f"pages load from elsewhere: {', '.join(foreign[:5])}"
        yield _breach("third-party-requests", what, where, law, ", ".join(foreign[:5]))
    else:
        policy = next(iter(policies), "")
        what = f"{len(pages)} pages load from their own origin only"
        yield _proof("third-party-requests", what, where, law, policy[:120])


def check_card_fields(pages: Sequence[Page]) -> Iterator[Finding]:
    """No page asks for a card: its number never reaches the deployment (PCI DSS 4.0.1, SAQ A)."""
    law = "PCI DSS v4.0.1, SAQ A"
    where = ", ".join(page.url for page in pages)
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
        yield _breach("card-data", f"pages ask for a card: {', '.join(fields)}", where, law, "")
    else:
        count = sum(len(page.inputs) for page in pages)
        yield _proof("card-data", f"none of {count} fields asks for a card", where, law, "")


def check_secret_files(folder: Path) -> Iterator[Finding]:
    """Secrets are readable by their owner alone, and so is their folder's content."""
    law = "Ley 25.326 art. 9; AAIP Res. 47/2018"
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    wide = [path.name for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o177]
    if stat.S_IMODE(folder.stat().st_mode) & 0o027:
        wide.append(f"{folder.name}/")
    if wide or not paths:
        what = f"others can read: {', '.join(wide)}" if wide else "there are no secrets"
        yield _breach("secret-files", what, str(folder), law, "")
    else:
        what = f"{len(paths)} secrets have mode 0600"
        yield _proof("secret-files", what, str(folder), law, ", ".join(p.name for p in paths))


def _breach(control: str, what: str, where: str, law: str, evidence: str) -> Finding:
    return Finding(
        id=f"compliance-{control}",
        severity=Severity.BLOCKING,
        what=f"{control}: {what}",
        where=where,
        why=law,
        mend="deploy a release and a vertical that keep this control",
        control=control,
        evidence=evidence,
    )


def _proof(control: str, what: str, where: str, law: str, evidence: str) -> Finding:
    return Finding(
        id=f"compliance-{control}",
        severity=Severity.INFO,
        what=f"{control}: {what}",
        where=where,
        why=law,
        control=control,
        evidence=evidence,
    )

"""The test client, its credentials, and the removal of everything that it leaves behind.

All that a verification creates carries one marker, which is the same in every attempt for one
revision. So traces of an attempt that was killed are removed by the next one, or by undo.
"""

from __future__ import annotations

from collections.abc import Mapping

from barberpro.deployment.context import DeployContext
from barberpro.errors import BarberProError

SCOPES = (
    "availability:read", "catalog:read", "providers:read", "bookings:read", "bookings:write",
    "clients:read", "clients:write",
)  # fmt: skip
SECRET = "verification-client"  # noqa: S105 - the key in the context's scratch


def marker(context: DeployContext) -> str:
    """The e-mail domain of test clients; ``.invalid`` is nobody's (RFC 2606 §2)."""
    return f"{client_name(context)}.invalid"


def client_name(context: DeployContext) -> str:
    return f"verification-r{context.revision}"


def credentials(context: DeployContext) -> tuple[str, str]:
    """Id and secret of the test client, made on first use in this process and never stored."""
    kept = context.scratch.get(SECRET)
    if isinstance(kept, tuple):
        return str(kept[0]), str(kept[1])
    name = client_name(context)
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    command = ["api-client", "create", name, *scopes]
    answer = _create(context, command)
    identity = answer.get("client_id") or answer.get("id") or name
    secret = answer.get("client_secret") or answer.get("secret")
    if not secret:
        raise BarberProError(
            "the app made no test client",
            where=f"api-client create {name}",
            mend="barberpro logs DEPLOYMENT",
        )
    context.scratch[SECRET] = (str(identity), str(secret))
    return str(identity), str(secret)


def _create(context: DeployContext, command: list[str]) -> Mapping[str, object]:
    """A client that a killed attempt left is replaced: its secret is not known any more."""
    run = context.target.run_app_command
    try:
        return run(context.plan, context.revision, command)
    except BarberProError as error:
        context.log(f"making the test client again: {error.what}")
        run(context.plan, context.revision, ["api-client", "remove", client_name(context)])
        return run(context.plan, context.revision, command)


def remove_traces(context: DeployContext) -> None:
    """Removes test bookings, clients, messages and the API client; safe to repeat."""
    context.scratch.pop(SECRET, None)
    command = [
        "remove-test-data",
        "--marker",
        marker(context),
        "--api-client",
        client_name(context),
    ]
    removed = context.target.run_app_command(context.plan, context.revision, command)
    context.log(f"{' '.join(command)}: {dict(removed)}")

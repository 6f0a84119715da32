"""For tests of the local target: a stand-in app that keeps the contract, plans, and a home that
is gone afterwards with all of its processes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import psutil
from support_app import free_port

from barberpro.planning.model import Cache, Cost, Database, Network, Plan, Request, Sizes, Workload
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.supervision import MARK
from barberpro.targets.local.target import LocalTarget

STAND_IN = '''
"""A stand-in app: schema, health, readiness, one table; behaves as `app.json: features` says."""
import io, json, os, sys
import psycopg, uvicorn

REVISION = int(os.environ["BARBERPRO_REVISION"])
CONFIG = json.load(open(os.environ["BARBERPRO_APP_CONFIG"]))

def secret(name):
    return open(os.path.join(os.environ["BARBERPRO_SECRETS_DIR"], name)).read().strip()

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    headers = {k.decode(): v.decode() for k, v in scope["headers"]}
    status, body = 200, {"status": "ok", "revision": REVISION, "services": {s: "up" for s in CONFIG["services"]},
                         "headers": headers, "brand": CONFIG["brand"], "pid": os.getpid()}
    if scope["path"] == "/ready":
        try:
            with psycopg.connect(secret("database-url"), connect_timeout=2) as connection:
                connection.execute("SELECT 1 FROM seeds")
        except psycopg.Error as error:
            status, body = 503, {"reason": str(error)}
    if scope["path"] == "/exit":
        os._exit(3)
    print(json.dumps({"request_id": headers.get("x-request-id"), "path": scope["path"]}), file=sys.stderr)
    extra = [(b"x-frame-options", b"SAMEORIGIN")] if scope["path"] == "/framed" else []
    await send({"type": "http.response.start", "status": status,
                "headers": [(b"content-type", b"application/json"), *extra]})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})

def main(arguments):
    if arguments[0] == "serve":
        uds = arguments[arguments.index("--uds") + 1]
        uvicorn.run(app, uds=uds, log_level="warning", timeout_graceful_shutdown=5)
    elif arguments[0] == "worker":
        import signal
        signal.pause()
    elif arguments[0] == "migrate":
        with psycopg.connect(secret("database-owner-url")) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS seeds (id int PRIMARY KEY)")
        print(json.dumps({"from": None, "to": "1"}))
    elif arguments[0] == "seed":
        with psycopg.connect(secret("database-url")) as connection:
            connection.execute("INSERT INTO seeds VALUES (1) ON CONFLICT DO NOTHING")
        print("{}")
    elif arguments[0] == "fail":
        sys.exit("the table burnt down")
    elif arguments[0] == "console":
        console()
    else:
        print(json.dumps({"arguments": arguments, "home": os.environ.get("HOME")}))

def console():
    answers = sys.stdout
    for line in sys.stdin:
        sys.stdout = io.StringIO()
        try:
            main(json.loads(line))
            answer = {"code": 0, "output": json.loads(sys.stdout.getvalue())}
        except SystemExit as ending:
            answer = {"code": 1, "error": str(ending)}
        print(json.dumps(answer), file=answers, flush=True)

main(sys.argv[1:])
'''


def stand_in_app(folder: Path) -> Path:
    """Writes the stand-in as a package; returns the package's folder."""
    package = folder / "barberpro_app"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(STAND_IN)
    return package


def local_plan(
    identifier: str = "barbershop-palermo", *, users: int = 50, domain: str | None = None
) -> Plan:
    """A plan for the local target with the stand-in's needs and nothing else."""
    short = "bp_" + identifier.replace("-", "_")
    return Plan(
        deployment_id=identifier,
        request=Request(vertical="barbershop", name=identifier, market="small", region="argentina-central", domain=domain),
        latency_target_ms=80,
        sizes=Sizes(cpu_cores=2, memory_gb=4, storage_gb=1, concurrent_users=users, daily_bookings=100),
        workloads=tuple(
            Workload(name=name, kind=kind, cpu_millicores=100, memory_mib=100, replicas_min=2, replicas_max=20)
            for name, kind in (("api-gateway", "base"), ("booking", "base"), ("portfolio-service", "specialized"))
        ),
        database=Database(name=short, owner_role=f"{short}_owner", app_role=f"{short}_app", storage_gb=1, read_replicas_min=1, read_replicas_max=5, replica_cpu_threshold=75),
        cache=Cache(nodes_min=3, nodes_max=12, memory_threshold=80),
        network=Network(hostname=f"{identifier}.localhost", local_hostname=f"{identifier}.localhost", flows=(), dns_records=(), certificate_issuer="local-ca", domain=domain),
        cost=Cost(lines=(), monthly_usd="0", per_booking_usd="0", target_monthly_usd=None, target_per_booking_usd=None),
        monitors=(),
        findings=(),
        application={"schema_version": 1, "deployment_id": identifier, "services": ["api-gateway", "booking"], "brand": {"name": identifier}},
        seed={"schema_version": 1},
    )  # fmt: skip


@contextmanager
def local_home(name: str = "a b; #c%d é") -> Iterator[Path]:
    """A home of an awkward name with ports of its own; afterwards neither files nor processes."""
    folder = Path(tempfile.mkdtemp(prefix="bp-local-"))
    folder.chmod(0o755)  # as /home and /srv are
    settings = {
        "BARBERPRO_HTTPS_PORT": str(free_port()),
        "BARBERPRO_SMTP_PORT": str(free_port()),
    }
    home = folder / name
    with mock.patch.dict(os.environ, settings):
        try:
            yield home
        finally:
            platform = LocalPlatform.open(home)
            platform.supervisor.end()
            platform.layout.remove_all_but_backups()
            shutil.rmtree(folder)


def processes_of(platform: LocalPlatform) -> list[psutil.Process]:
    """Every living process that carries the platform's mark, found without its help."""
    found = []
    for process in psutil.process_iter():
        try:
            marked = process.environ().get(MARK) == platform.layout.identity
            if marked and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def bring_up(target: LocalTarget, plan: Plan, revision: int) -> None:
    """A whole deployment, up to a revision that is ready and not live."""
    target.provision_resources(plan)
    target.configure_network(plan)
    target.configure_isolation(plan)
    target.configure_load_balancer(plan, revision)
    target.start_base(plan, revision)
    target.start_specialized(plan, revision)
    target.configure_mesh(plan, revision)
    target.initialise_database(plan, revision)

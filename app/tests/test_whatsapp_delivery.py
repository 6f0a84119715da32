"""Each message by WhatsApp arrives once or is a dead letter, whatever the peer and the worker do."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from support_delivery import deliver
from support_whatsapp import whatsapp_line

MESSAGES = 100
KILLS = 3
ENOUGH_SECONDS = 240.0  # on a machine that is busy with other things


def test_each_message_arrives_once_though_the_peer_fails_and_the_worker_is_killed(
    tmp_path: Path, migrated_url: str
) -> None:
    thresholds = [8 * (number + 1) for number in range(KILLS)]

    def kill_now(accepted: int) -> bool:
        if thresholds and accepted >= thresholds[0]:
            thresholds.pop(0)
            return True
        return False

    with whatsapp_line(tmp_path, migrated_url) as line:
        ended = deliver(line, MESSAGES, kill_now, ENOUGH_SECONDS)
    assert (ended.lost, ended.wrong) == ([], [])
    assert ended.kills > KILLS
    assert ended.sent + ended.dead_letters == MESSAGES
    assert ended.sent > MESSAGES / 2


def test_many_workers_send_each_message_once(tmp_path: Path, migrated_url: str) -> None:
    with whatsapp_line(tmp_path, migrated_url) as line:
        client = line.client()
        ids = {str(line.put(client)) for _ in range(45)}
        line.send(workers=4)
        arrived = Counter(item["biz_opaque_callback_data"] for item in line.meta.accepted)
    assert arrived == dict.fromkeys(ids, 1)
    assert {row[0] for row in line.states()} == {"sent"}

"""How a rollout stands, read from what a cluster says: what heals by waiting and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from barberpro.targets.kubernetes.drift import moved_by_hand, parse_diff
from barberpro.targets.kubernetes.helm import HelmRevision
from barberpro.targets.kubernetes.progress import job_state, rolled_out, standing

Object = dict[str, Any]


def deployment(name: str = "booking", *, replicas: int = 1, **status: Any) -> Object:
    return {
        "kind": "Deployment",
        "metadata": {"name": name, "generation": 2},
        "spec": {"replicas": replicas},
        "status": {"observedGeneration": 2, **status},
    }


def pod(name: str = "booking-1", owner: str = "booking", **status: Any) -> Object:
    return {
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": owner}},
        "status": {"phase": "Pending", **status},
    }


def waiting(reason: str, message: str = "", *, restarts: int = 0, code: int = 1) -> Object:
    return {
        "containerStatuses": [
            {
                "name": "booking",
                "image": "registry.example/app:1",
                "restartCount": restarts,
                "state": {"waiting": {"reason": reason, "message": message}},
                "lastState": {"terminated": {"exitCode": code}},
            }
        ]
    }


READY = {"updatedReplicas": 1, "availableReplicas": 1, "replicas": 1}


@pytest.mark.parametrize(
    ("status", "done"),
    [
        (READY, True),
        ({**READY, "observedGeneration": 1}, False),  # not looked at yet
        ({**READY, "replicas": 2}, False),  # an old pod still goes
        ({**READY, "availableReplicas": 0}, False),
        ({}, False),
    ],
)
def test_a_rollout_is_done_when_only_new_pods_are_there(status: Object, done: bool) -> None:
    assert rolled_out(deployment(**status)) is done


def test_nothing_wrong_says_what_is_waited_for() -> None:
    now = standing([deployment(**READY), deployment("client")], [pod("client-1", "client")])
    assert (now.ready, now.wanted, now.done, now.trouble) == (1, 2, False, None)
    assert now.line == "1 of 2 workloads ready; client-1: pending"


@pytest.mark.parametrize(
    ("status", "what", "mend"),
    [
        (waiting("ImagePullBackOff", "not found"), "cannot be pulled", "--image"),
        (waiting("InvalidImageName"), "no valid name", "--image"),
        (waiting("CreateContainerConfigError", 'secret "app-keys" not found'), "app-keys", "describe"),
        (waiting("CrashLoopBackOff", restarts=9), "ends again and again", "log"),
        (waiting("CrashLoopBackOff", restarts=1, code=2), "exit code 2", "log"),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                             "message": "0/3 nodes: Insufficient memory"}]},
            "Insufficient memory", "node",
        ),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                             "message": "pod has unbound immediate PersistentVolumeClaims"}]},
            "unbound", "storageclass",
        ),
    ],
)  # fmt: skip
def test_what_waiting_does_not_mend_is_told_at_once(status: Object, what: str, mend: str) -> None:
    trouble = standing([deployment()], [pod(**status)]).trouble
    assert trouble is not None
    assert what in trouble.what
    assert mend in trouble.mend
    assert trouble.pod == "booking-1"


@pytest.mark.parametrize(
    "status",
    [waiting("ContainerCreating"), waiting("PodInitializing"), waiting("ErrImagePull"), waiting("CrashLoopBackOff", restarts=1)],
)  # fmt: skip
def test_what_may_heal_is_waited_for(status: Object) -> None:
    assert standing([deployment()], [pod(**status)]).trouble is None


def test_a_cluster_may_be_adding_a_node() -> None:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "no room",
    }
    now = standing([deployment()], [pod(conditions=[condition])], patient=True)
    assert now.trouble is None
    assert "no room" in now.line


@pytest.mark.parametrize(
    ("message", "mend"),
    [("exceeded quota: plan", "quota"), ("denied the request: no", "admission")],
)
def test_pods_that_may_not_be_made(message: str, mend: str) -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "message": message}
    trouble = standing([deployment(conditions=[condition])], []).trouble
    assert trouble is not None
    assert message in trouble.what
    assert mend in trouble.mend


def test_pods_of_others_are_not_waited_for() -> None:
    other = pod("stranger-1", "stranger", **waiting("ImagePullBackOff"))
    assert standing([deployment(**READY)], [other]).trouble is None
    assert standing([], [other]).trouble is not None  # a hook's pod has no workload


def test_jobs() -> None:
    complete = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    failed = {"status": {"conditions": [{"type": "Failed", "status": "True"}]}}
    assert [job_state(job) for job in (complete, failed, {})] == ["complete", "failed", "running"]


DIFF = """diff -u -N /tmp/LIVE-1/apps.v1.Deployment.shop.booking /tmp/MERGED-2/apps.v1.Deployment.shop.booking
--- /tmp/LIVE-1/apps.v1.Deployment.shop.booking
+++ /tmp/MERGED-2/apps.v1.Deployment.shop.booking
@@ -1,3 +1,3 @@
-  generation: 4
+  generation: 5
-            memory: 2Gi
+            memory: 400Mi
diff -u -N /tmp/LIVE-1/v1.Service.shop.client /tmp/MERGED-2/v1.Service.shop.client
--- /tmp/LIVE-1/v1.Service.shop.client
+++ /tmp/MERGED-2/v1.Service.shop.client
-  generation: 1
+  generation: 2
"""


def test_a_difference_is_read_by_object_without_noise() -> None:
    (only,) = parse_diff(DIFF)
    assert only.object == "Deployment/booking"
    assert [" ".join(line.split()) for line in only.lines] == ["- memory: 2Gi", "+ memory: 400Mi"]
    assert parse_diff("") == []


def test_a_rollback_by_hand_is_told_from_ours() -> None:
    def entry(number: int, status: str, description: str) -> HelmRevision:
        return HelmRevision(number, status, description, None)

    history = [
        entry(1, "superseded", "what the processes stand on"),
        entry(2, "superseded", "barberpro revision 1"),
        entry(3, "superseded", "barberpro revision 2"),
        entry(4, "deployed", "Rollback to 2"),
    ]
    assert moved_by_hand(history, 2) is None  # an undo of ours goes back the same way
    found = moved_by_hand(history, 3)
    assert found is not None
    assert found.lines == (
        "- Helm revision 4: Rollback to 2 (by hand)",
        "+ Helm revision 3: barberpro revision 2",
    )
    assert moved_by_hand([], 3) is None

"""The app's image: small, equal when built again, and at work in a pod that may do nothing else."""

from __future__ import annotations

import base64
import json
import os
import re
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from support_app import CONFIGURATION
from support_operator import REPOSITORY

from image_context import LOCK, bill_of_materials
from testcluster.app_image import EPOCH, AppImage, base_archive, build
from testcluster.cluster import Cluster
from testcluster.pods import RESTRICTED

pytestmark = pytest.mark.timeout(1200)

MOST_BYTES = 400 * 10**6  # unpacked; a registry keeps about a third of it
FORBIDDEN = (
    "apt",
    "apt-get",
    "pip",
    "pip3",
    "perl",
    "gcc",
    "cc",
    "make",
    "git",
    "curl",
    "wget",
    "uv",
)


@pytest.fixture(scope="module")
def contents(
    app_image: AppImage,
) -> tuple[dict[str, Any], dict[str, tarfile.TarInfo], dict[str, bytes]]:
    """The configuration, every entry of the layers by path, and the texts that tests read."""
    entries: dict[str, tarfile.TarInfo] = {}
    texts: dict[str, bytes] = {}
    with tarfile.open(app_image.archive) as archive:

        def member(name: str) -> Any:
            found = archive.extractfile(name)
            assert found is not None
            return found

        (manifest,) = json.load(member("manifest.json"))
        config = json.load(member(manifest["Config"]))
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=member(layer)) as tar:
                for entry in tar:
                    path = entry.name.removeprefix("./")
                    entries[path] = entry
                    if path.endswith("sbom.cdx.json"):
                        texts[path] = tar.extractfile(entry).read()  # type: ignore[union-attr]
    return config, entries, texts


def test_equal_inputs_give_an_equal_image(app_image: AppImage, tmp_path: Path) -> None:
    assert build(base_archive(), tmp_path / "again.tar") == app_image.digest


def test_it_runs_as_nobody_special_and_has_nothing_to_build_with(contents: Any) -> None:
    config, entries, _ = contents
    assert config["config"]["User"] == "10001:10001"
    assert config["config"]["Entrypoint"] == ["python3", "-m", "barberpro_app"]
    programs = {
        Path(path).name for path in entries if path.startswith(("usr/bin/", "usr/sbin/", "bin/"))
    }
    assert "python3" in programs
    assert programs.isdisjoint(FORBIDDEN)
    assert [path for path, entry in entries.items() if entry.isfile() and entry.mode & 0o6000] == []
    writable = [
        p
        for p, e in entries.items()
        if p.startswith("opt/barberpro/") and e.mode & 0o022 and not e.issym()
    ]
    assert writable == []


def test_it_is_small_and_has_its_byte_code(contents: Any) -> None:
    _, entries, _ = contents
    assert sum(entry.size for entry in entries.values()) < MOST_BYTES
    sources = [p for p in entries if p.startswith("opt/barberpro/app/") and p.endswith(".py")]
    compiled = [p for p in entries if p.startswith("opt/barberpro/app/") and p.endswith(".pyc")]
    assert len(compiled) == len(sources) > 100
    assert {entry.mtime for path, entry in entries.items() if path.startswith("opt/")} == {
        int(EPOCH)
    }


def test_its_bill_of_materials_lists_what_is_in_it(contents: Any) -> None:
    _, entries, texts = contents
    bill = json.loads(texts["usr/share/barberpro/sbom.cdx.json"])
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = {(c["name"].lower().replace("_", "-"), c["version"]) for c in bill["components"]}
    found = set()
    for path in entries:
        parts = path.split("/")
        if path.startswith("opt/barberpro/site/") and parts[3].endswith(".dist-info"):
            name, _, version = parts[3].removesuffix(".dist-info").rpartition("-")
            found.add((name.lower().replace("_", "-").replace(".", "-"), version))
    assert {(name.replace(".", "-"), version) for name, version in listed} == found
    assert all(component["hashes"] for component in bill["components"])


def test_the_lock_of_the_image_is_part_of_the_lock_of_all() -> None:
    pinned = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.M)
    everything = dict(
        pinned.findall((REPOSITORY / "requirements.lock").read_text(encoding="utf-8"))
    )
    image = dict(pinned.findall(LOCK.read_text(encoding="utf-8")))
    assert image.items() <= everything.items(), "run scripts/lock.sh"
    project = tomllib.loads((REPOSITORY / "app/pyproject.toml").read_text(encoding="utf-8"))
    for requirement in project["project"]["dependencies"]:
        name = re.split(r"[\[><=; ]", requirement, maxsplit=1)[0]
        assert name.lower() in image, f"{name}: run scripts/lock.sh"
    assert bill_of_materials("3.11", "x86_64") == bill_of_materials("3.11", "x86_64")


def test_it_works_in_a_pod_that_may_do_nothing_else(
    node_cluster: Cluster, app_image: AppImage
) -> None:
    node_cluster.import_image(app_image.archive)
    node_cluster.kubectl("create", "namespace", "image")
    node_cluster.kubectl(
        "label", "namespace", "image", "pod-security.kubernetes.io/enforce=restricted"
    )
    node_cluster.apply(yaml.safe_dump_all(_deployment(app_image)))
    node_cluster.kubectl(
        "wait",
        "--for=jsonpath={.status.phase}=Succeeded",
        "pod/lists",
        "-n",
        "image",
        "--timeout=120s",
    )
    listed = json.loads(node_cluster.kubectl("logs", "lists", "-n", "image"))
    assert {"api-gateway", "booking"} <= {service["name"] for service in listed["services"]}
    node_cluster.kubectl(
        "wait", "--for=condition=Ready", "pod/serves", "-n", "image", "--timeout=120s"
    )
    place = "/api/v1/namespaces/image/pods/serves:8080/proxy"
    answer = json.loads(node_cluster.kubectl("get", "--raw", f"{place}/health"))
    assert answer["status"] == "ok"
    assert (
        node_cluster.run("kubectl", "get", "--raw", f"{place}/ready").returncode != 0
    )  # no database
    written = node_cluster.run(
        "kubectl", "exec", "serves", "-n", "image", "--", "touch", "/opt/barberpro/x"
    )
    assert "Read-only file system" in written.stderr
    node_cluster.kubectl(
        "delete", "pod", "serves", "-n", "image", "--timeout=60s"
    )  # ends on SIGTERM


def _deployment(image: AppImage) -> list[dict[str, Any]]:
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "app", "namespace": "image"},
        "data": {"app.json": json.dumps(CONFIGURATION)},
    }
    key = base64.b64encode(os.urandom(32)).decode()
    url = "postgresql://nobody@127.0.0.1:1/none"
    values = {"database-url": url, "database-owner-url": url, "session-key": key, "token-key": key}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "app", "namespace": "image"},
        "stringData": values,
    }
    serves = _pod(
        image, "serves", [],
        env=[{"name": "BARBERPRO_APP_CONFIG", "value": "/config/app.json"}, {"name": "BARBERPRO_SECRETS_DIR", "value": "/secrets"}],
        volumeMounts=[{"name": "config", "mountPath": "/config"}, {"name": "secrets", "mountPath": "/secrets"}],
        readinessProbe={"httpGet": {"path": "/health", "port": 8080}, "periodSeconds": 1},
    )  # fmt: skip
    serves["spec"]["volumes"] = [
        {"name": "config", "configMap": {"name": "app"}},
        {"name": "secrets", "secret": {"secretName": "app", "defaultMode": 0o400}},
    ]
    serves["spec"]["securityContext"] = {"fsGroup": 10001}
    return [config, secret, _pod(image, "lists", ["services"]), serves]


def _pod(image: AppImage, name: str, words: list[str], **more: Any) -> dict[str, Any]:
    container = {
        "name": "app", "image": image.tag, "imagePullPolicy": "Never", "securityContext": RESTRICTED,
        "resources": {"limits": {"memory": "512Mi"}}, **({"args": words} if words else {}), **more,
    }  # fmt: skip
    metadata = {"name": name, "namespace": "image"}
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "containers": [container],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

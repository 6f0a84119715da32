"""The same platform for an ordinary user: where the tests run as root, they become one."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support_app import free_port
from support_local import stand_in_app

from barberpro.targets.local.layout import enterable

ACCOUNT = "nobody"
ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, os, sys
from pathlib import Path
from support_local import bring_up, local_plan, processes_of
from barberpro.targets.local.platform import LocalPlatform
from barberpro.targets.local.target import LocalTarget

platform = LocalPlatform.open()
target = LocalTarget(platform, Path(sys.argv[1]))
plan = local_plan("barbershop-palermo")
bring_up(target, plan, 1)
target.activate(plan, 1)
answer = platform.edge().get("barbershop-palermo.localhost", "/ready")
owners = sorted({process.username() for process in processes_of(platform)})
target.stop(plan.deployment_id)
target.start(plan.deployment_id)
again = platform.edge().get("barbershop-palermo.localhost", "/ready")
target.destroy(plan.deployment_id, keep_backup=True)
settled = platform.settle(remove=True).detail
print(json.dumps({
    "status": [answer.status, again.status], "owners": owners, "settled": settled,
    "left": sorted(entry.name for entry in platform.layout.home.iterdir()),
    "cluster": str(platform.layout.cluster), "home": str(platform.layout.home),
    "run": [str(platform.layout.run), platform.layout.run.exists()],
    "processes": len(processes_of(platform)),
}))
"""


@pytest.fixture(scope="module")
def environment() -> Iterator[Path]:
    """An environment that the account can enter: this one's packages beside a Python of the system."""
    if os.geteuid() != 0:
        pytest.skip("the other tests run as an ordinary user already")
    python = Path("/usr/bin/python3")
    if not python.exists():
        pytest.skip("no Python outside root's home")
    found = subprocess.run(
        [python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    if found.stdout.split() != [str(part) for part in sys.version_info[:2]]:
        pytest.skip(f"the system's Python is {found.stdout.strip()}, the packages are for another")
    folder = Path(tempfile.mkdtemp(prefix="bp-user-"))
    folder.chmod(0o755)
    made = folder / "environment"
    subprocess.run([python, "-m", "venv", "--without-pip", made], check=True)
    here = Path(sys.prefix)
    site = next(here.glob("lib/python*/site-packages"))
    shutil.copytree(
        site, next(made.glob("lib/python*/site-packages")), dirs_exist_ok=True,
        copy_function=_link, ignore=shutil.ignore_patterns("playwright", "mypy*"),
    )  # fmt: skip
    _link(str(here / "bin" / "caddy"), str(made / "bin" / "caddy"))
    for part in ("platform/src", "tests/support"):
        shutil.copytree(ROOT / part, folder / part)
    yield folder
    shutil.rmtree(folder)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


@pytest.mark.parametrize("name", ["home", "una casa; 50% #ñ"])
def test_an_ordinary_user_deploys_and_destroys(environment: Path, name: str) -> None:
    account = pwd.getpwnam(ACCOUNT)
    app = environment / name / "app"
    if not app.exists():
        stand_in_app(app)
    user_home = environment / name / "user"
    user_home.mkdir()
    os.chown(user_home, account.pw_uid, account.pw_gid)
    user_home.chmod(0o700)
    settings = {
        "PATH": os.defpath,
        "HOME": str(user_home),
        "PYTHONPATH": f"{environment / 'platform/src'}:{environment / 'tests/support'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "BARBERPRO_HTTPS_PORT": str(free_port()),
        "BARBERPRO_SMTP_PORT": str(free_port()),
    }
    ran = subprocess.run(
        [environment / "environment/bin/python", "-c", SCRIPT, app / "barberpro_app"],
        user=account.pw_uid, group=account.pw_gid, extra_groups=[], umask=0o022, env=settings,
        cwd="/", capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout.splitlines()[-1])
    assert said["status"] == [200, 200]
    assert said["owners"] == [ACCOUNT]
    assert said["home"] == str(user_home / ".local/share/barberpro")
    assert said["cluster"] == said["home"] + "/postgresql"
    assert said["left"] == ["backups"]
    assert said["run"][1] is False
    assert said["processes"] == 0
    assert not enterable(user_home)

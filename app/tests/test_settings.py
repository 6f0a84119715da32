"""The configuration is read strictly, and what is wrong with it is said in one message."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barberpro_app.kit.errors import ConfigurationError
from barberpro_app.settings import Secrets, load_settings, read_configuration

MINIMUM: dict[str, Any] = {
    "schema_version": 1,
    "deployment_id": "shop",
    "brand": {"name": "Shop"},
    "vertical": "barbershop",
    "public_url": "https://shop.localhost:8443",
}


def written(folder: Path, content: object) -> Path:
    path = folder / "app.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_the_documented_example_is_valid(tmp_path: Path) -> None:
    document = Path(__file__).parents[2] / "docs/reference/app-contract.md"
    example = document.read_text(encoding="utf-8").split("```json\n")[1].split("```")[0]
    app = read_configuration(written(tmp_path, example))
    assert app.mail is not None
    assert app.mail.sender == "turnos@barbershop-palermo.localhost"
    assert app.zone.key == "America/Argentina/Buenos_Aires"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shceme": 1}, "shceme"),
        ({"schema_version": 2}, "schema_version"),
        ({"timezone": "America/Springfield"}, "timezone"),
        ({"brand": {"name": "x", "primary_color": "red"}}, "brand.primary_color"),
        ({"policies": {"hold_minutes": "10"}}, "policies.hold_minutes"),
        ({"policies": {"slot_minutes": 0}}, "policies.slot_minutes"),
        ({"public_url": "javascript:alert(1)"}, "public_url"),
        ({"deployment_id": "../x"}, "deployment_id"),
        ({"mail": {"host": "h", "port": 70000, "from": "x"}}, "mail.port"),
    ],
)
def test_a_wrong_key_is_named_with_its_path(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = written(tmp_path, MINIMUM | change)
    with pytest.raises(ConfigurationError) as refused:
        read_configuration(path)
    assert str(path) in str(refused.value)
    assert f"mend: {said}" in str(refused.value)


@given(st.text() | st.recursive(st.integers() | st.text(), st.lists).map(json.dumps))
def test_whatever_the_file_holds_the_error_is_ours(content: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "app.json"
        path.write_bytes(content.encode("utf-8", "surrogatepass"))
        with pytest.raises(ConfigurationError):
            read_configuration(path)


def test_secrets_are_read_from_files_and_never_show_themselves(tmp_path: Path) -> None:
    (tmp_path / "database-url").write_text("postgresql://app:hunter2@/x\n")
    (tmp_path / "token-key").write_text(base64.b64encode(bytes(32)).decode())
    (tmp_path / "session-key").write_text("c2hvcnQ=")
    secrets = Secrets(tmp_path)
    assert secrets.database_url == "postgresql://app:hunter2@/x"
    assert "hunter2" not in repr(secrets.text("database-url")) + str(secrets.text("database-url"))
    assert secrets.key("token-key") == bytes(32)
    assert secrets.optional("smtp-password") is None
    for name in ("session-key", "missing"):
        with pytest.raises(ConfigurationError) as refused:
            secrets.key(name)
        assert name in str(refused.value)
        assert "c2hvcnQ" not in str(refused.value)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "BARBERPRO_APP_CONFIG"),
        ({"BARBERPRO_REVISION": "one"}, "BARBERPRO_REVISION"),
        ({"BARBERPRO_LOG_LEVEL": "loud"}, "BARBERPRO_LOG_LEVEL"),
        ({"BARBERPRO_APP_CONFIG": "/nowhere/app.json"}, "/nowhere/app.json"),
    ],
)
def test_a_wrong_environment_is_named(variables: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load_settings(variables)


def test_settings_of_a_process(tmp_path: Path) -> None:
    variables = {
        "BARBERPRO_APP_CONFIG": str(written(tmp_path, MINIMUM)),
        "BARBERPRO_SECRETS_DIR": str(tmp_path),
        "BARBERPRO_REVISION": "7",
        "BARBERPRO_LOG_LEVEL": "debug",
    }
    settings = load_settings(variables)
    assert (settings.revision, settings.log_level, settings.app.vertical) == (
        7,
        "debug",
        "barbershop",
    )

"""Each mistake in a catalog is told with its file, line and key, what was found and what was expected."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from barberpro.catalog.loader import parse_catalog
from barberpro.catalog.problems import SHOWN, CatalogError
from barberpro.errors import ExitCode

CATALOG = Path(__file__).resolve().parents[2] / "catalog"
TEXTS = {
    path.relative_to(CATALOG).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(CATALOG.rglob("*.yaml"))
}
VERTICAL = "verticals/dental/vertical.yaml"
SEED = "verticals/dental/seed.yaml"
WORDS = "verticals/dental/words.yaml"
AWS = "providers/aws.yaml"
COSTS = "policies/costs.yaml"
LAW = "controls/clinical-records.yaml"


def failure(texts: dict[str, str]) -> CatalogError:
    with pytest.raises(CatalogError) as caught:
        parse_catalog(texts)
    assert caught.value.exit_code == ExitCode.USAGE
    return caught.value


def changed(file: str, old: str, new: str) -> dict[str, str]:
    assert old in TEXTS[file], f"{old!r} is not in {file}"
    return {**TEXTS, file: TEXTS[file].replace(old, new, 1)}


def line_of(file: str, text: str) -> int:
    return next(n for n, line in enumerate(TEXTS[file].splitlines(), 1) if text in line)


@pytest.mark.parametrize(
    ("file", "old", "new", "key", "expected"),
    [
        # wrong types
        (VERTICAL, "cpu_multiplier: 1.3", "cpu_multiplier: many", "resource_allocation.cpu_multiplier",
         "found the text 'many', expected a number"),
        (VERTICAL, "cpu_multiplier: 1.3", "cpu_multiplier: 0", "resource_allocation.cpu_multiplier",
         "found the number 0, expected greater than 0"),
        (VERTICAL, "odontogram: true", "odontogram: yes", "features.odontogram",
         "found the text 'yes', expected true or false"),
        (VERTICAL, "hold_minutes: 10", "hold_minutes: '10'", "policies.hold_minutes",
         "found the text '10', expected a whole number"),
        (VERTICAL, "hold_minutes: 10", "hold_minutes: 10.5", "policies.hold_minutes",
         "found the number 10.5, expected a whole number"),
        (VERTICAL, "hold_minutes: 10", "hold_minutes:", "policies.hold_minutes",
         "found nothing, expected a whole number"),
        (VERTICAL, "methods: [cash, transfer, mercado-pago]", "methods: cash", "payments.methods",
         "found the text 'cash', expected a list"),
        (VERTICAL, "methods: [cash, transfer, mercado-pago]", "methods: [cash, gold]", "payments.methods[1]",
         "found the text 'gold', expected 'cash', 'transfer', 'card' or 'mercado-pago'"),
        (VERTICAL, 'primary_color: "#0b5c8a"', "primary_color: blue", "brand.primary_color",
         "found the text 'blue', expected text that matches ^#[0-9a-f]{6}$"),
        (VERTICAL, "data_retention_default: 7_years", "data_retention_default: 7", "compliance.data_retention_default",
         "found the number 7, expected text like 7_years"),
        ("markets.yaml", "cpu_cores: 32+", "cpu_cores: 32++", "cpu_cores",
         "expected a whole number like 16, or 32+"),
        ("markets.yaml", "cpu_cores: 32+", "cpu_cores: true", "cpu_cores",
         "found true, expected a whole number like 16, or 32+"),
        ("regions.yaml", "latency_target: 120ms", "latency_target: 120", "latency_target",
         "found the number 120, expected text like 80ms"),
        (COSTS, "threshold: 120%", "threshold: 120", "cost_alerts.daily_budget_exceeded.threshold",
         "found the number 120, expected text like 120%"),
        (COSTS, "cost_per_session: $0.50", "cost_per_session: 0.50", "cost_targets.psychology.cost_per_session",
         "found the number 0.5, expected text like $0.15"),
        (COSTS, "cost_per_session: $0.50", "cost_per_client: $0.50", "cost_targets.psychology.cost_per_client",
         "found an unknown key"),
        (AWS, 'usd_per_hour: "0.0672"', "usd_per_hour: 0.0672", "nodes[0].usd_per_hour",
         'expected text like "0.0416" (text, in quotes)'),
        (AWS, 'as_of: "2026-11-24"', 'as_of: "2026-11-31"', "as_of", "found the text '2026-11-31'"),
        # unknown keys suggest the nearest
        (VERTICAL, "hold_minutes: 10", "hold_minute: 10", "policies.hold_minute",
         "found an unknown key, did you mean hold_minutes?"),
        (SEED, "buffer_after: 10", "buffer_afters: 10", "services[0].buffer_afters",
         "did you mean buffer_after?"),
        (SEED, 'from: "09:00"', 'from_: "09:00"', "providers[0].hours[0].from_", "did you mean from?"),
        ("policies/scaling.yaml", "cpu_threshold: 75", "cpu_treshold: 75",
         "auto_scaling_policies.database.read_replicas.cpu_treshold", "did you mean cpu_threshold?"),
        ("policies/scaling.yaml", "resource_limits:", "resource_limit:", "resource_limit",
         "did you mean resource_limits?"),
        ("markets.yaml", "enterprise_market:", "enterprise:", "enterprise", "expected <name>_market"),
        (LAW, "    severity: blocking", "    id: X", "id", "the id is the key above"),
        # references
        (SEED, "providers: [gabriela, ezequiel, valeria, ramiro]", "providers: [gabriela, ezekiel]",
         "services[0].providers[1]", "found 'ezekiel', expected one of: ezequiel, gabriela"),
        (SEED, "locations: [ciudad]", "locations: [centro]", "providers[2].locations[0]",
         "found 'centro', expected one of: ciudad, godoy-cruz"),
        (SEED, "key: limpieza", "key: consulta", "services", "found the key 'consulta' twice"),
        (SEED, 'to: "17:00"', 'to: "08:00"', "providers[0].hours[0]", "expected an end after the beginning"),
        (SEED, '["13:00", "14:00"]', '["16:30", "17:30"]', "providers[0].hours[0].breaks[0]",
         "expected breaks in order within 09:00 to 17:00"),
        (SEED, "weekdays: [6]", "weekdays: [4]", "providers[1].hours[1]", "found hours on weekday 4 that overlap"),
        (SEED, 'from: "09:00"', 'from: "9:00"', "providers[0].hours[0].from", "found the text '9:00'"),
        (SEED, "weekdays: [6]", "weekdays: [0]", "providers[1].hours[1].weekdays[0]",
         "found the number 0, expected greater than or equal to 1"),
        (VERTICAL, 'primary_color: "#0b5c8a"', 'primary_color: "#c9a227"', "brand.primary_color",
         "with white, expected at least 4.5"),
        (VERTICAL, "- odontogram_service", "- booking", "specialized_services",
         "found 'booking', which is a base service"),
        (VERTICAL, "- odontogram_service", "- treatment_plan_service", "specialized_services",
         "found 'treatment-plan-service' twice"),
        (VERTICAL, "traits: [health-data, clinical-records, minors]", "traits: [minors]", "compliance.traits",
         "expected it with gdpr_article_9"),
        (VERTICAL, "vertical: dental", "vertical: dentist", "vertical", "expected 'dental', the name of the place"),
        (VERTICAL, "en: Dentistry}", "}", "name", "expected the same text in en too"),
        (AWS, "default_location: us-east-1-bue-1a", "default_location: bue-1a", "default_location",
         "found 'bue-1a', expected one of: us-east-1-bue-1a, sa-east-1"),
        (AWS, "control_plane_adequacy: not-adequate", "control_plane_adequacy: domestic",
         "locations.us-east-1-bue-1a.control_plane_adequacy", "expected 'not-adequate' for US"),
        (COSTS, "  dental:", "  dentall:", "cost_targets.dentall", "expected the id of a vertical"),
        ("policies/compliance.yaml", "applies_to: [psychology, dental]", "applies_to: [psychology, dentist]",
         "healthcare_compliance.applies_to[1]", "expected the id of a vertical"),
        (LAW, "applies_to: [psychology]", "applies_to: [psicology]", "applies_to[0]", "expected one of: all"),
        (LAW, "    check: clinical-access\n", "", "check", "expected the name of a check if kind is check"),
        ("policies/contacts.yaml", "09:00 - 18:00 ART", "9 to 18", "business_hours.argentina_standard_time",
         "expected hours like 09:00 - 18:00 ART"),
        ("policies/contacts.yaml", "Sundays 02:00 - 06:00 ART", "Sundays 06:00 - 02:00 ART",
         "business_hours.planned_maintenance", "expected a window like Sundays 02:00 - 06:00 ART"),
        # syntax
        (VERTICAL, "hold_minutes: 10", "hold_minutes: 10\n  hold_minutes: 15", "policies.hold_minutes",
         "found the key twice, expected it once"),
        (VERTICAL, "  hold_minutes: 10", "\thold_minutes: 10", "", "indent with spaces, not with tabs"),
        (VERTICAL, "hold_minutes: 10", "hold_minutes: [10", "", "not valid YAML"),
        (VERTICAL, "hold_minutes: 10", "hold_minutes: !!int 10", "policies.hold_minutes", "found the tag"),
        (VERTICAL, "hold_minutes: 10", "hold_minutes: &ten 10\n  slot: *ten", "policies.slot", "found the alias *ten"),
        (VERTICAL, "hold_minutes: 10", "? [a]\n  : 10", "policies", "found a list as a key"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(
    file: str, old: str, new: str, key: str, expected: str
) -> None:
    error = failure(changed(file, old, new))
    told = [str(problem) for problem in error.problems]
    found = [line for line in told if expected in line]
    assert found, told
    assert found[0].startswith(f"{file}:")
    assert f"{key}: " in found[0]
    assert str(error).splitlines()[0].startswith("the catalog is not valid (")


def test_the_line_is_the_one_of_the_mistake() -> None:
    texts = changed(VERTICAL, "hold_minutes: 10", "hold_minute: 10")
    lines = {str(p.mark) for p in failure(texts).problems}
    here = line_of(VERTICAL, "hold_minutes: 10")
    missing_from = line_of(VERTICAL, "policies:")
    assert lines == {f"{VERTICAL}:{here}", f"{VERTICAL}:{missing_from}"}


def test_all_mistakes_of_all_files_are_told_at_once() -> None:
    texts = changed(VERTICAL, "hold_minutes: 10", "hold_minutes: ten")
    texts[WORDS] = TEXTS[WORDS].replace("  agenda: diary\n", "")
    texts[SEED] = TEXTS[SEED].replace("minutes: 90", "minutes: 9000")
    told = str(failure(texts))
    assert "(3 problems)" in told
    assert f"{WORDS}:{line_of(WORDS, 'en:')}: en.agenda: found nothing, expected this key" in told


def test_a_long_list_is_cut() -> None:
    minutes = {**TEXTS}
    for file in [name for name in TEXTS if name.endswith("seed.yaml")]:
        minutes[file] = TEXTS[file].replace("buffer_before: 0", "buffer_before: none")
    error = failure(minutes)
    assert len(error.problems) == 29
    minutes["markets.yaml"] = TEXTS["markets.yaml"].replace(": ", ": x")
    told = str(failure(minutes))
    assert told.count("\n  ") <= SHOWN + 4
    assert "  and 19 more" in told


@pytest.mark.parametrize("file", [WORDS, SEED, COSTS])
def test_a_vertical_needs_words_seed_and_cost_target(file: str) -> None:
    texts = {name: text for name, text in TEXTS.items() if name != file}
    if file == COSTS:
        texts[COSTS] = TEXTS[COSTS].replace("  dental:", "  barber:").replace("$550", "$551")
    told = str(failure(texts))
    wanted = {WORDS: "no words.yaml", SEED: "no seed.yaml", COSTS: "no cost_targets.dental"}[file]
    assert f"{VERTICAL}:" in told
    assert wanted in told


def test_missing_sections_of_policies_are_named() -> None:
    texts = {name: text for name, text in TEXTS.items() if name != "policies/recovery.yaml"}
    told = str(failure(texts))
    assert "policies: recovery_procedures: found nothing, expected this key" in told
    assert "policies: database: found nothing, expected this key" in told


def test_an_unread_file_does_not_make_others_look_wrong() -> None:
    error = failure({**TEXTS, COSTS: "cost_targets: ["})
    assert [problem.mark.file for problem in error.problems] == [COSTS]


def test_nothing_at_all_is_refused() -> None:
    assert "policies" in str(failure({}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: " + "[" * 100_000, "levels"),
        ("a: " + "{b: " * 5_000, "levels"),
        ("&a [*a]", "found a list, expected a mapping"),
        ("a: &a [1]\nb: [*a, *a]", "alias"),
        ("a: [" + "1," * 120_000 + "]", "values"),
        ("- a\n- b\n", "found a list, expected a mapping of keys"),
        ("just text", "found a single value, expected a mapping of keys"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("# nothing\n", "empty file"),
        ("a: \x07", "not valid YAML"),
        ("a: 'x", "not valid YAML"),
        ("%YAML 9.9\n---\na: 1", "not valid YAML"),
        ("a: !!python/object/apply:os.system [ls]", "tag"),
        ("a: \ud800", "not valid YAML"),
        ("x" * 300_000, "characters"),
        ("<<: {a: 1}", "unknown key"),
    ],
)  # fmt: skip
def test_hostile_files_get_one_clear_message_soon(text: str, expected: str) -> None:
    started = time.process_time()
    error = failure({**TEXTS, "policies/hostile.yaml": text})
    assert time.process_time() - started < 2
    assert len(error.problems) == 1
    assert error.problems[0].mark.file == "policies/hostile.yaml"
    assert expected in error.problems[0].what


def test_numbers_and_words_of_yaml_1_1_are_no_trap() -> None:
    """``NO`` is Norway, ``12:30`` a time and ``1_000`` text; very long numbers do no harm."""
    texts = changed(VERTICAL, "odontogram: true", "odontogram: NO")
    assert "found the text 'NO', expected true or false" in str(failure(texts))
    texts = changed(VERTICAL, "hold_minutes: 10", "hold_minutes: 1_0")
    assert "found the text '1_0', expected a whole number" in str(failure(texts))
    texts = changed(VERTICAL, "hold_minutes: 10", f"hold_minutes: {'9' * 5000}")
    assert "expected a whole number" in str(failure(texts))


def test_loading_takes_less_than_80_milliseconds() -> None:
    def once() -> float:
        started = time.process_time()
        parse_catalog(TEXTS)
        return time.process_time() - started

    assert min(once() for _ in range(5)) < 0.08

"""What runs in production is what is written down: compose.yaml, deploy/, the image."""

import fnmatch
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest
import yaml
from click.testing import CliRunner

from adapters.addresses import networks
from adapters.keys import InstanceKey
from cli import main
from settings import PREFIX, Settings, load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
EXAMPLE = (DEPLOY / "darkroom.env.example").read_text()
ROLES = {"prepare", "api", "relay", "project", "react"}
SEAWEEDFS = {"seaweedfs-master", "seaweedfs-volume", "seaweedfs-filer", "seaweedfs-s3"}
SERVERS = {"postgres", "nats", "meilisearch", "clamav", "varnish", "caddy"} | SEAWEEDFS
FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}
SECRETS = {
    "DARKROOM_INSTANCE_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "DARKROOM_OBJECTS_SECRET_KEY": "0b5e",
    "POSTGRES_PASSWORD": "1c7f",
    "NATS_TOKEN": "7e10",
}


def filled_in() -> dict[str, str]:
    """The example as somebody has made it their own."""
    lines = (line for line in EXAMPLE.splitlines() if line and not line.startswith("#"))
    given = dict(line.split("=", 1) for line in lines)
    assert {name for name, value in given.items() if not value} == set(SECRETS)
    return given | SECRETS


def environment(role: str) -> dict[str, str]:
    """As `docker compose` would set it: the service's own words over .env."""
    env = filled_in()

    def resolve(found: re.Match[str]) -> str:
        return env.get(found["name"]) or found["default"]

    pattern = r"\$\{(?P<name>\w+):?-(?P<default>[^}]*)\}"
    own = SERVICES[role]["environment"].items()
    return env | {name: re.sub(pattern, resolve, value) for name, value in own}


def field(variable: str) -> str:
    return variable.removeprefix(PREFIX).lower()


def sources(service: str) -> list[str]:
    return [volume.split(":")[0] for volume in SERVICES[service].get("volumes", ())]


def test_every_part_is_there():
    assert set(SERVICES) == ROLES | SERVERS
    assert {name for name in SERVICES if "build" in SERVICES[name]} == ROLES
    assert all(SERVICES[role]["command"] == [role] for role in ROLES)


@pytest.mark.parametrize("role", sorted(ROLES))
def test_each_role_starts_with_the_example_filled_in(role):
    settings = load(environment(role))

    InstanceKey(settings.instance_key)
    assert settings.database_url.endswith(f"password={SECRETS['POSTGRES_PASSWORD']}")
    assert settings.nats_url == f"nats://{SECRETS['NATS_TOKEN']}@nats:4222"
    assert settings.objects_public_url.startswith("https://")


def test_the_example_names_settings_that_exist_with_the_defaults_that_they_have():
    optional = dict(re.findall(rf"^#({PREFIX}\w+)=(.*)$", EXAMPLE, re.M))
    assert len(optional) == EXAMPLE.count(f"\n#{PREFIX}")
    for name, value in optional.items():
        known = FIELDS[field(name)]
        assert msgspec.convert(value, known.type, strict=False) == known.default, name


def test_a_missing_setting_is_one_sentence():
    given = {"DARKROOM_DATABASE_URL": "host=nowhere"}
    result = CliRunner().invoke(main, ["status"], env=given, catch_exceptions=False)
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "nats_url" in result.output


def test_only_caddy_is_reachable_and_the_unguarded_are_among_themselves():
    assert [name for name in SERVICES if "ports" in SERVICES[name]] == ["caddy"]
    inside = {name for name, network in COMPOSE["networks"].items() if network.get("internal")}
    outside = {name for name in SERVICES if not set(SERVICES[name]["networks"]) <= inside}
    assert outside == {"api", "caddy", "clamav", "react"}
    assert {name for name in SERVICES if "storage" in SERVICES[name]["networks"]} == SEAWEEDFS
    for name in SEAWEEDFS - {"seaweedfs-s3"}:
        assert SERVICES[name]["networks"] == ["storage"]


def test_only_the_api_and_the_reactors_may_ban():
    assert {name for name in SERVICES if "origin" in SERVICES[name]["networks"]} == {
        "api",
        "react",
        "varnish",
    }
    network, bits = COMPOSE["networks"]["origin"]["ipam"]["config"][0]["subnet"].split("/")
    acl = re.search(r"acl origin \{(.*?)\}", (DEPLOY / "varnish.vcl").read_text(), re.S)
    assert acl
    assert re.findall(r'^\s*("\S+);$', acl[1], re.M) == [f'"{network}"/{bits}']


@pytest.mark.parametrize("name", sorted(ROLES | SERVERS))
def test_each_service_is_pinned_watched_bounded_and_confined(name):
    service = SERVICES[name]
    assert re.search(r":v?\d+(\.\d+)*(-\w+)?$", service["image"])
    assert service["restart"] == ("no" if name == "prepare" else "unless-stopped")
    assert "test" in service["healthcheck"] or name == "prepare"
    assert {"mem_limit", "pids_limit"} <= set(service)
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is (name != "clamav")


def test_what_is_mounted_exists_and_what_exists_is_used():
    mounted = {source for name in SERVICES for source in sources(name)}
    files = {source for source in mounted if source.startswith("./")}
    assert all((ROOT / file).is_file() for file in files)
    by_hand = {DEPLOY / it for it in ("darkroom.env.example", "grafana.json", "kubernetes.yaml")}
    assert {ROOT / file for file in files} == set(DEPLOY.iterdir()) - by_hand
    assert mounted - files == set(COMPOSE["volumes"])


def test_the_barrier_reaches_what_the_volume_server_writes():
    folder = SERVICES["api"]["environment"]["DARKROOM_OBJECTS_FOLDER"]
    assert SERVICES["api"]["volumes"] == [f"seaweedfs-volume:{folder}:ro"]
    assert SERVICES["seaweedfs-volume"]["volumes"] == ["seaweedfs-volume:/data"]
    # One filesystem: where Docker keeps its volumes, unless a volume says otherwise.
    assert not any(COMPOSE["volumes"].values())


def test_no_server_is_told_to_forget():
    command = " ".join(SERVICES["postgres"]["command"])
    for setting in ("fsync=on", "full_page_writes=on", "synchronous_commit=on"):
        assert f"-c{setting}" in command
    assert "--data-checksums" in SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"]
    for part in ("seaweedfs-filer", "seaweedfs-s3"):
        assert "-encryptVolumeData" in SERVICES[part]["command"]


def test_clamd_survives_bombs_and_lets_no_giant_pass():
    lines = (DEPLOY / "clamd.conf").read_text().splitlines()
    assert {
        "ScanImageFuzzyHash no",
        "AlertBrokenMedia no",
        "AlertExceedsMax yes",
        "StreamMaxLength 65M",
        "MaxScanTime 5000",
        "TCPSocket 3310",
    } <= set(lines)
    assert FIELDS["max_file_bytes"].default == 64 * 1024**2


def checked_by_nats(**given: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("nats-server")
    return subprocess.run(
        [program, "-t", "-c", DEPLOY / "nats.conf"],
        env={"PATH": os.environ["PATH"]} | given,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("token", ["7e10", "ab" * 32, "9" * 63 + "a"])
def test_nats_takes_its_configuration(token):
    assert "is valid" in checked_by_nats(NATS_TOKEN=token).stderr
    assert "sync_interval: always" in (DEPLOY / "nats.conf").read_text()


def test_nats_without_a_token_does_not_start():
    assert checked_by_nats().returncode != 0
    entrypoint = [part.replace("$$", "$") for part in SERVICES["nats"]["entrypoint"]]
    started = subprocess.run(entrypoint, env={"NATS_TOKEN": ""}, capture_output=True, text=True)
    assert "NATS_TOKEN" in started.stderr
    assert started.returncode != 0


@pytest.mark.parametrize("missing", ["S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_BUCKET"])
def test_seaweedfs_without_an_identity_does_not_start(missing):
    given = dict.fromkeys(("S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_BUCKET"), "ab") | {missing: ""}
    started = subprocess.run(
        ["sh", DEPLOY / "seaweedfs-s3.sh"], env=given, capture_output=True, text=True
    )
    assert missing in started.stderr
    assert started.returncode != 0


def test_the_image_is_pinned_and_its_user_is_nobody_special():
    dockerfile = (ROOT / "Dockerfile").read_text()
    bases = set(re.findall(r"^FROM (\S+)", dockerfile, re.M))
    assert len(bases) == 1
    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base) for base in bases)
    assert dockerfile.count("--require-hashes") == 2
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", dockerfile, re.M)


def test_the_package_holds_every_file_of_src():
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    modules = {f"{name}.py" for name in setuptools["py-modules"]}
    for file in (ROOT / "src").rglob("*"):
        place = file.relative_to(ROOT / "src")
        if file.is_dir() or "__pycache__" in place.parts or ".egg-info" in place.parts[0]:
            continue
        package = ".".join(place.parts[:-1])
        if file.suffix == ".py":
            assert package in setuptools["packages"] or place.name in modules, place
            continue
        patterns = setuptools["package-data"].get(package, ())
        assert any(fnmatch.fnmatch(place.name, pattern) for pattern in patterns), place


def test_the_proxies_are_believed_wherever_they_speak_from():
    """Varnish adds the address that Caddy has on their own network."""
    trusted = networks(environment("api")["DARKROOM_TRUSTED_PROXIES"])
    for name in ("edge", "front", "origin"):
        (subnet,) = networks(COMPOSE["networks"][name]["ipam"]["config"][0]["subnet"])
        assert any(subnet.subnet_of(network) for network in trusted), name

"""The manifests say of Darkroom what is true of it."""

from pathlib import Path

import yaml

from settings import load
from tests.deploy.test_compose import SECRETS

FILE = Path(__file__).parents[2] / "deploy" / "kubernetes.yaml"
ITEMS = yaml.safe_load(FILE.read_text())["items"]
ROLES = {"api", "relay", "project", "react"}


def of(kind):
    return {item["metadata"]["name"]: item for item in ITEMS if item["kind"] == kind}


def pods():
    return [item["spec"]["template"] for item in ITEMS if item["kind"] in ("Job", "Deployment")]


def test_each_role_is_a_deployment_that_may_lose_one_pod_at_a_time():
    deployments, budgets = of("Deployment"), of("PodDisruptionBudget")
    assert set(deployments) == set(budgets) == {f"darkroom-{role}" for role in ROLES}
    for name, deployment in deployments.items():
        labels = deployment["spec"]["selector"]
        assert deployment["spec"]["template"]["metadata"]["labels"] == labels["matchLabels"]
        assert budgets[name]["spec"] == {"maxUnavailable": 1, "selector": labels}
    assert {pod["spec"]["containers"][0]["args"][0] for pod in pods()} == ROLES | {"prepare"}


def test_darkroom_takes_what_the_manifests_set():
    [config], [secret] = of("ConfigMap").values(), of("Secret").values()
    settings = load(config["data"] | secret["stringData"] | SECRETS)
    assert not settings.objects_folder


def test_no_pod_gets_variables_that_darkroom_would_refuse():
    assert all(pod["spec"]["enableServiceLinks"] is False for pod in pods())


def test_every_pod_is_confined():
    for pod in pods():
        [container] = pod["spec"]["containers"]
        assert pod["spec"]["securityContext"]["runAsNonRoot"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}


def test_the_api_is_asked_and_scales():
    [api] = of("Deployment")["darkroom-api"]["spec"]["template"]["spec"]["containers"]
    probes = {name: api[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness")}
    assert probes == {"startup": "/health/ready", "liveness": "/health/live"}
    [scaler] = of("HorizontalPodAutoscaler").values()
    assert scaler["spec"]["scaleTargetRef"]["name"] == "darkroom-api"
    assert "replicas" not in of("Deployment")["darkroom-api"]["spec"]
    assert of("Service")["darkroom-api"]["spec"]["selector"] == {"app": "darkroom", "role": "api"}

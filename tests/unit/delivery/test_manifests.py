"""The manifests of Kubernetes."""

import re
import shutil
import subprocess
from secrets import token_hex
from typing import Any

import pytest
import yaml

from app.settings import BadSettings
from stack.image.engines import FILES_TARGET
from tasks.supervision.workers import MARGIN_S
from tests.unit.delivery.delivered import (
    ALWAYS,
    MIGRATE,
    REQUIRED,
    ROOT,
    TOOLS,
    WORKERS,
    commands,
    compose,
    default_settings,
    example,
    image,
    settings,
)

FOLDER = ROOT / "deploy" / "kubernetes"
SECRETS = "secret.example.yaml"

Manifest = dict[str, Any]


def read(name: str) -> list[Manifest]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


def kustomization() -> Manifest:
    return read("kustomization.yaml")[0]


def manifests(kind: str) -> dict[str, Manifest]:
    """What kustomize would apply of this kind, by name."""
    every = [manifest for name in kustomization()["resources"] for manifest in read(name)]
    return {one["metadata"]["name"]: one for one in every if one["kind"] == kind}


def pod(name: str) -> Manifest:
    """The template of the process's pods."""
    template: Manifest = (manifests("Deployment") | manifests("Job"))[name]["spec"]["template"]
    return template


def container(name: str) -> Manifest:
    (only,) = pod(name)["spec"]["containers"]
    return dict(only)


def plain_settings() -> dict[str, str]:
    text = (FOLDER / "settings.env").read_text(encoding="utf-8")
    return dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))


@pytest.mark.parametrize("version", ["1.29", "1.37"])
def test_the_manifests_fit_the_schemas_of_kubernetes(version: str) -> None:
    names = [*kustomization()["resources"], SECRETS]
    command = [str(TOOLS / "kubernetes-validate"), "--strict", "--kubernetes-version", version, *names]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # A kind without a schema is a warning to the tool.
    assert done.stdout.count(f"against version {version}\n") == sum(len(read(name)) for name in names), done.stdout


def test_the_schemas_catch_a_misspelt_field(tmp_path: Any) -> None:
    bad = (FOLDER / "api.yaml").read_text(encoding="utf-8").replace("readOnlyRootFilesystem", "readonlyRootFilesystem")
    (tmp_path / "api.yaml").write_text(bad, encoding="utf-8")
    command = [str(TOOLS / "kubernetes-validate"), "--strict", "api.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "readonlyRootFilesystem" in done.stdout) == (1, True)


def test_the_kustomization_has_every_file_but_the_secrets() -> None:
    (generated,) = kustomization()["configMapGenerator"]
    named = {*kustomization()["resources"], *generated["envs"], "kustomization.yaml", SECRETS}
    assert {file.name for file in FOLDER.iterdir()} == named


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_builds_them() -> None:
    done = subprocess.run(["kubectl", "kustomize", FOLDER], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built = list(yaml.safe_load_all(done.stdout))
    spaced = [one for one in built if one["kind"] != "Namespace"]
    assert {one["metadata"]["namespace"] for one in spaced} == {kustomization()["namespace"]}
    (generated,) = (one["metadata"]["name"] for one in built if one["kind"] == "ConfigMap")
    used = re.findall(r"configMapRef:\n +name: (\S+)", done.stdout)
    assert used == [generated] * len([MIGRATE, *ALWAYS])
    assert len(re.findall(r"image: registry\.example\.org/course-generation:", done.stdout)) == len(used)


def test_there_is_a_deployment_for_each_process_and_a_job_that_migrates() -> None:
    assert sorted(manifests("Deployment")) == sorted(ALWAYS)
    assert list(manifests("Job")) == [MIGRATE]


@pytest.mark.parametrize("name", [MIGRATE, *ALWAYS])
def test_a_pod_runs_what_the_composition_runs_within_the_same_memory(name: str) -> None:
    assert container(name)["command"] == commands()[name]
    memory = container(name)["resources"]["limits"]["memory"]
    assert memory.removesuffix("i") == compose()["services"][name]["deploy"]["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", [MIGRATE, *ALWAYS])
def test_a_pod_may_do_little(name: str) -> None:
    spec = pod(name)["spec"]
    user, group = map(int, image("USER")[0].value.split(":"))
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": group,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert (spec["automountServiceAccountToken"], spec["enableServiceLinks"]) == (False, False)
    assert spec["shareProcessNamespace"] is compose()["services"][name]["init"] is True
    mounts = {mount["mountPath"]: mount for mount in container(name)["volumeMounts"]}
    assert [mount for mount, how in mounts.items() if not how.get("readOnly")] == ["/tmp"]
    assert {mount["name"] for mount in mounts.values()} == {volume["name"] for volume in spec["volumes"]}


def test_only_the_stages_read_the_files_where_the_image_expects_them() -> None:
    mounted = [name for name in ALWAYS if "files" in {mount["name"] for mount in container(name)["volumeMounts"]}]
    assert mounted == ["worker"]
    (where,) = (mount["mountPath"] for mount in container("worker")["volumeMounts"] if mount["name"] == "files")
    assert where == image("ENV")[0].pairs()["FILES_ROOT"] == FILES_TARGET
    (claim,) = (volume for volume in pod("worker")["spec"]["volumes"] if volume["name"] == "files")
    assert claim["persistentVolumeClaim"]["claimName"] in manifests("PersistentVolumeClaim")


@pytest.mark.parametrize("name", ALWAYS)
def test_a_pod_has_time_to_end(name: str) -> None:
    waits = container(name).get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
    grace = float(plain_settings()["SHUTDOWN_GRACE_S"]) + MARGIN_S + float(waits[1])
    assert pod(name)["spec"]["terminationGracePeriodSeconds"] > grace


def test_pods_read_the_settings_and_secrets_that_there_are() -> None:
    secrets = {one["metadata"]["name"]: one["stringData"] for one in read(SECRETS)}
    (generated,) = kustomization()["configMapGenerator"]
    for name in [MIGRATE, *ALWAYS]:
        sources = container(name)["envFrom"]
        assert sources == [{"configMapRef": {"name": generated["name"]}}, {"secretRef": {"name": "secrets"}}]
        for variable in container(name).get("env", []):
            reference = variable["valueFrom"]["secretKeyRef"]
            assert reference["key"] in secrets[reference["name"]]
    assert [one["name"] for one in container(MIGRATE)["env"]] == list(secrets["migrate"]) == ["DATABASE_URL"]


def test_their_variables_are_settings_and_start_nothing_until_they_are_filled_in() -> None:
    (given,) = (one["stringData"] for one in read(SECRETS) if one["metadata"]["name"] == "secrets")
    every = plain_settings() | given
    assert set(every) <= set(example(with_defaults=True))
    assert not any(given.values())
    with pytest.raises(BadSettings) as caught:
        settings(every)
    assert set(caught.value.problems) == REQUIRED
    filled = {"DATABASE_URL": "postgresql://db/x", "REDIS_URL": "redis://cache", "JWT_SECRET": token_hex(32)}
    read_in = settings(every | filled)
    assert read_in.tier_claims == ("app_metadata.tier",)
    assert read_in.global_concurrency_limit == default_settings().global_concurrency_limit


def test_selectors_select_pods_that_there_are() -> None:
    labels = [pod(name)["metadata"]["labels"] for name in [MIGRATE, *ALWAYS]]
    assert len({tuple(one.items()) for one in labels}) == len(labels)
    for name in ALWAYS:
        assert manifests("Deployment")[name]["spec"]["selector"]["matchLabels"] == pod(name)["metadata"]["labels"]
    for name, budget in manifests("PodDisruptionBudget").items():
        assert budget["spec"]["selector"]["matchLabels"] == pod(name)["metadata"]["labels"]
        assert manifests("Deployment")[name]["spec"]["replicas"] > 1  # else no node could be drained
    (service,) = manifests("Service").values()
    assert service["spec"]["selector"] == pod("api")["metadata"]["labels"]


def test_the_api_is_reached_and_probed_at_its_port_and_the_workers_at_none() -> None:
    (port,) = container("api")["ports"]
    assert (port["name"], port["containerPort"]) == ("http", default_settings().port)
    (service,) = manifests("Service").values()
    assert [one["targetPort"] for one in service["spec"]["ports"]] == ["http"]
    probes = {kind: container("api")[f"{kind}Probe"]["httpGet"] for kind in ["startup", "liveness", "readiness"]}
    assert {kind: (probe["path"], probe["port"]) for kind, probe in probes.items()} == {
        "startup": ("/livez", "http"),
        "liveness": ("/livez", "http"),
        "readiness": ("/readyz", "http"),
    }
    for name in WORKERS:
        assert "ports" not in container(name)
        assert "livenessProbe" not in container(name)
        check = compose()["services"][name]["healthcheck"]["test"]
        assert ["CMD", *container(name)["readinessProbe"]["exec"]["command"]] == check


def test_the_console_is_reached_by_port_forwarding_alone() -> None:
    """Its probes run in the pod, on the loopback address where it listens."""
    assert "ports" not in container("console")
    assert not {"CONSOLE_HOST", "CONSOLE_PORT"} & {*plain_settings(), *image("ENV")[0].pairs()}
    probe = container("console")["livenessProbe"]["exec"]["command"]
    assert container("console")["startupProbe"]["exec"]["command"] == probe
    inside = compose()["services"]["console"]["healthcheck"]["test"][-1].replace("import os, sys", "import sys")
    port = default_settings().console_port
    assert probe == ["python", "-c", inside.replace("int(os.environ['CONSOLE_PORT'])", str(port))]

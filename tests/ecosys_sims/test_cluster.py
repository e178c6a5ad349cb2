"""Who may use the Dask cluster of an ensemble: its own process, or who holds the keys that the user gives."""

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from distributed import Client, LocalCluster
from distributed.security import Security

from ecosys_sims.ensemble import cluster
from ecosys_sims.ensemble.blocks import BlockTask
from ecosys_sims.ensemble.cluster import EnsembleError, Scheduler

from .conftest import ROOT


@pytest.fixture
def keys(tmp_path: Path) -> Scheduler:
    """Files of a certificate authority, a certificate and its key, and an address where nobody listens."""
    made = Security.temporary()
    files = {"ca.pem": made.tls_ca_file, "cert.pem": made.tls_client_cert, "key.pem": made.tls_client_key}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return Scheduler("tls://127.0.0.1:9", *(tmp_path / name for name in files))


@pytest.fixture
def threads_cluster(request: pytest.FixtureRequest) -> Iterator[LocalCluster]:
    """A scheduler that a user has started, in this process: `request.param` workers without TLS."""
    with LocalCluster(
        n_workers=request.param, processes=False, protocol="tcp://", dashboard_address="127.0.0.1:0"
    ) as started:
        yield started


def ports_of(process: psutil.Process) -> set[tuple[str, int]]:
    return {tuple(socket.laddr) for socket in process.net_connections() if socket.status == psutil.CONN_LISTEN}


def test_nobody_without_its_keys_can_use_a_local_cluster(tmp_path: Path) -> None:
    before = ports_of(psutil.Process())
    with cluster.local_cluster(1, tmp_path) as started, Client(started) as client:
        assert client.submit(sum, [1, 2]).result(timeout=30) == 3
        address = started.scheduler_address
        assert address.startswith("tls://127.0.0.1:")
        for other, security in ((address.replace("tls", "tcp"), None), (address, Security.temporary())):
            with pytest.raises(OSError, match=r"closed|certificate"):
                Client(other, timeout=5, security=security)
        here = psutil.Process()
        ports = set.union(*(ports_of(process) for process in (here, *here.children(recursive=True)))) - before
        assert len(ports) >= 4  # of scheduler, nanny and worker
        for host, port in ports:
            assert host == "127.0.0.1"
            with pytest.raises((urllib.error.HTTPError, OSError)):  # no page of Dask's, or no page at all
                urllib.request.urlopen(f"http://{host}:{port}/info/main/workers.html", timeout=5)


@pytest.mark.parametrize("threads_cluster", [0], indirect=True)
def test_a_scheduler_without_workers_says_so(
    threads_cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert cluster.CONNECT_SECONDS == 30
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.3)
    task = BlockTask(str(tmp_path), 0, 0, 1, {}, "/bin/true")
    address = threads_cluster.scheduler_address
    with pytest.raises(EnsembleError, match=rf"{address} has no workers after 0\.3 s; start some"):
        cluster.run_blocks([task], tmp_path, scheduler=Scheduler(address))
    assert "not encrypted: who can reach the scheduler can run programs as you" in caplog.text


def test_a_cluster_with_tls_is_used_with_the_files_of_its_keys(keys: Scheduler, tmp_path: Path) -> None:
    files = {"ca_file": keys.ca_file, "scheduler_cert": keys.certificate, "scheduler_key": keys.key}
    files |= {"worker_cert": keys.certificate, "worker_key": keys.key}
    files |= {"client_cert": keys.certificate, "client_key": keys.key}
    security = Security(require_encryption=True, **{f"tls_{name}": str(path) for name, path in files.items()})
    with LocalCluster(
        n_workers=1, processes=False, protocol="tls://", security=security, dashboard_address="127.0.0.1:0"
    ) as started:
        address = started.scheduler_address
        with cluster._client(tmp_path, 1, Scheduler(address, keys.ca_file, keys.certificate, keys.key)) as client:
            assert client.submit(sum, [3, 4]).result(timeout=30) == 7
        with (
            pytest.raises(EnsembleError, match=f"no Dask scheduler answers at {address}"),
            cluster._client(tmp_path, 1, Scheduler(address)),
        ):
            pass


@pytest.mark.parametrize("address", ["127.0.0.1:8786", "tcp://127.0.0.1:8786"])
def test_keys_need_an_address_that_is_encrypted(keys: Scheduler, address: str) -> None:
    with pytest.raises(EnsembleError, match="begins with tls://"):
        Scheduler(address, keys.ca_file, keys.certificate, keys.key).checked_address()


def test_keys_that_are_none_are_named(keys: Scheduler, tmp_path: Path) -> None:
    with pytest.raises(EnsembleError, match="both --tls-ca-file and --tls-cert"):
        Scheduler(keys.address, keys.ca_file).security()
    with pytest.raises(EnsembleError, match=r"--tls-key .*absent\.pem: cannot be read"):
        Scheduler(keys.address, keys.ca_file, keys.certificate, tmp_path / "absent.pem").security()
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(EnsembleError, match=r"--tls-key .*key\.pem: not the PEM files"):
        keys.security()


@pytest.mark.parametrize("address", ["nonsense", "quick://here:1", "tcp://here", "tcp://[", "http://127.0.0.1:9"])
def test_an_address_that_is_none_is_told_in_one_line_before_a_client_is_made(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "Client", None)
    with (
        pytest.raises(EnsembleError, match=r"not an address such as tls://host:8786") as error,
        cluster._client(tmp_path, 1, Scheduler(address)),
    ):
        pass
    assert "\n" not in str(error.value)


def test_options_of_keys_belong_to_a_scheduler(tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "scripts" / "gen_sims.py"), "--config", "c.yaml", "--out", str(tmp_path)]
    refused = subprocess.run([*script, "--tls-cert", "cert.pem"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "are for --scheduler" in refused.stderr

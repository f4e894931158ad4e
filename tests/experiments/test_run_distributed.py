"""`xmodal run`, launched as two processes: one record, written once, with the numbers of one process."""

import os
import socket
import subprocess
import sys

import pytest

from xmodal_lite import synthetic
from xmodal_lite.benchmarks import load
from xmodal_lite.experiments import RunStore, make_spec, run

CHANGES = {"steps": 6, "num_identities": 6, "lr": 0.005, "optimizer": "sgd", "checkpoint_every": 2}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return synthetic.write("rruff", tmp_path_factory.mktemp("synthetic") / "rruff", identities=24)


def launch(root, store, started_by, **changes):
    """Run the command in two processes that a function starts; return their exit codes and what they say."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    settings = [f"--set={name}={value}" for name, value in (CHANGES | changes).items()]
    command = ["-m", "xmodal_lite.cli", "run", "two-stream", "rruff", "--profile", "tiny"]
    command += ["--data-root", str(root), "--store", str(store), "--device", "cpu", *settings]
    started = [
        subprocess.Popen(
            [sys.executable, *launcher, *command],
            env={**os.environ, "OMP_NUM_THREADS": "1", **place},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for launcher, place in (started_by(rank, str(port)) for rank in (0, 1))
    ]
    try:
        said = [process.communicate(timeout=300) for process in started]
    finally:
        for process in started:
            process.kill()  # nothing happens to one that has ended
    return [process.returncode for process in started], said


def accelerate(rank, port):
    """Two machines of one process each, started as the guide says; a processor instead of its GPU."""
    options = ["--multi_gpu", "--num_machines", "2", "--machine_rank", str(rank), "--num_processes", "2"]
    options += ["--main_process_ip", "127.0.0.1", "--main_process_port", port]
    options += ["--mixed_precision", "no", "--dynamo_backend", "no"]  # else it warns that it takes these
    return ["-m", "accelerate.commands.launch", *options], {"ACCELERATE_USE_CPU": "true"}


def by_hand(rank, port):
    """Two processes with the variables that `accelerate launch` sets, whose own exit codes are seen."""
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    return [], place | {"RANK": str(rank), "LOCAL_RANK": str(rank)}


def test_two_processes_make_one_record_with_the_numbers_of_one(root, tmp_path):
    data, store = load("rruff", root), RunStore(tmp_path / "together")
    spec = make_spec("two-stream", data, protocol="A", profile="tiny", seed=0, overrides=CHANGES)
    codes, said = launch(root, store.root, accelerate)
    assert codes == [0, 0], said
    assert "2 processes" in said[0][0]
    assert said[1][0] == ""
    alone, together = run(spec, data, RunStore(tmp_path / "alone")), store.record(spec)
    assert (together.processes, alone.processes) == (2, 1)
    assert together.losses == pytest.approx(alone.losses, rel=1e-3)
    assert together.step_flop == alone.step_flop
    assert together.metrics == pytest.approx(alone.metrics, abs=0.05)
    codes, said = launch(root, store.root, by_hand)  # the finishing time would differ
    assert (codes, store.record(spec)) == ([0, 0], together), said


def test_identities_that_two_processes_cannot_share_are_one_clear_error(root, tmp_path):
    codes, said = launch(root, tmp_path, by_hand, num_identities=5)
    assert set(codes) == {2}
    assert "error: 5 identities a step cannot be dealt out to 1 parts of 2 processes" in said[0][1]
    assert "Traceback" not in said[0][1] + said[1][1]

"""Two processes train what one trains: weights, statistics and losses agree to the tolerance of float64."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from xmodal_lite.errors import SpecError
from xmodal_lite.models import Batch
from xmodal_lite.models.distributed import CpuSyncBatchNorm, convert_sync_batchnorm
from xmodal_lite.training import Recipe
from xmodal_lite.training.step import _micro_batches

WORKER = Path(__file__).with_name("distributed_worker.py")


def start(arguments, rank, size, port):
    """Start one of several processes, as `accelerate launch` does: it sets these variables."""
    launched = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true"}
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, **(launched | place if size > 1 else {}), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What one process and two processes trained, by the case: two pairs of weights and log lines."""
    folders = [tmp_path_factory.mktemp(name) for name in ("alone", "together")]
    port = free_port()
    started = [start([WORKER, folders[0]], 0, 1, port)]
    started += [start([WORKER, folders[1]], rank, 2, port) for rank in range(2)]
    try:
        for process in started:
            told, _ = process.communicate(timeout=300)
            assert process.returncode == 0, told
    finally:
        for process in started:
            process.kill()  # nothing happens to one that has ended
    return {
        path.stem: [torch.load(folder / path.name, weights_only=True) for folder in folders]
        for path in folders[0].glob("*.pt")
    }


def assert_alike(alone, together):
    assert list(alone[0]) == list(together[0])
    for name, value in alone[0].items():
        torch.testing.assert_close(
            together[0][name], value, rtol=1e-9, atol=1e-10, msg=lambda m, n=name: f"{n}: {m}"
        )
    for one, other in zip(alone[1], together[1], strict=True):
        assert other == pytest.approx(one, rel=1e-9, abs=1e-10)


def test_two_processes_train_what_one_trains(outcomes):
    assert len(outcomes) >= 13
    for case, (alone, together) in outcomes.items():
        try:
            assert_alike(alone, together)
        except AssertionError as error:
            raise AssertionError(f"{case}: {error}") from error


def test_a_run_of_two_processes_that_broke_off_ends_where_the_whole_one_does(outcomes):
    whole, resumed = outcomes["two-stream spectra"][1], outcomes["resumed"][1]
    for name, value in whole[0].items():
        assert torch.equal(resumed[0][name], value), name


def test_parts_make_another_step(outcomes):
    """So that the case in parts tests something: batch norms and triplets see half of the identities."""
    whole, in_parts = outcomes["two-stream spectra"][0], outcomes["two-stream spectra in parts"][0]
    assert whole[1][0]["tri"] != pytest.approx(in_parts[1][0]["tri"], rel=1e-3)


class Processes:
    """What `_micro_batches` asks of an accelerator."""

    def __init__(self, index, count):
        self.process_index, self.num_processes = index, count


def batch(identities):
    labels = torch.arange(identities).repeat_interleave(2)
    rows = torch.arange(len(labels))
    return Batch(rows, rows, labels, labels > 0)


def recipe(**changes):
    return Recipe(steps=1, num_identities=8, num_instances=2, lr=0.1, **changes)


def test_processes_and_parts_hold_every_identity_once():
    shares = [
        _micro_batches(batch(8), recipe(grad_accumulation=2), Processes(index, 2))[part].labels.tolist()
        for part in range(2)
        for index in range(2)
    ]
    assert shares == [[0, 0, 1, 1], [2, 2, 3, 3], [4, 4, 5, 5], [6, 6, 7, 7]]


def test_one_process_and_one_part_see_the_batch_itself():
    whole = batch(8)
    assert _micro_batches(whole, recipe(), Processes(0, 1)) == [whole]


@pytest.mark.parametrize(("accumulate", "processes"), [(1, 3), (3, 1), (8, 1), (4, 4)])
def test_identities_that_cannot_be_dealt_out_evenly_are_refused(accumulate, processes):
    with pytest.raises(
        SpecError, match=r"8 identities a step cannot be dealt out.*set num_identities to a multiple"
    ):
        _micro_batches(batch(8), recipe(grad_accumulation=accumulate), Processes(0, processes))


def test_synced_norms_keep_names_parameters_and_what_is_shared():
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Sequential(torch.nn.BatchNorm2d(3)))
    model.append(model[1])
    before = dict(model.state_dict(keep_vars=True))
    convert_sync_batchnorm(model)
    assert isinstance(model[0], CpuSyncBatchNorm)
    assert model[2][0] is model[1][0]
    after = model.state_dict(keep_vars=True)
    assert list(after) == list(before)
    assert all(after[name] is value for name, value in before.items())

"""The command line: what a user types, what comes back, and one line for each mistake."""

import errno
import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image
from typer.testing import CliRunner

from xmodal_lite import benchmarks as benchmark_registry
from xmodal_lite import cli, synthetic
from xmodal_lite.experiments import provenance, resolve


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return str(synthetic.write("rruff", tmp_path_factory.mktemp("cli") / "rruff", identities=24))


def call(*arguments):
    """Run `xmodal ARGUMENTS` in this process."""
    return CliRunner().invoke(cli.app, list(arguments), catch_exceptions=True)


def error_of(monkeypatch, capsys, *arguments):
    """Run `xmodal ARGUMENTS` as the console script does, and return what it wrote to standard error."""
    monkeypatch.setattr(sys, "argv", ["xmodal", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    return capsys.readouterr().err


def test_lists_benchmarks_and_methods():
    shown = call("benchmarks").output
    assert "rruff" in shown and "marrnet" in shown and "kernel-ridge" in shown


def test_synthetic_then_check_then_run(tmp_path):
    folder = str(tmp_path / "rruff")
    assert "24 identities" in call("synthetic", "rruff", folder, "--identities", "24").output
    checked = call("check", "rruff", folder)
    assert checked.exit_code == 0 and "no problem found" in checked.output
    shown = call("run", "cosine", "rruff", "--data-root", folder, "--store", str(tmp_path / "runs"))
    assert shown.exit_code == 0
    assert "synthetic protocol A" in shown.output and "rank1" in shown.output


def test_check_tells_every_problem_and_fails(tmp_path):
    for name in ("raman", "infrared"):
        (tmp_path / name).mkdir()
    found = call("check", "rruff", str(tmp_path))
    assert found.exit_code == 1
    assert found.output.count("holds no .txt file") == 2


def test_changes_reach_the_run(tmp_path, root):
    changes = ["--set", "steps=3", "--set", "num_identities=4", "--set", 'model.losses=["id","tri"]']
    shown = call(
        "run",
        "marrnet",
        "rruff",
        "--profile",
        "tiny",
        "--data-root",
        root,
        "--store",
        str(tmp_path),
        *changes,
    )
    assert shown.exit_code == 0, shown.output
    (record,) = tmp_path.glob("*/record.json")
    assert '"steps": 3' in record.read_text()


def test_a_run_that_was_stored_already_says_so_and_by_which_code(tmp_path, root, monkeypatch):
    command = ("run", "cosine", "rruff", "--data-root", root, "--store", str(tmp_path))
    assert "stored already" not in call(*command).output
    again = call(*command).output
    assert again.startswith("stored already, finished ") and "other code" not in again
    monkeypatch.setattr(provenance, "CODE", "0ther")
    assert re.match(
        r"stored already, finished \S+ by other code \(\w{12}, now 0ther\):\n", call(*command).output
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "marnet", "rruff"), "unknown method 'marnet'"),
        (("run", "marrnet", "rruf"), "unknown benchmark 'rruf'"),
        (("run", "marrnet", "rruff", "--profile", "huge"), "unknown profile 'huge'"),
        (
            ("run", "marrnet", "rruff", "--set", "stepz=1"),
            "stepz: Extra inputs are not permitted; known: steps, num_identities, num_instances",
        ),
        (("run", "marrnet", "rruff", "--set", "steps"), "--set takes NAME=VALUE"),
        (("run", "marrnet", "rruff", "--data-root", "no/such/folder"), "no such folder"),
        (("synthetic", "rruf", "somewhere"), "no synthetic data set is called 'rruf'"),
        (("download", "sysu-mm01", "somewhere"), "cannot be downloaded"),
        (
            ("synthetic", "rruff", "somewhere", "--images", "4"),
            "--images is for synthetic data sets of images",
        ),
        (
            ("run", "cosine", "drawings", "--test", "mist"),
            "unknown test 'mist'; known: occlusion, disguise",
        ),
        (
            ("run", "cosine", "rruff", "--test", "corruption", "--profile", "tiny"),
            "has no change for spectra",
        ),
        (("run", "cca", "rruff", "--device", "gpu"), "unknown device 'gpu'; known: auto, cpu, cuda"),
        (("tables", "run", "marrnet-t9"), "unknown table 'marrnet-t9'"),
        (
            ("tables", "run", "marrnet-t1", "--profile", "paperr"),
            "unknown profile 'paperr'; known: tiny, demo, paper",
        ),
        (("tables", "run", "marrnet-t1", "--workers", "2"), "--workers is for '--scheduler local'"),
        (
            ("tables", "run", "marrnet-t1", "--workers", "2", "--scheduler", "127.0.0.1:9"),
            "--workers is for '--scheduler local'",
        ),
        (("tables", "run", "marrnet-t1", "--device", "tpu"), "unknown device 'tpu'; known: auto, cpu, cuda"),
        (
            ("tables", "run", "marrnet-t1", "--device", "cpu", "--scheduler", "127.0.0.1:9"),
            "--device cpu is of this machine, but the workers of 127.0.0.1:9 choose their own",
        ),
        (("tables", "show", "marrnet-t1", "--results", "no/such"), "there is no folder no/such"),
        (
            ("tables", "show", "mun-t1", "--source", "drawn"),
            "unknown source 'drawn'; known: real, synthetic",
        ),
    ],
)
def test_a_mistake_is_one_line(monkeypatch, capsys, arguments, message):
    error = error_of(monkeypatch, capsys, *arguments)
    assert message in error
    assert error.startswith("error: ") and "Traceback" not in error


@pytest.mark.parametrize(
    "command",
    [
        ("run", "marrnet", "rruff"),
        ("run", "cca", "rruff"),
        ("match", "query.txt", "--gallery", "folder", "--run", "zzz"),
        ("tables", "run", "marrnet-t1"),
    ],
)
def test_a_gpu_that_is_not_there_is_one_line(monkeypatch, capsys, command):
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "false")
    error = error_of(monkeypatch, capsys, *command, "--device", "cuda")
    assert error.startswith("error: CUDA is asked for, but torch finds no GPU that its CUDA 13.0 can use")


def test_the_processor_is_chosen_for_the_notebook_of_a_table(monkeypatch, tmp_path):
    monkeypatch.setenv("ACCELERATE_USE_CPU", "false")  # so that it is as before when the test is over
    seen = []
    monkeypatch.setattr(
        cli.experiments, "run_notebook", lambda *_: seen.append(os.environ["ACCELERATE_USE_CPU"])
    )
    monkeypatch.setattr(cli.experiments, "shown_markdown", lambda _: [])
    for device in ("auto", "cpu"):
        shown = call("tables", "run", "marrnet-t1", "--device", device, "--output", str(tmp_path))
        assert shown.exit_code == 0, shown.output
    assert seen == ["false", "true"]


@pytest.mark.parametrize(
    ("name", "place", "function"), [("rruff", Path, "write_bytes"), ("tufts", Image.Image, "save")]
)
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_synthetic_data_set_that_cannot_be_written_is_one_line(
    monkeypatch, capsys, tmp_path, name, place, function, number
):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(place, function, fail)
        options = ["--identities", "24", "--workers", "1"]
        error = error_of(patched, capsys, "synthetic", name, str(tmp_path / "full"), *options)
    assert error.startswith(f"error: {tmp_path / 'full'}: the synthetic data set cannot be written")
    assert os.strerror(number) in error and "xmodal synthetic" in error
    assert not list(tmp_path.iterdir())


def test_a_run_whose_synthetic_data_set_cannot_be_written_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").write_text(
        "a file where the folder of synthetic data sets should be"
    )  # fails for the superuser too
    error = error_of(monkeypatch, capsys, "run", "cosine", "rruff", "--profile", "tiny")
    assert error.startswith("error: ") and "the synthetic data set cannot be written ([Errno 17]" in error
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_an_unknown_protocol_is_one_line(monkeypatch, capsys, root):
    error = error_of(monkeypatch, capsys, "run", "cosine", "rruff", "--data-root", root, "--protocol", "C")
    assert "no protocol 'C'; known: A, B" in error


@pytest.mark.parametrize("command", [("run", "cosine", "rruff"), ("synthetic", "rruff", "somewhere")])
def test_a_seed_below_0_is_refused(command):
    refused = call(*command, "--seed", "-1")
    assert refused.exit_code == 2 and "Invalid value for '--seed'" in refused.output


@pytest.mark.parametrize(
    ("table", "options", "seeds"),
    [
        ("marrnet-t1", (), 5),
        ("agw-regdb", (), 5),  # on its synthetic data set
        ("agw-regdb", ("--data-root", "."), 10),
        ("agw-sysu", ("--data-root", "."), 5),
        ("agw-regdb", ("--data-root", ".", "--seeds", "2"), 2),
    ],
)
def test_a_table_takes_as_many_seeds_as_it_asks_for(monkeypatch, table, options, seeds):
    seen = []
    monkeypatch.setattr(
        cli.experiments, "run_notebook", lambda _, __, parameters: seen.append(parameters["seeds"])
    )
    monkeypatch.setattr(cli.experiments, "shown_markdown", lambda _: [])
    assert call("tables", "run", table, *options).exit_code == 0
    assert seen == [seeds]


def test_a_notebook_that_cannot_be_written_is_told_before_the_sweep(monkeypatch, capsys, tmp_path):
    pytest.importorskip("papermill")
    monkeypatch.setattr(cli.experiments, "sweep_table", lambda *_, **__: pytest.fail("the sweep was started"))
    (tmp_path / "file").write_text("not a folder")
    options = ["--scheduler", "local", "--output", str(tmp_path / "file" / "deep")]
    error = error_of(monkeypatch, capsys, "tables", "run", "marrnet-t1", *options)
    assert error.startswith(f"error: cannot write {tmp_path / 'file' / 'deep' / 'marrnet_t1.ipynb'}")
    assert "choose another folder" in error


def test_a_scheduler_that_is_not_there_is_one_line(monkeypatch, capsys, tmp_path, root):
    monkeypatch.setattr("xmodal_lite.experiments.workers.SECONDS", 1)
    options = ["--data-root", root, "--profile", "tiny", "--store", str(tmp_path)]
    error = error_of(
        monkeypatch, capsys, "tables", "run", "marrnet-t1", "--scheduler", "127.0.0.1:9", *options
    )
    assert error.splitlines()[-1].startswith("error: no Dask scheduler answers at 127.0.0.1:9")


def test_a_missing_notebook_is_told_before_anything_is_made(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    error = error_of(monkeypatch, capsys, "tables", "run", "marrnet-t1", "--scheduler", "127.0.0.1:9")
    assert "no notebook notebooks/tables/marrnet_t1.ipynb" in error
    assert not any(tmp_path.iterdir())


def test_tables_are_listed():
    assert "marrnet-t1" in call("tables", "list").output


@pytest.fixture(scope="module")
def run_folder(root, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    options = ["--profile", "tiny", "--data-root", root, "--store", str(store), "--set", "num_identities=4"]
    assert call("run", "contrastive", "rruff", *options, "--set", "steps=2").exit_code == 0
    return next(store.iterdir())


def test_a_run_matches_files_and_is_exported(run_folder, root, tmp_path):
    query = str(sorted(Path(root, "infrared").rglob("*.txt"))[0])
    figure = tmp_path / "matches.png"
    options = [query, "--gallery", f"{root}/raman", "--store", str(run_folder.parent), "-k", "3"]
    shown = call("match", *options, "--run", run_folder.name[:8], "--figure", str(figure))
    assert shown.exit_code == 0, shown.output
    assert "    1  " in shown.stdout and "    4  " not in shown.stdout
    assert "prediction sets at 90 %" in shown.stdout
    assert figure.stat().st_size > 1000
    written = call(
        "export", run_folder.name, "--to", str(tmp_path / "out"), "--store", str(run_folder.parent)
    )
    assert written.exit_code == 0, written.output
    for run in (run_folder, tmp_path / "out"):
        shown = call("match", *options, "--run", str(run), "--json", "--figure", "")
        found = json.loads(shown.stdout)
        assert found["query_modality"] == "infrared" and found["run"] == run_folder.name
        assert [match["rank"] for match in found["answers"][0]["matches"]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--run": "zzz"}, "is no folder, and no run in"),
        ({"--gallery": "no/such"}, "no such folder"),
        ({"--query-modality": "sketch"}, "unknown modality 'sketch'; this run knows Raman and infrared"),
        ({"--alpha": "1.5"}, "alpha must be between 0 and 1"),
        ({"--device": "tpu"}, "unknown device 'tpu'; known: auto, cpu, cuda"),
    ],
)
def test_a_mistake_in_matching_is_one_line(monkeypatch, capsys, run_folder, root, changes, message):
    query = str(sorted(Path(root, "infrared").rglob("*.txt"))[0])
    options = {"--gallery": f"{root}/raman", "--run": str(run_folder), "--figure": ""} | changes
    error = error_of(
        monkeypatch, capsys, "match", query, *(word for pair in options.items() for word in pair)
    )
    assert message in error
    assert error.startswith("error: ") and "Traceback" not in error


def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_space(tmp_path):
    """Files above some size cannot be written, which the system reports as it does a full disk."""
    root, store = synthetic.write("rruff", tmp_path / "rruff", identities=24), tmp_path / "runs"
    options = ["--data-root", str(root), "--profile", "tiny", "--store", str(store), "--set", "steps=6"]
    # -B: Python writes its own compiled files short without a word, and the whole environment is broken from then on
    command = [sys.executable, "-B", "-m", "xmodal_lite.cli", "run", "two-stream", "rruff", *options]

    def started(most_bytes=None):
        def limit():
            if most_bytes:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

        return subprocess.run(command, capture_output=True, text=True, preexec_fn=limit)

    data_full = started(10_000)
    assert data_full.returncode == 2 and "the prepared samples could not be written" in data_full.stderr
    benchmark_registry.load("rruff", root)
    store_full = started(10_000)
    assert store_full.returncode == 2 and "could not write" in store_full.stderr
    assert "free some space" in store_full.stderr
    for failed in (data_full, store_full):
        assert failed.stderr.splitlines()[-1].startswith("error: ") and "Traceback" not in failed.stderr
    assert not list(store.glob("*/checkpoint-*"))
    assert started().returncode == 0


def test_a_table_is_shown_as_its_page_shows_it():
    results = str(Path(__file__).resolve().parents[1] / "results")
    shown = call("tables", "show", "mun-t1", "--results", results)
    assert shown.exit_code == 0, shown.output
    assert (
        "xmodal tables run mun-t1 --data-root path/to/sysu-mm01" in shown.output
    )  # the real data: nothing but reported
    assert "Two-stream, CAJ augmentation" in shown.output and "not significant" in shown.output
    alone = call("tables", "show", "mun-t1", "--results", results, "--source", "synthetic")
    assert shown.output.endswith(alone.output) and len(alone.output) < len(shown.output)


def test_a_recipe_is_printed_before_a_run():
    shown = call(
        "recipe", "marrnet", "rruff", "--profile", "tiny", "--set", "loss_weights.adv=0", "--set", "lr=0.5"
    )
    assert shown.exit_code == 0, shown.output
    printed = yaml.safe_load(shown.output)
    recipe = resolve("marrnet", "rruff", "tiny", {"loss_weights.adv": 0, "lr": 0.5})
    assert printed == recipe.model_dump(mode="json")
    assert yaml.safe_load(call("recipe", "cca", "cufs").output)["image_size"] == [64, 64]


def test_an_older_name_of_the_command_for_synthetic_data_still_works_and_is_not_shown(tmp_path):
    assert call("standin", "rruff", str(tmp_path / "rruff"), "--identities", "6").exit_code == 0
    assert "standin" not in call("--help").output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("augment=null", "augment"),
        ("augment=3", "augment"),
        ("model.dims=2", "model: Value error, the data decide dims; leave it out"),
        ("model.num_classes=7", "the data decide num_classes; leave it out"),
        ("model.width=1000000", "width=1000000 is more than 4096"),
        ("model.samples=100000", "samples=100000 is more than 4096"),
        ("num_instances=100000", "samples a step in each modality, 16,384 are the most; take fewer"),
        ("num_identities=100000", "samples a step in each modality, 16,384 are the most; take fewer"),
        ("image_size=[100000, 64]", "image_size.0: Input should be less than or equal to 4096"),
        ("lr=NaN", "lr: Input should be"),
        ("steps=1.5", "steps: Input should be a valid integer"),
        ("model=[]", "model: Input should be a valid dictionary"),
    ],
)
@pytest.mark.parametrize("command", ["run", "recipe"])
def test_a_change_that_no_recipe_takes_is_one_line(monkeypatch, capsys, command, change, message):
    error = error_of(monkeypatch, capsys, command, "marrnet", "rruff", "--set", change)
    assert error.startswith("error: the recipe of 'marrnet' does not accept this") and message in error
    assert error.count("\n") == 1


LONG = "x" * 5000


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rruff", LONG),
        ("check", "regdb", LONG),
        ("synthetic", "rruff", LONG),
        ("run", "cosine", "rruff", "--data-root", LONG),
        ("run", "cosine", "folder", "--data-root", LONG),
        ("match", LONG, "--gallery", LONG, "--run", LONG),
        ("export", LONG, "--to", LONG),
        ("tables", "show", "marrnet-t1", "--results", LONG),
        ("tables", "run", "marrnet-t1", "--output", LONG),
        ("recipe", "cosine", "folder", "--data-root", LONG),
    ],
    ids=lambda arguments: " ".join(word[:10] for word in arguments),
)
def test_a_name_longer_than_the_file_system_takes_is_one_line(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "argv", ["xmodal", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    error = capsys.readouterr()
    assert stop.value.code in (1, 2)
    assert "Traceback" not in error.err and (error.err.startswith("error: ") or "PROBLEM" in error.out)


def test_control_characters_of_a_name_do_not_reach_the_terminal(monkeypatch, capsys, tmp_path):
    error = error_of(
        monkeypatch, capsys, "run", "cosine", "rruff", "--data-root", f"{tmp_path}/\x1b]0;title\x07"
    )
    assert "\\x1b]0;title\\x07" in error and "\x07" not in error

"""The page of one run: what it shows when the run is made, and that it is not made twice."""

import json

import pytest

from xmodal_lite import synthetic
from xmodal_lite.errors import SpecError
from xmodal_lite.experiments import run_report


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return str(synthetic.write("rruff", tmp_path_factory.mktemp("page") / "rruff", identities=24))


def test_a_run_is_made_once_and_shown_whole(root, tmp_path):
    changes = {"steps": 6, "num_identities": 6, "log_every": 2}
    options = {"data_root": root, "profile": "tiny", "protocol": "B", "changes": changes, "store": tmp_path}
    page = run_report("two-stream", "rruff", **options)
    assert run_report("two-stream", "rruff", **options) == page
    assert [line["step"] for line in page.history] == [2, 4, 6]
    shown = page.markdown()
    assert page.record.spec.hash in shown and page.record.code[:12] in shown and '"steps": 6' in shown
    assert "| Peak memory |" in shown and "rruff, synthetic" in shown
    assert "--protocol B --profile tiny --seed 0 --set 'steps=6'" in page.commands()
    assert "--data-root" not in page.commands()


def test_the_commands_of_real_data_name_a_root(root, tmp_path):
    page = run_report("cosine", "rruff", data_root=root, profile="tiny", store=tmp_path)
    real = page.record.spec.model_copy(update={"data": "real:0123456789ab"})
    page = type(page)(page.record.model_copy(update={"spec": real}), page.history)
    assert page.history == []
    assert "xmodal run cosine rruff --data-root path/to/rruff \\\n" in page.commands()


def test_a_change_is_written_as_the_command_line_reads_it(root, tmp_path):
    changes = {"steps": 2, "num_identities": 6, "model.losses": ["id"]}
    page = run_report("marrnet", "rruff", data_root=root, profile="tiny", changes=changes, store=tmp_path)
    text = page.commands().partition("--set 'model.losses=")[2].partition("'")[0]
    assert json.loads(text) == ["id"]


def test_a_wrong_name_is_told_before_any_data_is_made(tmp_path):
    with pytest.raises(SpecError, match="unknown method 'marnet'"):
        run_report("marnet", "rruff", folder=tmp_path / "data")
    assert not (tmp_path / "data").exists()

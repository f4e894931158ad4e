"""Writers that are killed: their workers end too, and the next writer removes what they left."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from xmodal_lite.files import is_synthetic
from xmodal_lite.synthetic import write

WRITER = """
import sys
from xmodal_lite.synthetic import write
if __name__ == "__main__":
    write("regdb", sys.argv[1], identities=100, images=10, workers=2)
"""


def children(pid: int) -> set[int]:
    """Processes that `pid` started and that run, by Linux' table of processes."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it has just ended
            continue
        if int(parent) == pid and state != "Z":
            found.add(int(stat.parent.name))
    return found


def wait_until(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads Linux' table of processes")
def test_the_workers_of_a_killed_writer_end_and_the_next_writer_leaves_the_whole_folder_alone(tmp_path):
    script, parent = tmp_path / "writer.py", tmp_path / "data"
    script.write_text(WRITER)
    parent.mkdir()
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    writer = subprocess.Popen([sys.executable, script, parent / "regdb"], env=environment)
    try:
        assert wait_until(lambda: any(parent.glob(".regdb.*.partial/Visible/*/*.bmp")), 60)
        workers = children(writer.pid)
        assert len(workers) >= 2
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert wait_until(lambda: not any(map(runs, workers)), 2)
    assert [path.suffix for path in parent.iterdir()] == [".partial"]
    root = write("regdb", parent / "regdb", identities=10, images=1)
    assert list(parent.iterdir()) == [root]
    assert is_synthetic(root) and len(list(root.glob("Visible/*/*.bmp"))) == 10


def test_a_marker_of_the_former_name_counts(tmp_path):
    assert not is_synthetic(tmp_path)
    (tmp_path / "standin.json").touch()
    assert is_synthetic(tmp_path)

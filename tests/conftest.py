"""Fixtures shared by all tests: where the real data lie, if they are on this machine at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

settings.register_profile("patient", deadline=None)  # a busy machine is slow, and no example is at fault
settings.load_profile("patient")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the thread count changes the last digits of a training run


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data sets beside the checkout; most machines lack it, as it may not be passed on."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the real spectra are not on this machine (no folder ../shared/data beside the checkout)")
    return folder


@pytest.fixture(scope="session")
def rruff_real(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with `raman/` and `infrared/`: about 5,800 real spectra as the RRUFF site's own text files."""
    script = SHARED / "tools" / "unpack_rruff.py"
    if not script.is_file() or not (shared_data / "rruff-raman-ir.npz").is_file():
        pytest.skip("the real spectra are not on this machine (../shared lacks the archive or its unpacker)")
    folder = tmp_path_factory.mktemp("rruff-real")
    subprocess.run([sys.executable, str(script), str(folder)], check=True)
    return folder

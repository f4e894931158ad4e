"""Records as a finished run would leave them, made up for tests of what reads them."""

import pytest

from xmodal_lite.experiments import RunRecord, RunSpec, resolve


@pytest.fixture
def make_record():
    def make(method="marrnet", seed=0, protocol="A", overrides=None, data="real:0123456789ab", **metrics):
        metrics = {name.replace("__", "/"): value for name, value in metrics.items()} or {"v2r/rank1": 0.25}
        spec = RunSpec(
            method=method,
            benchmark="rruff",
            data=data,
            protocol=protocol,
            profile="demo",
            seed=seed,
            overrides=overrides or {},
            recipe=resolve(method, "rruff", "demo", overrides or {}),
        )
        return RunRecord(
            spec=spec,
            protocol="a protocol, named in full",
            metrics=metrics,
            trials=[metrics],
            losses={"id": 0.5},
            parameters=10,
            fingerprint=spec.data.partition(":")[2] + "cdef",
            code="c0de",
            commit="",
            versions={"python": "3"},
            device="a processor",
            threads=1,
            seconds=1.0,
            peak_memory_mb=1.0,
            finished="2026-01-01T00:00:00Z",
        )

    return make

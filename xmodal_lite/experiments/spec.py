"""What a run is (`RunSpec`) and what it left behind (`RunRecord`), both validated and both JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    NonNegativeFloat,
    NonNegativeInt,
    model_validator,
)

from xmodal_lite.errors import SpecError
from xmodal_lite.experiments.recipes import resolve
from xmodal_lite.recipe import ClassicalRecipe, Recipe

if TYPE_CHECKING:
    from xmodal_lite.benchmarks.base import Benchmark
    from xmodal_lite.evaluation import Report

HASH_LENGTH = 16
Fraction = Annotated[float, Field(ge=0, le=1)]
Metrics = Annotated[dict[str, Fraction], Field(min_length=1)]


class RunSpec(BaseModel):
    """One method on one protocol of one data set, with one seed; its hash names the run.

    Attributes
    ----------
    method, benchmark, protocol, profile : str
        Names as the command line takes them.
    data : str
        `real:` or `synthetic:` and the start of the data's fingerprint.
    seed : int
        Seeds the split, the weights and every draw in training.
    overrides : dict
        Changes to the profile's recipe, by dotted name, such as `{"loss_weights.adv": 0}`.
    recipe : Recipe or ClassicalRecipe
        What profile and overrides resolve to, whole: `run` reads this and asks no profile.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    benchmark: str
    data: str = Field(pattern="^(real|synthetic):")
    protocol: str
    profile: str
    seed: int = Field(ge=0, strict=True)
    overrides: dict[str, JsonValue] = {}
    recipe: Recipe | ClassicalRecipe

    @property
    def hash(self) -> str:
        """Sixteen hexadecimal digits that depend on every field that differs from its default."""
        text = json.dumps(self.model_dump(mode="json", exclude_defaults=True), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]

    @property
    def source(self) -> str:
        """`real` or `synthetic`."""
        return self.data.partition(":")[0]


class RunRecord(BaseModel):
    """The outcome of a finished run, with all that is needed to assess and to repeat it.

    Attributes
    ----------
    spec : RunSpec
        What was run.
    protocol : str
        The protocol's whole name, as its report prints it.
    metrics : dict of str to float
        Mean over the protocol's trials; fractions from 0 to 1.
    trials : list of dict
        The metrics of each trial.
    losses : dict of str to float
        Mean of each loss over the last logged steps; empty for methods without training.
    parameters : int
        Trainable numbers in the model, all of them used; 0 for methods without training.
    fingerprint : str
        SHA-256 of the data.
    code : str
        SHA-256 over the source files that decide the numbers.
    commit : str
        Git commit, with `+changes` if the tree was not clean; empty outside a checkout.
    versions : dict of str to str
        Python and the libraries that numbers depend on.
    device : str
        Name of the processor or the GPU.
    threads : int
        CPU threads that torch used.
    seconds : float
        Wall time of training and evaluation, interruptions left out.
    peak_memory_mb : float
        Highest memory of the process (resident, on a CPU) or of the GPU.
    finished : str
        UTC date and time.
    precision : str
        What was trained and tested in: what the recipe asks for, or what the device has instead. Methods without
        training, and older records, leave this and the next three at their defaults.
    processes : int
        How many trained together, each with a device of its own.
    step_flop : int
        Floating-point operations of a training step, from `xmodal_lite.training.step_flop`.
    steps_per_second : float
        Of training, its start and its checkpoints included.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    spec: RunSpec
    protocol: str
    metrics: Metrics
    trials: list[Metrics]
    losses: dict[str, float]
    parameters: NonNegativeInt
    fingerprint: str
    code: str
    commit: str
    versions: dict[str, str]
    device: str
    threads: int = Field(ge=1)
    seconds: NonNegativeFloat
    peak_memory_mb: NonNegativeFloat
    finished: str
    precision: str = ""
    processes: int = Field(default=1, ge=1)
    step_flop: NonNegativeInt = 0
    steps_per_second: NonNegativeFloat = 0.0

    @model_validator(mode="after")
    def _agrees_with_its_spec(self) -> Self:
        if not self.fingerprint.startswith(self.spec.data.partition(":")[2]):
            raise ValueError(f"the fingerprint {self.fingerprint[:12]} is not that of data {self.spec.data}")
        made_up = (
            "synthetic" in self.protocol and self.spec.benchmark != "folder"
        )  # which has the user's words in it
        if made_up and self.spec.source != "synthetic":
            raise ValueError("the protocol names a synthetic data set, but the specification says real data")
        return self

    def report(self) -> Report:
        """Return the numbers with their protocol, as they print."""
        from xmodal_lite.evaluation import Report  # here, as it needs NumPy and a list of tables does not

        return Report(self.protocol, self.metrics, tuple(self.trials))

    def line(self) -> str:
        """Say in one line what was run and what came out."""
        spec = self.spec
        changes = " ".join(f"{name}={value}" for name, value in spec.overrides.items())
        ranks = " ".join(
            f"{name} {100 * x:.1f}" for name, x in self.metrics.items() if name.endswith("rank1")
        )
        share = self.utilisation()
        mfu = f", MFU {100 * share:.1f} %" if share else ""
        run = f"{spec.method} {changes} protocol {spec.protocol} seed {spec.seed}"
        return f"{run}: {ranks}, {self.seconds:.0f} s{mfu}"

    def speed(self) -> str:
        """Return what the training computed, in words; empty where it was not counted."""
        if not self.step_flop:
            return ""
        from xmodal_lite.training import speed

        recipe = self.spec.recipe
        asked = recipe.precision if isinstance(recipe, Recipe) else self.precision
        used, wanted = ("float32" if name == "no" else name for name in (self.precision, asked))
        instead = "" if used == wanted else f" (instead of {wanted})"
        processes = "" if self.processes == 1 else f"{self.processes} processes, "
        return (
            f"{used}{instead}, {processes}"
            f"{speed(self.step_flop, self.steps_per_second, self.device, self.processes, self.precision)}"
        )

    def utilisation(self) -> float | None:
        """Return the share of the device's peak that the training used, or None where the peak is not known."""
        from xmodal_lite.training import utilisation

        return utilisation(self.step_flop, self.steps_per_second, self.device, self.processes, self.precision)


def make_spec(
    method: str,
    benchmark: Benchmark,
    *,
    protocol: str,
    profile: str,
    seed: int,
    overrides: Mapping[str, Any] | None = None,
) -> RunSpec:
    """Build a validated specification for data that is at hand.

    Raises
    ------
    SpecError
        A method, profile, protocol or override is unknown, or a value is out of range; the message lists what is
        known. Or the protocol has no split for the seed.
    """
    if protocol not in benchmark.protocols:
        known = ", ".join(benchmark.protocols)
        raise SpecError(f"benchmark '{benchmark.name}' has no protocol '{protocol}'; known: {known}")
    benchmark.split(protocol, seed)  # so that a sweep does not stop at the first seed that has none
    changes = dict(overrides or {})
    recipe = resolve(method, benchmark.name, profile, changes, dims=benchmark.dims)
    return RunSpec(
        method=method,
        benchmark=benchmark.name,
        data=f"{benchmark.source}:{benchmark.fingerprint[:12]}",
        protocol=protocol,
        profile=profile,
        seed=seed,
        overrides=changes,
        recipe=recipe,
    )

"""Operations that are one idea along one axis (spectra) and along two (images), by the number of axes."""

from __future__ import annotations

from torch import nn
from torch.nn import functional

CONVOLUTION = {1: nn.Conv1d, 2: nn.Conv2d}
MEAN_POOL = {1: functional.adaptive_avg_pool1d, 2: functional.adaptive_avg_pool2d}

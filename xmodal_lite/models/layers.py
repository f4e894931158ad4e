"""What differs between one axis (spectra) and two (images), by the number of axes."""

from __future__ import annotations

from torch import nn
from torch.nn import functional

CHANNELS = {1: 1, 2: 3}  # of a sample
CONVOLUTION = {1: nn.Conv1d, 2: nn.Conv2d}
CONVOLVE = {1: functional.conv1d, 2: functional.conv2d}
WINDOW_MEAN = {1: functional.avg_pool1d, 2: functional.avg_pool2d}
MEAN_POOL = {1: functional.adaptive_avg_pool1d, 2: functional.adaptive_avg_pool2d}
LINEAR = {1: "linear", 2: "bilinear"}  # modes of interpolation
CONTEXT = {1: 32, 2: 4}  # positions an axis that the linear map at the bottom of cmUNet sees

"""Methods in closed form: fitted on aligned pairs of samples, without a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.kernel_ridge import KernelRidge
from sklearn.preprocessing import normalize

from xmodal_lite.models import classical_names
from xmodal_lite.models.hog import hog_features


class Classical(ABC):
    """A method that maps samples of both modalities into one space, where the cosine compares them."""

    @abstractmethod
    def fit(self, v: np.ndarray, r: np.ndarray) -> None:
        """Fit on pairs.

        Parameters
        ----------
        v, r : numpy.ndarray
            (n, C, ...) samples; row i of both shows the same specimen, or at least the same identity.

        Raises
        ------
        ValueError
            The numbers of rows differ, or there are fewer than two.
        """

    @abstractmethod
    def embed(self, x: np.ndarray, modality: int) -> np.ndarray:
        """Return the embeddings (n, D) float32 of samples (n, C, ...) of one modality (0 or 1)."""


class Cosine(Classical):
    """The samples themselves: what can be had without learning anything.

    Parameters
    ----------
    features : {"samples", "hog"}
        What is compared: the values themselves, or of images the histograms of `hog_features`.
    """

    def __init__(self, features: str = "samples") -> None:
        self._features = _features(features)

    def fit(self, v: np.ndarray, r: np.ndarray) -> None:
        """See `Classical.fit`; nothing is learned."""
        _check_pairs(v, r)

    def embed(self, x: np.ndarray, modality: int) -> np.ndarray:
        """See `Classical.embed`."""
        return self._features(x).astype(np.float32)


class CCA(Classical):
    """Canonical correlation: the directions in which the two modalities vary together.

    Both modalities are reduced and whitened by principal components, then turned by the singular vectors of their
    cross-covariance (Hotelling, Biometrika 1936). Each direction is scaled by its correlation.

    Parameters
    ----------
    components : int
        Principal components kept of each modality; lowered where there are fewer pairs or points.
    directions : int
        Length D of the embedding.
    features : {"samples", "hog"}
        See `Cosine`.
    """

    def __init__(self, components: int = 60, directions: int = 30, features: str = "samples") -> None:
        self._components, self._directions, self._features = components, directions, _features(features)

    def fit(self, v: np.ndarray, r: np.ndarray) -> None:
        """See `Classical.fit`."""
        _check_pairs(v, r)
        x_v, x_r = (normalize(self._features(x)) for x in (v, r))
        count = min(self._components, len(v) - 1, x_v.shape[1], x_r.shape[1])
        self._reduce = [PCA(count, whiten=True, svd_solver="full").fit(x) for x in (x_v, x_r)]
        white_v, white_r = (pca.transform(x) for pca, x in zip(self._reduce, (x_v, x_r), strict=True))
        left, correlation, right = np.linalg.svd(white_v.T @ white_r / len(v))
        scale = correlation[: self._directions]
        self._turn = [left[:, : self._directions] * scale, right.T[:, : self._directions] * scale]

    def embed(self, x: np.ndarray, modality: int) -> np.ndarray:
        """See `Classical.embed`."""
        white = self._reduce[modality].transform(normalize(self._features(x)))
        return (white @ self._turn[modality]).astype(np.float32)


class Ridge(Classical):
    """Kernel ridge regression from v to r: the spectrum that the other instrument should have measured.

    Gaussian kernel on samples of unit length, scikit-learn's `KernelRidge`.

    Parameters
    ----------
    gamma : float
        The kernel is exp(-gamma |x - y|^2).
    alpha : float
        Ridge penalty.
    """

    def __init__(self, gamma: float = 2.0, alpha: float = 0.3) -> None:
        self._ridge = KernelRidge(alpha=alpha, kernel="rbf", gamma=gamma)

    def fit(self, v: np.ndarray, r: np.ndarray) -> None:
        """See `Classical.fit`."""
        _check_pairs(v, r)
        self._ridge.fit(normalize(_flat(v)), normalize(_flat(r)))

    def embed(self, x: np.ndarray, modality: int) -> np.ndarray:
        """See `Classical.embed`: the predicted r spectrum of a v sample, the r sample itself."""
        unit = normalize(_flat(x))
        return (self._ridge.predict(unit) if modality == 0 else unit).astype(np.float32)


class PLS(Classical):
    """Partial least squares from v to r (PLS2, Wold et al., Chemometrics 2001), scikit-learn's `PLSRegression`.

    Parameters
    ----------
    components : int
        Latent directions; lowered where there are fewer pairs or points.
    """

    def __init__(self, components: int = 20) -> None:
        self._components = components

    def fit(self, v: np.ndarray, r: np.ndarray) -> None:
        """See `Classical.fit`."""
        _check_pairs(v, r)
        x_v, x_r = normalize(_flat(v)), normalize(_flat(r))
        count = min(self._components, len(v) - 1, x_v.shape[1], x_r.shape[1])
        self._pls = PLSRegression(count, scale=False).fit(x_v, x_r)

    def embed(self, x: np.ndarray, modality: int) -> np.ndarray:
        """See `Classical.embed`: the predicted r spectrum of a v sample, the r sample itself."""
        unit = normalize(_flat(x))
        return (self._pls.predict(unit) if modality == 0 else unit).astype(np.float32)


class Mean(Classical):
    """The mean r sample of training, whatever the v sample is: the floor of every prediction of r from v."""

    def fit(self, v: np.ndarray, r: np.ndarray) -> None:
        """See `Classical.fit`."""
        _check_pairs(v, r)
        self._mean = normalize(_flat(r)).mean(axis=0)  # (L,)

    def embed(self, x: np.ndarray, modality: int) -> np.ndarray:
        """See `Classical.embed`: the mean for a v sample, the r sample itself."""
        unit = normalize(_flat(x))
        return (np.tile(self._mean, (len(x), 1)) if modality == 0 else unit).astype(np.float32)


_METHODS: dict[str, type[Classical]] = dict(
    zip(classical_names(), (Cosine, CCA, Ridge, PLS, Mean), strict=True)
)


def build_classical(name: str, **options: Any) -> Classical:
    """Make a classical method, not yet fitted.

    Parameters
    ----------
    name : str
        One of `classical_names()`.
    **options
        Keyword arguments of the method's class.

    Raises
    ------
    ValueError
        The name or an option is unknown.
    """
    if name not in _METHODS:
        raise ValueError(f"unknown method '{name}'; known: {', '.join(_METHODS)}")
    try:
        return _METHODS[name](**options)
    except TypeError as error:
        raise ValueError(f"method '{name}' does not take these options: {error}") from error


def _flat(x: np.ndarray) -> np.ndarray:
    """Lay the values of each sample in a row: (n, C, ...) to (n, L)."""
    return x.reshape(len(x), -1)


def _features(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return what takes samples (n, C, ...) to features (n, F)."""
    known = {"samples": _flat, "hog": hog_features}
    if name not in known:
        raise ValueError(f"unknown features '{name}'; known: {', '.join(known)}")
    return known[name]


def _check_pairs(v: np.ndarray, r: np.ndarray) -> None:
    if v.ndim < 2 or r.ndim < 2 or len(v) != len(r) or len(v) < 2:
        raise ValueError(
            f"need two or more pairs of samples (n, C, ...), got {np.shape(v)} and {np.shape(r)}"
        )

"""Which images a query is compared with: gallery draws and the pairs that a rule takes out.

The two rules and the draws are those of SYSU-MM01 (Wu et al., "RGB-infrared cross-modality person
re-identification", ICCV 2017) and LLCM (Zhang and Wang, "Diverse embedding expansion network", CVPR 2023), as
their public codes apply them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike


def sysu_excluded(query_cams: ArrayLike, gallery_cams: ArrayLike) -> np.ndarray:
    """Mark the pairs that SYSU-MM01 ignores: cameras 3 and 2 stand in the same room.

    Every identity is concerned, not only the query's own.

    Parameters
    ----------
    query_cams : array_like, shape (Q,)
        Camera of each query, 3 or 6.
    gallery_cams : array_like, shape (G,)
        Camera of each gallery image, 1, 2, 4 or 5.

    Returns
    -------
    np.ndarray, shape (Q, G)
        bool, True where a camera-3 query meets a camera-2 image.
    """
    return (np.asarray(query_cams) == 3)[:, None] & (np.asarray(gallery_cams) == 2)


def same_view_excluded(
    query_ids: ArrayLike, query_cams: ArrayLike, gallery_ids: ArrayLike, gallery_cams: ArrayLike
) -> np.ndarray:
    """Mark the pairs that LLCM ignores: the query's own identity as its own camera sees it.

    Parameters
    ----------
    query_ids, query_cams : array_like, shape (Q,)
        Identity and camera of each query.
    gallery_ids, gallery_cams : array_like, shape (G,)
        Identity and camera of each gallery image.

    Returns
    -------
    np.ndarray, shape (Q, G)
        bool, True where identity and camera are both equal.
    """
    same_id = np.asarray(query_ids)[:, None] == np.asarray(gallery_ids)
    return same_id & (np.asarray(query_cams)[:, None] == np.asarray(gallery_cams))


def group_by_identity_and_camera(
    rows: np.ndarray, identities: np.ndarray, cameras: np.ndarray
) -> list[np.ndarray]:
    """Gather the images of each identity in each camera.

    Parameters
    ----------
    rows : np.ndarray, shape (m,)
        Rows to gather.
    identities, cameras : np.ndarray, shape (n,)
        Identity and camera of every row.

    Returns
    -------
    list of np.ndarray
        Rows of one identity and camera each, by identity, then camera; the order of `rows` within.
    """
    if not len(rows):
        return []
    order = rows[np.lexsort((cameras[rows], identities[rows]))]
    keys = np.stack([identities[order], cameras[order]])  # (2, m)
    return np.split(order, np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1)


def sample_gallery(views: Sequence[np.ndarray], trial: int, shots: int) -> np.ndarray:
    """Draw a gallery as AGW and the codes derived from it do: Python's own generator, seeded by the trial.

    Parameters
    ----------
    views : sequence of np.ndarray
        Rows of one identity and camera each, sorted by file name; see `views`.
    trial : int
        Number of the draw, 0 to 9.
    shots : int
        Images of each view: one by ``random.choice``, more by ``random.sample``. A view with fewer gives all.

    Returns
    -------
    np.ndarray
        (g,) int64, the rows of the gallery.
    """
    generator = random.Random(trial)
    if shots == 1:
        drawn = [generator.choice(view) for view in views]
    else:
        drawn = [row for view in views for row in generator.sample(view.tolist(), min(shots, len(view)))]
    return np.array(drawn, dtype=np.int64)

"""Histograms of oriented gradients: which way the edges of a image run, cell by cell."""

from __future__ import annotations

import numpy as np

CELL, BLOCK, ORIENTATIONS = 8, 2, 9  # pixels a cell, cells a block, angles from 0 to 180 degrees


def hog_features(images: np.ndarray) -> np.ndarray:
    """Describe images by scikit-image's HOG.

    Parameters
    ----------
    images : numpy.ndarray
        (n, 3, H, W) uint8, red, green, blue; of each pixel the channel with the steepest edge counts.

    Returns
    -------
    numpy.ndarray
        (n, F) float32. F grows with the number of cells.

    Raises
    ------
    ValueError
        The images are not of that kind, or scikit-image is not installed.

    Notes
    -----
    Dalal and Triggs, CVPR 2005, section 6, with their cells of 8 x 8 pixels, blocks of 2 x 2 cells and nine angles. The
    square root of the intensities comes first, as they advise.
    """
    try:
        from skimage.feature import hog
    except ImportError as error:
        raise ValueError("HOG needs scikit-image: pip install scikit-image") from error
    if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < CELL * BLOCK:
        raise ValueError(
            f"HOG needs images (n, 3, H, W) of {CELL * BLOCK} x {CELL * BLOCK} pixels or more, got {images.shape}"
        )
    each = (
        hog(
            image,
            orientations=ORIENTATIONS,
            pixels_per_cell=(CELL, CELL),
            cells_per_block=(BLOCK, BLOCK),
            transform_sqrt=True,
            channel_axis=0,
        )
        for image in images
    )
    return np.stack([features.astype(np.float32) for features in each])

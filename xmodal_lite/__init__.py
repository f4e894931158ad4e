"""Cross-modality matching: the library under the xmodal-lite book."""

__version__ = "0.1.0"

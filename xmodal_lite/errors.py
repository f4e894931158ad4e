"""Errors that a user can mend: each message names the file or the name given, and says what to do."""


class XmodalError(Exception):
    """Base of every error that comes from the input rather than from a fault in this package."""


class DataError(XmodalError, ValueError):
    """A data folder, a file in it, or a list that names files is not as the benchmark needs it."""


class SpecError(XmodalError, ValueError):
    """A name or a parameter of a run is unknown, or its value is outside what the run accepts."""


class CheckpointError(XmodalError, RuntimeError):
    """A checkpoint or a run record is damaged, belongs to another run, or cannot be written."""


class DeviceError(XmodalError, RuntimeError):
    """A device that was asked for cannot be used, or its memory does not hold what it was asked to train."""

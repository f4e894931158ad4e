"""Procedural faces: photographs, pencil sketches, near-infrared and thermal images of invented people.

``identity`` draws what stays the same about a face and ``moment`` what changes, ``canvas``, ``head``, ``hair`` and
``features`` draw it, ``disguise`` puts something on it, ``portrait`` makes its images in each kind of light and
``layouts`` writes the files.
"""

from xmodal_lite.synthetic.faces.disguise import DISGUISES
from xmodal_lite.synthetic.faces.layouts import (
    portray_disguised,
    write_casia,
    write_cufs,
    write_cufsf,
    write_tufts,
)

__all__ = ["DISGUISES", "portray_disguised", "write_casia", "write_cufs", "write_cufsf", "write_tufts"]

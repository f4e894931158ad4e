"""Procedural faces: photographs, pencil sketches, near-infrared and thermal pictures of people who do not exist.

``identity`` says what a face is made of and ``moment`` how it happens to look, ``canvas`` and ``features`` draw it,
``portrait`` makes the pictures of it in each kind of light and ``layouts`` the files.
"""

from xmodal_lite.synthetic.faces.layouts import write_casia, write_cufs, write_cufsf, write_tufts

__all__ = ["write_casia", "write_cufs", "write_cufsf", "write_tufts"]

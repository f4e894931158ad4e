"""Procedural people walking past cameras, for re-identification between visible light and infrared.

``wardrobe`` and ``body`` describe clothes, bodies and gait, ``canvas`` and ``figure`` draw them, ``scenes`` and
``cameras`` describe places and cameras, ``photograph`` makes the images and ``layouts`` writes the files.
"""

from xmodal_lite.synthetic.people.layouts import write_llcm, write_regdb, write_sysu

__all__ = ["write_llcm", "write_regdb", "write_sysu"]

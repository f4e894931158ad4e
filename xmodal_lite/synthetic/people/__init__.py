"""Procedural people walking past cameras, for re-identification between visible light and infrared.

``wardrobe`` and ``body`` say what people are made of and how they move, ``canvas`` and ``figure`` draw
them, ``scenes`` and ``cameras`` say where and by what they are seen, ``photograph`` makes the pictures and
``layouts`` the files.
"""

from xmodal_lite.synthetic.people.layouts import write_llcm, write_regdb, write_sysu

__all__ = ["write_llcm", "write_regdb", "write_sysu"]

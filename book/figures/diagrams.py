"""Draw the networks as SVG diagrams with tensor shapes, into book/_static/figures: `python book/figures/diagrams.py`.

Blue is modality v, orange modality r, violet the auxiliary modality, grey what both share, green what is compared at
test, and dashed red what training alone needs. A diagram flows from top to bottom and is 360 units wide, so that its
text stays readable on a phone. All text stands in filled boxes and the background is transparent, so that one file
serves light and dark pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path

OUT = Path(__file__).resolve().parents[1] / "_static" / "figures"
WIDTH, MARGIN, GAP, LINE, PAD = 360, 6, 22, 15, 8  # of the whole, around it, between rows, of text, in a box
FONT = 11
COLOURS = {  # white text on each has a contrast of 4.5 or more
    "v": "#0067a5",  # modality v
    "r": "#b04a00",  # modality r
    "a": "#8a3f86",  # auxiliary
    "shared": "#3d5a6c",  # both modalities
    "loss": "#9c2d3f",  # training only
    "test": "#1f6b4a",  # what is compared at test
}
ARROW = "#7f8c99"


@dataclass(frozen=True)
class Box:
    """One box of a row.

    Attributes
    ----------
    kind : str
        A key of `COLOURS`.
    text : str
        Lines, separated by newlines; the first is bold.
    share : float
        Relative width within the row.
    """

    kind: str
    text: str
    share: float = 1.0

    @property
    def lines(self) -> list[str]:
        """Lines of text."""
        return self.text.split("\n")


@dataclass(frozen=True)
class Row:
    """Boxes side by side, and the arrows that enter them.

    Attributes
    ----------
    boxes : tuple of Box
        From left to right.
    links : tuple of (int, int)
        From which box of the row above an arrow leads to which box of this row.
    """

    boxes: tuple[Box, ...]
    links: tuple[tuple[int, int], ...] = ((0, 0),)


def svg(title: str, rows: list[Row]) -> str:
    """Return the diagram of some rows, each joined to the one above by its arrows."""
    parts: list[str] = []
    top, bottom = float(MARGIN), 0.0
    above: list[tuple[float, float]] = []
    for number, row in enumerate(rows):
        height = PAD * 2 + LINE * max(len(box.lines) for box in row.boxes)
        edges = _edges(row.boxes)
        if number:
            parts += [_arrow(above[a], bottom, edges[b], top) for a, b in row.links]
        for box, (left, right) in zip(row.boxes, edges, strict=True):
            parts.append(_box(box, left, top, right - left, height))
        above, bottom = edges, top + height
        top = bottom + GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + MARGIN:g}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="{FONT}" text-anchor="middle">'
    )
    return "\n".join([head, f"<title>{escape(title)}</title>", *parts, "</svg>", ""])


def _edges(row: tuple[Box, ...]) -> list[tuple[float, float]]:
    """Return left and right of each box."""
    space = 8.0
    free = WIDTH - 2 * MARGIN - space * (len(row) - 1)
    unit, left, edges = free / sum(box.share for box in row), float(MARGIN), []
    for box in row:
        edges.append((left, left + unit * box.share))
        left += unit * box.share + space
    return edges


def _arrow(upper: tuple[float, float], y0: float, lower: tuple[float, float], y1: float) -> str:
    """Return an arrow between two boxes, as upright as their edges allow."""
    left, right = max(upper[0], lower[0]), min(upper[1], lower[1])
    x0 = x1 = (left + right) / 2
    if right - left < 16:  # they do not stand one above the other
        x0, x1 = sum(upper) / 2, sum(lower) / 2
    tip = f"M{x1 - 4:.1f} {y1 - 7:.1f} L{x1:.1f} {y1 - 1:.1f} L{x1 + 4:.1f} {y1 - 7:.1f}"
    return (
        f'<path d="M{x0:.1f} {y0 + 1:.1f} L{x1:.1f} {y1 - 2:.1f} {tip}" fill="none" stroke="{ARROW}" '
        'stroke-width="1.8"/>'
    )


def _box(box: Box, left: float, top: float, width: float, height: float) -> str:
    dashed = ' stroke="#ffffff" stroke-dasharray="4 3"' if box.kind == "loss" else ""
    parts = [
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="6" '
        f'fill="{COLOURS[box.kind]}"{dashed}/>'
    ]
    if widest := [line for line in box.lines if len(line) * FONT * 0.56 > width - 4]:
        raise ValueError(f"{widest[0]!r} is wider than its box of {width:.0f} units; break the line")
    first = top + (height - LINE * len(box.lines)) / 2 + LINE - 4
    for number, line in enumerate(box.lines):
        weight = ' font-weight="600"' if number == 0 else ""
        parts.append(
            f'<text x="{left + width / 2:.1f}" y="{first + LINE * number:.1f}" fill="#ffffff"{weight}>'
            f"{escape(line)}</text>"
        )
    return "".join(parts)


def _row(*boxes: Box, links: str = "00") -> Row:
    """Return a row; links are pairs of digits, such as "00 11"."""
    return Row(boxes, tuple((int(pair[0]), int(pair[1])) for pair in links.split()))


SAMPLES = _row(Box("v", "Images of v\nN × 3 × H × W"), Box("r", "Images of r\nN × 3 × H × W"))
STEMS = _row(
    Box("v", "Stem of v\nN × 64 × H/4 × W/4"), Box("r", "Stem of r\nN × 64 × H/4 × W/4"), links="00 11"
)
DIAGRAMS: dict[str, tuple[str, list[Row]]] = {
    "two-stream": (
        "Two-stream network: a stem for each modality, shared stages, pooling, neck and classifier",
        [
            SAMPLES,
            STEMS,
            _row(Box("shared", "Shared stages 1 to 4, last stride 1\n2N × D × H/16 × W/16"), links="00 10"),
            _row(Box("shared", "Embedding f: pooling, p = 3\n2N × D")),
            _row(
                Box("test", "Neck g = BN(f)\n2N × D, cosine at test", 2.2),
                Box("loss", "Triplet loss\nL_tri"),
                links="00 01",
            ),
            _row(Box("loss", "Classifier: 2N × identities, cross-entropy L_id")),
        ],
    ),
    "cmunet": (
        "cmUNet: an encoder-decoder with skip connections that maps both modalities into the space of v",
        [
            _row(Box("v", "x of v\nN × C × H × W"), Box("r", "x of r\nN × C × H × W")),
            _row(
                Box("shared", "Encoder level 0 + modality embedding\nN × w × H × W, kept as skip"),
                links="00 10",
            ),
            _row(
                Box("shared", "Encoder levels 1 to 3, stride 2 each\nN × w_k × H/2^k × W/2^k, kept as skips")
            ),
            _row(
                Box(
                    "shared",
                    "Encoder level 4 + linear map over all positions\n+ modality embedding, N × w_4 × H/16 × W/16",
                )
            ),
            _row(Box("shared", "Decoder levels 3 to 0: upsample, join the skip\nN × w × H × W")),
            _row(
                Box("test", "u = x + residual head 1 × 1 (0 at the start)\nN × C × H × W, in the space of v")
            ),
            _row(
                Box("loss", "L_rec\nU(v), v"),
                Box("loss", "L_tra\nU(r), v"),
                Box("loss", "L_adv\nadversary"),
                Box("loss", "L_per\nfeatures"),
                links="00 01 02 03",
            ),
        ],
    ),
    "marrnet": (
        "MarrNet: cmUNet in front of the extractor of the two-stream network, trained end to end",
        [
            _row(Box("v", "Samples of v\nN × C × H × W"), Box("r", "Samples of r\nN × C × H × W")),
            _row(Box("shared", "cmUNet, one set of weights\nu = U(x): 2N × C × H × W"), links="00 10"),
            _row(
                Box("shared", "Extractor F of the\ntwo-stream network\nf: 2N × D", 1.6),
                Box("loss", "L_rec L_tra\nL_adv L_per\non u"),
                links="00 01",
            ),
            _row(
                Box("test", "Neck g = BN(f)\n2N × D, cosine at test", 1.6),
                Box("loss", "Triplet loss\nL_tri"),
                links="00 01",
            ),
            _row(Box("loss", "Classifier: 2N × identities, cross-entropy L_id")),
        ],
    ),
    "mun": (
        "MUN: an auxiliary modality made from both stems' maps passes the shared stages during training",
        [
            SAMPLES,
            STEMS,
            _row(
                Box("v", "z of v\nN × 64 × …"),
                Box("a", "Auxiliary z (training)\nintra: kernels 3, 5, 7\ncross: pyramid 1, 2, 4", 1.9),
                Box("r", "z of r\nN × 64 × …"),
                links="00 01 11 12",
            ),
            _row(
                Box("shared", "Shared stages 1 to 4 and pooling\nf: 3N × D of v, r and auxiliary"),
                links="00 10 20",
            ),
            _row(
                Box("test", "Neck g\nv, r at test", 1.35),
                Box("loss", "L_ia\ncentres", 1.1),
                Box("loss", "L_ma\nmoments", 1.1),
                Box("loss", "L_tri\ntriplet"),
                links="00 01 02 03",
            ),
            _row(Box("loss", "Classifier: 3N × identities, cross-entropy L_id")),
        ],
    ),
    "enhancing": (
        "Enhancing network: shared stages with a consistency loss, and a branch for each modality during training",
        [
            SAMPLES,
            STEMS,
            _row(Box("shared", "Shared stages 1 to 3\n2N × C × H/16 × W/16"), links="00 10"),
            _row(
                Box("loss", "Branch of v\nstage 4, neck,\nclassifier\nL_intra"),
                Box("shared", "Shared stage 4\nand pooling\nf: 2N × D", 1.1),
                Box("loss", "Branch of r\nstage 4, neck,\nclassifier\nL_intra"),
                links="00 01 02",
            ),
            _row(
                Box("loss", "Triplet loss\nL_tri"),
                Box("test", "Neck g = BN(f)\n2N × D, cosine at test", 2.2),
                links="10 11",
            ),
            _row(
                Box("loss", "Classifier: 2N × identities\ncross-entropy L_id", 1.4),
                Box("loss", "Consistency of g\nL_dc"),
                links="10 11",
            ),
        ],
    ),
}


def main() -> None:
    """Write every diagram."""
    for name, (title, rows) in DIAGRAMS.items():
        (OUT / f"diagram-{name}.svg").write_text(svg(title, rows), encoding="utf-8")


if __name__ == "__main__":
    main()

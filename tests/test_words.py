"""Words that were retired stay away: the field has a noun for each, see the term list in the message."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RETIRED = {  # pattern: what to write instead
    r"stand-?ins?\b": "synthetic data",
    r"knobs?\b": "parameter",
    r"pictures?\b": "image",
    r"strangers?\b": "impostor, different identity",
    r"crowds?\b": "distribution",
    r"leaves out 0": "significant",
    r"redraw(s|n|ing)?\b": "translate, transform",
    r"kinship\b": "shared stretch",
    r"gauges?\b": "diagnostics",
    r"goes? on from": "resume",
    r"state of the code": "code revision",
    r"rocket\b": "launch button",
    r"told apart|tells? apart|telling apart": "distinguish",
    r"stands? (above|below|behind|beside)": "is higher, is lower",
    r"nobody\b": "no one in particular: name the actor",
    r"mended\b": "repaired",
    r"by chance alone\b": "at chance level",
}
EXEMPT = {"tests/test_words.py", "CHANGELOG.md"}
ALLOWED = {  # file: words it may keep, with the reason
    "xmodal_lite/files.py": ("standin",),  # the marker of folders that the first edition wrote
    "xmodal_lite/cli.py": ("standin",),  # the old command, hidden
    "tests/synthetic/test_writing.py": ("standin",),  # both are tested
    "tests/test_cli.py": ("standin",),
}


def texts() -> list[str]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    suffixes = (".py", ".md", ".yml", ".yaml", ".toml", ".cff")
    return [name for name in names.splitlines() if name.endswith(suffixes) and name not in EXEMPT]


@pytest.mark.parametrize("pattern", RETIRED)
def test_a_retired_word_is_not_used(pattern):
    word = re.compile(rf"(?<![\w-])({pattern})", re.IGNORECASE)
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name in texts()
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        for match in word.finditer(line)
        if match[0].lower() not in ALLOWED.get(name, ())
    ]
    assert not found, f"write '{RETIRED[pattern]}' instead:\n" + "\n".join(found[:20])

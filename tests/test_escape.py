"""Names with markup or control characters are shown as the characters that they are."""

import pytest

from xmodal_lite.escape import markdown, markdown_code, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name.png", "plain name.png"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\rb\x07", "a\\rb\\x07"),
        ("right\u202eleft", "right\\u202eleft"),
        ("\udcff.png", "\\udcff.png"),
        ("two\nlines", "two\nlines"),
        ("größe 像", "größe 像"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("split 1 of 10, VR@FAR=1%: near_infrared", "split 1 of 10, VR@FAR=1%: near_infrared"),
        ("<script>alert(1)</script>", r"\<script\>alert(1)\</script\>"),
        ("*bold* _em_ `code` [a](b)", r"\*bold\* \_em\_ \`code\` \[a\](b)"),
        ("a|b", r"a\|b"),
        ("$x^2$ &amp; ~~no~~", r"\$x^2\$ \&amp; \~\~no\~\~"),
        ("a\n# heading", "a # heading"),
    ],
)
def test_what_markdown_would_read_is_escaped(text, shown):
    assert markdown(text) == shown


def test_code_ends_neither_itself_nor_a_cell():
    assert markdown_code("a`b|c\nd") == "`a'b\\|c d`"

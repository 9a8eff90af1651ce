import re

from parity.markup.templates import theme

TEXT, GROUNDS = ("ink", "faint", "link"), ("ground", "raised", "empty")
VERDICTS = ("agree", "window", "refused", "known", "wrong", "crashed", "absent")
LEAST = 4.5  # WCAG 2.2, AA, of text


def themes() -> list[dict[str, str]]:
    """The colours by name of each block of the style sheet: light, dark twice, and print."""
    blocks = re.findall(r"\{([^{}]*--ground[^{}]*)\}", theme())
    return [dict(re.findall(r"--(\w+): (#\w{6});", block)) for block in blocks]


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_text_is_read_on_every_ground_of_every_theme() -> None:
    light, dark, chosen_dark, printed = themes()
    assert dark == chosen_dark
    for colours in (light, dark, printed):
        pairs = [(text, ground) for text in TEXT for ground in GROUNDS]
        pairs += [("ink", verdict) for verdict in VERDICTS]
        for text, ground in pairs:
            assert contrast(colours[text], colours.get(ground, light[ground])) >= LEAST, (text, ground)

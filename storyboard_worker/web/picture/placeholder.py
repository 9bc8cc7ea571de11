"""Draws the placeholder: an SVG that needs nothing from elsewhere.

A page shows it in an ``<img>``, where no script runs and nothing is loaded. Its texts are the
catalogue's and the view's; no text that a producer wrote is in it.
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from storyboard_worker.web.picture.size import Size
from storyboard_worker.web.picture.symbols import GRID, SYMBOLS, State, Symbol
from storyboard_worker.web.picture.wrapping import width_of, wrapped

# An inline style is let in by its hash. Sizes are attributes, which a policy does not concern.
STYLE = (
    "svg{color-scheme:light dark;font-family:system-ui,-apple-system,'Segoe UI',Roboto,"
    "'PingFang SC','Microsoft YaHei','Noto Sans CJK SC','Noto Sans SC',sans-serif}"
    ".ground{fill:#f3f4f6}.frame,.symbol{fill:none;stroke-linecap:round;stroke-linejoin:round}"
    ".frame{stroke:#c3c8d1}.symbol.calm{stroke:#566175}.symbol.alert{stroke:#b42318}"
    ".state{fill:#1d2430;font-weight:600}.message{fill:#4a5466}"
    "@media (prefers-color-scheme:dark){.ground{fill:#171a20}.frame{stroke:#444c5a}"
    ".symbol.calm{stroke:#a3adbd}.symbol.alert{stroke:#ff8a7a}"
    ".state{fill:#eef1f6}.message{fill:#b3bccb}}"
)
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; sandbox"

LARGEST_FONT, SMALLEST_FONT = 96.0, 9.0
LINE_HEIGHT = 1.4
# Of the font of the message.
STATE_FONT, SYMBOL_HEIGHT, GAP = 1.15, 3.2, 0.7
# Of the placeholder's sides.
INNER_WIDTH, INNER_HEIGHT = 0.84, 0.84


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one placeholder. ``language``: a tag of BCP 47."""

    language: str
    state: str
    message: str
    description: str


@dataclass(frozen=True, slots=True)
class _Block:
    """What stands in the middle: a symbol, the state's name and a few lines. In a small one the
    name is left out, in a tiny one the lines as well."""

    font: float
    state: str = ""
    lines: tuple[str, ...] = ()

    @property
    def symbol_height(self) -> float:
        return self.font * SYMBOL_HEIGHT

    @property
    def text_height(self) -> float:
        if not self.lines:
            return 0.0
        lines = len(self.lines) + (STATE_FONT if self.state else 0.0)
        return self.font * (GAP + LINE_HEIGHT * lines)

    @property
    def width(self) -> float:
        """That of the state's name; the lines are made to fit."""
        return self.font * STATE_FONT * width_of(self.state)

    @property
    def height(self) -> float:
        return self.symbol_height + self.text_height


@lru_cache(maxsize=512)
def placeholder(state: State, words: Words, size: Size) -> bytes:
    """The SVG as UTF-8. Texts that do not fit legibly are left to its title."""
    state_name, message = _printable(words.state), _printable(words.message)
    block = _fitting(state_name, message, size)
    symbol = SYMBOLS[state]
    parts = (
        _opening(words.language, size),
        f'<title id="title">{escape(message)}</title>',
        f'<desc id="desc">{escape(_printable(words.description))}</desc>',
        f"<style>{STYLE}</style>",
        *_frame(symbol, size),
        _symbol(symbol, block, size),
        *_texts(block, size),
        "</svg>\n",
    )
    return "".join(parts).encode()


def _opening(language: str, size: Size) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size.width}" height="{size.height}" '
        f'viewBox="0 0 {size.width} {size.height}" role="img" aria-labelledby="title desc" '
        f'xml:lang="{language}" lang="{language}">'
    )


def _printable(text: str) -> str:
    """Without what XML does not allow."""
    return "".join(filter(str.isprintable, text))


def _fitting(state: str, message: str, size: Size) -> _Block:
    """The fullest block that fits with legible letters."""
    width, height = size.width * INNER_WIDTH, size.height * INNER_HEIGHT
    largest = max(SMALLEST_FONT, min(LARGEST_FONT, size.width / 20, size.height / 9))
    for name in (state, ""):
        font = largest
        while font >= SMALLEST_FONT:
            block = _Block(font, name, tuple(wrapped(message, width / font)))
            if block.height <= height and block.width <= width:
                return block
            font *= 0.92
    return _Block(min(width, height) * 0.6 / SYMBOL_HEIGHT)


def _frame(symbol: Symbol, size: Size) -> tuple[str, str]:
    line = max(1.0, min(size) / 180)
    inset = max(line, min(size) * 0.03)
    dashes = " ".join(f"{int(dash) * line:.1f}" for dash in symbol.dashes.split())
    return (
        f'<rect class="ground" width="{size.width}" height="{size.height}"/>',
        f'<rect class="frame" x="{inset:.1f}" y="{inset:.1f}" rx="{inset:.1f}" '
        f'width="{size.width - 2 * inset:.1f}" height="{size.height - 2 * inset:.1f}" '
        f'stroke-width="{line:.1f}"' + (f' stroke-dasharray="{dashes}"' if dashes else "") + "/>",
    )


def _symbol(symbol: Symbol, block: _Block, size: Size) -> str:
    scale = block.symbol_height / GRID
    x, y = (size.width - block.symbol_height) / 2, (size.height - block.height) / 2
    return (
        f'<path class="symbol {symbol.tone}" stroke-width="1.6" d="{symbol.lines}" '
        f'transform="translate({x:.1f} {y:.1f}) scale({scale:.3f})"/>'
    )


def _texts(block: _Block, size: Size) -> list[str]:
    y = (size.height - block.height) / 2 + block.symbol_height + block.font * GAP
    middle = f'x="{size.width / 2:g}" text-anchor="middle"'
    large = block.font * STATE_FONT
    named = [("state", block.state, large)] if block.state and block.lines else []
    drawn = []
    for kind, text, font in [*named, *(("message", line, block.font) for line in block.lines)]:
        y += font * LINE_HEIGHT
        # The baseline lies above the bottom of its line.
        drawn.append(
            f'<text class="{kind}" {middle} y="{y - font * 0.4:.1f}" font-size="{font:.1f}">'
            f"{escape(text)}</text>"
        )
    return drawn

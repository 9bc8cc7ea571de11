"""The source code that a page shows.

A block that is a whole file names it in the line of its fence:
```` ```ts lib/storyboards/types.ts ````.
"""

import re

from tests.support.pages import page

BLOCK = re.compile(r"^```(?:ts|tsx) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMPONENT = re.compile(r"^```jsx\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SCRIPT = re.compile(r"^```js\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def script_of(name: str) -> str:
    """The one script without a file's name that a page in ``.github`` shows."""
    [script] = SCRIPT.findall(page(name))
    return str(script)


def component_of(name: str) -> str:
    """The one component that a page in ``.github`` shows."""
    [component] = COMPONENT.findall(page(name))
    return str(component)


def files_of(name: str) -> dict[str, str]:
    """Path → text, of a page in ``.github`` by its name without the ending."""
    found = BLOCK.findall(page(name))
    assert len(dict(found)) == len(found), f"{name} shows a file twice"
    return dict(found)

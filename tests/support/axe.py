"""Finds faults of a page's accessibility with axe-core, which runs in the page."""

from playwright.sync_api import Page

from tests.support.npm_packages import installed_packages

# Faults that keep a person from using a page, or make it hard.
IMPACTS = ("serious", "critical")
# Style sheets are not fetched again: only rules about video and sound need that.
RUN = """
async (impacts) => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"], preload: false });
  return violations
    .filter((found) => impacts.includes(found.impact))
    .flatMap((found) => found.nodes.map((node) => `${found.id}: ${node.target} ${node.html}`));
}
"""


class Axe:
    """Skips the test where npm and its registry are missing."""

    def __init__(self) -> None:
        self._program = (installed_packages() / "axe-core/axe.min.js").read_text("utf-8")

    def faults(self, page: Page) -> list[str]:
        """The serious ones in the page as it is shown now.

        The driver hands the program over, so the page's content security policy stays as it is.
        """
        if not page.evaluate("'axe' in window"):
            page.evaluate(self._program)
        found: list[str] = page.evaluate(RUN, IMPACTS)
        return found

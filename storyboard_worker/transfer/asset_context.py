"""What an asset at Cloudinary says about the row that it belongs to.

In the console, and with the Search API, an asset is found by it: ``context.project_id=…``.
https://cloudinary.com/documentation/contextual_metadata
"""

from functools import lru_cache
from uuid import UUID

from cloudinary.utils import encode_context

# All pairs together, as they are sent. Cloudinary allows 255 characters, of which it does not say
# whether they are bytes.
MAX_CONTEXT_BYTES = 255
PROJECTS_KEPT = 256


def asset_context(storyboard_id: UUID, project_id: str | None) -> str:
    """The parameter ``context`` of an upload, in the SDK's encoding.

    It leaves ``project_id`` out where Cloudinary cannot carry it: an upload that is refused for
    its context would cost the image.
    """
    # No character of an id needs an escape.
    alone = f"storyboard_id={storyboard_id}"
    if project_id is None:
        return alone
    context = f"{alone}{_of_project(project_id)}"
    return context if len(context.encode()) <= MAX_CONTEXT_BYTES else alone


# A project has many panels.
@lru_cache(PROJECTS_KEPT)
def _of_project(project_id: str) -> str:
    """What is added for the project."""
    if not project_id or not _is_plain(project_id):
        return ""
    return f"|{encode_context({'project_id': project_id})}"


def _is_plain(text: str) -> bool:
    """Whether it comes back as it was sent.

    The backslash is the escape of ``|`` and ``=``, and has none itself. White space at an end may
    be cut off. Other white space than the space, and control characters, are not printable.
    """
    return text.isprintable() and "\\" not in text and text == text.strip()

"""Puts the board together."""

import logging

from werkzeug.routing import Rule

from storyboard_worker.logs import event
from storyboard_worker.settings.board_token import FIX, can_be_guessed
from storyboard_worker.settings.reading import Settings
from storyboard_worker.web.board import assets
from storyboard_worker.web.board.access import Access
from storyboard_worker.web.board.door import Door
from storyboard_worker.web.board.gallery import Gallery
from storyboard_worker.web.board.guesses import Guesses
from storyboard_worker.web.board.live import Live
from storyboard_worker.web.board.overview import Overviews
from storyboard_worker.web.board.pages import Pages
from storyboard_worker.web.board.panel import PanelPage
from storyboard_worker.web.board.pictures import Pictures
from storyboard_worker.web.board.processing import Processing
from storyboard_worker.web.board.putting_back import PuttingBack
from storyboard_worker.web.board.reads import BoardReads
from storyboard_worker.web.board.retry_route import RetryRoute
from storyboard_worker.web.board.sessions import Sessions
from storyboard_worker.web.board.sign_in import SignIn
from storyboard_worker.web.board.verdict import Limits


def board_routes(settings: Settings, reads: BoardReads, processing: Processing) -> list[Rule]:
    """All routes of the board; none without BOARD_TOKEN, so that they answer 404."""
    if settings.board_token is None:
        return []
    if can_be_guessed(settings.board_token):
        event(
            logging.WARNING,
            "BOARD_TOKEN may be guessed, and wrong tokens of strangers can delay the right one",
            fix=FIX,
        )
    access = Access(settings.board_token, Sessions(settings.board_token), Guesses())
    door = Door()
    pages = Pages(access, Pictures(settings.cloudinary), door)
    limits = Limits(settings.health_max_waiting, settings.health_max_wait_seconds)
    overviews = Overviews(reads, limits, pages.pictures)
    panel_page = PanelPage(pages, reads, processing, settings.sentry.url)
    return [
        *assets.routes(),
        *SignIn(pages).routes(),
        *Gallery(pages, reads, overviews).routes(),
        *panel_page.routes(),
        *PuttingBack(pages, reads).routes(),
        *Live(pages, reads, overviews, panel_page).routes(),
        *RetryRoute(access, door, retry=reads.retry, progress=reads.progress).routes(),
    ]

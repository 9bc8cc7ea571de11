"""The language that a request asks for."""

from werkzeug.wrappers import Request, Response

from storyboard_worker.web.texts.catalogue import Language, Texts, texts_in

PARAMETER = "lang"
# Traditional Chinese is another script. Its readers mostly list other languages, too.
SIMPLIFIED = frozenset({"zh", "zh-cn", "zh-sg", "zh-hans"})


def texts_for(request: Request) -> Texts:
    """Texts in the language of ``?lang=``, else in the first of ``Accept-Language`` that there
    is, else in English."""
    return texts_in(_asked(request) or _accepted(request) or Language.ENGLISH)


def mark_language(response: Response, request: Request) -> Response:
    """Tells caches and readers which language ``response`` speaks."""
    response.headers["Content-Language"] = texts_for(request).language.tag
    if _asked(request) is None:
        response.vary.add("Accept-Language")
    return response


def _asked(request: Request) -> Language | None:
    raw = request.args.get(PARAMETER)
    return None if raw is None else _language(raw)


def _accepted(request: Request) -> Language | None:
    # werkzeug sorts them by their quality, but its matching knows no scripts.
    for tag, quality in request.accept_languages:
        language = _language(tag)
        if language is not None and quality > 0:
            return language
    return None


def _language(tag: str) -> Language | None:
    tag = tag.lower().replace("_", "-")
    if tag in SIMPLIFIED or tag.startswith("zh-hans-"):
        return Language.CHINESE
    return Language.ENGLISH if tag.partition("-")[0] == "en" else None

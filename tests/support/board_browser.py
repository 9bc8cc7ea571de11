"""A browser without a screen: it keeps its cookie, reads forms and posts them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.support.http_client import Reply, call

TOKEN = "board-token-of-tests"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Document(HTMLParser):
    """What a page holds: tags with their attributes, text, links and forms."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.forms: list[Form] = []
        self._named_forms: dict[str, Form] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get")))
            self._named_forms[given.get("id", "")] = self.forms[-1]
        elif tag == "button" and "formaction" in given:
            # A part of a page lacks the form.
            sent = self._named_forms.get(given["form"], Form("", "post"))
            self.forms.append(Form(given["formaction"], sent.method, sent.fields))
        elif tag == "input" and self.forms and "name" in given:
            self.forms[-1].fields[given["name"]] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(" ".join(data.split()))

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        wanted = attributes.items()
        return [given for name, given in self.tags if name == tag and wanted <= given.items()]

    def hrefs(self, beginning: str = "") -> list[str]:
        found = [link.get("href", "") for link in self.all("a")]
        return [href for href in found if href.startswith(beginning)]

    def form(self, action: str) -> Form:
        """The one that posts to this path, by itself or by a button of another one."""
        return next(one for one in self.forms if urlsplit(one.action).path == action)


class Browser:
    """Posts as a browser does over plain http: its forms' Origin is ``null``."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    def get(self, path: str, headers: dict[str, str] | None = None) -> Reply:
        return self._keep(call(self.port, path, headers=self._headers(headers)))

    def see(self, path: str, headers: dict[str, str] | None = None) -> Document:
        """A page that must be there."""
        reply = self.get(path, headers)
        assert reply.status == 200, (reply.status, Document(reply.text).text)
        return Document(reply.text)

    def post(
        self, path: str, fields: dict[str, str], headers: dict[str, str] | None = None
    ) -> Reply:
        sent = {"Content-Type": FORM, "Origin": "null", **(headers or {})}
        body = urlencode(fields).encode()
        reply = call(self.port, path, "POST", headers=self._headers(sent), body=body)
        return self._keep(reply)

    def submit(self, form: Form, **changed: str) -> Reply:
        """Posts a form of a page, and follows where it leads."""
        reply = self.post(form.action, {**form.fields, **changed})
        return self.get(reply.headers["location"]) if reply.status == 303 else reply

    def sign_in(self, token: str = TOKEN) -> "Browser":
        reply = self.post("/login", {"token": token})
        assert reply.status == 303, reply
        return self

    def _headers(self, given: dict[str, str] | None) -> dict[str, str]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {**({"Cookie": cookie} if cookie else {}), **(given or {})}

    def _keep(self, reply: Reply) -> Reply:
        found: Any = SimpleCookie(reply.headers.get("set-cookie", ""))
        for name, morsel in found.items():
            self.cookies[name] = morsel.value
            if morsel["max-age"] == "0":
                del self.cookies[name]
        return reply

"""A Cloudinary account on loopback: signed uploads, delivery, ``ping`` and ``usage``.

https://cloudinary.com/documentation/image_upload_api_reference#upload and
https://cloudinary.com/documentation/admin_api
"""

import base64
import hmac
import re
import secrets
import ssl
import time
import uuid
from http import HTTPMethod
from urllib.parse import quote

from storyboard_worker.demo.cloudinary_answers import answer_error, answer_json, usage
from storyboard_worker.demo.cloudinary_assets import Asset, Assets, new_asset
from storyboard_worker.demo.cloudinary_checks import (
    Refused,
    check_context,
    check_image,
    check_length,
    check_signature,
    parameters_of,
    read_form,
)
from storyboard_worker.demo.cloudinary_records import Refusal, Upload, UploadRecords
from storyboard_worker.demo.delivery import Delivery
from storyboard_worker.demo.exchange import Exchange
from storyboard_worker.demo.fault_kinds import FaultQueue, StorageFault
from storyboard_worker.demo.journal import received
from storyboard_worker.demo.multipart import Form
from storyboard_worker.demo.server import Server

API_KEY = "123456789012345"
MAX_FILE_BYTES = 10_485_760
API_PATH = re.compile(r"/v1_1/(?P<cloud>[^/]+)/(?P<call>image/upload|ping|usage)")
TRUE = frozenset({"1", "true"})
NO_FAULT = StorageFault()


class Cloudinary(Server, UploadRecords):
    """One account. All settings but the cloud's name may be changed while it runs.

    Without ``api_secret`` it makes one up. With ``keep_bytes`` false only length and hash of
    an image are kept, and nothing is delivered. ``delivery`` is the CDN.
    """

    def __init__(
        self,
        cloud_name: str = "demo",
        api_key: str = API_KEY,
        api_secret: str | None = None,
        *,
        keep_bytes: bool = True,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        Server.__init__(self, port=port, tls=tls)
        UploadRecords.__init__(self)
        self.cloud_name = cloud_name
        self.api_key = api_key
        self.api_secret = api_secret or secrets.token_urlsafe(20)
        self.keep_bytes = keep_bytes
        self.max_file_bytes = MAX_FILE_BYTES
        self.delay_seconds = 0.0
        self._assets = Assets(cloud_name)
        self.delivery = Delivery(self._assets)
        self._faults: FaultQueue[StorageFault] = FaultQueue()

    @property
    def configuration_url(self) -> str:
        """What the SDK takes as ``CLOUDINARY_URL``."""
        prefix = quote(self.url, safe="")
        account = f"{self.api_key}:{self.api_secret}@{self.cloud_name}"
        return f"cloudinary://{account}?upload_prefix={prefix}"

    def misbehave(self, fault: StorageFault, times: int | None = 1) -> None:
        """Let the next ``times`` uploads take ``fault``; ``None`` means all, until cleared.

        Faults queue up. A fault's own ``always`` has no meaning here.
        """
        self._faults.add(fault, times)

    def clear_faults(self) -> None:
        self._faults.clear()

    def asset(self, public_id: str) -> Asset | None:
        """What is stored under ``public_id`` now."""
        return self._assets.get(public_id)

    def handle(self, exchange: Exchange) -> None:
        self._requests.add(received(exchange.request))
        exchange.standing_headers["x-request-id"] = uuid.uuid4().hex
        try:
            self._route(exchange)
        except Refused as refusal:
            self._refusals.add(Refusal(refusal.status, refusal.message))
            answer_error(exchange, refusal)

    def _route(self, exchange: Exchange) -> None:
        request = exchange.request
        call = API_PATH.fullmatch(request.path)
        match request.method, call and call["call"]:
            case HTTPMethod.POST, "image/upload":
                self._upload(exchange)
            case HTTPMethod.GET, "ping":
                self._check_basic_auth(exchange)
                answer_json(exchange, {"status": "ok"})
            case HTTPMethod.GET, "usage":
                self._check_basic_auth(exchange)
                answer_json(exchange, usage(self.max_file_bytes))
            case HTTPMethod.GET | HTTPMethod.HEAD, None:
                self.delivery.serve(exchange)
            case _:
                raise Refused(404, f"No such call: {request.method} {request.path}")

    def _upload(self, exchange: Exchange) -> None:
        fault = self._faults.take() or NO_FAULT
        fault.before_body(exchange)
        if exchange.is_over:
            return
        check_length(exchange)
        body = self._read_body(exchange)
        exchange.pause(self.delay_seconds)
        fault.before_storing(exchange)
        if exchange.is_over:
            return
        answer = self._store(exchange, body, fault)
        fault.before_answer(exchange)
        if not exchange.is_over:
            answer_json(exchange, fault.change_answer(answer))

    def _read_body(self, exchange: Exchange) -> bytearray:
        try:
            return exchange.read_body()
        except OSError:
            self._broken_off.add(time.monotonic())
            raise

    def _store(self, exchange: Exchange, body: bytearray, fault: StorageFault) -> dict[str, object]:
        """Check and store what the form holds; the answer's fields."""
        form, parameters = self._checked(exchange, body)
        sent = check_image(form.file, self.max_file_bytes)
        asset = new_asset(
            fault.change_bytes(sent), parameters, form.filename, keep_bytes=self.keep_bytes
        )
        overwrite = parameters.get("overwrite", "true") in TRUE
        asset, is_new = self._assets.store(asset, overwrite=overwrite)
        answer = asset.answer(self.url, self.cloud_name, self.api_secret)
        if not is_new:
            return {**answer, "existing": True}
        self._uploads.add(Upload.of(asset))
        return answer

    def _checked(self, exchange: Exchange, body: bytearray) -> tuple[Form, dict[str, str]]:
        """The form and its parameters, once it is known who sent them."""
        self._check_cloud(exchange, "Invalid cloud_name {cloud}")
        form = read_form(exchange.request.headers.get("content-type", ""), body)
        parameters = parameters_of(form)
        check_signature(parameters, self.api_key, self.api_secret)
        check_context(parameters)
        return form, parameters

    def _check_basic_auth(self, exchange: Exchange) -> None:
        self._check_cloud(exchange, "cloud_name mismatch")
        pair = base64.b64encode(f"{self.api_key}:{self.api_secret}".encode()).decode()
        sent = exchange.request.headers.get("authorization", "")
        if not hmac.compare_digest(sent.encode(), f"Basic {pair}".encode()):
            raise Refused(401, "Invalid credentials")

    def _check_cloud(self, exchange: Exchange, message: str) -> None:
        cloud = exchange.request.path.split("/")[2]
        if cloud != self.cloud_name:
            raise Refused(401, message.format(cloud=cloud))

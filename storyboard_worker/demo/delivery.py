"""Delivery: what a browser gets from the CDN, and how that may fail.

What Cloudinary refuses it explains in ``X-Cld-Error``:
https://cloudinary.com/documentation/ts_what_are_the_common_error_codes_returned_in_the_x_cld_error_header_when_delivering_assets
"""

from storyboard_worker.demo.cloudinary_assets import Assets
from storyboard_worker.demo.cloudinary_checks import Refused
from storyboard_worker.demo.exchange import Exchange
from storyboard_worker.demo.fault_kinds import Answer, FaultQueue, SourceFault, StoredObject

ACCOUNT_DISABLED = Answer(401, headers={"X-Cld-Error": "disabled account"})
DELIVERY_REFUSED = Answer(401, headers={"X-Cld-Error": "deny or ACL failure"})
# A placeholder in the place of a picture.
SUBSTITUTE = Answer(200, b"GIF89a", headers={"X-Cld-Error": "Resource not found"})

CONTENT_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


class Delivery:
    """Serves ``assets`` by their paths."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._faults: FaultQueue[SourceFault] = FaultQueue()

    def misbehave(self, fault: SourceFault, times: int | None = 1) -> None:
        """Let the next ``times`` deliveries take ``fault``; ``None`` means all, until cleared."""
        self._faults.add(fault, times)

    def clear_faults(self) -> None:
        self._faults.clear()

    def delete(self, public_id: str) -> None:
        """Delete an asset, as a person does in the console. Raises :class:`KeyError` for none."""
        self._assets.delete(public_id)

    def serve(self, exchange: Exchange) -> None:
        """Answer a GET or a HEAD. Raises :class:`Refused` where nothing is stored."""
        fault = self._faults.take()
        found = self._found(exchange.request.path)
        if fault is not None:
            fault.serve(exchange, found or StoredObject(b"", "image/jpeg"))
        elif found is None:
            raise Refused(404, f"Resource not found - {exchange.request.path}")
        else:
            found.serve(exchange)

    def _found(self, path: str) -> StoredObject | None:
        asset = self._assets.at_path(path)
        if asset is None or asset.body is None:
            return None
        headers = {"ETag": f'"{asset.md5_hex}"'}
        return StoredObject(asset.body, CONTENT_TYPES[asset.dimensions.format], headers)

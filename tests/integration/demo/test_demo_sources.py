"""The hosts of the demo's pictures."""

import urllib.request
from contextlib import ExitStack
from urllib.parse import urlsplit

from storyboard_worker.cli.demo_panels import GOOD, TROUBLES, plant
from storyboard_worker.cli.demo_sources import Sources, origin_at

# An address of TEST-NET-1 (RFC 5737), which no machine has.
ABSENT_ADDRESS = "192.0.2.1"


def test_each_planted_fault_has_a_host_of_its_own() -> None:
    with ExitStack() as stack:
        sources = Sources.start(stack, len(TROUBLES))
        panels = list(plant(sources, len(TROUBLES) + 2))

    good = {urlsplit(panel.url).hostname for panel in panels if panel.trouble is GOOD}
    faulty = {urlsplit(panel.url).hostname for panel in panels if panel.trouble is not GOOD}
    assert good == {"127.0.0.1"}
    assert faulty == {f"127.0.0.{host}" for host in range(2, 8)}


def test_where_loopback_has_one_address_each_fault_has_a_port() -> None:
    with ExitStack() as stack:
        first, second = origin_at(ABSENT_ADDRESS), origin_at(ABSENT_ADDRESS)
        stack.callback(first.stop)
        stack.callback(second.stop)
        first.put("a.jpg", b"picture")
        with urllib.request.urlopen(first.sign("a.jpg"), timeout=5) as answer:
            assert answer.read() == b"picture"

    places = [urlsplit(origin.url) for origin in (first, second)]
    assert {place.hostname for place in places} == {"127.0.0.1"}
    assert len({place.port for place in places}) == 2

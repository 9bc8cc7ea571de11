"""After any history an upstream that answers well is soon open again."""

from hypothesis import given, settings
from hypothesis import strategies as st

from storyboard_worker.attempts.breaker import LONGEST_PAUSE_SECONDS, NEXT_PROBE_SECONDS
from storyboard_worker.attempts.breakers import Breakers
from storyboard_worker.errors import STORAGE_UPSTREAM, AttemptError, ErrorCode
from storyboard_worker.storyboard import Claim
from tests.support.attempts import HOST, new_claim, source_error, storage_error
from tests.support.clock import Clock

SOON_SECONDS = LONGEST_PAUSE_SECONDS + NEXT_PROBE_SECONDS
STEP_SECONDS = 0.05

ERRORS: list[AttemptError] = [
    source_error(),
    source_error(ErrorCode.SOURCE_TIMEOUT),
    source_error(ErrorCode.SOURCE_RATE_LIMITED),
    source_error(ErrorCode.SOURCE_RATE_LIMITED, retry_after_seconds=0),
    source_error(ErrorCode.SOURCE_NOT_FOUND),
    source_error(ErrorCode.ATTEMPT_TIMEOUT),
    storage_error(),
    storage_error(ErrorCode.STORAGE_RATE_LIMITED, retry_after_seconds=60),
    storage_error(ErrorCode.STORAGE_UNAUTHORIZED),
    AttemptError(ErrorCode.UNEXPECTED, "a bug"),
]
# The end of an attempt: good, without a finding, or with an error.
WELL, ABANDONED = "well", "abandoned"
ENDS = st.sampled_from([WELL, ABANDONED, *ERRORS])
STEPS = st.one_of(
    st.tuples(st.just("end"), st.integers(0, 20), ENDS),
    st.tuples(st.just("many end"), st.integers(1, 6), ENDS),
    st.tuples(st.just("ask"), st.just(0), st.just(WELL)),
    st.tuples(st.just("arrive"), st.just(0), st.just(WELL)),
    st.tuples(st.just("arrive and hang"), st.integers(1, 4), st.just(WELL)),
    st.tuples(st.just("time"), st.sampled_from([1, 2, 5, 30, 60, 600]), st.just(WELL)),
)
Step = tuple[str, int, str | AttemptError]


class Upstreams:
    """A source and storage with rows without end. A request hangs until a step ends it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.breakers = Breakers(self.clock)
        self.under_way: list[Claim] = []

    def take(self, step: Step) -> None:
        kind, number, how = step
        match kind:
            case "end" if self.under_way:
                self.end(self.under_way.pop(number % len(self.under_way)), how)
            case "many end":
                for _ in range(number):
                    self.end(new_claim(), how)
            case "ask":
                self.under_way += self.ask()
            case "arrive":
                self.breakers.row_arrived()
            case "arrive and hang":
                for _ in range(number):
                    self.breakers.row_arrived()
                    self.clock.now += NEXT_PROBE_SECONDS
                    self.under_way += self.ask()
            case "time":
                self.clock.now += number

    def end(self, claim: Claim, how: str | AttemptError) -> None:
        if isinstance(how, AttemptError):
            self.breakers.failed(claim, how)
        elif how == WELL:
            self.breakers.succeeded(claim)
        else:
            self.breakers.abandoned(claim)

    def ask(self) -> list[Claim]:
        """Like the dispatcher: storage first, if it is shut, and else each source."""
        upstream = STORAGE_UPSTREAM if self.breakers.storage_is_shut else HOST
        if upstream == HOST and not self.breakers.shut_sources():
            return [self.start()]
        return [self.start() for _ in range(self.breakers.probes_wanted(upstream))]

    def start(self) -> Claim:
        self.breakers.started(claim := new_claim())
        return claim

    def seconds_until_open(self) -> float:
        """How long it stays shut when new requests are answered well and old ones go on hanging."""
        began_at = self.clock.now
        while not self.breakers.all_closed and self.clock.now - began_at <= 2 * SOON_SECONDS:
            for claim in self.ask():
                self.breakers.succeeded(claim)
            if not self.breakers.all_closed:
                seconds = self.breakers.seconds_until_change()
                assert seconds is not None, "nothing would ever ask again"
                # A row that has arrived is not waited for: that would be a loop without a pause.
                assert seconds > 0
                self.clock.now += max(seconds, STEP_SECONDS)
        return self.clock.now - began_at


@settings(max_examples=600, deadline=None)
@given(st.lists(STEPS, min_size=2, max_size=40))
def test_an_upstream_that_answers_well_is_open_in_little_more_than_a_minute(
    steps: list[Step],
) -> None:
    upstreams = Upstreams()
    for step in steps:
        upstreams.take(step)
    assert upstreams.seconds_until_open() <= SOON_SECONDS
    assert upstreams.breakers.probes_wanted(HOST) == 0

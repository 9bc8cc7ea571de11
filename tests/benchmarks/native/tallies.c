#include "tallies.h"

#include <inttypes.h>
#include <stdatomic.h>

#include "clock.h"

static _Atomic uint64_t connections;
static _Atomic uint64_t resumed;
static _Atomic uint64_t requests;
static _Atomic uint64_t stored;
static _Atomic uint64_t mismatched;
static _Atomic uint64_t first_request_ns;
static _Atomic uint64_t last_stored_ns;
static _Atomic uint64_t at_once; /* lives on when the others are forgotten */
static _Atomic uint64_t most_at_once;

static void raise_to(_Atomic uint64_t *highest, uint64_t value)
{
    uint64_t seen = *highest;
    while (seen < value && !atomic_compare_exchange_weak(highest, &seen, value))
        ;
}

void tally_connection(void)
{
    connections++;
}

void tally_resumed(void)
{
    resumed++;
}

void tally_request_begins(void)
{
    uint64_t never = 0;
    if (!first_request_ns)
        atomic_compare_exchange_strong(&first_request_ns, &never, now_ns());
}

void tally_request(void)
{
    requests++;
}

void tally_upload_begins(void)
{
    raise_to(&most_at_once, ++at_once);
}

void tally_upload_ends(void)
{
    at_once--;
}

void tally_stored(bool matched)
{
    if (!matched) {
        mismatched++;
        return;
    }
    stored++;
    raise_to(&last_stored_ns, now_ns());
}

void tallies_print(FILE *out)
{
    fprintf(
        out,
        "{\"requests\": %" PRIu64 ", \"stored\": %" PRIu64 ", \"mismatched\": %" PRIu64
        ", \"first_request_ns\": %" PRIu64 ", \"last_stored_ns\": %" PRIu64
        ", \"connections\": %" PRIu64 ", \"resumed\": %" PRIu64 ", \"most_at_once\": %" PRIu64
        "}\n",
        requests, stored, mismatched, first_request_ns, last_stored_ns, connections, resumed,
        most_at_once);
}

void tallies_forget(void)
{
    requests = stored = mismatched = connections = resumed = 0;
    first_request_ns = last_stored_ns = 0;
    most_at_once = 0;
}

#include "source.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "head.h"
#include "pace.h"
#include "tallies.h"

/* An answer that fits goes out in one piece: one system call, one packet, one record of TLS. */
#define ONE_PIECE_BYTES 16384

struct answer {
    char opening[ONE_PIECE_BYTES];
    size_t length;
    size_t image_bytes; /* those that the opening holds */
};

/* A client that sends the next request before it has the answer is taken for gone. */
static bool read_request(struct stream *stream)
{
    char head[MAX_HEAD_BYTES];
    size_t filled = 0;
    size_t end = 0;
    while (!end && filled < sizeof head) {
        size_t received = stream_read(stream, head + filled, sizeof head - filled);
        if (!received)
            return false;
        if (!filled)
            tally_request_begins();
        filled += received;
        end = head_end(head, filled);
    }
    return end && end == filled;
}

static void compose(struct answer *answer, const struct settings *settings)
{
    const struct image *image = &settings->image;
    int length = snprintf(
        answer->opening, sizeof answer->opening,
        "HTTP/1.1 200 OK\r\nContent-Type: image/%s\r\nContent-Length: %zu\r\n\r\n",
        strcmp(image->format, "jpg") == 0 ? "jpeg" : image->format, image->length);
    answer->length = (size_t)length;
    answer->image_bytes = 0;
    if (!settings->bytes_per_second && image->length <= sizeof answer->opening - answer->length) {
        memcpy(answer->opening + answer->length, image->bytes, image->length);
        answer->length += image->length;
        answer->image_bytes = image->length;
    }
}

static bool write_answer(
    struct stream *stream, const struct answer *answer, const struct settings *settings)
{
    const struct image *image = &settings->image;
    size_t done = answer->image_bytes;
    bool more = done < image->length && !settings->bytes_per_second;
    if (!stream_write(stream, answer->opening, answer->length, more))
        return false;
    struct pace pace;
    pace_start(&pace, settings->bytes_per_second);
    while (done < image->length) {
        size_t slice = pace_slice(&pace, image->length - done);
        pace_wait(&pace, slice);
        if (!stream_write_image(stream, image, done, slice))
            return false;
        done += slice;
    }
    return true;
}

void source_converse(struct stream *stream, const struct settings *settings)
{
    struct answer answer;
    compose(&answer, settings);
    do {
        if (!read_request(stream))
            return;
        tally_request();
        sleep_ms(settings->source_delay_ms);
    } while (write_answer(stream, &answer, settings));
}

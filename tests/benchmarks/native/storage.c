#include "storage.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "head.h"
#include "pace.h"
#include "tallies.h"
#include "upload.h"

#define BUFFER_BYTES (256 * 1024)
#define ANSWER_BYTES 2048
#define NO_MD5 "00000000000000000000000000000000"

/* What the thread of a connection works with. */
struct desk {
    struct stream *stream;
    const struct settings *settings;
    char *buffer;
    size_t filled; /* bytes in the buffer */
};

static size_t smaller(size_t one, size_t other)
{
    return one < other ? one : other;
}

/* Append to the buffer; false when the peer left, or when there is no room. */
static bool read_on(struct desk *desk, size_t limit)
{
    size_t room = smaller(BUFFER_BYTES - desk->filled, limit);
    size_t received = room ? stream_read(desk->stream, desk->buffer + desk->filled, room) : 0;
    desk->filled += received;
    return received > 0;
}

/* Leaves in the buffer what has come of the body, at most. Returns false when the peer left, or
 * does not say how long the body is. */
static bool read_head(struct desk *desk, size_t *head_length, size_t *body_length)
{
    desk->filled = 0;
    do {
        if (!read_on(desk, BUFFER_BYTES))
            return false;
        *head_length = head_end(desk->buffer, desk->filled);
    } while (!*head_length);
    return head_content_length(desk->buffer, body_length)
        && desk->filled - *head_length <= *body_length;
}

static bool read_opening(
    struct desk *desk, size_t head_length, size_t body_length, struct upload *upload)
{
    const char *body = desk->buffer + head_length;
    size_t end;
    while (!(end = upload_opening_end(body, desk->filled - head_length)))
        if (!read_on(desk, head_length + body_length - desk->filled))
            return false;
    if (!upload_begin(upload, &desk->settings->image, body, end, body_length))
        return false;
    upload_take(upload, body + end, desk->filled - head_length - end);
    return true;
}

static bool read_rest(struct desk *desk, size_t left, struct pace *pace, struct upload *upload)
{
    while (left > 0) {
        size_t wanted = smaller(pace_slice(pace, left), BUFFER_BYTES);
        size_t received = stream_read(desk->stream, desk->buffer, wanted);
        if (!received)
            return false;
        upload_take(upload, desk->buffer, received);
        pace_wait(pace, received);
        left -= received;
    }
    return true;
}

static bool read_body(
    struct desk *desk, size_t head_length, size_t body_length, struct upload *upload)
{
    struct pace pace;
    pace_start(&pace, desk->settings->bytes_per_second);
    if (!read_opening(desk, head_length, body_length, upload))
        return false;
    size_t seen = desk->filled - head_length;
    pace_wait(&pace, seen);
    return read_rest(desk, body_length - seen, &pace, upload);
}

/* Any number that is always the same for the same text (FNV-1a). */
static uint64_t number_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
    return hash;
}

static bool write_answer(struct desk *desk, const struct upload *upload)
{
    const struct image *image = upload->image;
    const char *id = upload->public_id;
    char json[ANSWER_BYTES];
    char answer[2 * ANSWER_BYTES];
    int json_length = snprintf(
        json, sizeof json,
        "{\"asset_id\": \"%016" PRIx64 "%016" PRIx64 "\", \"public_id\": \"%s\", \"version\": 1, "
        "\"format\": \"%s\", \"width\": 100, \"height\": 100, \"bytes\": %zu, \"etag\": \"%s\", "
        "\"secure_url\": \"https://storage.invalid/%s.%s\"}",
        number_of(id), ~number_of(id), id, image->format, upload->file_length,
        upload->matches ? image->md5 : NO_MD5, id, image->format);
    int length = snprintf(
        answer, sizeof answer,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
        json_length, json);
    return stream_write(desk->stream, answer, (size_t)length, false);
}

static bool take_upload(struct desk *desk)
{
    size_t head_length;
    size_t body_length;
    struct upload upload;
    if (!read_head(desk, &head_length, &body_length))
        return false;
    tally_upload_begins();
    bool whole = read_body(desk, head_length, body_length, &upload);
    tally_upload_ends();
    if (!whole)
        return false;
    sleep_ms(desk->settings->storage_delay_ms);
    tally_stored(upload.matches);
    return write_answer(desk, &upload);
}

void storage_converse(struct stream *stream, const struct settings *settings)
{
    struct desk desk = {.stream = stream, .settings = settings, .buffer = malloc(BUFFER_BYTES)};
    if (!desk.buffer)
        err(EXIT_FAILURE, "malloc");
    while (take_upload(&desk))
        ;
    free(desk.buffer);
}

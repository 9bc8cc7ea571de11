#define _GNU_SOURCE /* memmem */

#include "upload.h"

#include <stdio.h>
#include <string.h>

#define FILE_NAME "; name=\"file\""
#define PUBLIC_ID "; name=\"public_id\"\r\n\r\n"
#define BLANK_LINE "\r\n\r\n"
#define LINE_END "\r\n"

static const char *find(const char *text, const char *end, const char *wanted)
{
    return memmem(text, (size_t)(end - text), wanted, strlen(wanted));
}

size_t upload_opening_end(const char *body, size_t filled)
{
    const char *end = body + filled;
    const char *file = find(body, end, FILE_NAME);
    const char *blank = file ? find(file, end, BLANK_LINE) : NULL;
    return blank ? (size_t)(blank - body) + strlen(BLANK_LINE) : 0;
}

/* The body's first line is the boundary, and so is its last, with two more dashes. */
static bool read_boundary(struct upload *upload, const char *opening, const char *end)
{
    const char *line_end = find(opening, end, LINE_END);
    if (!line_end)
        return false;
    int boundary_length = (int)(line_end - opening);
    int length = snprintf(
        upload->closing, sizeof upload->closing, LINE_END "%.*s--" LINE_END, boundary_length,
        opening);
    upload->closing_length = (size_t)length;
    return upload->closing_length < sizeof upload->closing;
}

static bool read_public_id(struct upload *upload, const char *opening, const char *end)
{
    const char *field = find(opening, end, PUBLIC_ID);
    if (!field)
        return false;
    const char *value = field + strlen(PUBLIC_ID);
    const char *value_end = find(value, end, LINE_END);
    if (!value_end || (size_t)(value_end - value) >= sizeof upload->public_id)
        return false;
    size_t length = (size_t)(value_end - value);
    memcpy(upload->public_id, value, length);
    upload->public_id[length] = '\0';
    /* It goes into the answer's JSON as it is. */
    return !strpbrk(upload->public_id, "\"\\\t\n\r");
}

bool upload_begin(
    struct upload *upload, const struct image *image, const char *opening, size_t opening_length,
    size_t body_length)
{
    const char *end = opening + opening_length;
    if (!read_boundary(upload, opening, end) || !read_public_id(upload, opening, end)
        || body_length < opening_length + upload->closing_length)
        return false;
    upload->image = image;
    upload->file_length = body_length - opening_length - upload->closing_length;
    upload->seen = 0;
    upload->matches = upload->file_length == image->length;
    return true;
}

void upload_take(struct upload *upload, const char *bytes, size_t length)
{
    size_t file_left = upload->seen < upload->file_length ? upload->file_length - upload->seen : 0;
    size_t of_file = length < file_left ? length : file_left;
    size_t of_closing = length - of_file;
    if (upload->matches && of_file)
        upload->matches = memcmp(bytes, upload->image->bytes + upload->seen, of_file) == 0;
    upload->seen += of_file;
    if (upload->matches && of_closing) {
        const char *closing = upload->closing + (upload->seen - upload->file_length);
        upload->matches = memcmp(bytes + of_file, closing, of_closing) == 0;
    }
    upload->seen += of_closing;
}

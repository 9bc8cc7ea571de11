/* The body of an upload: multipart/form-data, with the file as its last part, as both the SDK and
 * the worker send it. */
#ifndef UPLOAD_H
#define UPLOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "settings.h"

#define MAX_PUBLIC_ID_BYTES 256
#define MAX_CLOSING_BYTES 80

struct upload {
    const struct image *image;
    char public_id[MAX_PUBLIC_ID_BYTES];
    char closing[MAX_CLOSING_BYTES]; /* what follows the file */
    size_t closing_length;
    size_t file_length;
    size_t seen; /* bytes of file and closing so far */
    bool matches;
};

/* The length of what precedes the file's bytes; 0 while it is not there in full. */
size_t upload_opening_end(const char *body, size_t filled);

/* False when the body is none that this storage understands. */
bool upload_begin(
    struct upload *upload, const struct image *image, const char *opening, size_t opening_length,
    size_t body_length);

/* Compare the next bytes after the opening with what they should be. */
void upload_take(struct upload *upload, const char *bytes, size_t length);

#endif

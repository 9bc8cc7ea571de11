/* One accepted connection, in plain TCP or in TLS. All calls block; all tell when the peer left. */
#ifndef STREAM_H
#define STREAM_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "settings.h"

struct stream {
    int fd;
    SSL *ssl; /* NULL in plain TCP */
};

/* Ends the process when certificate or key do not serve. */
SSL_CTX *tls_context(const char *certificate, const char *key);

/* Shakes hands when there is a context. Close the stream even after a failure. */
bool stream_open(struct stream *stream, int fd, SSL_CTX *tls);
void stream_close(struct stream *stream);

/* Some bytes, at least one; 0 when the peer left. */
size_t stream_read(struct stream *stream, void *buffer, size_t length);

/* `more`: further bytes follow at once, and may share a packet with these. */
bool stream_write(struct stream *stream, const void *bytes, size_t length, bool more);

/* A piece of the image, by the kernel alone where that is possible. */
bool stream_write_image(
    struct stream *stream, const struct image *image, size_t offset, size_t length);

#endif

#include "stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tallies.h"

SSL_CTX *tls_context(const char *certificate, const char *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (!tls || !SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION)
        || SSL_CTX_use_certificate_chain_file(tls, certificate) != 1
        || SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1
        || SSL_CTX_check_private_key(tls) != 1) {
        ERR_print_errors_fp(stderr);
        exit(EXIT_FAILURE);
    }
    return tls;
}

bool stream_open(struct stream *stream, int fd, SSL_CTX *tls)
{
    *stream = (struct stream){.fd = fd, .ssl = NULL};
    if (!tls)
        return true;
    stream->ssl = SSL_new(tls);
    if (!stream->ssl || SSL_set_fd(stream->ssl, fd) != 1 || SSL_accept(stream->ssl) != 1)
        return false;
    if (SSL_session_reused(stream->ssl))
        tally_resumed();
    return true;
}

void stream_close(struct stream *stream)
{
    SSL_free(stream->ssl);
    close(stream->fd);
}

size_t stream_read(struct stream *stream, void *buffer, size_t length)
{
    if (stream->ssl) {
        size_t decrypted;
        return SSL_read_ex(stream->ssl, buffer, length, &decrypted) == 1 ? decrypted : 0;
    }
    ssize_t received;
    do
        received = recv(stream->fd, buffer, length, 0);
    while (received < 0 && errno == EINTR);
    return received > 0 ? (size_t)received : 0;
}

bool stream_write(struct stream *stream, const void *bytes, size_t length, bool more)
{
    if (stream->ssl) {
        size_t written;
        return SSL_write_ex(stream->ssl, bytes, length, &written) == 1;
    }
    const char *next = bytes;
    while (length > 0) {
        ssize_t sent = send(stream->fd, next, length, more ? MSG_MORE : 0);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        next += sent;
        length -= (size_t)sent;
    }
    return true;
}

bool stream_write_image(
    struct stream *stream, const struct image *image, size_t offset, size_t length)
{
    if (stream->ssl)
        return stream_write(stream, image->bytes + offset, length, false);
    off_t next = (off_t)offset;
    while (length > 0) {
        ssize_t sent = sendfile(stream->fd, image->fd, &next, length);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        length -= (size_t)sent;
    }
    return true;
}

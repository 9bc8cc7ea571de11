/* A port of its own on 127.0.0.1, and a thread per connection. */
#ifndef SERVER_H
#define SERVER_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "settings.h"
#include "stream.h"

struct server {
    const struct settings *settings;
    SSL_CTX *tls; /* NULL: plain TCP */
    /* Holds one connection's conversation; returns when it is over. */
    void (*converse)(struct stream *stream, const struct settings *settings);
};

/* Accepts from now on until the process ends; `server` must live as long. Returns the port. */
uint16_t serve(const struct server *server);

#endif

/* What the command line says. */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stddef.h>
#include <stdint.h>

struct image {
    int fd;
    const char *bytes; /* the file, mapped */
    size_t length;
    const char *format; /* "png" or "jpg" */
    const char *md5;
};

struct settings {
    struct image image;
    uint64_t source_delay_ms;
    uint64_t storage_delay_ms;
    uint64_t bytes_per_second; /* of each body, in either direction; 0: no limit */
    const char *certificate;   /* NULL: plain TCP */
    const char *key;
};

/* Ends the process, with a message, when they make no sense. */
struct settings settings_from(int count, char **arguments);

#endif

#include "settings.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { MD5_DIGITS = 32 };

static const struct option OPTIONS[] = {
    {"image", required_argument, NULL, 'i'},
    {"md5", required_argument, NULL, 'm'},
    {"format", required_argument, NULL, 'f'},
    {"source-delay-ms", required_argument, NULL, 's'},
    {"storage-delay-ms", required_argument, NULL, 't'},
    {"rate-bytes-per-second", required_argument, NULL, 'r'},
    {"certificate", required_argument, NULL, 'c'},
    {"key", required_argument, NULL, 'k'},
    {NULL, 0, NULL, 0},
};

static uint64_t number(const char *text)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno || *end || *text < '0' || *text > '9')
        errx(EXIT_FAILURE, "not a number: %s", text);
    return value;
}

static void map_file(struct image *image, const char *path)
{
    struct stat found;
    image->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (image->fd < 0 || fstat(image->fd, &found) < 0)
        err(EXIT_FAILURE, "%s", path);
    image->length = (size_t)found.st_size;
    image->bytes =
        mmap(NULL, image->length, PROT_READ, MAP_SHARED | MAP_POPULATE, image->fd, 0);
    if (image->bytes == MAP_FAILED)
        err(EXIT_FAILURE, "%s", path);
}

static void check(const struct settings *settings)
{
    const struct image *image = &settings->image;
    if (!image->bytes)
        errx(EXIT_FAILURE, "--image is missing");
    if (strlen(image->md5) != MD5_DIGITS)
        errx(EXIT_FAILURE, "--md5 takes %d hexadecimal digits", MD5_DIGITS);
    if (strcmp(image->format, "png") != 0 && strcmp(image->format, "jpg") != 0)
        errx(EXIT_FAILURE, "--format is png or jpg");
    if (!settings->certificate != !settings->key)
        errx(EXIT_FAILURE, "--certificate and --key go together");
}

static void take(struct settings *settings, int option, const char *value)
{
    switch (option) {
    case 'i': map_file(&settings->image, value); break;
    case 'm': settings->image.md5 = value; break;
    case 'f': settings->image.format = value; break;
    case 's': settings->source_delay_ms = number(value); break;
    case 't': settings->storage_delay_ms = number(value); break;
    case 'r': settings->bytes_per_second = number(value); break;
    case 'c': settings->certificate = value; break;
    case 'k': settings->key = value; break;
    default: exit(EXIT_FAILURE); /* getopt has said why */
    }
}

struct settings settings_from(int count, char **arguments)
{
    struct settings settings = {.image = {.format = "png", .md5 = ""}};
    int option;
    while ((option = getopt_long(count, arguments, "", OPTIONS, NULL)) != -1)
        take(&settings, option, optarg);
    check(&settings);
    return settings;
}

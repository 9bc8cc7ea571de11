/* A source of images and a storage like Cloudinary, as cheap in CPU as it gets, so that what is
 * measured is the worker between them.
 *
 * Writes the two ports as a line of JSON, then answers each line of its standard input with one:
 * `stats` with the figures so far, `forget` with {} after setting them back. Ends with its input.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server.h"
#include "settings.h"
#include "source.h"
#include "storage.h"
#include "tallies.h"

#define LINE_BYTES 64

/* Hundreds of connections on either port pass the usual soft limit. */
static void allow_many_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void obey(const char *command)
{
    if (strcmp(command, "stats\n") == 0) {
        tallies_print(stdout);
    } else if (strcmp(command, "forget\n") == 0) {
        tallies_forget();
        puts("{}");
    } else {
        puts("{\"error\": \"the commands are stats and forget\"}");
    }
    fflush(stdout);
}

int main(int count, char **arguments)
{
    struct settings settings = settings_from(count, arguments);
    SSL_CTX *tls = settings.certificate ? tls_context(settings.certificate, settings.key) : NULL;
    struct server source = {.settings = &settings, .tls = tls, .converse = source_converse};
    struct server storage = {.settings = &settings, .tls = tls, .converse = storage_converse};
    signal(SIGPIPE, SIG_IGN); /* a peer may leave while it is written to */
    allow_many_files();
    printf("{\"source_port\": %u, ", serve(&source));
    printf("\"storage_port\": %u}\n", serve(&storage));
    fflush(stdout);
    char line[LINE_BYTES];
    while (fgets(line, sizeof line, stdin))
        obey(line);
    _exit(EXIT_SUCCESS); /* the threads of open connections may be anywhere */
}

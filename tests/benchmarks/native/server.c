#define _GNU_SOURCE /* accept4 */

#include "server.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "tallies.h"

#define STACK_BYTES (256 * 1024)
#define THROTTLED_BUFFER_BYTES (256 * 1024)
#define PAUSE_MS 10

/* What a thread is for: a port or a connection. */
struct duty {
    int fd;
    const struct server *server;
};

static bool start_thread(void *(*run)(void *), struct duty given)
{
    pthread_t thread;
    pthread_attr_t attributes;
    struct duty *duty = malloc(sizeof *duty);
    if (!duty)
        return false;
    *duty = given;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    bool started = pthread_create(&thread, &attributes, run, duty) == 0;
    pthread_attr_destroy(&attributes);
    if (!started)
        free(duty);
    return started;
}

static struct duty taken_over(void *argument)
{
    struct duty duty = *(struct duty *)argument;
    free(argument);
    return duty;
}

static void *converse(void *argument)
{
    struct duty duty = taken_over(argument);
    struct stream stream;
    if (stream_open(&stream, duty.fd, duty.server->tls))
        duty.server->converse(&stream, duty.server->settings);
    stream_close(&stream);
    return NULL;
}

static void welcome(int fd, const struct server *server)
{
    tally_connection();
    if (!start_thread(converse, (struct duty){fd, server})) {
        warnx("no thread for a connection");
        close(fd);
    }
}

static void *accept_all(void *argument)
{
    struct duty duty = taken_over(argument);
    for (;;) {
        int fd = accept4(duty.fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            welcome(fd, duty.server);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            warn("accept");
            sleep_ms(PAUSE_MS);
        }
    }
    return NULL;
}

/* Accepted connections inherit all of them. */
static void set_options(int fd, bool throttled)
{
    int one = 1;
    int bytes = THROTTLED_BUFFER_BYTES;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (throttled) {
        /* The kernel's own would take in whole images, and hide the rate from the peer. */
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
}

uint16_t serve(const struct server *server)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        err(EXIT_FAILURE, "socket");
    set_options(fd, server->settings->bytes_per_second > 0);
    if (bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, SOMAXCONN) < 0
        || getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        err(EXIT_FAILURE, "127.0.0.1");
    if (!start_thread(accept_all, (struct duty){fd, server}))
        errx(EXIT_FAILURE, "no thread for a port");
    return ntohs(address.sin_port);
}

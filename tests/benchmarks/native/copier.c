#define _GNU_SOURCE /* pipe2, splice */

#include "copier.h"

#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "head.h"

#define BUFFER_BYTES (64 * 1024)
#define PIPE_BYTES (1024 * 1024)
#define OPENING_BYTES 2048
#define BOUNDARY "0123456789abcdef0123456789abcdef"
#define CLOSING "\r\n--" BOUNDARY "--\r\n"
#define FIELD(name) \
    "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"

/* The form that the worker sends, with made-up values of the same length. */
static const char FORM[] =
    FIELD("public_id") "storyboards/00000000-0000-0000-0000-%012ld-0123456789\r\n"
    FIELD("timestamp") "1700000000\r\n"
    FIELD("overwrite") "true\r\n"
    FIELD("signature") "0123456789abcdef0123456789abcdef01234567\r\n"
    FIELD("api_key") "benchmark-key\r\n"
    "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"image\"\r\n"
    "Content-Type: application/octet-stream\r\n\r\n";

struct copier {
    int source;
    int storage;
    int pipe[2];
    char buffer[BUFFER_BYTES];
};

/* An answer's length, and what of its body came with its head. */
struct answer {
    size_t length;
    char *body;
    size_t arrived;
};

static int dial(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        err(EXIT_FAILURE, "port %u", port);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

struct copier *copier_new(uint16_t source_port, uint16_t storage_port)
{
    struct copier *copier = malloc(sizeof *copier);
    if (!copier || pipe2(copier->pipe, O_CLOEXEC) < 0)
        err(EXIT_FAILURE, "pipe");
    /* A larger pipe saves system calls; without leave for one the usual size serves, too. */
    fcntl(copier->pipe[0], F_SETPIPE_SZ, PIPE_BYTES);
    copier->source = dial(source_port);
    copier->storage = dial(storage_port);
    return copier;
}

void copier_free(struct copier *copier)
{
    close(copier->source);
    close(copier->storage);
    close(copier->pipe[0]);
    close(copier->pipe[1]);
    free(copier);
}

static size_t receive(int fd, char *buffer, size_t length)
{
    ssize_t received = recv(fd, buffer, length, 0);
    if (received < 0)
        err(EXIT_FAILURE, "receive");
    if (received == 0)
        errx(EXIT_FAILURE, "an answer broke off");
    return (size_t)received;
}

/* In one packet, when they are few bytes. Changes the pieces. */
static void send_pieces(int fd, struct iovec *pieces, size_t count)
{
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
    while (message.msg_iovlen > 0) {
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (sent < 0)
            err(EXIT_FAILURE, "send");
        size_t left = (size_t)sent;
        while (message.msg_iovlen > 0 && left >= message.msg_iov->iov_len) {
            left -= message.msg_iov++->iov_len;
            message.msg_iovlen--;
        }
        if (message.msg_iovlen > 0) {
            message.msg_iov->iov_base = (char *)message.msg_iov->iov_base + left;
            message.msg_iov->iov_len -= left;
        }
    }
}

static struct answer read_answer(int fd, char *buffer)
{
    struct answer answer;
    size_t filled = 0;
    size_t end;
    do {
        if (filled == BUFFER_BYTES)
            errx(EXIT_FAILURE, "an answer's head does not end");
        filled += receive(fd, buffer + filled, BUFFER_BYTES - filled);
        end = head_end(buffer, filled);
    } while (!end);
    if (head_status(buffer) != 200 || !head_content_length(buffer, &answer.length))
        errx(EXIT_FAILURE, "no answer of 200 with its length: %s", buffer);
    answer.body = buffer + end;
    answer.arrived = filled - end;
    if (answer.arrived > answer.length)
        errx(EXIT_FAILURE, "an answer is longer than it says");
    return answer;
}

static void ask(struct copier *copier, long number)
{
    char request[128];
    int length = snprintf(
        request, sizeof request, "GET /%ld HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", number);
    send_pieces(copier->source, &(struct iovec){request, (size_t)length}, 1);
}

/* Head of the upload, and its body up to the image. */
static size_t compose_opening(char *opening, size_t room, long number, size_t image_length)
{
    char form[OPENING_BYTES];
    int form_length = snprintf(form, sizeof form, FORM, number);
    int length = snprintf(
        opening, room,
        "POST /v1_1/bench/image/upload HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Content-Type: multipart/form-data; boundary=" BOUNDARY "\r\nContent-Length: %zu\r\n"
        "Accept-Encoding: identity\r\nUser-Agent: floor\r\n\r\n%s",
        (size_t)form_length + image_length + strlen(CLOSING), form);
    return (size_t)length;
}

/* The kernel moves the pages from one connection to the other; nothing is copied here. */
static void splice_image(struct copier *copier, size_t left)
{
    while (left > 0) {
        ssize_t waiting =
            splice(copier->source, NULL, copier->pipe[1], NULL, left, SPLICE_F_MOVE);
        if (waiting <= 0)
            err(EXIT_FAILURE, "the image broke off");
        left -= (size_t)waiting;
        while (waiting > 0) {
            /* The closing follows the last bytes at once, and may share their packet. */
            unsigned flags = left ? SPLICE_F_MOVE : SPLICE_F_MOVE | SPLICE_F_MORE;
            ssize_t sent = splice(
                copier->pipe[0], NULL, copier->storage, NULL, (size_t)waiting, flags);
            if (sent <= 0)
                err(EXIT_FAILURE, "send");
            waiting -= sent;
        }
    }
}

static void pass_on(struct copier *copier, long number)
{
    char opening[2 * OPENING_BYTES];
    struct answer image = read_answer(copier->source, copier->buffer);
    size_t length = compose_opening(opening, sizeof opening, number, image.length);
    size_t left = image.length - image.arrived;
    struct iovec closing = {CLOSING, strlen(CLOSING)};
    struct iovec pieces[] = {{opening, length}, {image.body, image.arrived}, closing};
    send_pieces(copier->storage, pieces, left ? 2 : 3);
    if (left) {
        splice_image(copier, left);
        send_pieces(copier->storage, &closing, 1);
    }
}

void copier_copy(struct copier *copier, long number)
{
    ask(copier, number);
    pass_on(copier, number);
    struct answer stored = read_answer(copier->storage, copier->buffer);
    while (stored.arrived < stored.length)
        stored.arrived +=
            receive(copier->storage, copier->buffer, stored.length - stored.arrived);
}

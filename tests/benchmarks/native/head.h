/* The head of an HTTP/1.1 message: request line or status line, and header fields. */
#ifndef HEAD_H
#define HEAD_H

#include <stdbool.h>
#include <stddef.h>

#define MAX_HEAD_BYTES 16384

/* The head's length, blank line included; 0 while it is not there in full. Puts a NUL in place of
 * the blank line's last byte, so that the head can be read as a string. */
size_t head_end(char *buffer, size_t filled);

/* False when the head does not say. */
bool head_content_length(const char *head, size_t *length);

/* 0 when the head is no answer. */
int head_status(const char *head);

#endif

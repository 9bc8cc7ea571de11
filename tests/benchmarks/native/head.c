#define _GNU_SOURCE /* memmem, strcasestr */

#include "head.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANK_LINE "\r\n\r\n"
#define CONTENT_LENGTH "\r\ncontent-length:"

size_t head_end(char *buffer, size_t filled)
{
    char *blank = memmem(buffer, filled, BLANK_LINE, strlen(BLANK_LINE));
    if (!blank)
        return 0;
    size_t length = (size_t)(blank - buffer) + strlen(BLANK_LINE);
    buffer[length - 1] = '\0';
    return length;
}

bool head_content_length(const char *head, size_t *length)
{
    const char *field = strcasestr(head, CONTENT_LENGTH);
    if (!field)
        return false;
    const char *digits = field + strlen(CONTENT_LENGTH);
    digits += strspn(digits, " ");
    char *end;
    errno = 0;
    *length = strtoull(digits, &end, 10);
    return *digits >= '0' && *digits <= '9' && !errno && *end == '\r';
}

int head_status(const char *head)
{
    int status;
    return sscanf(head, "HTTP/1.1 %3d", &status) == 1 ? status : 0;
}

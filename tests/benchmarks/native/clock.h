#ifndef CLOCK_H
#define CLOCK_H

#include <errno.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND 1000000000ULL
#define NS_PER_MS 1000000ULL

/* The monotonic clock, which all processes of a machine share. */
static inline uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static inline void sleep_until_ns(uint64_t moment)
{
    struct timespec until = {
        .tv_sec = (time_t)(moment / NS_PER_SECOND),
        .tv_nsec = (long)(moment % NS_PER_SECOND),
    };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

static inline void sleep_ms(uint64_t ms)
{
    if (ms)
        sleep_until_ns(now_ns() + ms * NS_PER_MS);
}

#endif

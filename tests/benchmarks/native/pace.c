#include "pace.h"

#include "clock.h"

#define SLICES_PER_SECOND 100

void pace_start(struct pace *pace, uint64_t bytes_per_second)
{
    pace->bytes_per_second = bytes_per_second;
    pace->started_ns = bytes_per_second ? now_ns() : 0;
    pace->done = 0;
}

size_t pace_slice(const struct pace *pace, size_t left)
{
    if (!pace->bytes_per_second)
        return left;
    size_t slice = pace->bytes_per_second / SLICES_PER_SECOND + 1;
    return slice < left ? slice : left;
}

void pace_wait(struct pace *pace, size_t bytes)
{
    if (!pace->bytes_per_second)
        return;
    pace->done += bytes;
    sleep_until_ns(pace->started_ns + pace->done * NS_PER_SECOND / pace->bytes_per_second);
}

/* Bytes at a given rate. When each is due is reckoned from the start and not from the one before,
 * so that late awakenings do not add up. */
#ifndef PACE_H
#define PACE_H

#include <stddef.h>
#include <stdint.h>

struct pace {
    uint64_t bytes_per_second; /* 0: as fast as it goes */
    uint64_t started_ns;
    uint64_t done;
};

void pace_start(struct pace *pace, uint64_t bytes_per_second);

/* How many of `left` bytes to move in one go: what is due in 10 ms, or all without a rate. */
size_t pace_slice(const struct pace *pace, size_t left);

/* Return when `bytes` more are due. */
void pace_wait(struct pace *pace, size_t bytes);

#endif

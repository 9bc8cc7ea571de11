/* One kept connection to either side, and a thread's way of copying images over them. Any failure
 * ends the process with a message. */
#ifndef COPIER_H
#define COPIER_H

#include <stdint.h>

struct copier;

struct copier *copier_new(uint16_t source_port, uint16_t storage_port);
void copier_free(struct copier *copier);
void copier_copy(struct copier *copier, long number);

#endif

/* What has happened since the start or the last `forget`. No locks: each figure is an atomic. */
#ifndef TALLIES_H
#define TALLIES_H

#include <stdbool.h>
#include <stdio.h>

void tally_connection(void);

/* A TLS handshake that went on with an earlier session. */
void tally_resumed(void);

/* The first byte of a request to the source is here; then its whole head. */
void tally_request_begins(void);
void tally_request(void);

/* An upload's body is being read; it has been, or its peer left. */
void tally_upload_begins(void);
void tally_upload_ends(void);

void tally_stored(bool matched);

void tallies_print(FILE *out);
void tallies_forget(void);

#endif

/* Serves the image for every path. */
#ifndef SOURCE_H
#define SOURCE_H

#include "settings.h"
#include "stream.h"

void source_converse(struct stream *stream, const struct settings *settings);

#endif

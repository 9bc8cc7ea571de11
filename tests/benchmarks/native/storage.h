/* Takes uploads as Cloudinary does, and compares every byte with the image. */
#ifndef STORAGE_H
#define STORAGE_H

#include "settings.h"
#include "stream.h"

void storage_converse(struct stream *stream, const struct settings *settings);

#endif

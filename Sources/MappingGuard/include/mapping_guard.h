// What happens when a mapped file loses its bytes: one line and an exit code instead of a bare SIGBUS.
#ifndef MAPPING_GUARD_H
#define MAPPING_GUARD_H
#include <stddef.h>

/// Ends the process with `code` after writing `line` to standard error if [start, start + count) raises SIGBUS.
///
/// `line` is copied. Of more than 1024 ranges at a time the further ones are not watched.
void mapping_guard_watch(const void *start, size_t count, const char *line, int code);

/// Ends the watch over a range; to be called before it is unmapped.
void mapping_guard_forget(const void *start);

#endif

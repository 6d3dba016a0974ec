#ifndef FIXED_POINT_H
#define FIXED_POINT_H
#include <stddef.h>
#include <stdint.h>

/// Adds each value times `scale`, rounded half to even, to its 64-bit sum.
///
/// `scale` is a power of two, and `limit * scale` is at most 2^62. A sum that leaves the range wraps.
/// Returns `count`, or the index of the first value that is not finite or exceeds `limit` in magnitude;
/// such values are left out.
size_t vk_fixed_point_add(const float *values, size_t count, double scale, float limit, int64_t *sums);

/// Writes each sum times `factor`: converted to double, multiplied in double, rounded to float.
void vk_fixed_point_write(const int64_t *sums, size_t count, double factor, float *values);

#endif

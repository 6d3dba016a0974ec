// Fixed-point accumulation of floats.
#ifndef FIXED_POINT_H
#define FIXED_POINT_H
#include <stddef.h>
#include <stdint.h>

/// sums[i] += round(values[i] * scale) to the nearest integer, ties to even.
///
/// Returns the index of the first value that is not finite or above `limit` in magnitude (nothing is defined about
/// `sums` then), or `count`.
size_t vk_fixed_point_add(const float *values, int64_t *sums, double scale, double limit, size_t count);

/// values[i] = sums[i] * scale, rounded once to double and once to float.
void vk_fixed_point_read(const int64_t *sums, float *values, double scale, size_t count);
#endif

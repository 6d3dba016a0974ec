#include "fixed_point.h"
#include "dispatch.h"
#include <math.h>
#include <stdbool.h>

// Every operation below is exact or rounded as IEEE 754 says, so all clones and all CPUs give the same
// bits. Fusing would not change them (the product with a power of two is exact), but need not be proved.
#pragma STDC FP_CONTRACT OFF

static size_t first_unusable(const float *values, size_t count, float limit) {
  size_t index = 0;
  while (index < count && fabsf(values[index]) <= limit) index++;
  return index;
}

DISPATCHED size_t vk_fixed_point_add(const float *restrict values, size_t count, double scale, float limit,
                                     int64_t *restrict sums) {
  bool all_usable = true;
  for (size_t i = 0; i < count; i++) {
    // The comparison is false for NaN, whose conversion to an integer C leaves undefined.
    bool usable = fabsf(values[i]) <= limit;
    all_usable &= usable;
    int64_t addend = (int64_t)rint(usable ? (double)values[i] * scale : 0);
    sums[i] = (int64_t)((uint64_t)sums[i] + (uint64_t)addend);
  }
  return all_usable ? count : first_unusable(values, count, limit);
}

DISPATCHED void vk_fixed_point_write(const int64_t *restrict sums, size_t count, double factor,
                                     float *restrict values) {
  for (size_t i = 0; i < count; i++) values[i] = (float)((double)sums[i] * factor);
}

#include "fixed_point.h"
#include "dispatch.h"
#include <math.h>

// A block is checked before it is added, so that the conversion is never asked for what an integer cannot hold.
enum { BLOCK = 1024 };

DISPATCHED size_t vk_fixed_point_add(const float *restrict values, int64_t *restrict sums, double scale, double limit,
                                     size_t count) {
  for (size_t start = 0; start < count; start += BLOCK) {
    size_t end = start + BLOCK < count ? start + BLOCK : count;
    int bad = 0;
    for (size_t i = start; i < end; i++) bad |= !(fabs((double)values[i]) <= limit);
    if (bad) {
      for (size_t i = start; i < end; i++)
        if (!(fabs((double)values[i]) <= limit)) return i;
    }
    for (size_t i = start; i < end; i++) sums[i] += (int64_t)rint((double)values[i] * scale);
  }
  return count;
}

DISPATCHED void vk_fixed_point_read(const int64_t *restrict sums, float *restrict values, double scale, size_t count) {
  for (size_t i = 0; i < count; i++) values[i] = (float)((double)sums[i] * scale);
}

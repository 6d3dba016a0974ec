#ifndef DISPATCH_H
#define DISPATCH_H
#include <string.h>
#include "vector_kernels.h"

// One binary runs on every x86-64: the loader picks the clone for the CPU it finds. Elsewhere plain C.
#if defined(__x86_64__) && defined(__clang__)
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISPATCHED
#endif

// A part of a dispatched kernel; a function that is not inlined would be compiled for the oldest CPU.
#define INLINED static inline __attribute__((always_inline))

// Sums run in this many lanes so that the compiler may vectorise them without changing their order.
enum { LANES = 16 };

// The bits of the nearest bfloat16 number, ties to even.
INLINED uint32_t narrowed(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
  // Rounding could carry a NaN's fraction into infinity.
  return value == value ? rounded : 0x7fc0u;
}

// exp(x) for finite x, relative error below 2e-7: 2^n * p(r) with r = x - n ln 2 (Cody and Waite), |r| <= ln 2 / 2.
INLINED float fast_exp(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  float n = __builtin_floorf(x * 1.44269504f + 0.5f);
  float r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  union { int32_t bits; float value; } power = { .bits = ((int32_t)n + 127) << 23 };
  return p * power.value;
}
#endif

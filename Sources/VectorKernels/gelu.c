#include "dispatch.h"

// exp(-x^2 / 2) and the normal distribution function at x, absolute error below 3e-7.
//
// Upper tail: t p(t) exp(-x^2 / 2) with t = 1 / (1 + 0.34 |x|), p fitted for the least absolute error (2e-8 in exact
// arithmetic). The tail is made directly, not as a difference from 1, so it stays accurate however small it gets.
INLINED float normal_distribution(float x, float *bell) {
  float size = __builtin_fabsf(x);
  float t = 1.0f / (1.0f + 0.34f * size);
  float p = 0.04408839723f;
  p = p * t - 0.197458541f;
  p = p * t + 0.2589389921f;
  p = p * t - 0.02632462802f;
  p = p * t + 0.1545691955f;
  p = p * t + 0.1302020255f;
  p = p * t + 0.135984542f;
  *bell = fast_exp(-0.5f * x * x);
  float tail = p * t * *bell;
  return x < 0 ? tail : 1.0f - tail;
}

DISPATCHED void vk_gelu(const float *restrict x, float *restrict y, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float bell;
    y[i] = x[i] * normal_distribution(x[i], &bell);
  }
}

DISPATCHED void vk_gelu_backward(const float *restrict x, float *restrict gradient, float *restrict y, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float bell, below = normal_distribution(x[i], &bell);
    y[i] = x[i] * below;
    gradient[i] *= below + x[i] * bell * 0.398942280f;
  }
}

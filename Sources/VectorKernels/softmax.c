#include "dispatch.h"
#include <math.h>

INLINED float largest(const float *x, size_t count) {
  float lanes[LANES], result = -INFINITY;
  for (int l = 0; l < LANES; l++) lanes[l] = -INFINITY;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
  for (; i < count; i++) result = x[i] > result ? x[i] : result;
  for (int l = 0; l < LANES; l++) result = lanes[l] > result ? lanes[l] : result;
  return result;
}

DISPATCHED float vk_softmax(float *restrict x, size_t count) {
  float shift = largest(x, count), lanes[LANES] = {0}, sum = 0;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += x[i + l] = fast_exp(x[i + l] - shift);
  for (; i < count; i++) sum += x[i] = fast_exp(x[i] - shift);
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  float inverse = 1.0f / sum;
  for (i = 0; i < count; i++) x[i] *= inverse;
  return shift + logf(sum);
}

DISPATCHED void vk_log_sum_exp_add(const float *restrict x, size_t count, float *largest_so_far, float *sum_so_far) {
  if (count == 0) return;
  float shift = largest(x, count), lanes[LANES] = {0}, sum = 0;
  if (*largest_so_far > shift) shift = *largest_so_far;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += fast_exp(x[i + l] - shift);
  for (; i < count; i++) sum += fast_exp(x[i] - shift);
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  *sum_so_far = *sum_so_far * fast_exp(*largest_so_far - shift) + sum;
  *largest_so_far = shift;
}

DISPATCHED float vk_softmax_add(float *restrict x, size_t count, float *largest_so_far, float *sum_so_far) {
  if (count == 0) return 1;
  float shift = largest(x, count), lanes[LANES] = {0}, sum = 0;
  if (*largest_so_far > shift) shift = *largest_so_far;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += x[i + l] = fast_exp(x[i + l] - shift);
  for (; i < count; i++) sum += x[i] = fast_exp(x[i] - shift);
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  float factor = *largest_so_far == shift ? 1.0f : fast_exp(*largest_so_far - shift);
  *sum_so_far = *sum_so_far * factor + sum;
  *largest_so_far = shift;
  return factor;
}

DISPATCHED void vk_exp_shifted(const float *x, float shift, float *y, size_t count) {
  // In place or apart, but never shifted against each other.
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; i++) y[i] = fast_exp(x[i] - shift);
}

DISPATCHED void vk_softmax_backward(const float *restrict p, float correction, float *restrict dp, size_t count) {
  for (size_t i = 0; i < count; i++) dp[i] = p[i] * (dp[i] - correction);
}

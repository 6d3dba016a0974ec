#include "dispatch.h"
#include <math.h>

DISPATCHED float vk_rms_norm(const float *restrict x, const float *restrict weight, float epsilon, float *restrict y,
                             size_t count) {
  float lanes[LANES] = {0}, sum = 0;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += x[i + l] * x[i + l];
  for (; i < count; i++) sum += x[i] * x[i];
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  float inverse_rms = 1.0f / sqrtf(sum / (float)count + epsilon);
  for (i = 0; i < count; i++) y[i] = weight[i] * (x[i] * inverse_rms);
  return inverse_rms;
}

DISPATCHED void vk_rms_norm_backward(const float *restrict dy, const float *restrict x, const float *restrict weight,
                                     float inverse_rms, float *restrict dx, size_t count) {
  float lanes[LANES] = {0}, sum = 0;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += weight[i + l] * dy[i + l] * x[i + l];
  for (; i < count; i++) sum += weight[i] * dy[i] * x[i];
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  float correction = inverse_rms * inverse_rms * inverse_rms * sum / (float)count;
  for (i = 0; i < count; i++) dx[i] += inverse_rms * weight[i] * dy[i] - correction * x[i];
}

#include "dispatch.h"
#include <math.h>

INLINED float lane_sum(const float lanes[LANES], float sum) {
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  return sum;
}

DISPATCHED vk_moments vk_layer_norm(const float *restrict x, const float *restrict weight, const float *restrict bias,
                                    float epsilon, float *restrict y, size_t count) {
  float lanes[LANES] = {0}, rest = 0;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += x[i + l];
  for (; i < count; i++) rest += x[i];
  float mean = lane_sum(lanes, rest) / (float)count;
  for (int l = 0; l < LANES; l++) lanes[l] = 0;
  rest = 0;
  for (i = 0; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += (x[i + l] - mean) * (x[i + l] - mean);
  for (; i < count; i++) rest += (x[i] - mean) * (x[i] - mean);
  float inverse = 1.0f / sqrtf(lane_sum(lanes, rest) / (float)count + epsilon);
  for (i = 0; i < count; i++) y[i] = weight[i] * ((x[i] - mean) * inverse) + bias[i];
  return (vk_moments){ .mean = mean, .inverse_deviation = inverse };
}

DISPATCHED void vk_layer_norm_backward(const float *restrict dy, const float *restrict x, const float *restrict weight,
                                       vk_moments moments, float *restrict dx, float *restrict dweight,
                                       float *restrict dbias, size_t count) {
  float mean = moments.mean, inverse = moments.inverse_deviation;
  float plain[LANES] = {0}, scaled[LANES] = {0}, plain_rest = 0, scaled_rest = 0;
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) {
      float normed = (x[i + l] - mean) * inverse, g = weight[i + l] * dy[i + l];
      plain[l] += g;
      scaled[l] += g * normed;
    }
  for (; i < count; i++) {
    float normed = (x[i] - mean) * inverse, g = weight[i] * dy[i];
    plain_rest += g;
    scaled_rest += g * normed;
  }
  float plain_mean = lane_sum(plain, plain_rest) / (float)count;
  float scaled_mean = lane_sum(scaled, scaled_rest) / (float)count;
  for (i = 0; i < count; i++) {
    float normed = (x[i] - mean) * inverse;
    dx[i] = inverse * (weight[i] * dy[i] - plain_mean - normed * scaled_mean);
    dweight[i] += dy[i] * normed;
    dbias[i] += dy[i];
  }
}

#include "dispatch.h"

DISPATCHED void vk_rotate(float *restrict x, const float *restrict cosine, const float *restrict sine, size_t half) {
  for (size_t j = 0; j < half; j++) {
    float first = x[j], second = x[j + half];
    x[j] = first * cosine[j] - second * sine[j];
    x[j + half] = second * cosine[j] + first * sine[j];
  }
}

DISPATCHED void vk_rotate_back(float *restrict x, const float *restrict cosine, const float *restrict sine,
                               size_t half) {
  for (size_t j = 0; j < half; j++) {
    float first = x[j], second = x[j + half];
    x[j] = first * cosine[j] + second * sine[j];
    x[j + half] = second * cosine[j] - first * sine[j];
  }
}

#include "dispatch.h"

DISPATCHED void vk_add(const float *restrict x, float *restrict y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] += x[i];
}

DISPATCHED void vk_subtract(const float *restrict x, float *restrict y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] -= x[i];
}

DISPATCHED void vk_scale(float factor, float *restrict y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] *= factor;
}

DISPATCHED void vk_transpose(const float *restrict x, size_t stride, size_t rows, size_t columns, float *restrict y) {
  enum { PART = 16 };
  for (size_t row = 0; row < rows; row += PART)
    for (size_t column = 0; column < columns; column += PART)
      for (size_t r = row; r < rows && r < row + PART; r++)
        for (size_t c = column; c < columns && c < column + PART; c++) y[c * rows + r] = x[r * stride + c];
}

DISPATCHED float vk_dot(const float *restrict x, const float *restrict y, size_t count) {
  float lanes[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += x[i + l] * y[i + l];
  float sum = 0;
  for (; i < count; i++) sum += x[i] * y[i];
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  return sum;
}

DISPATCHED double vk_sum_of_squares(const float *restrict x, size_t count) {
  double lanes[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] += (double)x[i + l] * x[i + l];
  double sum = 0;
  for (; i < count; i++) sum += (double)x[i] * x[i];
  for (int l = 0; l < LANES; l++) sum += lanes[l];
  return sum;
}

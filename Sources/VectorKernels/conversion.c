#include "dispatch.h"
#include <string.h>

DISPATCHED void vk_widen_bf16(const uint16_t *restrict source, float *restrict target, size_t count) {
  uint32_t *bits = (uint32_t *)target;
  for (size_t i = 0; i < count; i++) bits[i] = (uint32_t)source[i] << 16;
}

// Binary16 to binary32 by exponent re-biasing; subnormals through an exact multiplication by 2^-24.
DISPATCHED void vk_widen_f16(const uint16_t *restrict source, float *restrict target, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t half = source[i], sign = (half & 0x8000u) << 16, exponent = (half >> 10) & 31, fraction = half & 0x3ffu;
    uint32_t normal = sign | (exponent + 112) << 23 | fraction << 13;
    uint32_t special = sign | 0x7f800000u | fraction << 13;
    float small = (float)(int32_t)fraction * 0x1p-24f;
    uint32_t tiny;
    memcpy(&tiny, &small, 4);
    uint32_t bits = exponent == 0 ? sign | tiny : exponent == 31 ? special : normal;
    memcpy(target + i, &bits, 4);
  }
}

DISPATCHED void vk_narrow_bf16(const float *restrict source, float scale, uint16_t *restrict target, size_t count) {
  for (size_t i = 0; i < count; i++) target[i] = (uint16_t)narrowed(source[i] * scale);
}

DISPATCHED void vk_round_bf16(float *x, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = narrowed(x[i]) << 16;
    memcpy(x + i, &bits, 4);
  }
}

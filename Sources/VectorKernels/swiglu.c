#include "dispatch.h"

INLINED float silu_up(float gate, float up) { return gate / (1.0f + fast_exp(-gate)) * up; }

INLINED void silu_up_backward(float dy, float gate, float up, float *dgate, float *dup) {
  float sigmoid = 1.0f / (1.0f + fast_exp(-gate));
  float silu = gate * sigmoid;
  *dgate = dy * up * (sigmoid + silu * (1.0f - sigmoid));
  *dup = dy * silu;
}

INLINED float widened(uint16_t half) {
  union { uint32_t bits; float value; } number = { .bits = (uint32_t)half << 16 };
  return number.value;
}

// Where an output takes the place of an input, each element is read before it is written.
#define IN_PLACE _Pragma("clang loop vectorize(assume_safety)")

DISPATCHED void vk_swiglu(const float *gate, const float *up, float *y, size_t count) {
  IN_PLACE for (size_t i = 0; i < count; i++) y[i] = silu_up(gate[i], up[i]);
}

DISPATCHED void vk_swiglu_bf16(const uint16_t *restrict gate, const uint16_t *restrict up, float *restrict y,
                               size_t count) {
  for (size_t i = 0; i < count; i++) y[i] = silu_up(widened(gate[i]), widened(up[i]));
}

DISPATCHED void vk_swiglu_backward(const float *dy, const float *restrict gate, const float *restrict up, float *dgate,
                                   float *restrict dup, size_t count) {
  IN_PLACE for (size_t i = 0; i < count; i++) silu_up_backward(dy[i], gate[i], up[i], dgate + i, dup + i);
}

DISPATCHED void vk_swiglu_backward_bf16(const float *dy, const uint16_t *restrict gate, const uint16_t *restrict up,
                                        float *dgate, float *restrict dup, size_t count) {
  IN_PLACE for (size_t i = 0; i < count; i++)
    silu_up_backward(dy[i], widened(gate[i]), widened(up[i]), dgate + i, dup + i);
}

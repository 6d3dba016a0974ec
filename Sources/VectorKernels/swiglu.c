#include "dispatch.h"

DISPATCHED void vk_swiglu(const float *restrict gate, const float *restrict up, float *restrict y, size_t count) {
  for (size_t i = 0; i < count; i++) y[i] = gate[i] / (1.0f + fast_exp(-gate[i])) * up[i];
}

DISPATCHED void vk_swiglu_backward(const float *restrict dy, const float *restrict gate, const float *restrict up,
                                   float *restrict dgate, float *restrict dup, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float sigmoid = 1.0f / (1.0f + fast_exp(-gate[i]));
    float silu = gate[i] * sigmoid;
    dgate[i] = dy[i] * up[i] * (sigmoid + silu * (1.0f - sigmoid));
    dup[i] = dy[i] * silu;
  }
}

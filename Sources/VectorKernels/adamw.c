#include "dispatch.h"
#include <math.h>

DISPATCHED void vk_adamw(float *restrict parameters, const float *restrict gradients, float *restrict first_moment,
                         float *restrict second_moment, float gradient_scale, vk_adamw_settings s, size_t count) {
  float keep = 1.0f - s.learning_rate * s.weight_decay;
  float step = s.learning_rate / s.first_correction, root = sqrtf(s.second_correction);
  // The library's sqrtf may set errno, which keeps a loop from being vectorised.
  for (size_t i = 0; i < count; i++) {
    float g = gradients[i] * gradient_scale;
    float m = s.beta1 * first_moment[i] + s.beta1_complement * g;
    float v = s.beta2 * second_moment[i] + s.beta2_complement * g * g;
    first_moment[i] = m;
    second_moment[i] = v;
    parameters[i] = keep * parameters[i] - step * m / (__builtin_elementwise_sqrt(v) / root + s.epsilon);
  }
}

// Element-wise kernels with run-time dispatch. No allocation, no BLAS, no state.
//
// Every function works on `count` elements or on `rows` rows of `columns` contiguous floats. Sums run in a fixed
// number of lanes, so a result depends on the values and the CPU type alone.
#ifndef VECTOR_KERNELS_H
#define VECTOR_KERNELS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fixed_point.h"

// MARK: Dispatch (dispatch.c)

/// The instruction set that the kernels were chosen for when the program started.
const char *vk_dispatch_target(void);

// MARK: Conversion (conversion.c)

void vk_widen_bf16(const uint16_t *source, float *target, size_t count);
void vk_widen_f16(const uint16_t *source, float *target, size_t count);
/// target = scale * source, rounded to nearest even; NaN stays NaN.
void vk_narrow_bf16(const float *source, float scale, uint16_t *target, size_t count);
/// x = x, rounded to a bfloat16 number in the same way.
void vk_round_bf16(float *x, size_t count);

// MARK: Products with weights (product.c, product_tile.h)

/// Weights as they lie in memory: [inner, columns], or [columns, inner] where they are transposed.
typedef struct {
  const void *elements;
  /// Elements from one row to the next.
  size_t stride;
  bool is_bfloat16, is_transposed;
} vk_weights;

/// Whether this processor has what `vk_multiply_f32` (AVX-512) and `vk_multiply_bf16` (AVX-512 BF16) need; the second is
/// false too where tiles (AMX) make libraries faster.
bool vk_multiplies_f32(void);
bool vk_multiplies_bf16(void);

/// y = x W, or y += x W; x: [tokens, inner], y: [tokens, columns], W of bfloat16 is widened. A row of y depends on its row of x alone.
void vk_multiply_f32(const float *x, size_t x_stride, size_t tokens, vk_weights weights, size_t inner, size_t columns,
                     bool adds, float *y, size_t y_stride);
/// The same with bfloat16 operands; `inner` and the strides of x and of transposed weights are even.
void vk_multiply_bf16(const uint16_t *x, size_t x_stride, size_t tokens, vk_weights weights, size_t inner,
                      size_t columns, bool adds, float *y, size_t y_stride);

// MARK: Normalisation (rms_norm.c)

/// y = weight * x / rms(x); returns 1 / rms(x).
float vk_rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t count);
/// dx += r * (weight * dy - x * r^2 * mean(weight * dy * x)), with r = 1 / rms(x).
void vk_rms_norm_backward(const float *dy, const float *x, const float *weight, float inverse_rms, float *dx,
                          size_t count);

// MARK: Normalisation with mean (layer_norm.c)

typedef struct {
  float mean, inverse_deviation;
} vk_moments;

/// y = weight * (x - mean(x)) / sqrt(variance(x) + epsilon) + bias; returns the mean and what the difference is scaled by.
vk_moments vk_layer_norm(const float *x, const float *weight, const float *bias, float epsilon, float *y, size_t count);
/// dx = r * (g - mean(g) - n * mean(g * n)) with g = weight * dy and n = r * (x - mean(x)); dweight += dy * n; dbias += dy.
void vk_layer_norm_backward(const float *dy, const float *x, const float *weight, vk_moments moments, float *dx,
                            float *dweight, float *dbias, size_t count);

// MARK: Positions (rotary.c)

/// Rotates each pair (x[j], x[j + half]) by the angle whose cosine and sine are given: [half].
void vk_rotate(float *x, const float *cosine, const float *sine, size_t half);
/// The inverse rotation, which is also its adjoint.
void vk_rotate_back(float *x, const float *cosine, const float *sine, size_t half);

// MARK: Gated activation (swiglu.c)

/// y = silu(gate) * up; y may be up.
void vk_swiglu(const float *gate, const float *up, float *y, size_t count);
/// dgate = dy * up * silu'(gate); dup = dy * silu(gate); dgate may be dy.
void vk_swiglu_backward(const float *dy, const float *gate, const float *up, float *dgate, float *dup, size_t count);
/// The same with gate and up as bfloat16 numbers.
void vk_swiglu_bf16(const uint16_t *gate, const uint16_t *up, float *y, size_t count);
void vk_swiglu_backward_bf16(const float *dy, const uint16_t *gate, const uint16_t *up, float *dgate, float *dup,
                             size_t count);

// MARK: Activation of encoders (gelu.c)

/// y = x * (1 + erf(x / sqrt(2))) / 2.
void vk_gelu(const float *x, float *y, size_t count);
/// gradient *= gelu'(x), and y = gelu(x) once more.
void vk_gelu_backward(const float *x, float *gradient, float *y, size_t count);

// MARK: Softmax (softmax.c)

/// x = softmax(x) in place; returns log(sum(exp(x))).
float vk_softmax(float *x, size_t count);
/// Adds a part of a row to its log(sum(exp)): the largest element so far (-INFINITY before the first part) and the sum of
/// exp(x - largest) so far (0 before the first).
void vk_log_sum_exp_add(const float *x, size_t count, float *largest, float *sum);
/// x = exp(x - m) in place, m the largest of x and *largest, which it becomes; *sum becomes f *sum + sum(x), and f, by which
/// what was made of exp(... - *largest) before has to be multiplied, is returned.
float vk_softmax_add(float *x, size_t count, float *largest, float *sum);
/// y = exp(x - shift); y may be x.
void vk_exp_shifted(const float *x, float shift, float *y, size_t count);
/// dscores = p * (dp - correction), in place of dp.
void vk_softmax_backward(const float *p, float correction, float *dp, size_t count);

// MARK: Arithmetic (arithmetic.c)

/// y += x.
void vk_add(const float *x, float *y, size_t count);
/// y -= x
void vk_subtract(const float *x, float *y, size_t count);
/// y *= factor
void vk_scale(float factor, float *y, size_t count);
/// y = x^T; x: [rows, columns] with `stride` elements from row to row, y: [columns, rows], contiguous.
void vk_transpose(const float *x, size_t stride, size_t rows, size_t columns, float *y);
/// sum(x * y).
float vk_dot(const float *x, const float *y, size_t count);
/// sum(x^2) in double precision.
double vk_sum_of_squares(const float *x, size_t count);

// MARK: Random numbers (random.c)

/// Which random numbers: Philox 4x32-10 (Salmon et al., SC11) with this key at counters (block, purpose, first, second).
typedef struct {
  uint64_t key;
  uint32_t purpose, first, second;
} vk_stream;

/// Bit i % 8 of byte i / 8 is set where 16 bits of block i / 8 are below `threshold`: the lower half of word i % 8 / 2
/// where i is even, else the upper. Writes (count + 7) / 8 bytes.
void vk_dropout_mask(uint8_t *mask, uint32_t threshold, vk_stream stream, size_t count);
/// y = x * scale where the mask's bit is set, else 0.
void vk_masked(const float *x, const uint8_t *mask, float scale, float *y, size_t count);
/// The same, rounded to bfloat16 numbers.
void vk_masked_bf16(const float *x, const uint8_t *mask, float scale, uint16_t *y, size_t count);
/// y += x * scale where the mask's bit is set.
void vk_masked_add(const float *x, const uint8_t *mask, float scale, float *y, size_t count);
/// y = bfloat16 numbers spread evenly over -limit..<limit, from the 16 bits that a mask compares; `first` is a multiple
/// of 8.
void vk_uniform_bf16(uint16_t *y, float limit, vk_stream stream, size_t first, size_t count);
/// y = floats spread evenly over -limit..<limit, from the upper 24 bits of the second and fourth word of each block.
void vk_uniform(float *y, float limit, vk_stream stream, size_t count);
/// One block of Philox 4x32-10.
void vk_philox(const uint32_t counter[4], uint64_t key, uint32_t result[4]);

// MARK: Optimizer (adamw.c)

typedef struct {
  float learning_rate, weight_decay, beta1, beta2, epsilon;
  float beta1_complement, beta2_complement;  ///< 1 - beta, which single precision would round
  float first_correction;   ///< 1 - beta1^t
  float second_correction;  ///< 1 - beta2^t
} vk_adamw_settings;

/// One decoupled-decay Adam update (Loshchilov and Hutter, 2019) of `count` parameters; gradients are scaled by
/// `gradient_scale` first.
void vk_adamw(float *parameters, const float *gradients, float *first_moment, float *second_moment,
              float gradient_scale, vk_adamw_settings settings, size_t count);

#endif

#include "dispatch.h"

#if defined(__x86_64__) && defined(__clang__)
#include <cpuid.h>
#include <immintrin.h>

enum {
  TILE_TOKENS = 6,
  TILE_VECTORS = 4,
  BLOCK_COLUMNS = 16 * TILE_VECTORS,
  // Columns of a block where the result has few, as an adapter's rank.
  NARROW_COLUMNS = 16,
  // Steps of the largest block, which fills 64 KiB of the second-level cache.
  BLOCK_STEPS = 256,
  // Columns whose sums stay in the second-level cache while the blocks above them go by.
  GROUP_COLUMNS = 8 * BLOCK_COLUMNS,
  LINE_BYTES = 64,
};

#define AVX512 "avx512f,avx512bw,avx512dq,avx512vl"
#define AVX512_BF16 AVX512 ",avx512bf16"
#define AVX512_FUNCTION static inline __attribute__((always_inline, target(AVX512)))

// Lines of memory one after the other: `first_row` of them from `first` on, then `gap` bytes on rows of `per_row`.
typedef struct {
  const char *first;
  size_t first_row, per_row;
  ptrdiff_t gap;
} coming_lines;

// What 32 bits of a block are made of: a float, a bfloat16 number that is widened, two bfloat16 numbers.
typedef enum { FLOATS, WIDENED, PAIRS } block_kind;

// A product as its parts see it: x and its sizes in steps, the weights in elements of their own.
typedef struct {
  const uint32_t *x;
  size_t x_stride, tokens, steps, columns;
  // The last pair has a first number alone.
  bool is_odd;
  vk_weights weights;
  block_kind kind;
  bool adds;
  float *y;
  size_t y_stride;
} product;

// MARK: Blocks of weights

AVX512_FUNCTION __mmask16 first_lanes(size_t count) { return count >= 16 ? 0xffff : (__mmask16)((1u << count) - 1); }

// 16 weights from `index` on as floats; those whose bit is not set are 0.
AVX512_FUNCTION __m512i load_floats(const vk_weights *weights, block_kind kind, size_t index, __mmask16 mask) {
  if (kind == FLOATS) return _mm512_maskz_loadu_epi32(mask, (const float *)weights->elements + index);
  __m256i halves = _mm256_maskz_loadu_epi16(mask, (const uint16_t *)weights->elements + index);
  return _mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16);
}

AVX512_FUNCTION void transpose(__m512i r[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4)
    for (int j = 0; j < 2; j++) {
      r[i + 2 * j] = _mm512_unpacklo_epi64(t[i + j], t[i + j + 2]);
      r[i + 2 * j + 1] = _mm512_unpackhi_epi64(t[i + j], t[i + j + 2]);
    }
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 2; j++) {
      t[i + 8 * j] = _mm512_shuffle_i32x4(r[i + 8 * j], r[i + 8 * j + 4], 0x88);
      t[i + 8 * j + 4] = _mm512_shuffle_i32x4(r[i + 8 * j], r[i + 8 * j + 4], 0xdd);
    }
  for (int i = 0; i < 8; i++) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
  }
}

// block[step][column] of weights that lie as [columns][inner]; a pair is 32 bits in the order it lies.
AVX512_FUNCTION void fill_transposed(const product *p, block_kind kind, size_t width, size_t step, size_t steps,
                                     size_t column, uint32_t *block) {
  size_t stride = kind == PAIRS ? p->weights.stride / 2 : p->weights.stride;
  for (size_t c = 0; c < width; c += 16)
    for (size_t s = 0; s < steps; s += 16) {
      __mmask16 mask = first_lanes(steps - s);
      size_t index = (column + c) * stride + step + s;
      __m512i rows[16];
#pragma clang loop unroll(full)
      for (size_t i = 0; i < 16; i++, index += stride) {
        __mmask16 kept = column + c + i < p->columns ? mask : 0;
        rows[i] = kind == PAIRS ? _mm512_maskz_loadu_epi32(kept, (const uint32_t *)p->weights.elements + index)
                                : load_floats(&p->weights, kind, index, kept);
      }
      transpose(rows);
      for (size_t i = 0; i < 16 && s + i < steps; i++)
        _mm512_store_si512(block + (s + i) * width + c, rows[i]);
    }
}

// Two bfloat16 numbers of each of 32 columns: of the row at `index` in the lower halves, of the next, if there is one, in the
// upper ones.
AVX512_FUNCTION void fill_pairs(const vk_weights *weights, size_t index, __mmask32 kept, bool has_next,
                                uint32_t *target) {
  __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  __m512i lower = _mm512_or_si512(lanes, _mm512_slli_epi32(_mm512_add_epi32(lanes, _mm512_set1_epi32(32)), 16));
  __m512i upper = _mm512_add_epi16(lower, _mm512_set1_epi16(16));
  __m512i first = _mm512_maskz_loadu_epi16(kept, (const uint16_t *)weights->elements + index);
  __m512i second = _mm512_maskz_loadu_epi16(has_next ? kept : 0,
                                            (const uint16_t *)weights->elements + index + weights->stride);
  _mm512_store_si512(target, _mm512_permutex2var_epi16(first, lower, second));
  _mm512_store_si512(target + 16, _mm512_permutex2var_epi16(first, upper, second));
}

// block[step][column] of weights that lie as [inner][columns].
AVX512_FUNCTION void fill_straight(const product *p, block_kind kind, size_t step, size_t steps, size_t column,
                                   const __mmask16 kept[TILE_VECTORS], uint32_t *block) {
  size_t depth = kind == PAIRS ? 2 : 1, stride = depth * p->weights.stride, index = step * stride + column;
  for (size_t s = 0; s < steps; s++, index += stride) {
    bool has_next = !p->is_odd || step + s + 1 < p->steps;
#pragma clang loop unroll(full)
    for (size_t v = 0; v < TILE_VECTORS; v += depth) {
      uint32_t *target = block + s * BLOCK_COLUMNS + 16 * v;
      __mmask32 both = kept[v] | (__mmask32)kept[v + depth - 1] << 16;
      if (kind == PAIRS) fill_pairs(&p->weights, index + 16 * v, both, has_next, target);
      else _mm512_store_si512(target, load_floats(&p->weights, kind, index + 16 * v, kept[v]));
    }
  }
}

// Narrow blocks are of transposed weights alone.
AVX512_FUNCTION void fill(const product *p, block_kind kind, size_t width, size_t step, size_t steps, size_t column,
                          const __mmask16 kept[TILE_VECTORS], uint32_t *block) {
  if (width < BLOCK_COLUMNS || p->weights.is_transposed) fill_transposed(p, kind, width, step, steps, column, block);
  else fill_straight(p, kind, step, steps, column, kept, block);
}

// The lines of a block of weights that tile `part` asks for, one with each step; the first where all were asked for.
AVX512_FUNCTION coming_lines lines(const product *p, size_t width, size_t step, size_t steps, size_t column,
                                   size_t part) {
  const vk_weights *w = &p->weights;
  size_t bytes = p->kind == FLOATS ? 4 : 2, depth = p->kind == PAIRS ? 2 : 1;
  size_t start = w->is_transposed ? column * w->stride + depth * step : depth * step * w->stride + column;
  size_t rows = w->is_transposed ? width : depth * steps;
  size_t row_size = w->is_transposed ? depth * steps : width;
  uintptr_t address = (uintptr_t)w->elements + start * bytes, first = address / LINE_BYTES * LINE_BYTES;
  size_t per_row = (address - first + row_size * bytes + LINE_BYTES - 1) / LINE_BYTES;
  size_t row = part * steps / per_row, line = part * steps % per_row, stride = w->stride * bytes;
  if (row >= rows) return (coming_lines){(const char *)first, 1, 1, -LINE_BYTES};
  return (coming_lines){(const char *)first + row * stride + line * LINE_BYTES, per_row - line, per_row,
                        (ptrdiff_t)stride - (ptrdiff_t)(per_row * LINE_BYTES)};
}

// MARK: Products

// Steps of a block where all of them are dealt out evenly, so that the last block is not much smaller than others.
AVX512_FUNCTION size_t block_steps(size_t steps) {
  size_t blocks = (steps + BLOCK_STEPS - 1) / BLOCK_STEPS;
  return blocks ? ((steps + blocks - 1) / blocks + 15) / 16 * 16 : BLOCK_STEPS;
}

// Whether narrow blocks leave fewer lanes empty than one of 64 columns. The bits are the same.
AVX512_FUNCTION bool is_narrow(const product *p) {
  return p->weights.is_transposed && p->columns <= BLOCK_COLUMNS - NARROW_COLUMNS;
}

#define NAMED(name) name##_f32
#define TARGET AVX512
#define MULTIPLY_ADD(sums, x, w) _mm512_fmadd_ps(x, w, sums)
#include "product_tile.h"
#undef NAMED
#undef TARGET
#undef MULTIPLY_ADD

#define NAMED(name) name##_bf16
#define TARGET AVX512_BF16
#define MULTIPLY_ADD(sums, x, w) _mm512_dpbf16_ps(sums, (__m512bh)(x), (__m512bh)(w))
#include "product_tile.h"
#undef NAMED
#undef TARGET
#undef MULTIPLY_ADD

bool vk_multiplies_f32(void) { return __builtin_cpu_supports("x86-64-v4"); }

bool vk_multiplies_bf16(void) {
  unsigned a, b, c, d;
  bool has_tiles = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 22 & 1);
  return vk_multiplies_f32() && __builtin_cpu_supports("avx512bf16") && !has_tiles;
}

__attribute__((target(AVX512))) void vk_multiply_f32(const float *x, size_t x_stride, size_t tokens, vk_weights weights,
                                                     size_t inner, size_t columns, bool adds, float *y,
                                                     size_t y_stride) {
  block_kind kind = weights.is_bfloat16 ? WIDENED : FLOATS;
  product p = {(const uint32_t *)x, x_stride, tokens, inner, columns, false, weights, kind, adds, y, y_stride};
  if (kind == WIDENED) multiply_f32(&p, WIDENED, BLOCK_COLUMNS);
  else if (is_narrow(&p)) multiply_f32(&p, FLOATS, NARROW_COLUMNS);
  else multiply_f32(&p, FLOATS, BLOCK_COLUMNS);
}

__attribute__((target(AVX512_BF16))) void vk_multiply_bf16(const uint16_t *x, size_t x_stride, size_t tokens,
                                                           vk_weights weights, size_t inner, size_t columns, bool adds,
                                                           float *y, size_t y_stride) {
  product p = {(const uint32_t *)x, x_stride / 2, tokens, (inner + 1) / 2, columns, inner & 1,
               weights, PAIRS, adds, y, y_stride};
  if (is_narrow(&p)) multiply_bf16(&p, PAIRS, NARROW_COLUMNS);
  else multiply_bf16(&p, PAIRS, BLOCK_COLUMNS);
}
#else
bool vk_multiplies_f32(void) { return false; }
bool vk_multiplies_bf16(void) { return false; }
void vk_multiply_f32(const float *x, size_t x_stride, size_t tokens, vk_weights weights, size_t inner, size_t columns,
                     bool adds, float *y, size_t y_stride) {
  __builtin_trap();
}
void vk_multiply_bf16(const uint16_t *x, size_t x_stride, size_t tokens, vk_weights weights, size_t inner,
                      size_t columns, bool adds, float *y, size_t y_stride) {
  __builtin_trap();
}
#endif

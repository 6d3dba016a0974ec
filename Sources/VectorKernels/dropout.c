#include "dispatch.h"

typedef struct { uint32_t words[4]; } philox_block;

static inline philox_block philox(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t key) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1, c3 = (uint32_t)p0, c0 = n0, c2 = n2;
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  return (philox_block){{c0, c1, c2, c3}};
}

void vk_philox(const uint32_t counter[4], uint64_t key, uint32_t result[4]) {
  philox_block block = philox(counter[0], counter[1], counter[2], counter[3], key);
  for (int i = 0; i < 4; i++) result[i] = block.words[i];
}

enum { BLOCKS = 16, ELEMENTS = 8 * BLOCKS };

// Multipliers (scale or 0) of ELEMENTS elements; word w of block b serves elements 8b + 2w and 8b + 2w + 1.
static inline void multipliers(float *restrict m, uint32_t block, uint32_t threshold, float scale, uint64_t key,
                               const uint32_t stream[3]) {
  uint32_t words[4][BLOCKS];
  for (int b = 0; b < BLOCKS; b++) {
    philox_block result = philox(block + (uint32_t)b, stream[0], stream[1], stream[2], key);
    for (int w = 0; w < 4; w++) words[w][b] = result.words[w];
  }
  for (int b = 0; b < BLOCKS; b++)
    for (int w = 0; w < 4; w++) {
      m[8 * b + 2 * w] = (words[w][b] & 0xffffu) < threshold ? scale : 0.0f;
      m[8 * b + 2 * w + 1] = (words[w][b] >> 16) < threshold ? scale : 0.0f;
    }
}

DISPATCHED void vk_dropout(const float *restrict x, float *restrict y, uint32_t threshold, float scale, uint64_t key,
                           const uint32_t stream[3], size_t first, size_t count) {
  float m[ELEMENTS];
  for (size_t start = 0; start < count; start += ELEMENTS) {
    multipliers(m, (uint32_t)((first + start) / 8), threshold, scale, key, stream);
    size_t n = count - start < ELEMENTS ? count - start : ELEMENTS;
    for (size_t i = 0; i < n; i++) y[start + i] = x[start + i] * m[i];
  }
}

DISPATCHED void vk_dropout_add(const float *restrict x, float *restrict y, uint32_t threshold, float scale,
                               uint64_t key, const uint32_t stream[3], size_t first, size_t count) {
  float m[ELEMENTS];
  for (size_t start = 0; start < count; start += ELEMENTS) {
    multipliers(m, (uint32_t)((first + start) / 8), threshold, scale, key, stream);
    size_t n = count - start < ELEMENTS ? count - start : ELEMENTS;
    for (size_t i = 0; i < n; i++) y[start + i] += x[start + i] * m[i];
  }
}

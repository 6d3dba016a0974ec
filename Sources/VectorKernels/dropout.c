#include "dispatch.h"

enum { BLOCKS = 16, ELEMENTS = 8 * BLOCKS };

// Philox 4x32-10 of BLOCKS counters that follow each other, lane by lane so that the compiler may vectorise.
INLINED void philox(uint32_t c[4][BLOCKS], uint64_t key) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++) {
    for (int b = 0; b < BLOCKS; b++) {
      uint64_t p0 = (uint64_t)0xD2511F53u * c[0][b], p1 = (uint64_t)0xCD9E8D57u * c[2][b];
      uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1][b] ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c[3][b] ^ k1;
      c[1][b] = (uint32_t)p1, c[3][b] = (uint32_t)p0, c[0][b] = n0, c[2][b] = n2;
    }
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
}

void vk_philox(const uint32_t counter[4], uint64_t key, uint32_t result[4]) {
  uint32_t words[4][BLOCKS] = {{counter[0]}, {counter[1]}, {counter[2]}, {counter[3]}};
  philox(words, key);
  for (int w = 0; w < 4; w++) result[w] = words[w][0];
}

// Multipliers (scale or 0) of ELEMENTS elements; word w of block b serves elements 8b + 2w and 8b + 2w + 1.
INLINED void multipliers(float *restrict m, uint32_t block, uint32_t threshold, float scale, uint64_t key,
                         const uint32_t stream[3]) {
  uint32_t words[4][BLOCKS], pairs[BLOCKS][4];
  for (int b = 0; b < BLOCKS; b++) {
    words[0][b] = block + (uint32_t)b;
    for (int w = 0; w < 3; w++) words[w + 1][b] = stream[w];
  }
  philox(words, key);
  for (int b = 0; b < BLOCKS; b++)
    for (int w = 0; w < 4; w++) pairs[b][w] = words[w][b];
  const uint32_t *pair = pairs[0];
  for (int i = 0; i < ELEMENTS / 2; i++) {
    m[2 * i] = (pair[i] & 0xffffu) < threshold ? scale : 0.0f;
    m[2 * i + 1] = (pair[i] >> 16) < threshold ? scale : 0.0f;
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

#include "dispatch.h"

enum { BLOCKS = 16, ELEMENTS = 8 * BLOCKS };

// Philox 4x32-10 of as many counters as there are lanes, in place; word w of lane b is c[w * lanes + b].
INLINED void philox(uint32_t *restrict c, int lanes, uint64_t key) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  uint32_t *c0 = c, *c1 = c + lanes, *c2 = c + 2 * lanes, *c3 = c + 3 * lanes;
  for (int round = 0; round < 10; round++) {
    for (int b = 0; b < lanes; b++) {
      uint64_t p0 = (uint64_t)0xD2511F53u * c0[b], p1 = (uint64_t)0xCD9E8D57u * c2[b];
      uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1[b] ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3[b] ^ k1;
      c1[b] = (uint32_t)p1, c3[b] = (uint32_t)p0, c0[b] = n0, c2[b] = n2;
    }
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
}

void vk_philox(const uint32_t counter[4], uint64_t key, uint32_t result[4]) {
  uint32_t words[4] = {counter[0], counter[1], counter[2], counter[3]};
  philox(words, 1, key);
  for (int w = 0; w < 4; w++) result[w] = words[w];
}

// The words of BLOCKS counters from `block` on, counter by counter.
INLINED void random_words(uint32_t words[4 * BLOCKS], uint32_t block, uint64_t key, const uint32_t stream[3]) {
  uint32_t lanes[4 * BLOCKS];
  for (int b = 0; b < BLOCKS; b++) {
    lanes[b] = block + (uint32_t)b;
    for (int w = 1; w < 4; w++) lanes[w * BLOCKS + b] = stream[w - 1];
  }
  philox(lanes, BLOCKS, key);
  for (int b = 0; b < BLOCKS; b++)
    for (int w = 0; w < 4; w++) words[4 * b + w] = lanes[w * BLOCKS + b];
}

// Multipliers (scale or 0) of ELEMENTS elements; word w of block b serves elements 8b + 2w and 8b + 2w + 1.
INLINED void multipliers(float *restrict m, uint32_t block, uint32_t threshold, float scale, uint64_t key,
                         const uint32_t stream[3]) {
  uint32_t words[4 * BLOCKS];
  random_words(words, block, key, stream);
  for (int i = 0; i < ELEMENTS / 2; i++) {
    m[2 * i] = (words[i] & 0xffffu) < threshold ? scale : 0.0f;
    m[2 * i + 1] = (words[i] >> 16) < threshold ? scale : 0.0f;
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

DISPATCHED void vk_uniform_bf16(uint16_t *restrict y, float limit, uint64_t key, const uint32_t stream[3], size_t first,
                                size_t count) {
  uint32_t words[4 * BLOCKS];
  for (size_t start = 0; start < count; start += ELEMENTS) {
    random_words(words, (uint32_t)((first + start) / 8), key, stream);
    uint16_t numbers[ELEMENTS];
    for (int i = 0; i < ELEMENTS; i++) {
      float value = (float)(int16_t)(uint16_t)(words[i / 2] >> (16 * (i & 1))) * (limit / 32768.0f);
      uint32_t bits;
      __builtin_memcpy(&bits, &value, 4);
      numbers[i] = (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
    }
    size_t n = count - start < ELEMENTS ? count - start : ELEMENTS;
    __builtin_memcpy(y + start, numbers, 2 * n);
  }
}

DISPATCHED void vk_uniform(float *restrict y, float limit, uint64_t key, const uint32_t stream[3], size_t count) {
  uint32_t words[4 * BLOCKS];
  for (size_t start = 0; start < count; start += 2 * BLOCKS) {
    random_words(words, (uint32_t)(start / 2), key, stream);
    float numbers[2 * BLOCKS];
    for (int i = 0; i < 2 * BLOCKS; i++)
      numbers[i] = (2.0f * ((float)(words[2 * i + 1] >> 8) * 0x1p-24f) - 1.0f) * limit;
    size_t n = count - start < 2 * BLOCKS ? count - start : 2 * BLOCKS;
    __builtin_memcpy(y + start, numbers, 4 * n);
  }
}

#include "dispatch.h"
#include <stdbool.h>

enum { BLOCKS = 16, ELEMENTS = 8 * BLOCKS };

// Philox 4x32-10 of as many counters as there are lanes, in place; word w of lane b is the lower half of c[w * lanes + b].
//
// Lanes of 64 bits take products as they come out of the multiplier; what is left in upper halves is never looked at.
INLINED void philox(uint64_t *restrict c, int lanes, uint64_t key) {
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  uint64_t *c0 = c, *c1 = c + lanes, *c2 = c + 2 * lanes, *c3 = c + 3 * lanes;
  for (int round = 0; round < 10; round++) {
    for (int b = 0; b < lanes; b++) {
      uint64_t p0 = (uint64_t)0xD2511F53u * (uint32_t)c0[b], p1 = (uint64_t)0xCD9E8D57u * (uint32_t)c2[b];
      c0[b] = p1 >> 32 ^ c1[b] ^ k0, c2[b] = p0 >> 32 ^ c3[b] ^ k1;
      c1[b] = p1, c3[b] = p0;
    }
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
}

void vk_philox(const uint32_t counter[4], uint64_t key, uint32_t result[4]) {
  uint64_t words[4] = {counter[0], counter[1], counter[2], counter[3]};
  philox(words, 1, key);
  for (int w = 0; w < 4; w++) result[w] = (uint32_t)words[w];
}

// BLOCKS counters from `block` on, put through Philox; word w of counter b is the lower half of lanes[w * BLOCKS + b].
INLINED void random_lanes(uint64_t lanes[4 * BLOCKS], uint32_t block, vk_stream stream) {
  for (int b = 0; b < BLOCKS; b++) {
    lanes[b] = (uint32_t)(block + (uint32_t)b);
    lanes[BLOCKS + b] = stream.purpose;
    lanes[2 * BLOCKS + b] = stream.first;
    lanes[3 * BLOCKS + b] = stream.second;
  }
  philox(lanes, BLOCKS, stream.key);
}

// The same words counter by counter.
INLINED void random_words(uint32_t words[4 * BLOCKS], uint32_t block, vk_stream stream) {
  uint64_t lanes[4 * BLOCKS];
  random_lanes(lanes, block, stream);
  for (int b = 0; b < BLOCKS; b++)
    for (int w = 0; w < 4; w++) words[4 * b + w] = (uint32_t)lanes[w * BLOCKS + b];
}

DISPATCHED void vk_dropout_mask(uint8_t *restrict mask, uint32_t threshold, vk_stream stream, size_t count) {
  size_t bytes = (count + 7) / 8;
  for (size_t start = 0; start < bytes; start += BLOCKS) {
    uint64_t lanes[4 * BLOCKS];
    uint32_t bits[BLOCKS] = {0};
    random_lanes(lanes, (uint32_t)start, stream);
    for (int w = 0; w < 4; w++)
      for (int b = 0; b < BLOCKS; b++) {
        uint32_t word = (uint32_t)lanes[w * BLOCKS + b];
        bits[b] |= (uint32_t)((word & 0xffffu) < threshold) << (2 * w);
        bits[b] |= (uint32_t)((word >> 16) < threshold) << (2 * w + 1);
      }
    size_t n = bytes - start < BLOCKS ? bytes - start : BLOCKS;
    for (size_t b = 0; b < n; b++) mask[start + b] = (uint8_t)bits[b];
  }
}

enum { GROUP = 16 };
typedef float group_floats __attribute__((ext_vector_type(GROUP)));
typedef int32_t group_integers __attribute__((ext_vector_type(GROUP)));
typedef bool group_bits __attribute__((ext_vector_type(GROUP)));

// y = x * scale where the bits are set, else 0, plus y where it is kept.
INLINED void masked_group(const float *x, const uint8_t *mask, float scale, bool keeps, float *y) {
  group_floats values, sum = {0};
  group_bits bits;
  __builtin_memcpy(&values, x, sizeof values);
  if (keeps) __builtin_memcpy(&sum, y, sizeof sum);
  __builtin_memcpy(&bits, mask, GROUP / 8);
  group_integers keep = -__builtin_convertvector(bits, group_integers);
  sum += (group_floats)((group_integers)(values * scale) & keep);
  __builtin_memcpy(y, &sum, sizeof sum);
}

// The same for one element.
INLINED float masked_one(const float *x, const uint8_t *mask, float scale, size_t i) {
  return mask[i / 8] >> (i % 8) & 1 ? x[i] * scale : 0.0f;
}

DISPATCHED void vk_masked(const float *restrict x, const uint8_t *restrict mask, float scale, float *restrict y,
                          size_t count) {
  size_t i = 0;
  for (; i + GROUP <= count; i += GROUP) masked_group(x + i, mask + i / 8, scale, false, y + i);
  for (; i < count; i++) y[i] = masked_one(x, mask, scale, i);
}

DISPATCHED void vk_masked_bf16(const float *restrict x, const uint8_t *restrict mask, float scale,
                               uint16_t *restrict y, size_t count) {
  enum { PART = 8 * GROUP };
  size_t i = 0;
  for (; i + PART <= count; i += PART) {
    float part[PART];
    for (size_t j = 0; j < PART; j += GROUP) masked_group(x + i + j, mask + (i + j) / 8, scale, false, part + j);
    for (size_t j = 0; j < PART; j++) y[i + j] = (uint16_t)narrowed(part[j]);
  }
  for (; i < count; i++) y[i] = (uint16_t)narrowed(masked_one(x, mask, scale, i));
}

DISPATCHED void vk_masked_add(const float *restrict x, const uint8_t *restrict mask, float scale, float *restrict y,
                              size_t count) {
  size_t i = 0;
  for (; i + GROUP <= count; i += GROUP) masked_group(x + i, mask + i / 8, scale, true, y + i);
  for (; i < count; i++) y[i] += masked_one(x, mask, scale, i);
}

DISPATCHED void vk_uniform_bf16(uint16_t *restrict y, float limit, vk_stream stream, size_t first, size_t count) {
  uint32_t words[4 * BLOCKS];
  for (size_t start = 0; start < count; start += ELEMENTS) {
    random_words(words, (uint32_t)((first + start) / 8), stream);
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

DISPATCHED void vk_uniform(float *restrict y, float limit, vk_stream stream, size_t count) {
  uint32_t words[4 * BLOCKS];
  for (size_t start = 0; start < count; start += 2 * BLOCKS) {
    random_words(words, (uint32_t)(start / 2), stream);
    float numbers[2 * BLOCKS];
    for (int i = 0; i < 2 * BLOCKS; i++)
      numbers[i] = (2.0f * ((float)(words[2 * i + 1] >> 8) * 0x1p-24f) - 1.0f) * limit;
    size_t n = count - start < 2 * BLOCKS ? count - start : 2 * BLOCKS;
    __builtin_memcpy(y + start, numbers, 4 * n);
  }
}

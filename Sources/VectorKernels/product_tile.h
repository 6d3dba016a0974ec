// A product, tile by tile; included once for each way to multiply, with NAMED(name), MULTIPLY_ADD(sums, x, w), TARGET
// (the instructions it may use) defined. Numbers of x and of a block are 32 bits: a float, or two bfloat16 numbers.

// y[t][..width] = or += the sum over `steps` of x[t][step] * block[step][..width], for `tokens` <= TILE_TOKENS rows of x.
//
// 24 sums, 4 vectors of a whole block and one number of x fill the registers. Along with each step a line is asked for that
// the next block will be made of, so that memory is waited for nowhere.
static inline __attribute__((always_inline, target(TARGET))) void NAMED(tile)(
  int tokens, int width, const uint32_t *x, size_t x_stride, const uint32_t *block, size_t steps, coming_lines coming,
  bool adds, float *y, size_t y_stride, const __mmask16 kept[TILE_VECTORS]) {
  int vectors = width / 16;
  __m512 sums[TILE_TOKENS * TILE_VECTORS];
#pragma clang loop unroll(full)
  for (int i = 0; i < tokens * vectors; i++) sums[i] = _mm512_setzero_ps();
  const char *line = coming.first;
  size_t lines_left = coming.first_row;
  for (size_t step = 0; step < steps; step++) {
    __m512 w[TILE_VECTORS];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) w[v] = _mm512_load_ps(block + step * width + 16 * v);
    _mm_prefetch(line, _MM_HINT_T1);
    line += LINE_BYTES;
    if (--lines_left == 0) line += coming.gap, lines_left = coming.per_row;
#pragma clang loop unroll(full)
    for (int t = 0; t < tokens; t++) {
      __m512 number = _mm512_castsi512_ps(_mm512_set1_epi32((int)x[t * x_stride + step]));
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++)
        sums[t * vectors + v] = MULTIPLY_ADD(sums[t * vectors + v], number, w[v]);
    }
  }
#pragma clang loop unroll(full)
  for (int t = 0; t < tokens; t++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      float *target = y + t * y_stride + 16 * v;
      __m512 sum = sums[t * vectors + v];
      if (adds) sum = _mm512_add_ps(_mm512_maskz_loadu_ps(kept[v], target), sum);
      _mm512_mask_storeu_ps(target, kept[v], sum);
    }
}

// One block with all rows of x; these are dealt out evenly, so that no tile is much smaller than others.
static inline __attribute__((always_inline, target(TARGET))) void NAMED(tiles)(
  const product *p, size_t width, const uint32_t *block, size_t step, size_t steps, size_t column, size_t next_step,
  size_t next_column, const __mmask16 kept[TILE_VECTORS]) {
  size_t parts = (p->tokens + TILE_TOKENS - 1) / TILE_TOKENS;
  bool adds = p->adds || step > 0;
  for (size_t part = 0, token = 0; part < parts; part++) {
    size_t count = p->tokens / parts + (part < p->tokens % parts);
    const uint32_t *x = p->x + token * p->x_stride + step;
    float *y = p->y + token * p->y_stride + column;
    coming_lines coming = lines(p, width, next_step, steps, next_column, part);
    switch (count) {
    case 6: NAMED(tile)(6, width, x, p->x_stride, block, steps, coming, adds, y, p->y_stride, kept); break;
    case 5: NAMED(tile)(5, width, x, p->x_stride, block, steps, coming, adds, y, p->y_stride, kept); break;
    case 4: NAMED(tile)(4, width, x, p->x_stride, block, steps, coming, adds, y, p->y_stride, kept); break;
    case 3: NAMED(tile)(3, width, x, p->x_stride, block, steps, coming, adds, y, p->y_stride, kept); break;
    case 2: NAMED(tile)(2, width, x, p->x_stride, block, steps, coming, adds, y, p->y_stride, kept); break;
    default: NAMED(tile)(1, width, x, p->x_stride, block, steps, coming, adds, y, p->y_stride, kept); break;
    }
    token += count;
  }
}

// All blocks: groups of columns one after the other, and in each the whole inner dimension.
static inline __attribute__((always_inline, target(TARGET))) void NAMED(multiply)(
  const product *p, block_kind kind, size_t width) {
  _Alignas(LINE_BYTES) uint32_t block[BLOCK_STEPS * BLOCK_COLUMNS];
  size_t most = block_steps(p->steps);
  for (size_t group = 0; group < p->columns; group += GROUP_COLUMNS) {
    size_t end = p->columns - group < GROUP_COLUMNS ? p->columns : group + GROUP_COLUMNS;
    for (size_t step = 0; step < p->steps; step += most)
      for (size_t column = group; column < end; column += width) {
        size_t steps = p->steps - step < most ? p->steps - step : most;
        __mmask16 kept[TILE_VECTORS];
        for (size_t v = 0; v < width / 16; v++)
          kept[v] = column + 16 * v < p->columns ? first_lanes(p->columns - column - 16 * v) : 0;
        fill(p, kind, width, step, steps, column, kept, block);
        size_t next_step = step, next_column = column + width;
        if (next_column >= end) next_column = group, next_step += most;
        if (next_step >= p->steps) next_column = end, next_step = 0;
        if (next_column >= p->columns) next_column = column, next_step = step;
        NAMED(tiles)(p, width, block, step, steps, column, next_step, next_column, kept);
      }
  }
}

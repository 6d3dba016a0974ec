// Matrix products of oneDNN behind one interface for its second and third major version, whose C interfaces differ.
#ifndef ONEDNN_SHIM_H
#define ONEDNN_SHIM_H
#include <oneapi/dnnl/dnnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// c = a b, or c += a b: bfloat16 operands, float32 sums and result; strides in elements, of rows and of columns.
typedef struct {
  int64_t rows, columns, inner;
  int64_t a_strides[2], b_strides[2], c_stride;
  bool accumulates;
} onednn_shape;

/// A product that was prepared for one shape, and the memory descriptions it is given pointers through.
typedef struct {
  dnnl_primitive_t primitive;
  dnnl_memory_t a, b, c;
} onednn_product;

/// True if the processor multiplies bfloat16 itself (AVX-512 BF16 or AMX).
static inline bool onednn_has_bfloat16(void) {
  return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t onednn_layout;

static inline dnnl_status_t onednn_layout_make(onednn_layout *layout, int64_t rows, int64_t columns,
                                               const int64_t strides[2], dnnl_data_type_t type) {
  dnnl_dims_t sizes = {rows, columns}, steps = {strides[0], strides[1]};
  return dnnl_memory_desc_create_with_strides(layout, 2, sizes, type, steps);
}
static inline void onednn_layout_free(onednn_layout *layout) {
  if (*layout) dnnl_memory_desc_destroy(*layout);
}
static inline dnnl_status_t onednn_memory(dnnl_memory_t *memory, const onednn_layout *layout, dnnl_engine_t engine) {
  return dnnl_memory_create(memory, *layout, engine, DNNL_MEMORY_NONE);
}
static inline dnnl_status_t onednn_append_sum(dnnl_post_ops_t operations) {
  return dnnl_post_ops_append_sum(operations, 1.0f, 0, dnnl_data_type_undef);
}
static inline dnnl_status_t onednn_describe(dnnl_primitive_desc_t *description, const onednn_layout *a,
                                            const onednn_layout *b, const onednn_layout *c,
                                            dnnl_primitive_attr_t attributes, dnnl_engine_t engine) {
  return dnnl_matmul_primitive_desc_create(description, engine, *a, *b, NULL, *c, attributes);
}
#else
typedef dnnl_memory_desc_t onednn_layout;

static inline dnnl_status_t onednn_layout_make(onednn_layout *layout, int64_t rows, int64_t columns,
                                               const int64_t strides[2], dnnl_data_type_t type) {
  dnnl_dims_t sizes = {rows, columns}, steps = {strides[0], strides[1]};
  return dnnl_memory_desc_init_by_strides(layout, 2, sizes, type, steps);
}
static inline void onednn_layout_free(onednn_layout *layout) { (void)layout; }
static inline dnnl_status_t onednn_memory(dnnl_memory_t *memory, const onednn_layout *layout, dnnl_engine_t engine) {
  return dnnl_memory_create(memory, layout, engine, DNNL_MEMORY_NONE);
}
static inline dnnl_status_t onednn_append_sum(dnnl_post_ops_t operations) {
  return dnnl_post_ops_append_sum(operations, 1.0f);
}
static inline dnnl_status_t onednn_describe(dnnl_primitive_desc_t *description, const onednn_layout *a,
                                            const onednn_layout *b, const onednn_layout *c,
                                            dnnl_primitive_attr_t attributes, dnnl_engine_t engine) {
  dnnl_matmul_desc_t operation;
  dnnl_status_t status = dnnl_matmul_desc_init(&operation, a, b, NULL, c);
  return status ? status : dnnl_primitive_desc_create(description, &operation, attributes, engine, NULL);
}
#endif

/// Prepares the product of one shape; whatever was made before a failure is released again.
static inline dnnl_status_t onednn_product_create(onednn_product *product, onednn_shape shape, dnnl_engine_t engine) {
  onednn_layout a = {0}, b = {0}, c = {0};
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_post_ops_t operations = NULL;
  dnnl_primitive_desc_t description = NULL;
  int64_t c_strides[2] = {shape.c_stride, 1};
  *product = (onednn_product){0};
  dnnl_status_t status = onednn_layout_make(&a, shape.rows, shape.inner, shape.a_strides, dnnl_bf16);
  if (!status) status = onednn_layout_make(&b, shape.inner, shape.columns, shape.b_strides, dnnl_bf16);
  if (!status) status = onednn_layout_make(&c, shape.rows, shape.columns, c_strides, dnnl_f32);
  if (!status) status = dnnl_primitive_attr_create(&attributes);
  if (!status && shape.accumulates) {
    status = dnnl_post_ops_create(&operations);
    if (!status) status = onednn_append_sum(operations);
    if (!status) status = dnnl_primitive_attr_set_post_ops(attributes, operations);
  }
  if (!status) status = onednn_describe(&description, &a, &b, &c, attributes, engine);
  if (!status) status = dnnl_primitive_create(&product->primitive, description);
  if (!status) status = onednn_memory(&product->a, &a, engine);
  if (!status) status = onednn_memory(&product->b, &b, engine);
  if (!status) status = onednn_memory(&product->c, &c, engine);
  if (description) dnnl_primitive_desc_destroy(description);
  if (operations) dnnl_post_ops_destroy(operations);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  onednn_layout_free(&a);
  onednn_layout_free(&b);
  onednn_layout_free(&c);
  return status;
}

/// Computes a prepared product.
static inline dnnl_status_t onednn_product_run(onednn_product product, const uint16_t *a, const uint16_t *b, float *c,
                                               dnnl_stream_t stream) {
  dnnl_exec_arg_t arguments[3] = {
    {DNNL_ARG_SRC, product.a}, {DNNL_ARG_WEIGHTS, product.b}, {DNNL_ARG_DST, product.c}};
  dnnl_status_t status = dnnl_memory_set_data_handle(product.a, (void *)a);
  if (!status) status = dnnl_memory_set_data_handle(product.b, (void *)b);
  if (!status) status = dnnl_memory_set_data_handle(product.c, c);
  if (!status) status = dnnl_primitive_execute(product.primitive, stream, 3, arguments);
  return status ? status : dnnl_stream_wait(stream);
}

/// Releases a product, prepared in full or in part.
static inline void onednn_product_destroy(onednn_product product) {
  if (product.a) dnnl_memory_destroy(product.a);
  if (product.b) dnnl_memory_destroy(product.b);
  if (product.c) dnnl_memory_destroy(product.c);
  if (product.primitive) dnnl_primitive_destroy(product.primitive);
}

#endif

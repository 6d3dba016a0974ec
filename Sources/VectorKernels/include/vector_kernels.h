#ifndef VECTOR_KERNELS_H
#define VECTOR_KERNELS_H
#include <stddef.h>
#include <stdint.h>
#endif

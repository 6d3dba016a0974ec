#ifndef MPI_SHIM_H
#define MPI_SHIM_H
#include <mpi.h>

// Handles that mpi.h defines as casts, which Swift's importer cannot see.
static inline MPI_Comm mpi_shim_world(void) { return MPI_COMM_WORLD; }
#endif

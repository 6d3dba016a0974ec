// What Swift's importer cannot see of mpi.h, handles and constants that are casts, and of Linux. No logic.
#ifndef MPI_SHIM_H
#define MPI_SHIM_H
#include <mpi.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline MPI_Comm mpi_shim_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Comm mpi_shim_no_communicator(void) { return MPI_COMM_NULL; }
static inline MPI_Info mpi_shim_no_info(void) { return MPI_INFO_NULL; }
static inline MPI_Errhandler mpi_shim_errors_return(void) { return MPI_ERRORS_RETURN; }
static inline MPI_Request mpi_shim_no_request(void) { return MPI_REQUEST_NULL; }
static inline MPI_Status *mpi_shim_no_status(void) { return MPI_STATUS_IGNORE; }
static inline void *mpi_shim_in_place(void) { return MPI_IN_PLACE; }

static inline MPI_Datatype mpi_shim_byte(void) { return MPI_BYTE; }
static inline MPI_Datatype mpi_shim_float(void) { return MPI_FLOAT; }
static inline MPI_Datatype mpi_shim_double(void) { return MPI_DOUBLE; }
static inline MPI_Datatype mpi_shim_int32(void) { return MPI_INT32_T; }
static inline MPI_Datatype mpi_shim_int64(void) { return MPI_INT64_T; }
static inline MPI_Datatype mpi_shim_uint64(void) { return MPI_UINT64_T; }

static inline MPI_Op mpi_shim_sum(void) { return MPI_SUM; }
static inline MPI_Op mpi_shim_minimum(void) { return MPI_MIN; }
static inline MPI_Op mpi_shim_maximum(void) { return MPI_MAX; }

static inline int mpi_shim_thread_serialized(void) { return MPI_THREAD_SERIALIZED; }
static inline int mpi_shim_comm_type_shared(void) { return MPI_COMM_TYPE_SHARED; }

// memfd_create(2), closed on exec.
static inline int mpi_shim_memory_file(void) { return (int)syscall(SYS_memfd_create, "disttrain", 1u); }

#endif

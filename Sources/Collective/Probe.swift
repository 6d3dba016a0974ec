import MPIShim
func world() { _ = unsafe mpi_shim_world() }

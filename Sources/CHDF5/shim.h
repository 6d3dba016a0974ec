// What Swift cannot see of hdf5.h: constants that are macros over run-time values. No logic.
#ifndef DISTTRAIN_CHDF5_SHIM_H
#define DISTTRAIN_CHDF5_SHIM_H

#include <hdf5.h>

static inline hid_t hdf5_shim_default_error_stack(void) { return H5E_DEFAULT; }
static inline hid_t hdf5_shim_default_list(void) { return H5P_DEFAULT; }
static inline hid_t hdf5_shim_whole_space(void) { return H5S_ALL; }

static inline hid_t hdf5_shim_file_creation_class(void) { return H5P_FILE_CREATE; }
static inline hid_t hdf5_shim_file_access_class(void) { return H5P_FILE_ACCESS; }
static inline hid_t hdf5_shim_group_creation_class(void) { return H5P_GROUP_CREATE; }
static inline hid_t hdf5_shim_dataset_creation_class(void) { return H5P_DATASET_CREATE; }

static inline unsigned hdf5_shim_truncate(void) { return H5F_ACC_TRUNC; }
static inline unsigned hdf5_shim_read_only(void) { return H5F_ACC_RDONLY; }

static inline hid_t hdf5_shim_c_string(void) { return H5T_C_S1; }
static inline hid_t hdf5_shim_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t hdf5_shim_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t hdf5_shim_native_uint64(void) { return H5T_NATIVE_UINT64; }
static inline hid_t hdf5_shim_stored_float(void) { return H5T_IEEE_F32LE; }
static inline hid_t hdf5_shim_stored_int64(void) { return H5T_STD_I64LE; }
static inline hid_t hdf5_shim_stored_uint64(void) { return H5T_STD_U64LE; }

// H5Lget_info names two functions with different structures, depending on the library's version.
static inline htri_t hdf5_shim_is_hard_link(hid_t location, const char *name) {
  H5L_info_t link;
  if (H5Lget_info(location, name, &link, H5P_DEFAULT) < 0) return -1;
  return link.type == H5L_TYPE_HARD;
}

#endif

# find_package(mcd) defines the imported target mcd::mcd.
get_filename_component(mcd_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET mcd::mcd)
  add_library(mcd::mcd SHARED IMPORTED)
  set_target_properties(mcd::mcd PROPERTIES
    IMPORTED_LOCATION "${mcd_prefix}/lib/libmcd.so.1"
    IMPORTED_SONAME "libmcd.so.1"
    INTERFACE_INCLUDE_DIRECTORIES "${mcd_prefix}/include")
endif()
unset(mcd_prefix)

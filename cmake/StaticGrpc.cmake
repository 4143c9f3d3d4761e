# burnish_grpc: gRPC's C++ library and what it is made of, from the distribution's static archives, so that `burnish` runs
# where gRPC is not installed and starts without loading forty libraries. OpenSSL and zlib stay shared: their repairs come
# with the distribution's updates.
find_package(PkgConfig REQUIRED)
pkg_check_modules(GRPC REQUIRED grpc++)
set(shared ssl crypto z systemd dl rt atomic pthread)  # systemd: c-ares names it, and does not need it
set(archives "")
list(REMOVE_DUPLICATES GRPC_STATIC_LIBRARIES)
foreach(library ${GRPC_STATIC_LIBRARIES})
  if(library IN_LIST shared)
    continue()
  endif()
  find_library(archive_${library} NAMES "lib${library}.a" HINTS ${GRPC_STATIC_LIBRARY_DIRS})
  mark_as_advanced(archive_${library})
  if(archive_${library})
    list(APPEND archives "${archive_${library}}")
  else()
    message(FATAL_ERROR "gRPC's archive lib${library}.a is not found: run scripts/setup.sh first")
  endif()
endforeach()
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
add_library(burnish_grpc INTERFACE)
target_include_directories(burnish_grpc SYSTEM INTERFACE ${GRPC_INCLUDE_DIRS})
target_link_libraries(burnish_grpc INTERFACE -Wl,--start-group ${archives} -Wl,--end-group OpenSSL::SSL OpenSSL::Crypto
                                             ZLIB::ZLIB Threads::Threads ${CMAKE_DL_LIBS} rt)

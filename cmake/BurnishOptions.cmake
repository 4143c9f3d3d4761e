# Compiler flags shared by every target, as interface libraries.
add_library(burnish_warnings INTERFACE)
target_compile_options(burnish_warnings INTERFACE -Wall -Wextra -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12's flow analysis reports impossible paths inside inlined standard containers.
  target_compile_options(burnish_warnings INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
                                                    -Wno-maybe-uninitialized -Wno-stringop-overread)
endif()
add_library(burnish_options INTERFACE)
target_link_libraries(burnish_options INTERFACE burnish_warnings)
# For tests: the rooms that they call are what is watched, and to instrument hundreds of tests takes minutes. Only
# ThreadSanitizer must see the atomics on both sides.
add_library(burnish_test_options INTERFACE)
target_link_libraries(burnish_test_options INTERFACE burnish_warnings)
if(BURNISH_SANITIZE)
  target_link_options(burnish_test_options INTERFACE -fsanitize=${BURNISH_SANITIZE})
  if(BURNISH_SANITIZE MATCHES "thread")
    target_link_libraries(burnish_test_options INTERFACE burnish_options)
  endif()
  target_compile_options(burnish_options INTERFACE -fsanitize=${BURNISH_SANITIZE} -fno-omit-frame-pointer
                                                   -fno-sanitize-recover=all)
  target_link_options(burnish_options INTERFACE -fsanitize=${BURNISH_SANITIZE})
endif()

# Compiler flags shared by every target, as an interface library.
add_library(burnish_options INTERFACE)
target_compile_options(burnish_options INTERFACE -Wall -Wextra -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12's flow analysis reports impossible paths inside inlined standard containers.
  target_compile_options(burnish_options INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
                                                   -Wno-maybe-uninitialized -Wno-stringop-overread)
endif()
if(BURNISH_SANITIZE)
  target_compile_options(burnish_options INTERFACE -fsanitize=${BURNISH_SANITIZE} -fno-omit-frame-pointer
                                                   -fno-sanitize-recover=all)
  target_link_options(burnish_options INTERFACE -fsanitize=${BURNISH_SANITIZE})
endif()

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
if(BURNISH_SANITIZE)
  target_compile_options(burnish_options INTERFACE -fsanitize=${BURNISH_SANITIZE} -fno-omit-frame-pointer
                                                   -fno-sanitize-recover=all)
  if(BURNISH_SANITIZE MATCHES "undefined")
    # AddressSanitizer finds what these would; they cost a fifth of the build.
    target_compile_options(burnish_options INTERFACE
                           -fno-sanitize=null,object-size,vptr,nonnull-attribute,returns-nonnull-attribute)
  endif()
  target_link_options(burnish_options INTERFACE -fsanitize=${BURNISH_SANITIZE})
endif()

# plain_objects(VARIABLE SANITIZERS TARGET sources…): the sources; in builds with one of the SANITIZERS, what BURNISH_PLAIN,
# a build tree without any, has compiled of them for the target of that name, which the same CMakeLists.txt defines. What
# is not to be watched need not be compiled again.
set(BURNISH_PLAIN "" CACHE PATH "A finished build tree without sanitizers, for what is not watched in builds with them")
function(plain_objects variable sanitizers target)
  set(files ${ARGN})
  if(BURNISH_PLAIN AND BURNISH_SANITIZE MATCHES "${sanitizers}")
    if(NOT EXISTS "${BURNISH_PLAIN}/build.ninja")
      message(FATAL_ERROR "'${BURNISH_PLAIN}' is no build tree: run scripts/build.sh release first")
    endif()
    file(RELATIVE_PATH folder "${CMAKE_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}")
    list(TRANSFORM files REPLACE "^${CMAKE_CURRENT_SOURCE_DIR}/(.+)$"
                                 "${BURNISH_PLAIN}/${folder}/CMakeFiles/${target}.dir/\\1.o")
    set_source_files_properties(${files} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  endif()
  set(${variable} ${files} PARENT_SCOPE)
endfunction()

# lazy_library(TARGET NAME HEADERS… PATTERN regex)
#
# Lets TARGET call a shared library's C functions without being linked to it: every function that the HEADERS declare
# (PATTERN's first group is its name) becomes a jump through the table `<NAME>_functions`, which <NAME>_function_names
# lists. Whoever opens the library fills the table (kernels/cpu/onednn/library.cc). x86-64 and ELF only.
function(lazy_library target name)
  cmake_parse_arguments(LAZY "" "PATTERN" "HEADERS" ${ARGN})
  set(functions "")
  foreach(header ${LAZY_HEADERS})
    file(STRINGS "${header}" lines REGEX "${LAZY_PATTERN}")
    foreach(line ${lines})
      string(REGEX MATCH "${LAZY_PATTERN}" _ "${line}")
      list(APPEND functions "${CMAKE_MATCH_1}")
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES functions)
  list(LENGTH functions count)
  if(count EQUAL 0)
    message(FATAL_ERROR "no functions of ${name} found in ${LAZY_HEADERS}")
  endif()
  set(names "")
  set(jumps "")
  set(index 0)
  foreach(function ${functions})
    string(APPEND names "    \"${function}\",\n")
    string(APPEND jumps "asm(\".globl ${function}\\n.hidden ${function}\\n.type ${function},@function\\n${function}:\\n\"\n"
           "    \"  jmp *${name}_functions+8*${index}(%rip)\\n\");\n")
    math(EXPR index "${index} + 1")
  endforeach()
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/${name}_functions.cc")
  file(CONFIGURE OUTPUT "${generated}" @ONLY CONTENT
"// Made by cmake/LazyLibrary.cmake.
extern \"C\" {
__attribute__((visibility(\"hidden\"))) extern const int ${name}_num_functions = ${count};
__attribute__((visibility(\"hidden\"))) extern const char* const ${name}_function_names[] = {
${names}};
__attribute__((visibility(\"hidden\"))) void* ${name}_functions[${count}] = {};
}
asm(\".text\\n\");
${jumps}")
  target_sources(${target} PRIVATE "${generated}")
endfunction()

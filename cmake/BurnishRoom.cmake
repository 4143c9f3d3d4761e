# burnish_headers(NAME OPTIONS … LIBRARIES … HEADERS …): headers from outside that nearly every file includes, compiled once. Three
# tenths of a build from nothing. None of a room's own: a forgotten include would go unseen.
function(burnish_headers name)
  cmake_parse_arguments(HEADERS "" "" "OPTIONS;LIBRARIES;HEADERS" ${ARGN})
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/${name}.cc" CONTENT "")
  add_library(${name} OBJECT "${CMAKE_BINARY_DIR}/${name}.cc")
  target_link_libraries(${name} PRIVATE ${HEADERS_LIBRARIES})
  target_compile_options(${name} PRIVATE ${HEADERS_OPTIONS})
  target_precompile_headers(${name} PRIVATE ${HEADERS_HEADERS})
endfunction()
set(common_headers <algorithm> <array> <chrono> <cmath> <condition_variable> <fmt/format.h> <functional> <map> <memory> <mutex>
                   <optional> <set> <span> <sstream> <string> <string_view> <thread> <variant> <vector>)
burnish_headers(burnish_headers LIBRARIES burnish_options fmt::fmt HEADERS ${common_headers})
# For code that runs once a build or a command: small rather than fast, and compiled in two thirds of the time.
set(cold_options $<$<CONFIG:Release>:-Os>)
burnish_headers(burnish_cold_headers OPTIONS ${cold_options} LIBRARIES burnish_options fmt::fmt HEADERS ${common_headers})
function(burnish_compile_cold target)
  target_compile_options(${target} PRIVATE ${cold_options})
  target_precompile_headers(${target} REUSE_FROM burnish_cold_headers)
endfunction()

# burnish_room(NAME [COLD] [UNWATCHED sanitizer] DEPENDS rooms… LIBRARIES external…)
#
# One static library per folder below src/, of all its .cc files (files in sub-folders are added by the room itself
# with target_sources). A room sees the headers of exactly the rooms it depends on: every room's headers are reached
# through a folder of links of its own, so an include against the arrows of the design fails to build
# ("base/error.h: No such file"). What is UNWATCHED by a sanitizer is taken from the release build (plain_objects).
function(burnish_room name)
  cmake_parse_arguments(ROOM "COLD" "UNWATCHED" "DEPENDS;LIBRARIES" ${ARGN})
  set(target "burnish_${name}")
  set(links "${CMAKE_BINARY_DIR}/rooms/${name}")
  file(MAKE_DIRECTORY "${links}")
  file(CREATE_LINK "${CMAKE_SOURCE_DIR}/src/${name}" "${links}/${name}" SYMBOLIC)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/*.cc")
  if(NOT sources)
    set(sources "${CMAKE_BINARY_DIR}/empty.cc")
    file(CONFIGURE OUTPUT "${sources}" CONTENT "")
  endif()
  if(ROOM_UNWATCHED)
    plain_objects(sources "${ROOM_UNWATCHED}" ${target} ${sources})
  endif()
  add_library(${target} STATIC ${sources})
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(${target} PUBLIC "${links}")
  if(ROOM_COLD)
    burnish_compile_cold(${target})
  else()
    target_precompile_headers(${target} REUSE_FROM burnish_headers)
  endif()
  list(TRANSFORM ROOM_DEPENDS PREPEND burnish_)
  target_link_libraries(${target} PUBLIC ${ROOM_DEPENDS} ${ROOM_LIBRARIES} PRIVATE burnish_options)
endfunction()

# All tests of rooms, without the programs.
add_custom_target(burnish_unit_tests)

# burnish_test(ROOM [PARTS n] LIBRARIES …): the test program test_<room> of all tests/<room>/*_test.cc, run by ctest in so
# many parts, side by side.
function(burnish_test room)
  cmake_parse_arguments(TEST "" "PARTS" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/${room}/*.cc")
  if(NOT sources)
    return()
  endif()
  # The rooms that tests call are what is watched. Only ThreadSanitizer must see the atomics on both sides.
  plain_objects(sources address test_${room} ${sources})
  add_executable(test_${room} ${sources})
  target_include_directories(test_${room} PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  target_compile_options(test_${room} PRIVATE ${test_options})
  target_precompile_headers(test_${room} REUSE_FROM burnish_test_headers)
  target_link_libraries(test_${room} PRIVATE ${TEST_LIBRARIES} burnish_options GTest::gmock GTest::gtest_main)
  add_dependencies(burnish_unit_tests test_${room})
  if(NOT TEST_PARTS)
    set(TEST_PARTS 1)
  endif()
  foreach(part RANGE 1 ${TEST_PARTS})
    set(name ${room})
    if(TEST_PARTS GREATER 1)
      set(name ${room}_${part})
    endif()
    math(EXPR index "${part} - 1")
    add_test(NAME ${name} COMMAND test_${room} --gtest_brief=1)
    set_tests_properties(${name} PROPERTIES WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}" TIMEOUT 600 ENVIRONMENT
                         "GTEST_TOTAL_SHARDS=${TEST_PARTS};GTEST_SHARD_INDEX=${index}")
  endforeach()
endfunction()

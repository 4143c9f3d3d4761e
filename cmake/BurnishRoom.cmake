# burnish_room(NAME DEPENDS rooms… LIBRARIES external…)
#
# One static library per folder below src/, of all its .cc files (files in sub-folders are added by the room itself
# with target_sources). A room sees the headers of exactly the rooms it depends on: every room's headers are reached
# through a folder of links of its own, so an include against the arrows of the design fails to build
# ("base/error.h: No such file").
function(burnish_room name)
  cmake_parse_arguments(ROOM "" "" "DEPENDS;LIBRARIES" ${ARGN})
  set(target "burnish_${name}")
  set(links "${CMAKE_BINARY_DIR}/rooms/${name}")
  file(MAKE_DIRECTORY "${links}")
  file(CREATE_LINK "${CMAKE_SOURCE_DIR}/src/${name}" "${links}/${name}" SYMBOLIC)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/*.cc")
  if(NOT sources)
    set(sources "${CMAKE_BINARY_DIR}/empty.cc")
    file(TOUCH "${sources}")
  endif()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} PUBLIC "${links}")
  list(TRANSFORM ROOM_DEPENDS PREPEND burnish_)
  target_link_libraries(${target} PUBLIC ${ROOM_DEPENDS} ${ROOM_LIBRARIES} PRIVATE burnish_options)
endfunction()

# burnish_test(ROOM LIBRARIES …): the test program test_<room> of all tests/<room>/*_test.cc.
function(burnish_test room)
  cmake_parse_arguments(TEST "" "" "LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/${room}/*.cc")
  if(NOT sources)
    return()
  endif()
  add_executable(test_${room} ${sources})
  target_include_directories(test_${room} PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  target_link_libraries(test_${room} PRIVATE ${TEST_LIBRARIES} burnish_options GTest::gmock GTest::gtest_main)
  add_test(NAME ${room} COMMAND test_${room} --gtest_brief=1)
  set_tests_properties(${room} PROPERTIES WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}" TIMEOUT 600)
endfunction()

# add_room(NAME [LINKS target...] [TEST_LINKS target...])
#
# Builds src/NAME as the library dray_NAME from every .cpp in the folder, and its *_test.cpp as the program NAME_test,
# registered with CTest (one CTest entry a room; use --gtest_filter to run part of it). Which rooms a room may include
# is checked by tools/check_layers.py; LINKS must agree with it.
function(add_room name)
  cmake_parse_arguments(ROOM "" "" "LINKS;TEST_LINKS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cpp$")

  if(NOT sources)
    add_library(dray_${name} INTERFACE)
    target_link_libraries(dray_${name} INTERFACE dray_flags Threads::Threads ${ROOM_LINKS})
    return()
  endif()
  add_library(dray_${name} STATIC ${sources})
  set_target_properties(dray_${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(dray_${name} PUBLIC dray_flags Threads::Threads ${ROOM_LINKS})
  if(DRAY_PRECOMPILE_STD)
    use_precompiled_std(${name})
  endif()

  if(DRAY_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE dray_${name} ${ROOM_TEST_LINKS} GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE DRAY_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 600)
  endif()
endfunction()

# What nearly every file includes of the standard library, compiled once: a third of a clean build. Only the standard's, and only where
# each file is compiled by itself (release).
function(use_precompiled_std name)
  if(name STREQUAL "base")
    target_precompile_headers(dray_base PRIVATE <algorithm> <chrono> <functional> <map> <memory> <optional> <string> <string_view> <vector>)
  else()
    target_precompile_headers(dray_${name} REUSE_FROM dray_base)
  endif()
endfunction()

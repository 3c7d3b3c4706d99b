# SPDX-License-Identifier: Apache-2.0
# scc_add_test(name LABEL label SOURCES ... DEPS ... [TIMEOUT s] [HEAVY]): one GoogleTest executable, its cases found when
# the tests run (a cross build cannot run it earlier). With sanitizers, whose start-up costs more than most cases, an
# executable is one test, except a HEAVY one.
find_package(GTest REQUIRED)
include(GoogleTest)

function(scc_add_test name)
  cmake_parse_arguments(ARG "SERIAL;HEAVY" "LABEL;TIMEOUT" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/core)
  scc_target_defaults(${name})
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_options(${name} PRIVATE -O1)  # what a test tests is optimised; itself need not be
  endif()
  set(extra "")
  if(ARG_SERIAL)
    list(APPEND extra RESOURCE_LOCK scc-serial)
  endif()
  if(SCC_SANITIZE AND NOT ARG_HEAVY)
    math(EXPR timeout "${ARG_TIMEOUT} * 15")
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${timeout} ${extra})
    return()
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${name}."
    PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT} ${extra})
endfunction()

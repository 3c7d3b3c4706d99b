# SPDX-License-Identifier: Apache-2.0
# scc_add_test(name LABEL label SOURCES ... DEPS ... [TIMEOUT s]): one GoogleTest executable, its cases found when the
# tests run (a cross build cannot run it earlier).
find_package(GTest REQUIRED)
include(GoogleTest)

function(scc_add_test name)
  cmake_parse_arguments(ARG "SERIAL" "LABEL;TIMEOUT" "SOURCES;DEPS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PROJECT_SOURCE_DIR}/core)
  scc_target_defaults(${name})
  set(extra "")
  if(ARG_SERIAL)
    list(APPEND extra RESOURCE_LOCK scc-serial)
  endif()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${name}."
    PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT} ${extra})
endfunction()

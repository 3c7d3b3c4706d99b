# SPDX-License-Identifier: Apache-2.0
# cmake -D ROOT=<source tree> -P layering_test.cmake
# Holds the tree to what CONTRIBUTING promises: who may include whom, each third-party library in one folder, no
# vendor's or engine's name in core/, no shell, a licence line in each file, no file that grew without a reason.
# layering_selftest.cmake breaks each rule on purpose.
cmake_minimum_required(VERSION 3.25)

set(violations "")
macro(violation text)
  list(APPEND violations "${text}")
endmacro()

# ---- who may include whom: folder -> folders of core/ (its own is implied; "scc" is the SDK) ----
set(layer_base "")
set(layer_json base)
set(layer_os base)
set(layer_net base os)
set(layer_git base os)
set(layer_log base os)
set(layer_workspace base json os git)
set(layer_model base json)
set(layer_policy base json model)
set(layer_egress base json os model policy)
set(layer_config base json os model)
set(layer_remote base json os net git)
set(layer_plugin base json os net log scc)
set(layer_builtin scc)
set(layer_image base json os log plugin)
set(layer_session base json os log plugin)
set(layer_app base json os net git log model policy egress workspace config remote plugin builtin image session safety)
set(layer_ui base json)
set(layer_cli base json os log model policy egress config remote plugin builtin image session app ui scc safety)
set(layers base json os net git log model policy egress workspace config remote plugin builtin image session app ui cli)
# What core/plugin shows to others; the rest of it is its own affair.
set(plugin_public manifest registry provider runtime netpolicy probe policy documents)

# ---- third-party headers: pattern -> the one folder ----
set(third_party
  "rapidjson/=core/json" "sodium=core/os" "curl/=core/net" "boost/dll=core/plugin"
  "boost/program_options=core/cli" "spdlog/=core/log" "fmt/=core/log" "archive=core/image" "git2=core/git" "yaml-cpp/=core/config" "idn2=core/egress"
  "toml++/=plugins/provider-codex")

function(sources out)
  set(found "")
  foreach(dir IN LISTS ARGN)
    file(GLOB_RECURSE some LIST_DIRECTORIES false RELATIVE ${ROOT} ${ROOT}/${dir}/*.c ${ROOT}/${dir}/*.cpp
         ${ROOT}/${dir}/*.h ${ROOT}/${dir}/*.hpp ${ROOT}/${dir}/*.hpp.in)
    list(APPEND found ${some})
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

sources(core_files core)
sources(product_files core plugins sdk sandbox safety)
sources(all_files core plugins sdk sandbox safety tests)
list(LENGTH core_files count)
if(count EQUAL 0)
  message(FATAL_ERROR "no sources below ${ROOT}/core: wrong ROOT?")
endif()

# ---- includes inside core/ ----
foreach(file IN LISTS core_files)
  string(REGEX REPLACE "^core/([^/]+)/.*$" "\\1" folder "${file}")
  if(NOT folder IN_LIST layers)
    violation("${file}: the folder core/${folder} is not in the layer table of tests/contract/layering_test.cmake")
    continue()
  endif()
  file(STRINGS ${ROOT}/${file} lines REGEX "^#[ ]*include \"")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^#[ ]*include \"([^\"]*)\".*$" "\\1" header "${line}")
    if(NOT header MATCHES "^([a-z_]+)/")
      violation("${file}: \"${header}\" must be included with its folder")
      continue()
    endif()
    set(target ${CMAKE_MATCH_1})
    if(NOT target STREQUAL folder AND NOT target IN_LIST layer_${folder})
      violation("${file}: core/${folder} may not include ${header}")
    endif()
    if(target STREQUAL "plugin" AND NOT folder STREQUAL "plugin")
      string(REGEX REPLACE "^plugin/(.*)\\.h$" "\\1" part "${header}")
      if(NOT part IN_LIST plugin_public)
        violation("${file}: ${header} is private to core/plugin")
      endif()
    endif()
  endforeach()
endforeach()

# ---- includes of everybody else: nothing from core/ ----
list(JOIN layers "|" any_layer)
foreach(file IN LISTS product_files)
  if(file MATCHES "^core/")
    continue()
  endif()
  file(STRINGS ${ROOT}/${file} lines REGEX "^#[ ]*include [\"<]((${any_layer})/|.*\\.\\./core/)")
  foreach(line IN LISTS lines)
    violation("${file}: may not see core/: ${line}")
  endforeach()
endforeach()
file(GLOB_RECURSE plugin_lists LIST_DIRECTORIES false RELATIVE ${ROOT} ${ROOT}/plugins/*CMakeLists.txt)
foreach(file IN LISTS plugin_lists)
  file(STRINGS ${ROOT}/${file} lines REGEX "scc_(${any_layer})([^a-z_]|$)")
  foreach(line IN LISTS lines)
    violation("${file}: links a library of core/: ${line}")
  endforeach()
endforeach()

# ---- the safety engine stands alone: a static guard links it ----
sources(safety_files safety)
foreach(file IN LISTS safety_files)
  file(STRINGS ${ROOT}/${file} lines REGEX "^#[ ]*include \"")
  foreach(line IN LISTS lines)
    if(NOT line MATCHES "\"safety/[a-z_]+[.](h|def)\"")
      violation("${file}: safety/ includes nothing but itself and the standard library: ${line}")
    endif()
  endforeach()
endforeach()

# ---- third-party libraries ----
foreach(file IN LISTS product_files)
  file(STRINGS ${ROOT}/${file} lines REGEX "^#[ ]*include <")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^#[ ]*include <([^>]*)>.*$" "\\1" header "${line}")
    foreach(rule IN LISTS third_party)
      string(REGEX REPLACE "=.*$" "" prefix "${rule}")
      string(REGEX REPLACE "^.*=" "" home "${rule}")
      string(FIND "${header}" "${prefix}" at)
      if(at EQUAL 0 AND NOT file MATCHES "^${home}/")
        violation("${file}: <${header}> belongs to ${home} alone")
      endif()
    endforeach()
  endforeach()
endforeach()

# ---- no vendor's, engine's or policy's name in the core ----
file(GLOB_RECURSE core_all LIST_DIRECTORIES false RELATIVE ${ROOT} ${ROOT}/core/*)
foreach(file IN LISTS core_all)
  file(STRINGS ${ROOT}/${file} hits REGEX "[Cc][Ll][Aa][Uu][Dd][Ee]|[Cc][Oo][Dd][Ee][Xx]|[Dd][Oo][Cc][Kk][Ee][Rr]|[Pp][Oo][Dd][Mm][Aa][Nn]|[Ss][Qq][Uu][Ii][Dd]")
  if(hits)
    violation("${file}: names a vendor or an engine: ${hits}")
  endif()
endforeach()

# ---- no shell ----
file(GLOB_RECURSE python_files LIST_DIRECTORIES false RELATIVE ${ROOT} ${ROOT}/tests/*.py ${ROOT}/scripts/*.py
     ${ROOT}/images/*.py)
foreach(file IN LISTS all_files python_files)
  set(shell "(^|[^A-Za-z0-9_])(system|popen)[ ]*\\(")
  if(file MATCHES "[.]py$")
    set(shell "os[.](system|popen)[ ]*\\(|shell=True")
  endif()
  file(STRINGS ${ROOT}/${file} hits REGEX "${shell}")
  if(hits)
    violation("${file}: starts a shell: ${hits}")
  endif()
endforeach()

# ---- licence line, and length ----
file(GLOB_RECURSE build_files LIST_DIRECTORIES false RELATIVE ${ROOT} ${ROOT}/core/CMakeLists.txt
     ${ROOT}/sdk/CMakeLists.txt ${ROOT}/safety/CMakeLists.txt ${ROOT}/plugins/CMakeLists.txt ${ROOT}/sandbox/CMakeLists.txt
     ${ROOT}/images/CMakeLists.txt ${ROOT}/tests/CMakeLists.txt ${ROOT}/tests/*.cmake ${ROOT}/cmake/*.cmake)
file(GLOB script_files LIST_DIRECTORIES false RELATIVE ${ROOT} ${ROOT}/scripts/* ${ROOT}/.ci/*)
foreach(file IN LISTS all_files python_files build_files script_files)
  file(STRINGS ${ROOT}/${file} head LIMIT_COUNT 20)
  if(NOT "${head}" MATCHES "SPDX-License-Identifier: Apache-2.0")
    violation("${file}: lacks the line SPDX-License-Identifier: Apache-2.0")
  endif()
  file(READ ${ROOT}/${file} bytes HEX)
  string(REGEX MATCHALL "0a" newlines "${bytes}")
  list(LENGTH newlines lines)
  if(lines GREATER 600 AND NOT "${head}" MATCHES "Long because")
    violation("${file}: has ${lines} lines and does not say at its head \"Long because ...\"")
  endif()
endforeach()

if(violations)
  list(JOIN violations "\n  " text)
  message(FATAL_ERROR "the tree breaks its own rules:\n  ${text}")
endif()
message(STATUS "layering: ${count} files of core/ follow the rules")

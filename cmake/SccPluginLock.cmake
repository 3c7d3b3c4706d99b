# SPDX-License-Identifier: Apache-2.0
# Included at install time with SCC_PLUGIN_ROOT, SCC_PLUGIN_IDS and SCC_PLATFORM: writes plugins.lock, schema
# scc.plugins-lock/1 {"schema", "plugins": {id: {"manifest": sha256, "library": sha256}}}, from the installed bytes.
set(lock "{\"schema\": \"scc.plugins-lock/1\", \"plugins\": {}}")
foreach(id IN LISTS SCC_PLUGIN_IDS)
  set(manifest "${SCC_PLUGIN_ROOT}/${id}/plugin.json")
  file(READ "${manifest}" json)
  string(JSON path GET "${json}" libraries "${SCC_PLATFORM}" path)
  string(JSON claimed GET "${json}" libraries "${SCC_PLATFORM}" sha256)
  file(SHA256 "${manifest}" manifest_sha256)
  file(SHA256 "${SCC_PLUGIN_ROOT}/${id}/${path}" library_sha256)
  if(NOT library_sha256 STREQUAL claimed)
    message(FATAL_ERROR "plugin ${id}: ${path} changed after its manifest was written; build again, then install")
  endif()
  string(JSON lock SET "${lock}" plugins "${id}"
         "{\"manifest\": \"${manifest_sha256}\", \"library\": \"${library_sha256}\"}")
endforeach()
file(WRITE "${SCC_PLUGIN_ROOT}/plugins.lock" "${lock}\n")
# A file that the group may write vouches for nothing; the umask of the installer must not decide that.
file(CHMOD "${SCC_PLUGIN_ROOT}/plugins.lock" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
message(STATUS "Installing: ${SCC_PLUGIN_ROOT}/plugins.lock")

/* SPDX-License-Identifier: Apache-2.0
   scc/provider.h: an AI coding agent. Pure: a request document in, a plan document out; the host does the
   work. Every function is [serial] unless tagged. */
#ifndef SCC_PROVIDER_H
#define SCC_PROVIDER_H

#include "host.h"

SCC_BEGIN_DECLS

#define SCC_IFACE_PROVIDER "scc.provider/1"
typedef struct scc_provider scc_provider;
typedef struct scc_provider_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* config: scc.component-config/1 {config, env, plugin_dir}. */
  scc_status (*create)(const scc_host_v1* host, scc_str config_json, scc_provider** out,
                       const scc_error_sink* err);
  void (*destroy)(scc_provider* self);
  /* scc.launch-request/1 -> scc.launch-spec/1. Same bytes in, same bytes out (ABI-12). */
  scc_status (*plan_launch)(scc_provider* self, scc_str request_json, const scc_sink* spec_json,
                            const scc_error_sink* err);
  /* scc.auth-request/1 {files {name: {present, size, json?}}, env {NAME: true}, mode} -> scc.auth-status/1.
     Judges what the host found in the credential volume; it never says more than that. */
  scc_status (*auth_status)(scc_provider* self, scc_str request_json, const scc_sink* status_json,
                            const scc_error_sink* err);
  /* optional below */
  /* scc.artifact-plan/1 -> scc.file-plan/1 */
  scc_status (*plan_artifacts)(scc_provider* self, scc_str plan_json, const scc_sink* files_json,
                               const scc_error_sink* err);
  /* scc.login-request/1 -> scc.login-plan/1: argv, env and volume of a short-lived sign-in sandbox. */
  scc_status (*plan_login)(scc_provider* self, scc_str request_json, const scc_sink* plan_json,
                           const scc_error_sink* err);
  const void* (*extension)(scc_provider* self, scc_str extension_id);
} scc_provider_v1;

SCC_END_DECLS
#endif

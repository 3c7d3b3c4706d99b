// SPDX-License-Identifier: Apache-2.0
// Signing in to an agent's vendor, and out again: in a sandbox of the agent's image that holds its credential
// volume and nothing else of the user's, made, verified and ended like any other and removed afterwards. And
// what the sign-ins are now: the host reads the files that the manifest names, the provider judges them.
// [main]
#pragma once

#include <string>
#include <vector>

#include "app/launch.h"

namespace scc::app {

struct ProviderView {
  std::string id;
  std::string title;
  std::string plugin;
  std::string version;  ///< of the plugin
  bool allowed = true;
  std::string refused;  ///< why not
  std::string volume;
  std::string image_ref;
  std::string image_state;  ///< present, stale, missing; empty: unknown
  std::string auth_status;  ///< present, expired, missing, unknown
  std::string mechanism;
  std::string guidance;  ///< what to run next
  std::string problem;   ///< why something here is unknown
};

/// Every installed provider. What cannot be found out is said in `problem`; only a broken configuration is an
/// error.
Result<std::vector<ProviderView>> list_providers(Host& host, const LaunchOptions& options);

/// Those of `ids` whose sign-in is present, in that order. What cannot be found out counts as absent.
std::vector<std::string> connected_providers(Host& host, const LaunchOptions& options,
                                             const Governance& governance,
                                             const std::vector<std::string>& ids);

struct SignInOptions {
  LaunchOptions launch;  ///< provider, runtime, team, tty
  std::string method;    ///< empty, device, api_key
};

/// The outcome of signing in or out.
struct SignInResult {
  std::string provider;
  std::string volume;
  std::string status;  ///< as judged afterwards
  std::string mechanism;
  bool changed = true;
};

/// Kind::usage provider.unknown; Kind::policy provider.not-allowed; Kind::tool auth.busy while another one of
/// the same volume goes on; Kind::prereq auth.login-failed and auth.not-written, and those of a launch.
Result<SignInResult> sign_in(Host& host, const SignInOptions& options);

/// Removes the files that the manifest calls auth_files from the volume; nothing else in it.
Result<SignInResult> sign_out(Host& host, const LaunchOptions& options);

}  // namespace scc::app

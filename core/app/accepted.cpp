// SPDX-License-Identifier: Apache-2.0
#include "app/accepted.h"

#include <algorithm>

#include <sys/stat.h>

#include "base/str.h"
#include "config/approvals.h"

namespace scc::app {

namespace {

/// Names of approvals are those of repositories otherwise: remote:... and path:...
std::string approval_name(const os::stdfs::path& file) {
  return "document:" + str::printable(file.native());
}

os::stdfs::path real_path(const os::stdfs::path& file) {
  std::error_code code;
  os::stdfs::path real = os::stdfs::weakly_canonical(file, code);
  return code ? file.lexically_normal() : real;
}

bool roots_alone(const os::stdfs::path& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && info.st_uid == 0 && (info.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool below(const os::stdfs::path& file, const os::stdfs::path& directory) {
  return !directory.empty() &&
         std::mismatch(directory.begin(), directory.end(), file.begin(), file.end()).first == directory.end();
}

bool in_repository(const os::stdfs::path& file) {
  for (os::stdfs::path at = file.parent_path();; at = at.parent_path()) {
    struct stat info {};
    if (::lstat((at / ".git").c_str(), &info) == 0) return true;
    if (at == at.parent_path()) return false;
  }
}

bool exempt(const remote::OrgRequest& request) {
  return !request.source.is_file() || !request.public_key.empty();
}

}  // namespace

bool agent_may_write(const os::Environment& env, const os::stdfs::path& file,
                     const os::stdfs::path& workspace) {
  const os::stdfs::path real = real_path(file);
  if (env.uid != 0 && roots_alone(real) && roots_alone(real.parent_path())) return false;
  return below(real, workspace) || in_repository(real);
}

Status check_accepted(const Host& host, const remote::OrgRequest& request,
                      const remote::OrgDocument& document, const os::stdfs::path& workspace) {
  if (exempt(request) || !agent_may_write(host.env, request.source.file, workspace)) return {};
  const os::stdfs::path real = real_path(request.source.file);
  std::vector<std::string> notes;
  if (config::Approvals(host.paths).approved(approval_name(real), document.fingerprint, &notes)) return {};
  Error error{Kind::policy, "org.not-accepted",
              str::printable(real.native()) +
                  " lies where an agent may write, and is not the document that you accepted",
              "look at it, then run: scc org update   (or sign it and pin the key: scc org keygen)",
              std::move(notes)};
  return fail(std::move(error));
}

Status accept_document(const Host& host, const remote::OrgRequest& request,
                       const remote::OrgDocument& document) {
  if (exempt(request) || !agent_may_write(host.env, request.source.file, {})) return {};
  return config::Approvals(host.paths)
      .approve(approval_name(real_path(request.source.file)), document.fingerprint);
}

}  // namespace scc::app

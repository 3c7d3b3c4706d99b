// SPDX-License-Identifier: Apache-2.0
#include "guard/policy_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <scc/sdk/sha256.hpp>

namespace scc::guard {

namespace {

constexpr std::size_t kDigits = 64;

safety::Policy broken(std::string why) {
  safety::Policy out;
  out.defect = std::move(why);
  return out;
}

struct Descriptor {
  explicit Descriptor(int number) : fd(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) close(fd);
  }
  int fd;
};

/// "" when nobody in the sandbox can have changed the file; its size then.
std::string file_problem(int fd, std::size_t* size) {
  struct stat info {};
  struct statvfs filesystem {};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return "it is no regular file";
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "others may write to it";
  // Who owns it on the host is whoever runs scc; in here the read-only mount is what protects it.
  if (fstatvfs(fd, &filesystem) != 0 || (filesystem.f_flag & ST_RDONLY) == 0) {
    return "it is not on a read-only mount";
  }
  *size = static_cast<std::size_t>(info.st_size);
  if (*size > safety::kPolicyBytes) return "it is larger than 256 KiB";
  return "";
}

}  // namespace

std::string digest_problem(std::string_view text) {
  constexpr std::string_view kKey = "\"sha256\":\"";
  // The document's own is the last one: the text is canonical, and only `source` and `snapshots` come after
  // it.
  const std::size_t at = text.rfind(kKey);
  if (at == std::string_view::npos) return "it carries no sha256";
  const std::size_t begin = at + kKey.size();
  if (text.size() < begin + kDigits) return "its sha256 is cut off";
  std::string plain(text);
  plain.replace(begin, kDigits, kDigits, '0');
  if (sdk::sha256_hex(plain) != text.substr(begin, kDigits)) return "its sha256 is another one";
  return "";
}

safety::Policy load_policy(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (file.fd < 0) return broken(path + ": " + strerror(errno));
  std::size_t told = 0;
  if (const std::string problem = file_problem(file.fd, &told); !problem.empty())
    return broken(path + ": " + problem);
  // One byte more, so that a file which grows meanwhile is not taken for what it was.
  std::string text(told + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file.fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return broken(path + ": " + strerror(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  if (const std::string problem = digest_problem(text); !problem.empty())
    return broken(path + ": " + problem);
  safety::Policy out = safety::read_policy(text);
  if (out.defective()) out.defect = path + ": " + out.defect;
  return out;
}

}  // namespace scc::guard

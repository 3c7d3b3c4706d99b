// SPDX-License-Identifier: Apache-2.0
// SHA-256, random names and sealed memory files. Signatures: sign.cpp.
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <sodium.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "base/str.h"
#include "os/internal.h"

namespace scc::os {

namespace {

std::string finish(crypto_hash_sha256_state& state) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256_final(&state, digest.data());
  std::string raw(digest.begin(), digest.end());
  return str::hex(raw);
}

void add(crypto_hash_sha256_state& state, std::string_view bytes) {
  crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  add(state, bytes);
  return finish(state);
}

Result<std::string> sha256_file(const stdfs::path& path) {
  SCC_TRY(const Fd fd, detail::open_regular(path));
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  std::string buffer(std::size_t{1} << 16U, '\0');
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error("read", path, errno));
    if (n == 0) return finish(state);
    add(state, std::string_view{buffer}.substr(0, static_cast<std::size_t>(n)));
  }
}

std::string random_hex(std::size_t bytes) {
  static const int ready = sodium_init();
  static_cast<void>(ready);  // -1 only when the system has no randomness; randombytes_buf aborts then
  std::string raw(bytes, '\0');
  randombytes_buf(raw.data(), raw.size());
  return str::hex(raw);
}

Result<Fd> sealed_memfd(std::string_view name, std::string_view bytes) {
#if defined(__linux__)
  constexpr unsigned exec_flag = 0x0010U;  // MFD_EXEC, Linux 6.3: libraries are mapped from it
  const std::string label{name};
  Fd fd{::memfd_create(label.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING | exec_flag)};
  if (!fd && errno == EINVAL) fd = Fd{::memfd_create(label.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!fd) return fail(errno_error("memfd_create", label, errno));
  SCC_CHECK(detail::write_all(fd.get(), label, bytes));
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    return fail(errno_error("seal", label, errno));
  }
  return fd;
#else
  static_cast<void>(bytes);
  return fail(Kind::prereq, "os.unsupported", "this system has no sealed memory files: " + std::string{name});
#endif
}

}  // namespace scc::os

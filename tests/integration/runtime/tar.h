// SPDX-License-Identifier: Apache-2.0
// Writes and reads the few tar entries (POSIX ustar) that the tests need.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>

namespace scc::test {

class Tar {
 public:
  void dir(const std::string& name, unsigned mode = 0755, unsigned uid = 0, unsigned gid = 0) {
    entry(name + "/", '5', mode, {}, uid, gid);
  }
  void file(const std::string& name, std::string_view bytes, unsigned mode = 0644, unsigned uid = 0,
            unsigned gid = 0) {
    entry(name, '0', mode, bytes, uid, gid);
  }
  std::string finish() const { return bytes_ + std::string(1024, '\0'); }

  /// Regular files by name.
  static std::map<std::string, std::string> read(std::string_view tar) {
    std::map<std::string, std::string> files;
    while (tar.size() >= 512 && tar[0] != '\0') {
      const std::string name(tar.data(), strnlen(tar.data(), 100));
      const auto size = std::stoul(std::string(tar.substr(124, 11)), nullptr, 8);
      if (tar[156] == '0') files[name] = tar.substr(512, size);
      tar.remove_prefix(std::min(tar.size(), 512 + (size + 511) / 512 * 512));
    }
    return files;
  }

 private:
  static std::size_t strnlen(const char* text, std::size_t limit) {
    std::size_t size = 0;
    while (size < limit && text[size] != '\0') ++size;
    return size;
  }
  void entry(const std::string& name, char type, unsigned mode, std::string_view bytes, unsigned uid,
             unsigned gid) {
    std::string header(512, '\0');
    const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
    const auto octal = [&](std::size_t at, int digits, std::size_t value) {
      char buffer[32];
      std::snprintf(buffer, sizeof buffer, "%0*zo", digits, value);
      put(at, buffer);
    };
    put(0, name);
    octal(100, 7, mode);
    octal(108, 7, uid);
    octal(116, 7, gid);
    octal(124, 11, bytes.size());
    octal(136, 11, 1'700'000'000);
    put(148, "        ");
    header[156] = type;
    put(257, std::string("ustar\0"
                         "00",
                         8));
    std::size_t sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    octal(148, 6, sum);
    header[154] = '\0';
    bytes_ += header;
    bytes_ += bytes;
    bytes_.append((512 - bytes.size() % 512) % 512, '\0');
  }

  std::string bytes_;
};

}  // namespace scc::test

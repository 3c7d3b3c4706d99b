// SPDX-License-Identifier: Apache-2.0
// A directory of its own for every test, small context trees, and a runtime that keeps its images in memory
// and writes down what it was asked.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "image/ensure.h"
#include "image/tar.h"

namespace scc::image::testing {

namespace stdfs = std::filesystem;

class TempDir {
 public:
  TempDir() {
    std::string pattern = (stdfs::temp_directory_path() / "scc-image-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code code;
    stdfs::remove_all(path_, code);
  }
  const stdfs::path& path() const { return path_; }
  stdfs::path operator/(std::string_view name) const { return path_ / name; }

 private:
  stdfs::path path_;
};

inline void write(const stdfs::path& path, std::string_view text, bool executable = false) {
  stdfs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
  ::chmod(path.c_str(), executable ? 0755 : 0644);
}

inline std::string slurp(const stdfs::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

inline std::string drain(const plugin::Source& source, std::size_t step = 4096) {
  std::string bytes;
  std::vector<char> buffer(step);
  for (;;) {
    const auto count = source(buffer.data(), buffer.size());
    if (!count || *count == 0) {
      return count ? bytes : "ABORTED";
    }
    bytes.append(buffer.data(), *count);
  }
}

struct TarEntry {
  std::string path;
  char type = 0;
  unsigned long mode = 0;
  unsigned long uid = 0;
  unsigned long gid = 0;
  unsigned long mtime = 0;
  std::string bytes;
};

/// A second opinion on our archives: POSIX ustar headers read by hand.
inline std::vector<TarEntry> read_tar(const std::string& tar) {
  std::vector<TarEntry> entries;
  const auto octal = [&tar](std::size_t at, std::size_t size) {
    return std::strtoul(tar.substr(at, size).c_str(), nullptr, 8);
  };
  for (std::size_t at = 0; at + 512 <= tar.size() && tar[at] != '\0';) {
    TarEntry entry;
    entry.path = tar.substr(at, 100).c_str();
    entry.mode = octal(at + 100, 8);
    entry.uid = octal(at + 108, 8);
    entry.gid = octal(at + 116, 8);
    const std::size_t size = octal(at + 124, 12);
    entry.mtime = octal(at + 136, 12);
    entry.type = tar[at + 156];
    entry.bytes = tar.substr(at + 512, size);
    entries.push_back(entry);
    at += 512 + (size + 511) / 512 * 512;
  }
  return entries;
}

inline constexpr const char* kBaseJson = R"({"schema":"scc.image/1","id":"base","repository":"scc-base",
  "version":"1","parent":null,"cmd":["bash"],"bootstrap":{"suite":"bookworm","variant":"minbase",
  "source_date_epoch":1735689600,"include":["curl","git"],"dpkg_options":["path-exclude=/usr/share/man/*"]}})";
inline constexpr const char* kToolJson = R"({"schema":"scc.image/1","id":"agent-tool",
  "repository":"scc-agent-tool","version":"1","parent":"base","agent":{"name":"tool","version":"1.2.3"}})";

/// <share>/images/base and <share>/images/agent-tool.
inline void write_contexts(const stdfs::path& share) {
  write(share / "images/base/image.json", kBaseJson);
  write(share / "images/base/Containerfile", "ARG BASE_REF\nFROM ${BASE_REF}\n");
  write(share / "images/base/ca/README", "certificates\n");
  write(share / "images/agent-tool/image.json", kToolJson);
  write(share / "images/agent-tool/Containerfile", "ARG BASE_REF\nFROM ${BASE_REF}\n");
}

/// A Host whose every directory is below `root`; tools are scripts in root/bin.
inline Host make_host(const stdfs::path& root) {
  Host host;
  host.env.uid = 0;
  host.env.cwd = root;
  host.env.vars = {{"HOME", (root / "home").string()}};
  host.paths.cache = root / "cache";
  host.paths.runtime = root / "run";
  host.paths.state = root / "state";
  host.paths.share = root / "share";
  host.ca_directories = {root / "certificates"};
  host.tool_path = (root / "bin").string() + ":/usr/bin:/bin";
  host.keyring = root / "keyring.gpg";
  host.work_directory = root / "work";
  write(host.keyring, "keys");
  stdfs::create_directories(host.work_directory);
  return host;
}

class FakeRuntime : public plugin::Runtime {
 public:
  struct Image {
    std::string id;
    std::vector<std::string> tags;
    std::vector<std::string> digests;
    std::map<std::string, std::string> labels;
    std::string created;
  };
  std::vector<Image> images;
  std::vector<json::Value> builds;
  std::vector<std::string> contexts;  ///< the archives that were sent
  std::vector<std::string> imports;   ///< the bytes that were sent
  std::vector<std::string> removed;
  std::vector<std::string> calls;
  std::function<Status(const json::Value&, const plugin::Progress&)> on_build;
  std::function<Result<Image>(std::string_view)> on_pull;
  std::optional<Error> down;  ///< the engine does not answer
  std::map<std::string, Error> remove_errors;

  std::vector<json::Value> created_sandboxes;
  std::vector<std::string> removed_sandboxes;
  std::optional<Error> create_error;
  std::function<Status(const json::Value& spec, std::string_view path, const plugin::Sink&)> on_get;

  const Image* find(std::string_view ref) const {
    for (const Image& image : images) {
      for (const auto* names : {&image.tags, &image.digests}) {
        if (std::find(names->begin(), names->end(), ref) != names->end()) {
          return &image;
        }
      }
      if (image.id == ref) {
        return &image;
      }
    }
    return nullptr;
  }
  Image& add(Image image) {
    for (const std::string& tag : image.tags) {
      for (Image& other : images) {
        other.tags.erase(std::remove(other.tags.begin(), other.tags.end(), tag), other.tags.end());
      }
    }
    const std::string number = std::to_string(++serial_);
    if (image.id.empty()) {
      image.id = "sha256:" + std::string(64 - number.size(), 'a') + number;
    }
    if (image.created.empty()) {
      image.created = "2026-01-01T00:00:" + std::string(number.size() < 2 ? "0" : "") + number + "Z";
    }
    images.push_back(std::move(image));
    return images.back();
  }

  const plugin::ComponentRef& ref() const noexcept override { return ref_; }
  Result<json::Value> probe() override { return json::Value(json::Object{}); }
  Result<json::Value> image_inspect(std::string_view image) override {
    calls.push_back("inspect " + std::string(image));
    if (down) {
      return fail(*down);
    }
    const Image* found = find(image);
    return found != nullptr ? Result<json::Value>(to_json(*found))
                            : fail(Kind::not_found, "runtime.not-found", "no such image");
  }
  Result<json::Value> image_list(const json::Value& filter) override {
    calls.push_back("list");
    if (down) {
      return fail(*down);
    }
    json::Array result;
    for (const Image& image : images) {
      bool match = true;
      for (const auto& [key, value] : filter.map_at("/labels")) {
        const auto at = image.labels.find(key);
        match = match && at != image.labels.end() && at->second == value;
      }
      if (match) {
        result.push_back(to_json(image));
      }
    }
    return json::Value(json::Object{{"schema", "scc.image-list/1"}, {"images", result}});
  }
  Status image_build(const json::Value& request, const plugin::Source& context,
                     const plugin::Progress& progress) override {
    calls.push_back("build");
    builds.push_back(request);
    contexts.push_back(drain(context));
    if (on_build) {
      SCC_CHECK(on_build(request, progress));
    }
    Image image;
    image.tags = request.strings_at("/tags");
    image.labels = request.map_at("/labels");
    add(std::move(image));
    return {};
  }
  Status image_import(const json::Value& request, const plugin::Source& rootfs,
                      const plugin::Progress&) override {
    calls.push_back("import");
    imports.push_back(drain(rootfs));
    Image image;
    image.tags = {request.str("/tag")};
    image.labels = request.map_at("/labels");
    add(std::move(image));
    return {};
  }
  Result<json::Value> image_pull(std::string_view image, const plugin::Progress& progress) override {
    calls.push_back("pull " + std::string(image));
    progress("pulling");
    SCC_TRY(Image pulled, on_pull(image));
    return to_json(add(std::move(pulled)));
  }
  Status image_remove(std::string_view image) override {
    if (const auto error = remove_errors.find(std::string(image)); error != remove_errors.end()) {
      return fail(error->second);
    }
    removed.emplace_back(image);
    for (auto it = images.begin(); it != images.end(); ++it) {
      const auto tag = std::find(it->tags.begin(), it->tags.end(), image);
      if (tag != it->tags.end()) {
        it->tags.erase(tag);
      }
      if (it->id == image || it->tags.empty()) {
        images.erase(it);
        return {};
      }
    }
    return {};
  }

  Result<json::Value> sandbox_create(const json::Value& spec) override {
    if (create_error) {
      return fail(*create_error);
    }
    created_sandboxes.push_back(spec);
    return json::Value(json::Object{{"schema", "scc.sandbox-handle/1"}, {"id", "box-1"}});
  }
  Status sandbox_get(std::string_view, std::string_view path, const plugin::Sink& tar) override {
    return on_get(created_sandboxes.back(), path, tar);
  }
  Status sandbox_remove(std::string_view id) override {
    removed_sandboxes.emplace_back(id);
    return {};
  }

  Result<json::Value> volume_ensure(const json::Value&) override { return unexpected(); }
  Result<json::Value> volume_list(const json::Value&) override { return unexpected(); }
  Status volume_remove(std::string_view) override { return unexpected(); }
  Result<json::Value> network_create(const json::Value&) override { return unexpected(); }
  Result<json::Value> network_list(const json::Value&) override { return unexpected(); }
  Status network_remove(std::string_view) override { return unexpected(); }
  Status sandbox_put(std::string_view, std::string_view, const plugin::Source&) override {
    return unexpected();
  }
  Status sandbox_start(std::string_view) override { return unexpected(); }
  Result<json::Value> sandbox_inspect(std::string_view) override { return unexpected(); }
  Result<json::Value> sandbox_list(const json::Value&) override { return unexpected(); }
  Status sandbox_stop(std::string_view, unsigned) override { return unexpected(); }
  Result<std::unique_ptr<plugin::Exec>> exec_open(std::string_view, const json::Value&) override {
    return unexpected();
  }

 private:
  static tl::unexpected<Error> unexpected() {
    ADD_FAILURE() << "the image layer has no business with this call";
    return fail(Kind::internal, "test.unexpected", "unexpected call");
  }
  static json::Value to_json(const Image& image) {
    json::Value info;
    info["schema"] = "scc.image-info/1";
    info["id"] = image.id;
    info["tags"] = json::Value::strings(image.tags);
    info["digests"] = json::Value::strings(image.digests);
    info["labels"] = json::Object();
    for (const auto& [key, value] : image.labels) {
      info["labels"][key] = value;
    }
    info["created"] = image.created;
    info["size"] = 1000;
    return info;
  }

  plugin::ComponentRef ref_{"runtime", "fake", "fake", "1", ""};
  int serial_ = 0;
};

}  // namespace scc::image::testing

// SPDX-License-Identifier: Apache-2.0
// image.json: every value is typed and bounded here, once. Values that reach mmdebstrap's command line or the
// engine are checked against the few characters they need.
#include <algorithm>
#include <array>

#include "base/str.h"
#include "image/context.h"
#include "json/value.h"

namespace scc::image {
namespace {

constexpr std::size_t kMaxText = 128;
constexpr std::size_t kMaxItems = 256;
constexpr std::int64_t kMaxEpoch = 253402300799;  // year 9999

bool only(std::string_view text, std::string_view extra) {
  return std::all_of(text.begin(), text.end(), [extra](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || extra.find(c) != std::string_view::npos;
  });
}

/// A lower-case name that starts with a letter or digit.
bool is_name(std::string_view text, std::string_view extra) {
  return !text.empty() && text.size() <= kMaxText && only(text.substr(0, 1), "") && only(text, extra);
}

constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

bool is_version(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.front() != '.' && text.front() != '-' &&
         only(text, std::string(kUpper) + ".+-_");
}

/// An argument of --dpkgopt. Only paths may be given: dpkg has options that run commands.
bool is_path_filter(std::string_view text) {
  for (const std::string_view prefix : {"path-exclude=/", "path-include=/"}) {
    if (str::starts_with(text, prefix)) {
      return text.size() <= kMaxText && only(text.substr(prefix.size()), std::string(kUpper) + "/*._+-");
    }
  }
  return false;
}

class Reader {
 public:
  Reader(const json::Value& document, std::string_view folder) : document_(document), folder_(folder) {}

  Result<Definition> read();

 private:
  template <class Check>
  std::string text(std::string_view pointer, bool required, Check check) {
    const json::Value* value = document_.at(pointer);
    if (value == nullptr || value->is_null()) {
      if (required) {
        note(pointer, "is missing");
      }
      return {};
    }
    if (!value->is_string() || !check(value->as_string())) {
      note(pointer, "is not valid");
      return {};
    }
    return value->as_string();
  }
  template <class Check>
  std::vector<std::string> texts(std::string_view pointer, Check check) {
    const json::Value* value = document_.at(pointer);
    if (value == nullptr) {
      return {};
    }
    if (!value->is_array() || value->items().size() > kMaxItems) {
      note(pointer, "is not a list of at most 256 strings");
      return {};
    }
    std::vector<std::string> result;
    for (std::size_t i = 0; i < value->items().size(); ++i) {
      const json::Value& item = value->items()[i];
      if (!item.is_string() || !check(item.as_string())) {
        note(std::string(pointer) + "/" + std::to_string(i), "is not valid");
        return {};
      }
      result.push_back(item.as_string());
    }
    return result;
  }
  BootstrapSpec bootstrap();
  void note(std::string_view pointer, std::string_view reason) {
    if (problem_.empty()) {
      problem_ = std::string(pointer) + " " + std::string(reason);
    }
  }

  const json::Value& document_;
  std::string_view folder_;
  std::string problem_;
};

BootstrapSpec Reader::bootstrap() {
  constexpr std::array<std::string_view, 6> kVariants{"minbase", "apt",       "required",
                                                      "buildd",  "important", "standard"};
  BootstrapSpec spec;
  spec.suite = text("/bootstrap/suite", true, [](const std::string& v) { return is_name(v, "-"); });
  spec.variant = text("/bootstrap/variant", true, [&kVariants](const std::string& v) {
    return std::find(kVariants.begin(), kVariants.end(), v) != kVariants.end();
  });
  spec.include = texts("/bootstrap/include", [](const std::string& v) { return is_name(v, "+.-"); });
  spec.dpkg_options = texts("/bootstrap/dpkg_options", is_path_filter);
  const json::Value* epoch = document_.at("/bootstrap/source_date_epoch");
  if (epoch == nullptr || !epoch->is_int() || epoch->as_int() < 0 || epoch->as_int() > kMaxEpoch) {
    note("/bootstrap/source_date_epoch", "is not a time in seconds since 1970");
  } else {
    spec.source_date_epoch = epoch->as_int();
  }
  return spec;
}

Result<Definition> Reader::read() {
  const auto short_text = [](const std::string& v) {
    return v.size() <= kMaxText && std::none_of(v.begin(), v.end(), [](unsigned char c) { return c < 0x20; });
  };
  Definition result;
  text("/schema", true, [](const std::string& v) { return v == "scc.image/1"; });
  result.id = text("/id", true, [this](const std::string& v) { return is_name(v, "-") && v == folder_; });
  result.repository = text("/repository", true, [](const std::string& v) { return is_name(v, "-._"); });
  result.version = text("/version", true, is_version);
  result.parent = text("/parent", false, [](const std::string& v) { return is_name(v, "-"); });
  result.agent_name = text("/agent/name", false, [](const std::string& v) { return is_name(v, "-._"); });
  result.agent_version = text("/agent/version", !result.agent_name.empty(), is_version);
  result.cmd = texts("/cmd", short_text);
  const bool has_bootstrap = document_.has("/bootstrap");
  if (result.parent.empty() && !has_bootstrap) {
    note("/bootstrap", "is missing (an image without a parent needs it)");
  } else if (!result.parent.empty() && has_bootstrap) {
    note("/bootstrap", "is for images without a parent only");
  } else if (has_bootstrap) {
    result.bootstrap = bootstrap();
  }
  if (!problem_.empty()) {
    return fail(Kind::config, "image.definition", "image.json: " + problem_,
                "what each key may hold is told in share/scc/images/README.md");
  }
  return result;
}

}  // namespace

Result<Definition> parse_definition(std::string_view text, std::string_view folder_name) {
  json::Limits limits;
  limits.bytes = std::size_t{64} << 10U;
  limits.depth = 8;
  auto document = json::parse(text, limits);
  if (!document) {
    return fail(Kind::config, "image.definition", "image.json: " + document.error().message);
  }
  return Reader(*document, folder_name).read();
}

}  // namespace scc::image

// SPDX-License-Identifier: Apache-2.0
// Reading image references. Source: the grammar of the distribution project's reference package; the default
// registry is a property of the distribution of scc (top-level CMakeLists.txt).
#include "policy/images.h"

#include <algorithm>

#include "base/str.h"

namespace scc::policy {

namespace {

constexpr std::string_view kRegistry = SCC_DEFAULT_REGISTRY;
constexpr std::string_view kNamespace = "library/";

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

bool plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

/// Other names under which the default registry answers.
bool default_registry(std::string_view host) {
  return host == kRegistry || host == "index." + std::string(kRegistry) ||
         host == "registry-1." + std::string(kRegistry) || host == "registry." + std::string(kRegistry);
}

void add(model::Strings& out, std::string text) {
  if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(std::move(text));
}

}  // namespace

std::optional<ImageRef> parse_image(std::string_view text) {
  text = str::trim(text);
  if (!plain(text)) return std::nullopt;
  ImageRef ref;
  std::string_view rest = text;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    ref.digest = lower(rest.substr(at + 1));
    rest = rest.substr(0, at);
    if (ref.digest.find(':') == std::string::npos || ref.digest.find_first_of("@/") != std::string::npos) {
      return std::nullopt;
    }
  }
  const std::size_t last = rest.rfind('/');
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && (last == std::string_view::npos || colon > last)) {
    ref.tag = std::string(rest.substr(colon + 1));
    rest = rest.substr(0, colon);
    if (ref.tag.empty()) return std::nullopt;
  }
  const std::size_t first = rest.find('/');
  const std::string_view head = rest.substr(0, first);
  const bool host = first != std::string_view::npos &&
                    (head.find_first_of(".:") != std::string_view::npos || lower(head) == "localhost");
  ref.registry = host ? lower(head) : std::string(kRegistry);
  ref.repository = lower(host ? rest.substr(first + 1) : rest);
  if (default_registry(ref.registry)) {
    ref.registry = kRegistry;
    if (ref.repository.find('/') == std::string::npos) ref.repository.insert(0, kNamespace);
  }
  if (ref.repository.empty() || ref.repository.back() == '/' || ref.repository.front() == '/' ||
      ref.repository.find("//") != std::string::npos || ref.repository.find(':') != std::string::npos) {
    return std::nullopt;
  }
  if (ref.tag.empty() && ref.digest.empty()) ref.tag = "latest";
  return ref;
}

std::string to_string(const ImageRef& ref) {
  return ref.registry + "/" + ref.repository + (ref.tag.empty() ? "" : ":" + ref.tag) +
         (ref.digest.empty() ? "" : "@" + ref.digest);
}

model::Strings image_candidates(std::string_view text) {
  model::Strings out{std::string(str::trim(text))};
  if (const auto ref = parse_image(text)) add(out, to_string(*ref));
  return out;
}

model::Strings image_block_candidates(std::string_view text) {
  model::Strings out = image_candidates(text);
  auto ref = parse_image(text);
  if (!ref) return out;
  const std::string digest = ref->digest;
  for (const bool with_digest : {true, false}) {
    ref->digest = with_digest ? digest : "";
    // The digest in the tag's place: "repo:*" means every image of the repository, pinned ones too.
    if (!with_digest && ref->tag.empty()) ref->tag = digest;
    const std::string full = to_string(*ref);
    add(out, full);
    if (ref->registry != kRegistry) continue;
    const std::string_view path = std::string_view(full).substr(kRegistry.size() + 1);
    add(out, std::string(path));
    if (str::starts_with(path, kNamespace)) add(out, std::string(path.substr(kNamespace.size())));
  }
  return out;
}

}  // namespace scc::policy

// SPDX-License-Identifier: Apache-2.0
// Listing and removing. Labels are inherited by images that users build on ours, so a label alone does not
// make an image ours: its tag must be in the repository that the label names.
#include <algorithm>
#include <set>

#include "base/str.h"
#include "image/ensure.h"

namespace scc::image {
namespace {

constexpr std::size_t kMinIdDigits = 12;

/// Engines that qualify local names put this in front.
constexpr std::string_view kLocalhost = "localhost/";

std::string_view local_name(std::string_view tag) {
  return str::starts_with(tag, kLocalhost) ? tag.substr(kLocalhost.size()) : tag;
}

/// Fills `out`; false for an image that only inherited our labels, or a build stage.
bool read_entry(const json::Value& image, ListedImage& out) {
  const std::string repository = image.str("/labels/scc.repository");
  out.role = image.str("/labels/scc.role");
  if (image.str("/labels/scc.managed") != "true" || (out.role != "image" && out.role != "rootfs") ||
      image.has("/labels/scc.image-stage")) {
    return false;
  }
  const auto tags = image.strings_at("/tags");
  for (const std::string& tag : tags) {
    if (str::starts_with(local_name(tag), repository + ":")) {
      out.tags.push_back(tag);
    }
  }
  // The tag with the digest first: "latest" moves.
  std::stable_partition(out.tags.begin(), out.tags.end(),
                        [](const std::string& tag) { return !str::ends_with(tag, ":latest"); });
  out.id = image.str("/labels/scc.image");
  out.image_id = image.str("/id");
  out.version = image.str("/labels/scc.version");
  out.agent_version = image.str("/labels/scc.agent-version");
  out.digest = image.str("/labels/scc.image-digest");
  out.created = image.str("/created");
  out.size = image.integer("/size");
  return tags.empty() || !out.tags.empty();
}

bool matches(const ListedImage& image, std::string_view selector) {
  if (selector.empty() || image.id == selector) {
    return true;
  }
  const auto same = [selector](const std::string& tag) {
    return tag == selector || local_name(tag) == selector;
  };
  if (std::any_of(image.tags.begin(), image.tags.end(), same)) {
    return true;
  }
  constexpr std::string_view kAlgorithm = "sha256:";
  std::string_view digits = selector;
  std::string_view id = image.image_id;
  for (std::string_view* text : {&digits, &id}) {
    if (str::starts_with(*text, kAlgorithm)) {
      text->remove_prefix(kAlgorithm.size());
    }
  }
  return digits.size() >= kMinIdDigits && str::starts_with(id, digits);
}

Removal remove_one(plugin::Runtime& runtime, const std::string& ref) {
  auto removed = runtime.image_remove(ref);
  const bool gone = removed || removed.error().kind == Kind::not_found;
  return Removal{ref, gone, gone ? std::string() : removed.error().message};
}

}  // namespace

Result<std::vector<ListedImage>> list(plugin::Runtime& runtime) {
  json::Value filter;
  filter["schema"] = "scc.list-filter/1";
  filter["labels"] = json::Object{{"scc.managed", "true"}};
  filter["all"] = false;
  SCC_TRY(const json::Value answer, runtime.image_list(filter));
  std::vector<ListedImage> images;
  const json::Value* items = answer.at("/images");
  for (const json::Value& item : items != nullptr ? items->items() : json::Array{}) {
    ListedImage image;
    if (read_entry(item, image)) {
      images.push_back(std::move(image));
    }
  }
  std::sort(images.begin(), images.end(), [](const ListedImage& a, const ListedImage& b) {
    if (a.id != b.id) {
      return a.id < b.id;
    }
    return a.created != b.created ? a.created > b.created : a.image_id < b.image_id;
  });
  return images;
}

Result<std::vector<Removal>> remove(plugin::Runtime& runtime, std::string_view selector) {
  SCC_TRY(std::vector<ListedImage> images, list(runtime));
  images.erase(std::remove_if(images.begin(), images.end(),
                              [selector](const ListedImage& image) { return !matches(image, selector); }),
               images.end());
  if (images.empty() && !selector.empty()) {
    return fail(Kind::not_found, "image.unknown",
                "no image of scc is called '" + str::printable(selector) + "'", "scc image list");
  }
  // Younger first: an image cannot go while another one stands on it.
  std::sort(images.begin(), images.end(),
            [](const ListedImage& a, const ListedImage& b) { return a.created > b.created; });
  std::vector<Removal> removals;
  for (const ListedImage& image : images) {
    const std::vector<std::string> refs =
        image.tags.empty() ? std::vector<std::string>{image.image_id} : image.tags;
    for (const std::string& ref : refs) {
      removals.push_back(remove_one(runtime, ref));
    }
  }
  return removals;
}

}  // namespace scc::image

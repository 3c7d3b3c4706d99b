// SPDX-License-Identifier: Apache-2.0
// Governed artifacts. Besides the canonical shape an older nested one is read as an alias: `source` and
// `bindings` inside an artifact, `members` of a bundle. Saying both is a contradiction, hence an error.
#include "model/build.h"

namespace scc::model::build {

namespace {

void conflict(std::vector<Problem>& problems, std::string_view kind, const std::string& name,
              std::string_view what) {
  problems.push_back(
      {"/governed_artifacts/" + std::string(kind) + "/" + pointer_token(name), std::string(what), {}, false});
}

bool has_canonical_source(const json::Value& value) {
  for (const std::string_view key : {"source_type", "source_url", "source_path", "source_ref"}) {
    if (find(value, key) != nullptr) return true;
  }
  return false;
}

Artifact artifact(const std::string& name, const json::Value& value, std::vector<Problem>& problems) {
  Artifact out;
  out.kind = text(value, "kind");
  out.version = text(value, "version");
  out.publisher = text(value, "publisher");
  out.pinned = flag(value, "pinned", false);
  out.install_intent = text(value, "install_intent", out.install_intent);
  const json::Value* nested = find(value, "source");
  if (nested != nullptr && has_canonical_source(value)) {
    conflict(problems, "artifacts", name,
             "holds both source and source_type, source_url, ...: keep one form");
  }
  out.source_type = nested != nullptr ? text(*nested, "type") : text(value, "source_type");
  out.source_url = nested != nullptr ? text(*nested, "url") : text(value, "source_url");
  out.source_path = nested != nullptr ? text(*nested, "path") : text(value, "source_path");
  out.source_ref = nested != nullptr ? text(*nested, "ref") : text(value, "source_ref");
  return out;
}

Binding binding(const json::Value& value, const std::string& provider) {
  return {provider, text(value, "native_ref"), map(value, "native_config"), text(value, "transport_type")};
}

}  // namespace

GovernedArtifacts governed(const json::Value& object, std::vector<Problem>& problems) {
  GovernedArtifacts out;
  for (const auto& [name, list] : section(object, "bindings").members()) {
    auto& bindings = out.bindings[name];
    for (const json::Value& item : list.items()) bindings.push_back(binding(item, text(item, "provider")));
  }
  for (const auto& [name, value] : section(object, "artifacts").members()) {
    out.artifacts.emplace_hint(out.artifacts.end(), name, artifact(name, value, problems));
    const auto& nested = section(value, "bindings").members();
    if (nested.empty()) continue;
    if (out.bindings.count(name) != 0) {
      conflict(problems, "artifacts", name, "has bindings here and in governed_artifacts.bindings: keep one");
      continue;
    }
    for (const auto& [provider, item] : nested) out.bindings[name].push_back(binding(item, provider));
  }
  for (const auto& [name, value] : section(object, "bundles").members()) {
    if (find(value, "artifacts") != nullptr && find(value, "members") != nullptr) {
      conflict(problems, "bundles", name, "holds both artifacts and members: keep artifacts");
    }
    Bundle bundle{strings(value, find(value, "artifacts") != nullptr ? "artifacts" : "members"),
                  text(value, "description"), text(value, "install_intent", "available")};
    out.bundles.emplace_hint(out.bundles.end(), name, std::move(bundle));
  }
  return out;
}

}  // namespace scc::model::build

// SPDX-License-Identifier: Apache-2.0
#include "session/reuse.h"

#include <array>

namespace scc::session {

namespace {

constexpr std::size_t kFactsLimit = std::size_t{4} << 20U;
/// Set anew by every exec.
constexpr std::array<const char*, 4> kExecsOwn{"TERM", "COLORTERM", "TZ", "SCC_SESSION"};
/// The first difference is looked for in this order: what weighs most is named first.
constexpr std::array<const char*, 18> kOrder{"policy",   "image",    "network", "user",      "mounts",
                                             "files",    "env",      "volume",  "security",  "resources",
                                             "dns",      "argv",     "workdir", "image_ref", "extra_hosts",
                                             "hostname", "identity", "plugins"};

json::Value part(const json::Value& plan, std::string_view pointer) {
  const json::Value* found = plan.at(pointer);
  return found != nullptr ? *found : json::Value();
}

/// "mounts /etc/passwd": the element of a list of mounts that differs.
std::string differing_mount(const json::Value& was, const json::Value& wanted) {
  const auto find = [](const json::Value& list, const std::string& target) -> const json::Value* {
    for (const json::Value& item : list.items()) {
      if (item.str("/target") == target) return &item;
    }
    return nullptr;
  };
  for (const auto* list : {&wanted, &was}) {
    const json::Value& other = list == &wanted ? was : wanted;
    for (const json::Value& item : list->items()) {
      const json::Value* same = find(other, item.str("/target"));
      if (same == nullptr || !(*same == item)) return item.str("/target");
    }
  }
  return "order";
}

std::string differing_member(const json::Value& was, const json::Value& wanted) {
  for (const auto& [key, value] : wanted.members()) {
    const auto old = was.members().find(key);
    if (old == was.members().end() || !(old->second == value)) return key;
  }
  for (const auto& [key, value] : was.members()) {
    if (wanted.members().count(key) == 0) return key;
  }
  return {};
}

}  // namespace

json::Value create_facts(const json::Value& plan) {
  json::Object out;
  out["schema"] = "scc.create-facts/2";
  out["policy"] = json::Object{{"digest", plan.str("/governance/digest")},
                               {"network", plan.str("/governance/network_policy")}};
  out["image"] = plan.str("/image/id");
  out["image_ref"] = plan.str("/sandbox/image");
  out["identity"] = plan.str("/identity/mapping");
  // Who turned the document into a sandbox: a mended plugin makes it anew.
  out["plugins"] = json::Object{{"runtime", part(plan, "/runtime")}, {"netpolicy", part(plan, "/netpolicy")}};
  for (const char* name :
       {"argv", "hostname", "workdir", "user", "mounts", "dns", "extra_hosts", "resources", "security"}) {
    out[name] = part(plan, "/sandbox/" + std::string(name));
  }
  out["network"] =
      json::Object{{"sandbox", part(plan, "/sandbox/network")}, {"policy", part(plan, "/network")}};
  json::Value env = part(plan, "/sandbox/env");
  for (const char* name : kExecsOwn) env.object().erase(name);
  out["env"] = std::move(env);
  out["volume"] = plan.str("/volume/name");
  json::Object files;
  if (const json::Value* list = plan.at("/files")) {
    for (const json::Value& file : list->items()) files[file.str("/path")] = file.str("/sha256");
  }
  out["files"] = std::move(files);
  return json::Value(std::move(out));
}

std::string facts_digest(const json::Value& facts) {
  return os::sha256_hex(json::dump(facts));
}

std::string first_difference(const json::Value& was, const json::Value& wanted) {
  for (const char* name : kOrder) {
    const json::Value before = part(was, "/" + std::string(name));
    const json::Value after = part(wanted, "/" + std::string(name));
    if (before == after) continue;
    std::string detail;
    if (std::string_view(name) == "mounts") {
      detail = differing_mount(before, after);
    } else if (before.is_object() && after.is_object()) {
      detail = differing_member(before, after);
    }
    return std::string(name) + (detail.empty() ? "" : " " + detail);
  }
  return was == wanted ? "" : "format";
}

std::string obstacle(const json::Value& plan, const json::Value& info, const os::Paths& paths) {
  // What enforces a policy beside the sandbox (networks, sidecars) is made for one sandbox and one session.
  if (plan.flag("/network/enforced")) return "network (an enforced policy makes its sandbox anew)";
  const std::string name = plan.str("/sandbox/name");
  const json::Value wanted = create_facts(plan);
  const auto text = os::read_file(instance_dir(paths, name) / kFactsFile, kFactsLimit);
  const auto was = text ? json::parse(*text, {kFactsLimit, 64}) : Result<json::Value>(json::Value());
  if (!was || !was->is_object()) return "record (how it was made is not known)";
  const auto labels = info.map_at("/labels");
  const auto digest = labels.find("scc.spec-digest");
  if (digest == labels.end() || digest->second != facts_digest(*was)) {
    return "record (it does not fit the sandbox)";
  }
  std::string difference = first_difference(*was, wanted);
  if (difference.empty() && info.str("/image_id") != plan.str("/image/id")) difference = "image";
  return difference;
}

}  // namespace scc::session

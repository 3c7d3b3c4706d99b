// SPDX-License-Identifier: Apache-2.0
#include "support/fake_runtime.h"

#include <array>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

namespace scc::test {

Status FakeRuntime::sandbox_put(std::string_view id, std::string_view path, const plugin::Source& tar) {
  last_tar.clear();
  std::array<char, 700> buffer{};  // no multiple of a block, so that a source must keep its place
  while (const auto n = tar(buffer.data(), buffer.size())) {
    if (*n == 0) return effect("sandbox_put", json::Object{{"id", id}, {"path", path}});
    last_tar.append(buffer.data(), *n);
  }
  return fail(Kind::tool, "fake.source", "the source failed");
}

Result<std::unique_ptr<plugin::Exec>> FakeRuntime::exec_open(std::string_view id,
                                                             const json::Value& request) {
  auto status = effect("exec_open", id);
  if (!status) return fail(std::move(status).error());
  requests.push_back(request);
  ExecScript script;
  if (!scripts.empty()) {
    script = std::move(scripts.front());
    scripts.pop_front();
  } else {
    script = default_script(request);
  }
  if (!script) {
    ADD_FAILURE() << "unexpected exec: " << json::dump(request);
    return fail(Kind::internal, "fake.exec", "unexpected exec");
  }
  return start_exec(request, std::move(script));
}

ScriptedRuntime::~ScriptedRuntime() {
  for (const Expected& missing : expected_) ADD_FAILURE() << "the call " << missing.verb << " never came";
  EXPECT_TRUE(scripts.empty()) << "an exec never came";
}

ScriptedRuntime& ScriptedRuntime::expect(const std::string& verb, Result<json::Value> answer,
                                         std::optional<std::string> argument) {
  expected_.push_back({verb, std::move(answer), std::move(argument)});
  return *this;
}

const json::Value& ScriptedRuntime::argument_of(const std::string& verb) const {
  static const json::Value kNone;
  const auto found = arguments_.find(verb);
  return found != arguments_.end() ? found->second : kNone;
}

Result<json::Value> ScriptedRuntime::call(const std::string& verb, const json::Value& argument) {
  calls.push_back(verb);
  arguments_[verb] = argument;
  if (expected_.empty() || expected_.front().verb != verb) {
    const std::string next = expected_.empty() ? "nothing" : expected_.front().verb;
    ADD_FAILURE() << "unexpected call " << verb << " " << json::dump(argument) << "; expected " << next;
    return fail(Kind::internal, "fake.call", "unexpected call " + verb);
  }
  const Expected now = std::move(expected_.front());
  expected_.pop_front();
  if (now.argument) {
    EXPECT_EQ(argument.as_string(), *now.argument) << "argument of " << verb;
  }
  return now.answer;
}

json::Value FileEngine::objects() const {
  const auto text = os::read_file(file_, std::size_t{16} << 20U);
  if (!text) {
    json::Value empty;
    for (const char* kind : {"sandboxes", "networks", "volumes", "images"}) empty[kind] = json::Object{};
    return empty;
  }
  return json::parse(*text).value();
}

void FileEngine::store(const json::Value& objects) const {
  // Renamed for the reader's sake, not synced: the file outlives a killed process, not a crash.
  const std::filesystem::path fresh = file_.native() + ".new";
  std::ofstream(fresh) << json::dump(objects);
  std::filesystem::rename(fresh, file_);
}

Result<json::Value> FileEngine::list(const char* kind, const json::Value& filter) const {
  json::Array out;
  const json::Value all = objects();
  for (const auto& [id, object] : all.at("/" + std::string(kind))->members()) {
    const auto labels = object.map_at("/labels");
    bool match = true;
    for (const auto& [name, value] : filter.map_at("/labels")) {
      match = match && labels.count(name) != 0 && labels.at(name) == value;
    }
    if (match) out.push_back(object);
  }
  return json::Value(json::Object{{kind, std::move(out)}});
}

Result<json::Value> FileEngine::create(const json::Value& spec) {
  json::Value all = objects();
  const std::string name = spec.str("/name");
  for (const auto& [id, object] : all["sandboxes"].members()) {
    if (object.str("/name") == name) return fail(Kind::tool, "runtime.conflict", "the name is in use");
  }
  const std::string id = os::random_hex(32);
  all["sandboxes"][id] = json::Object{{"id", id},
                                      {"name", name},
                                      {"state", "created"},
                                      {"image", spec.str("/image")},
                                      {"created", "2026-01-01T00:00:00Z"},
                                      {"labels", *spec.at("/labels")},
                                      {"spec", spec}};
  store(all);
  return json::Value(json::Object{{"id", id}, {"name", name}, {"warnings", json::Array{}}});
}

Result<json::Value> FileEngine::change_state(const std::string& id, const char* state) {
  json::Value all = objects();
  if (all["sandboxes"].members().count(id) == 0)
    return fail(Kind::not_found, "fake.unknown", "no such sandbox");
  all["sandboxes"][id]["state"] = state;
  store(all);
  return json::Value();
}

Result<json::Value> FileEngine::call(const std::string& verb, const json::Value& argument) {
  if (const auto failure = failures.find(verb); failure != failures.end())
    return fail(Error(failure->second));
  json::Value all = objects();
  const auto remove = [&](const char* kind) {
    all[kind].object().erase(argument.as_string());
    store(all);
    return json::Value();
  };
  if (verb == "sandbox_list") return list("sandboxes", argument);
  if (verb == "network_list") return list("networks", argument);
  if (verb == "volume_list") return list("volumes", argument);
  if (verb == "sandbox_remove") return remove("sandboxes");
  if (verb == "network_remove") return remove("networks");
  if (verb == "volume_remove") return remove("volumes");
  if (verb == "sandbox_create") return create(argument);
  if (verb == "sandbox_start") return change_state(argument.as_string(), "running");
  if (verb == "sandbox_stop") {
    if (all["sandboxes"].members().count(argument.as_string()) == 0) return json::Value();
    return change_state(argument.as_string(), "stopped");
  }
  if (verb == "sandbox_put" || verb == "exec_open") return json::Value();
  if (verb == "sandbox_inspect") {
    for (const auto& [id, object] : all["sandboxes"].members()) {
      if (id == argument.as_string() || object.str("/name") == argument.as_string()) return object;
    }
    return fail(Kind::not_found, "fake.unknown", "no such sandbox");
  }
  if (verb == "volume_ensure") {
    const std::string name = argument.str("/name");
    const bool created = all["volumes"].members().count(name) == 0;
    if (created) all["volumes"][name] = json::Object{{"name", name}, {"labels", *argument.at("/labels")}};
    store(all);
    return json::Value(json::Object{{"name", name}, {"created", created}, {"labels", json::Object{}}});
  }
  ADD_FAILURE() << "unexpected call " << verb;
  return fail(Kind::internal, "fake.call", "unexpected call " + verb);
}

ExecScript FileEngine::default_script(const json::Value& request) {
  if (request.strings_at("/argv").at(0) == "/opt/scc/bin/scc-signal") {
    return [](ExecPeer& peer) { peer.exit(0); };
  }
  json::Value mounts;
  const json::Value all = objects();
  for (const auto& [id, object] : all.at("/sandboxes")->members()) {
    if (object.str("/state") == "running" && object.has("/spec/mounts")) mounts = *object.at("/spec/mounts");
  }
  return [mounts, run = agent](ExecPeer& peer) {
    checker_handshake(peer, good_evidence(peer, mounts));
    if (run) run(peer);
  };
}

Result<json::Value> FakeNetPolicy::apply(const json::Value& plan) {
  if (apply_error) return fail(Error(*apply_error));
  ++applied;
  if (engine != nullptr) {
    json::Value all = engine->objects();
    const std::string id = "net-" + instance;
    all["networks"][id] = json::Object{{"id", id},
                                       {"name", id},
                                       {"labels", json::Object{{"scc.managed", "true"},
                                                               {"scc.owner-uid", std::to_string(::geteuid())},
                                                               {"scc.role", "network"},
                                                               {"scc.instance", instance}}}};
    engine->store(all);
  }
  json::Value attachment;
  attachment["schema"] = "scc.netpolicy-attachment/1";
  attachment["network"] = plan.has("/network") ? *plan.at("/network") : json::Value(json::Object{});
  attachment["ids"] = json::Array{json::Value("net-" + instance)};
  return attachment;
}

Status FakeNetPolicy::release(const json::Value& attachment) {
  if (release_error) return fail(Error(*release_error));
  --applied;
  if (engine != nullptr) {
    for (const std::string& id : attachment.strings_at("/ids")) SCC_CHECK(engine->network_remove(id));
  }
  return {};
}

}  // namespace scc::test

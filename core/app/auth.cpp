// SPDX-License-Identifier: Apache-2.0
#include "app/auth.h"

#include <algorithm>

#include "base/str.h"
#include "image/tar.h"
#include "os/fs.h"
#include "plugin/provider.h"
#include "session/prune.h"

namespace scc::app {

namespace {

constexpr std::size_t kMostCredentialBytes = std::size_t{256} << 10U;

Result<bool> volume_exists(plugin::Runtime& runtime, const os::Environment& env, const std::string& name) {
  SCC_TRY(const json::Value listed, runtime.volume_list(session::own_filter(env)));
  const json::Value* volumes = listed.at("/volumes");
  if (volumes == nullptr) return false;
  const json::Array& items = volumes->items();
  return std::any_of(items.begin(), items.end(),
                     [&](const json::Value& v) { return v.str("/name") == name; });
}

/// A sandbox that is created, never started, and removed: the engine serves the volume's files through it.
json::Value reader_spec(const json::Value& plan) {
  json::Value out;
  out["schema"] = "scc.sandbox-spec/1";
  out["name"] = "scc-auth-" + os::random_hex(8);
  out["image"] = plan.str("/image/ref");
  out["hostname"] = "scc-auth";
  out["argv"] = json::Value::strings({"/opt/scc/bin/scc-init"});
  out["env"] = json::Object{};
  out["workdir"] = "/";
  out["user"] = *plan.at("/sandbox/user");
  out["labels"] = *plan.at("/sandbox/labels");
  out["labels"]["scc.role"] = "auth";
  out["labels"]["scc.instance"] = out.str("/name");
  out["labels"].object().erase("scc.session");
  out["labels"].object().erase("scc.created");
  json::Value mount;
  mount["type"] = "volume";
  mount["source"] = plan.str("/volume/name");
  mount["target"] = plan.str("/volume/target");
  mount["read_only"] = true;
  out["mounts"] = json::Array{mount};
  out["network"]["mode"] = "none";
  out["dns"] = json::Array{};
  out["extra_hosts"] = json::Array{};
  out["resources"] = json::Object{};
  out["security"] = *plan.at("/sandbox/security");
  out["stop_grace_ms"] = 1000;
  return out;
}

json::Value read_file(plugin::Runtime& runtime, const std::string& id, const std::string& path) {
  json::Value out;
  image::BoundedBuffer tar(kMostCredentialBytes + 4096);
  const Status got = runtime.sandbox_get(id, path, tar.sink());
  const auto bytes = got && !tar.overflowed() ? image::extract_single(tar.bytes(), kMostCredentialBytes)
                                              : Result<std::string>(fail(Kind::not_found, "auth.file", path));
  out["present"] = bytes.has_value();
  out["size"] = bytes ? static_cast<std::int64_t>(bytes->size()) : 0;
  if (bytes) {
    if (const auto parsed = json::parse(*bytes)) out["json"] = *parsed;
  }
  return out;
}

Result<json::Value> read_files(plugin::Runtime& runtime, const json::Value& plan,
                               const std::vector<std::string>& names) {
  SCC_TRY(const json::Value handle, runtime.sandbox_create(reader_spec(plan)));
  const std::string id = handle.str("/id");
  json::Value out;
  for (const std::string& name : names)
    out[name] = read_file(runtime, id, plan.str("/volume/target") + "/" + name);
  SCC_CHECK(runtime.sandbox_remove(id));
  return out;
}

json::Value absent_files(const std::vector<std::string>& names) {
  json::Value out{json::Object{}};
  for (const std::string& name : names) {
    out[name]["present"] = false;
    out[name]["size"] = 0;
  }
  return out;
}

json::Value unknown(const std::string& why) {
  json::Value out;
  out["schema"] = "scc.auth-status/1";
  out["status"] = "unknown";
  out["mechanism"] = "unknown";
  out["guidance"] = why;
  return out;
}

/// Names only: the variables that the plan's secrets come from.
json::Value secret_names(const Host& host, const json::Array& secrets) {
  constexpr std::string_view kEnv = "env:";
  json::Value out{json::Object{}};
  for (const json::Value& secret : secrets) {
    const std::string from = secret.str("/from");
    if (!str::starts_with(from, kEnv)) continue;
    const std::string name = from.substr(kEnv.size());
    const auto value = host.env.get(name);
    out[name] = value.has_value() && !value->empty();
  }
  return out;
}

}  // namespace

Result<json::Value> auth_status(Host& host, plugin::Runtime& runtime, plugin::Provider& provider,
                                const json::Value& plan) {
  const std::vector<std::string> names = plan.strings_at("/auth_files");
  const json::Value* listed = plan.at("/secrets");
  const json::Array secrets = listed != nullptr ? listed->items() : json::Array{};
  json::Value request;
  request["schema"] = "scc.auth-request/1";
  request["files"] = absent_files(names);
  request["env"] = secret_names(host, secrets);
  request["mode"] = secrets.empty() ? "login" : "api_key";
  if (secrets.empty()) {
    SCC_TRY(const bool exists, volume_exists(runtime, host.env, plan.str("/volume/name")));
    if (exists) {
      const auto image = runtime.image_inspect(plan.str("/image/ref"));
      if (!image && image.error().kind == Kind::not_found) {
        return unknown("the image is not built yet: scc image build " + plan.str("/image/context"));
      }
      SCC_TRY(request["files"], read_files(runtime, plan, names));
    }
  }
  return provider.auth_status(request);
}

Status check_sign_in(Host& host, Prepared& prepared, bool tty) {
  const json::Value* secrets = prepared.plan.at("/secrets");
  const bool has_files = !prepared.plan.strings_at("/auth_files").empty();
  if (tty || !has_files || (secrets != nullptr && !secrets->items().empty())) return {};
  SCC_TRY(const json::Value judged,
          auth_status(host, *prepared.engine.runtime, *prepared.provider, prepared.plan));
  const std::string status = judged.str("/status");
  if (status == "present" || status == "unknown") return {};
  return fail(Kind::prereq, "auth." + status,
              "the agent " + prepared.provider->ref().id + " has no usable sign-in (" + status +
                  ") and there is no terminal to sign in at",
              judged.str("/guidance"));
}

}  // namespace scc::app

// SPDX-License-Identifier: Apache-2.0
// What a dialect says unless it says otherwise: the Engine API's own words
// (docs.docker.com/reference/api/engine, 1.41).
#include <chrono>

#include <scc/oci/api.hpp>
#include <scc/oci/probe.hpp>
#include <scc/oci/spec.hpp>
#include <scc/oci/text.hpp>

namespace scc::oci {
namespace {

/// A value in the double quotes of an image instruction; nothing in it is expanded.
std::string instruction_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      throw sdk::Failure(SCC_E_USAGE, "runtime.spec", "a label has a control character: " + printable(text));
    }
    if (c == '"' || c == '\\' || c == '$') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

void Dialect::describe(const Api& api, sdk::RuntimeInfo& info, Abilities& able) const {
  Call call;
  call.path = "/info";
  const sdk::Json state = api.json(call, "the engine's state");
  able = abilities_of(state, api.version());
  describe_engine(state, api, able, info);
}

std::string Dialect::label_change(const std::string& name, const std::string& value) const {
  return "LABEL " + instruction_quoted(name) + "=" + instruction_quoted(value);
}

Call Dialect::create_call(const sdk::Json& spec, const Abilities& able,
                          std::vector<std::string>& warnings) const {
  CreateBody body = create_body(spec, able);
  warnings = std::move(body.warnings);
  Call call;
  call.method = "POST";
  call.path = "/containers/create?name=" + escape_query(spec.str("/name"));
  call.body = std::move(body.json);
  return call;
}

Call Dialect::network_call(const sdk::Json& request) const {
  sdk::JsonWriter w;
  sdk::StringMap options = request.map("/options");
  // Not gateway_mode: engines before 28 take it without a word and do nothing.
  if (!request.flag("/host_address", true)) options["com.docker.network.bridge.inhibit_ipv4"] = "true";
  w.begin_object().member("Name", request.str("/name")).member("CheckDuplicate", true);
  w.member("Driver", "bridge").member("Internal", request.flag("/internal"));
  w.member("EnableIPv6", request.flag("/ipv6"));
  if (request.has("/subnet")) {
    w.key("IPAM").begin_object().key("Config").begin_array().begin_object();
    w.member("Subnet", request.str("/subnet")).end_object().end_array().end_object();
  }
  w.member("Labels", request.map("/labels")).member("Options", options).end_object();
  Call call;
  call.method = "POST";
  call.path = "/networks/create";
  call.body = w.take();
  return call;
}

bool Dialect::ran_out_of_memory(const Api& api, const std::string& id, bool look_twice) const {
  // A process that died for memory is told by an event, which comes from another process than the exit code
  // and may be a little later.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto until =
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count() + (look_twice ? 300 : 0);
  const std::string ms = std::to_string(until % 1000);
  sdk::JsonWriter filters;
  filters.begin_object().member("event", std::vector<std::string>{"oom"});
  filters.member("container", std::vector<std::string>{id}).end_object();
  Call call;
  call.path = "/events?since=1&until=" + std::to_string(until / 1000) + "." +
              std::string(3 - ms.size(), '0') + ms + "000000&filters=" + escape_query(filters.str());
  call.timeout_ms = 2'000;  // an engine whose clock is behind would wait for `until`
  try {
    const Reply reply = api.call(call);
    return reply.ok() && reply.body.find(id) != std::string::npos;
  } catch (const sdk::Failure& failure) {
    if (failure.status == SCC_E_CANCELLED) throw;
    return false;
  }
}

}  // namespace scc::oci

// SPDX-License-Identifier: Apache-2.0
#include "audit/event.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "audit/redact.h"
#include "base/shell.h"
#include "base/str.h"
#include "model/types.h"

namespace scc::audit {

namespace {

constexpr std::size_t kMaxFields = 64;
constexpr std::size_t kMaxWords = 1024;
constexpr std::size_t kMaxName = 64;

constexpr std::array<std::string_view, 3> kSeverities{"info", "warning", "error"};
constexpr std::array<std::string_view, 3> kDecisions{"allow", "warn", "block"};
constexpr std::array<std::string_view, 3> kLayers{"argv", "ref", "line"};

template <std::size_t N>
bool one_of(const std::array<std::string_view, N>& all, std::string_view text) {
  return std::find(all.begin(), all.end(), text) != all.end();
}

bool plain_name(std::string_view text) {
  return text.size() <= kMaxName && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '_' || c == '-' || c == ':' || c == '/';
         });
}

tl::unexpected<Error> no_line(const std::string& why) {
  return fail(Kind::config, "audit.line", "the sandbox sent what is no line for the audit log: " + why);
}

std::string time_text() {
  std::timespec now{};
  std::timespec_get(&now, TIME_UTC);
  const std::string seconds = model::format_time(now.tv_sec);
  return seconds.substr(0, seconds.size() - 1) + "." +
         std::to_string(1000 + now.tv_nsec / 1'000'000).substr(1) + "Z";
}

/// An option is a word like any other here.
std::string word_text(const std::string& word) {
  const std::size_t name = word.find_first_not_of('-');
  if (name == 0 || name == std::string::npos) return str::shell_word(word);
  const std::string rest = word.substr(name);
  return str::shell_word(rest) == rest ? word : str::shell_word(word);
}

/// As a person would type it; what a terminal obeys is escaped.
std::string command_text(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word_text(word);
  return out;
}

}  // namespace

Result<json::Value> event_body(const Event& event) {
  const bool valid = !event.event_type.empty() && one_of(kSeverities, event.severity) &&
                     (event.source == "host" || event.source == "sandbox");
  if (!valid)
    return fail(Kind::internal, "audit.invalid", "an audit event needs a type, a severity and a source");
  json::Value out;
  out["event_type"] = event.event_type;
  out["message"] = clean("", event.message);
  json::Object metadata;
  for (const auto& [name, value] : event.metadata) {
    if (metadata.size() == kMaxFields) break;
    metadata[clean("", name)] = clean(name, value);
  }
  // Redacted word by word: as one text it would be all or nothing.
  if (!event.argv.empty()) metadata["command"] = bounded(command_text(redact_argv(event.argv)));
  out["metadata"] = std::move(metadata);
  out["occurred_at"] = event.occurred_at.empty() ? time_text() : event.occurred_at;
  out["severity"] = event.severity;
  out["subject"] = clean("", event.subject);
  out["source"] = event.source;
  out["session"] = clean("", event.session);
  return out;
}

Result<Event> read_sandbox_line(std::string_view line) {
  if (line.size() > kMaxSandboxLine) return no_line("it is too long");
  const auto in = json::parse(line, {kMaxSandboxLine, 4});
  if (!in || !in->is_object()) return no_line("it is no JSON object");
  const std::string tool = in->str("/tool");
  const std::string decision = in->str("/decision");
  const std::string layer = in->str("/layer");
  const std::string rule = in->str("/rule");
  const std::string id = in->str("/id");
  if (in->integer("/v") != 1) return no_line("it has another version");
  if (tool.empty() || !plain_name(tool)) return no_line("it names no tool");
  if (!one_of(kDecisions, decision) || !one_of(kLayers, layer)) return no_line("it holds no decision");
  if (!plain_name(rule) || !plain_name(id)) return no_line("its rule or its id is none");
  const std::vector<std::string> argv = in->strings_at("/argv");
  if (argv.empty() || argv.size() > kMaxWords) return no_line("it has no command, or one of too many words");
  Event out;
  out.event_type = "safety.check";
  out.source = "sandbox";
  out.subject = tool;
  out.severity = decision == "allow" ? "info" : "warning";
  out.message = decision == "block" ? "blocked" : decision == "warn" ? "warned of" : "allowed";
  out.argv = argv;
  out.metadata = {{"cwd", in->str("/cwd")},
                  {"decision", decision},
                  {"id", id},
                  {"layer", layer},
                  {"matched_rule", rule},
                  {"verdict_allowed", decision == "block" ? "false" : "true"}};
  if (in->flag("/cut")) out.metadata["cut"] = "true";
  return out;
}

}  // namespace scc::audit

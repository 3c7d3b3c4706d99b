// SPDX-License-Identifier: Apache-2.0
// For the unit tests of a plugin: FakeHost is a host in memory whose services are scripted and recorded,
// ProviderDriver calls a component through its C table as the host does. Needs the standard library only; the
// plugin's sources are compiled into the test itself. Not for production: its JSON parser is small and lax
// about depth. Not thread-safe. SafetyDriver does the same for a safety check.
// Long because a vendor's test includes one header: the fake services of the host, and the drivers.
#pragma once

#include <cstdlib>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <scc/sdk/plugin.hpp>

namespace scc::sdk::testing {

/// One JSON value, as far as a test needs it.
struct Value {
  scc_json_type type = SCC_JSON_NULL;
  double number = 0;
  std::int64_t integer = 0;
  std::string string;
  std::string name;             ///< of a member of an object
  std::vector<Value> children;  ///< of an object or array

  /// The value at an RFC 6901 pointer, or nullptr.
  const Value* at(std::string_view pointer) const {
    if (pointer.empty()) return this;
    const std::size_t end = pointer.find('/', 1);
    std::string token(pointer.substr(1, end == std::string_view::npos ? end : end - 1));
    for (std::size_t i = token.find('~'); i != std::string::npos; i = token.find('~', i + 1)) {
      token.replace(i, 2, token.compare(i, 2, "~1") == 0 ? "/" : "~");
    }
    const std::string_view rest = end == std::string_view::npos ? std::string_view() : pointer.substr(end);
    for (std::size_t i = 0; i < children.size(); ++i) {
      const bool hit = type == SCC_JSON_OBJECT ? children[i].name == token : std::to_string(i) == token;
      if (hit) return children[i].at(rest);
    }
    return nullptr;
  }
  /// The string there, or "".
  std::string str(std::string_view pointer) const {
    const Value* v = at(pointer);
    return v != nullptr ? v->string : std::string();
  }
  bool flag(std::string_view pointer) const {
    const Value* v = at(pointer);
    return v != nullptr && v->type == SCC_JSON_BOOL && v->integer != 0;
  }
  std::vector<std::string> strings(std::string_view pointer) const {
    std::vector<std::string> result;
    const Value* v = at(pointer);
    if (v == nullptr) return result;
    for (const Value& child : v->children) result.push_back(child.string);
    return result;
  }
};

namespace detail {

class Parser {
 public:
  explicit Parser(std::string_view text) : s_(text) {}

  bool parse(Value& out) {
    if (!value(out)) return false;
    space();
    return i_ == s_.size();
  }

 private:
  void space() {
    while (i_ < s_.size() && std::string_view(" \t\r\n").find(s_[i_]) != std::string_view::npos) ++i_;
  }
  bool take(char c) {
    space();
    if (i_ >= s_.size() || s_[i_] != c) return false;
    ++i_;
    return true;
  }
  bool word(std::string_view w) {
    if (s_.substr(i_, w.size()) != w) return false;
    i_ += w.size();
    return true;
  }
  bool value(Value& out) {
    space();
    if (i_ >= s_.size()) return false;
    const char c = s_[i_];
    if (c == '{') return object(out);
    if (c == '[') return array(out);
    if (c == '"') {
      out.type = SCC_JSON_STRING;
      return string(out.string);
    }
    if (c == 't' || c == 'f') {
      out.type = SCC_JSON_BOOL;
      out.integer = c == 't' ? 1 : 0;
      return word(c == 't' ? "true" : "false");
    }
    if (c == 'n') return word("null");
    return number(out);
  }
  bool object(Value& out) {
    out.type = SCC_JSON_OBJECT;
    std::set<std::string> seen;
    ++i_;
    if (take('}')) return true;
    do {
      Value member;
      space();
      if (i_ >= s_.size() || s_[i_] != '"' || !string(member.name) || !take(':')) return false;
      if (!seen.insert(member.name).second || !value(member)) return false;
      out.children.push_back(std::move(member));
    } while (take(','));
    return take('}');
  }
  bool array(Value& out) {
    out.type = SCC_JSON_ARRAY;
    ++i_;
    if (take(']')) return true;
    do {
      out.children.emplace_back();
      if (!value(out.children.back())) return false;
    } while (take(','));
    return take(']');
  }
  bool number(Value& out) {
    const std::size_t start = i_;
    while (i_ < s_.size() && std::string_view("+-0123456789.eE").find(s_[i_]) != std::string_view::npos) ++i_;
    const std::string token(s_.substr(start, i_ - start));
    char* end = nullptr;
    out.type = SCC_JSON_NUMBER;
    out.number = std::strtod(token.c_str(), &end);
    out.integer = token.find_first_of(".eE") == std::string::npos ? std::strtoll(token.c_str(), nullptr, 10)
                                                                  : static_cast<std::int64_t>(out.number);
    return !token.empty() && end == token.c_str() + token.size();
  }
  bool string(std::string& out) {
    for (++i_; i_ < s_.size(); ++i_) {
      const char c = s_[i_];
      if (c == '"') {
        ++i_;
        return true;
      }
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out += c;
      } else if (!escaped(out)) {
        return false;
      }
    }
    return false;
  }
  bool escaped(std::string& out) {
    static constexpr std::string_view kFrom = "\"\\/bfnrt";
    static constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    if (++i_ >= s_.size()) return false;
    if (s_[i_] == 'u') return unicode(out);
    const std::size_t k = kFrom.find(s_[i_]);
    if (k == std::string_view::npos) return false;
    out += kTo[k];
    return true;
  }
  bool hex4(unsigned& code) {
    const std::string digits(s_.substr(i_ + 1, 4));
    if (digits.size() != 4 || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
      return false;
    code = static_cast<unsigned>(std::strtoul(digits.c_str(), nullptr, 16));
    i_ += 4;
    return true;
  }
  bool unicode(std::string& out) {
    unsigned code = 0;
    if (!hex4(code)) return false;
    if (code >= 0xD800 && code < 0xDC00) {
      unsigned low = 0;
      if (s_.substr(i_ + 1, 2) != "\\u") return false;
      i_ += 2;
      if (!hex4(low) || low < 0xDC00 || low > 0xDFFF) return false;
      code = 0x10000U + ((code - 0xD800U) << 10U) + (low - 0xDC00U);
    }
    const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80U | ((code >> shift) & 0x3FU)); };
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xC0U | (code >> 6U));
      tail(0);
    } else if (code < 0x10000) {
      out += static_cast<char>(0xE0U | (code >> 12U));
      tail(6);
      tail(0);
    } else {
      out += static_cast<char>(0xF0U | (code >> 18U));
      tail(12);
      tail(6);
      tail(0);
    }
    return true;
  }

  std::string_view s_;
  std::size_t i_ = 0;
};

}  // namespace detail

/// False when the text is not one JSON value.
inline bool parse(std::string_view text, Value& out) {
  out = Value();
  return detail::Parser(text).parse(out);
}

/// The value, or null for a text that is not JSON.
inline Value parsed(std::string_view text) {
  Value result;
  return parse(text, result) ? result : Value();
}

/// A scripted endpoint answer.
struct Answer {
  int status = 200;
  std::string body = {};
  std::string headers_json = "{}";
  /// Not SCC_OK: the call fails with this, as an engine that is down does.
  scc_status failure = SCC_OK;
  std::string code = {};
  std::string message = {};
};

/// A scripted stream: what upgrade() hands out. Chunks are read one by one; after the last the peer closes.
struct StreamScript {
  std::deque<std::string> chunks;
  std::string written;
  bool write_closed = false;
  bool closed = false;
};

/// A program that serve() hands out: its state, as the test sets it.
struct ServiceScript {
  std::string url = "unix:///fake/service";
  bool running = true;
  std::string output = {};
  bool ended = false;
};

class FakeHost {
 public:
  FakeHost() {
    host_ = {sizeof(scc_host_v1),
             SCC_ABI_MAJOR,
             SCC_ABI_MINOR,
             this,
             view("fake"),
             view("1.0.0"),
             [](const scc_host_v1* h, scc_log_level, scc_str m) { self(h).logs.emplace_back(text(m)); },
             [](const scc_host_v1* h) { return self(h).is_cancelled ? 1 : 0; },
             [](const scc_host_v1* h, scc_str id) { return self(h).find(text(id)); }};
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  const scc_host_v1* c() const noexcept { return &host_; }
  Host host() const noexcept { return Host(&host_); }

  // -- script --
  std::set<std::string> absent;  ///< service ids that this host does not offer
  bool is_cancelled = false;
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> states;
  std::optional<bool> confirm_answer;  ///< nullopt: nobody can answer
  const scc_host_runtime_v1* runtime = nullptr;
  /// Results of process runs, used in order; a run beyond them fails.
  std::deque<ProcessResult> process_results;
  /// What serve() starts; nullptr: it fails.
  std::shared_ptr<ServiceScript> service;
  /// "METHOD path" -> answers, used in order, the last one repeatedly; anything else is a failure.
  std::map<std::string, std::deque<Answer>> answers;
  std::map<std::string, std::shared_ptr<StreamScript>> streams;  ///< "METHOD path" -> stream of upgrade()

  // -- record --
  std::vector<std::string> logs;
  std::vector<std::string> steps;
  std::vector<std::string> events;
  std::vector<Value> process_requests;
  std::vector<Value> endpoint_requests;
  std::vector<std::string> endpoint_bodies;  ///< bulk input, one a request; "" for none
  int open_documents = 0;                    ///< parsed and not released

 private:
  static FakeHost& self(const scc_host_v1* h) { return *static_cast<FakeHost*>(h->ctx); }
  static scc_status refuse(const scc_error_sink* err, scc_status status, std::string_view code,
                           std::string_view message) {
    if (SCC_HAS(err, report)) err->report(err->ctx, view(code), view(message), view(""));
    return status;
  }
  static scc_status give(const scc_sink* sink, std::string_view bytes) {
    return SCC_HAS(sink, write) ? sink->write(sink->ctx, view(bytes)) : static_cast<scc_status>(SCC_OK);
  }

  const void* find(std::string_view id) const {
    if (absent.count(std::string(id)) != 0) return nullptr;
    if (id == SCC_HOST_JSON) return &json_table();
    if (id == SCC_HOST_PROCESS) return &process_table();
    if (id == SCC_HOST_ENDPOINT) return &endpoint_table();
    if (id == SCC_HOST_FILES) return &files_table();
    if (id == SCC_HOST_STATE) return &state_table();
    if (id == SCC_HOST_UI) return &ui_table();
    if (id == SCC_HOST_AUDIT) return &audit_table();
    if (id == SCC_HOST_RUNTIME) return runtime;
    return nullptr;
  }

  struct Parsed {
    Value value;
    FakeHost* owner;
  };
  static void fill(const Value* v, std::string_view key, scc_json_view* out) {
    out->type = v != nullptr ? v->type : static_cast<scc_json_type>(SCC_JSON_ABSENT);
    out->key = view(key);
    if (v == nullptr) return;
    out->integer = v->integer;
    out->number = v->number;
    out->str = view(v->string);
    out->size = v->children.size();
  }
  static const scc_host_json_v1& json_table() {
    static const scc_host_json_v1 table = {
        sizeof(scc_host_json_v1),
        0,
        [](const scc_host_v1* h, scc_str json, scc_json** out, const scc_error_sink* err) -> scc_status {
          auto parsed = std::make_unique<Parsed>();
          if (!parse(text(json), parsed->value)) return refuse(err, SCC_E_CONFIG, "json.syntax", "not JSON");
          parsed->owner = &self(h);
          ++parsed->owner->open_documents;
          *out = reinterpret_cast<scc_json*>(parsed.release());
          return SCC_OK;
        },
        [](scc_json* doc) {
          const std::unique_ptr<Parsed> parsed(reinterpret_cast<Parsed*>(doc));
          if (parsed) --parsed->owner->open_documents;
        },
        [](const scc_json* doc, scc_str pointer, scc_json_view* out) {
          fill(reinterpret_cast<const Parsed*>(doc)->value.at(text(pointer)), {}, out);
        },
        [](const scc_json* doc, scc_str pointer, std::size_t index, scc_json_view* out) {
          const Value* v = reinterpret_cast<const Parsed*>(doc)->value.at(text(pointer));
          if (v == nullptr || index >= v->children.size()) return fill(nullptr, {}, out);
          fill(&v->children[index], v->children[index].name, out);
        }};
    return table;
  }

  static const scc_host_process_v1& process_table() {
    static const scc_host_process_v1 table = {
        sizeof(scc_host_process_v1),
        0,
        [](const scc_host_v1* h, scc_str request, std::int32_t* exit_code, const scc_sink* out,
           const scc_sink* err_out, const scc_error_sink* err) -> scc_status {
          FakeHost& me = self(h);
          me.process_requests.push_back(parsed(text(request)));
          if (me.process_results.empty()) return refuse(err, SCC_E_PREREQ, "fake.process", "unexpected run");
          const ProcessResult result = me.process_results.front();
          me.process_results.pop_front();
          *exit_code = result.exit_code;
          const scc_status status = give(out, result.out);
          return status == SCC_OK ? give(err_out, result.err) : status;
        },
        [](const scc_host_v1* h, scc_str request, scc_service** out, const scc_sink* url,
           const scc_error_sink* err) -> scc_status {
          FakeHost& me = self(h);
          me.process_requests.push_back(parsed(text(request)));
          if (!me.service) return refuse(err, SCC_E_PREREQ, "process.not-found", "unexpected serve");
          *out = reinterpret_cast<scc_service*>(me.service.get());
          return give(url, me.service->url);
        },
        [](scc_service* s, std::int32_t* running, const scc_sink* output,
           const scc_error_sink*) -> scc_status {
          const auto& me = *reinterpret_cast<ServiceScript*>(s);
          *running = me.running ? 1 : 0;
          return give(output, me.output);
        },
        [](scc_service* s) { reinterpret_cast<ServiceScript*>(s)->ended = true; }};
    return table;
  }

  static std::string slurp(const scc_source* source) {
    std::string bytes;
    char buffer[4096];
    std::size_t size = 0;
    while (SCC_HAS(source, read) && source->read(source->ctx, buffer, sizeof buffer, &size) == SCC_OK &&
           size != 0) {
      bytes.append(buffer, size);
    }
    return bytes;
  }
  std::string record(scc_str request) {
    endpoint_requests.push_back(parsed(text(request)));
    return endpoint_requests.back().str("/method") + " " + endpoint_requests.back().str("/path");
  }
  static scc_status send(const scc_host_v1* h, scc_str request, const scc_source* body,
                         std::int32_t* http_status, const scc_sink* headers, const scc_sink* out,
                         const scc_error_sink* err) {
    FakeHost& me = self(h);
    const std::string key = me.record(request);
    me.endpoint_bodies.push_back(slurp(body));
    auto& queue = me.answers[key];
    if (queue.empty()) return refuse(err, SCC_E_PREREQ, "fake.endpoint", "unexpected " + key);
    const Answer answer = queue.front();
    if (queue.size() > 1) queue.pop_front();
    if (answer.failure != SCC_OK) return refuse(err, answer.failure, answer.code, answer.message);
    *http_status = answer.status;
    const scc_status status = give(headers, answer.headers_json);
    return status == SCC_OK && !answer.body.empty() ? give(out, answer.body) : status;
  }
  static scc_status upgrade(const scc_host_v1* h, scc_str request, std::int32_t* http_status,
                            scc_stream** out, const scc_error_sink* err) {
    FakeHost& me = self(h);
    const std::string key = me.record(request);
    me.endpoint_bodies.emplace_back();
    const auto found = me.streams.find(key);
    if (found == me.streams.end()) return refuse(err, SCC_E_TOOL, "fake.endpoint", "unexpected " + key);
    *http_status = 101;
    *out = reinterpret_cast<scc_stream*>(found->second.get());
    return SCC_OK;
  }
  static StreamScript& script(scc_stream* s) { return *reinterpret_cast<StreamScript*>(s); }
  static const scc_host_endpoint_v1& endpoint_table() {
    static const scc_host_endpoint_v1 table = {
        sizeof(scc_host_endpoint_v1),
        0,
        &FakeHost::send,
        &FakeHost::upgrade,
        [](scc_stream* s, std::uint32_t, const scc_sink* out, const scc_error_sink*) -> scc_status {
          StreamScript& me = script(s);
          if (me.chunks.empty()) return SCC_OK;
          const std::string chunk = me.chunks.front();
          me.chunks.pop_front();
          return chunk.empty() ? static_cast<scc_status>(SCC_E_TIMEOUT) : give(out, chunk);
        },
        [](scc_stream* s, scc_str bytes, std::size_t* written, const scc_error_sink*) -> scc_status {
          script(s).written += text(bytes);
          *written = bytes.size;
          return SCC_OK;
        },
        [](scc_stream* s, const scc_error_sink*) -> scc_status {
          script(s).write_closed = true;
          return SCC_OK;
        },
        [](const scc_stream*) -> std::int32_t { return -1; },
        [](scc_stream* s) { script(s).closed = true; }};
    return table;
  }

  static const scc_host_files_v1& files_table() {
    static const scc_host_files_v1 table = {
        sizeof(scc_host_files_v1), 0,
        [](const scc_host_v1* h, scc_str path, const scc_sink* out, const scc_error_sink* err) -> scc_status {
          const auto found = self(h).files.find(std::string(text(path)));
          if (found == self(h).files.end()) return refuse(err, SCC_E_NOT_FOUND, "fake.file", "no such file");
          return give(out, found->second);
        }};
    return table;
  }
  static const scc_host_state_v1& state_table() {
    static const scc_host_state_v1 table = {
        sizeof(scc_host_state_v1), 0,
        [](const scc_host_v1* h, scc_str key, const scc_sink* out, const scc_error_sink* err) -> scc_status {
          const auto found = self(h).states.find(std::string(text(key)));
          if (found == self(h).states.end()) return refuse(err, SCC_E_NOT_FOUND, "fake.state", "no such key");
          return give(out, found->second);
        },
        [](const scc_host_v1* h, scc_str key, scc_str bytes, const scc_error_sink*) -> scc_status {
          self(h).states[std::string(text(key))] = text(bytes);
          return SCC_OK;
        }};
    return table;
  }
  static const scc_host_ui_v1& ui_table() {
    static const scc_host_ui_v1 table = {
        sizeof(scc_host_ui_v1), 0,
        [](const scc_host_v1* h, scc_str title) { self(h).steps.emplace_back(text(title)); },
        [](const scc_host_v1* h, scc_str, std::int32_t, std::int32_t* yes) -> scc_status {
          if (!self(h).confirm_answer) return SCC_E_UNSUPPORTED;
          *yes = *self(h).confirm_answer ? 1 : 0;
          return SCC_OK;
        }};
    return table;
  }
  static const scc_host_audit_v1& audit_table() {
    static const scc_host_audit_v1 table = {sizeof(scc_host_audit_v1), 0,
                                            [](const scc_host_v1* h, scc_str event) -> scc_status {
                                              self(h).events.emplace_back(text(event));
                                              return SCC_OK;
                                            }};
    return table;
  }

  scc_host_v1 host_{};
};

/// The outcome of one call through a C table.
struct Outcome {
  scc_status status = SCC_OK;
  std::string text;  ///< of the document
  Value document;    ///< the same, parsed
  std::string code;  ///< of the failure
  std::string message;
  std::string hint;
  bool ok() const noexcept { return status == SCC_OK; }
};

/// Calls `verb(self, inputs..., out, err)` of a table and collects what it says.
template <class Verb, class Self, class... Input>
Outcome call(Verb verb, Self* self, Input... input) {
  Outcome result;
  Collect out;
  ErrorCatch error;
  result.status = verb(self, input..., out.c(), error.c());
  result.text = out.take();
  result.document = parsed(result.text);
  result.code = error.code;
  result.message = error.message;
  result.hint = error.hint;
  return result;
}

/// The table of a component of this executable's plugin, or nullptr.
template <class Table>
const Table* find_table(std::string_view interface_id, std::string_view id) {
  for (std::size_t i = 0; i < scc_plugin_entry_v1.component_count; ++i) {
    const scc_component& c = scc_plugin_entry_v1.components[i];
    if (interface_id == c.interface_id && id == c.id) return static_cast<const Table*>(c.table);
  }
  return nullptr;
}

/// A provider of the plugin under test, created with a scc.component-config/1 text.
class ProviderDriver {
 public:
  ProviderDriver(FakeHost& host, std::string_view id, std::string_view config_json)
      : table_(find_table<scc_provider_v1>(SCC_IFACE_PROVIDER, id)) {
    if (table_ == nullptr) {
      created.status = SCC_E_NOT_FOUND;
      created.message = "the plugin has no such provider";
      return;
    }
    ErrorCatch error;
    created.status = table_->create(host.c(), view(config_json), &self_, error.c());
    created.code = error.code;
    created.message = error.message;
    created.hint = error.hint;
  }
  ~ProviderDriver() {
    if (self_ != nullptr) table_->destroy(self_);
  }
  ProviderDriver(const ProviderDriver&) = delete;
  ProviderDriver& operator=(const ProviderDriver&) = delete;

  Outcome plan_launch(std::string_view request) { return call(table_->plan_launch, self_, view(request)); }
  Outcome auth_status(std::string_view request) { return call(table_->auth_status, self_, view(request)); }
  /// Only where the provider has it.
  Outcome plan_login(std::string_view request) { return call(table_->plan_login, self_, view(request)); }

  Outcome created;

 private:
  const scc_provider_v1* table_;
  scc_provider* self_ = nullptr;
};

/// A safety check of the plugin under test.
class SafetyDriver {
 public:
  struct Answer {
    scc_status status = SCC_OK;
    scc_decision decision = SCC_NO_OPINION;
    std::string rule;
    std::string reason;
  };

  SafetyDriver(FakeHost& host, std::string_view id, std::string_view config_json)
      : table_(find_table<scc_safety_v1>(SCC_IFACE_SAFETY, id)) {
    if (table_ == nullptr) {
      created.status = SCC_E_NOT_FOUND;
      created.message = "the plugin has no such safety check";
      return;
    }
    ErrorCatch error;
    created.status = table_->create(host.c(), view(config_json), &self_, error.c());
    created.code = error.code;
    created.message = error.message;
    created.hint = error.hint;
  }
  ~SafetyDriver() {
    if (self_ != nullptr) table_->destroy(self_);
  }
  SafetyDriver(const SafetyDriver&) = delete;
  SafetyDriver& operator=(const SafetyDriver&) = delete;

  Answer evaluate(const std::vector<std::string>& argv, std::uint32_t depth = 0) const {
    std::vector<scc_str> words;
    std::string raw;
    for (const std::string& word : argv) {
      words.push_back(view(word));
      raw += (raw.empty() ? "" : " ") + word;
    }
    const scc_command command{sizeof(scc_command), depth, words.data(), words.size(), view(raw), view("/")};
    Collect rule;
    Collect reason;
    scc_verdict verdict{sizeof(scc_verdict), SCC_NO_OPINION, rule.c(), reason.c()};
    Answer out;
    out.status = table_->evaluate(self_, &command, &verdict);
    out.decision = verdict.decision;
    out.rule = rule.take();
    out.reason = reason.take();
    return out;
  }
  Outcome rules() { return call(table_->rules, self_); }

  Outcome created;

 private:
  const scc_safety_v1* table_;
  scc_safety* self_ = nullptr;
};

}  // namespace scc::sdk::testing

// SPDX-License-Identifier: Apache-2.0
#include "workspace/git_config.h"

#include <algorithm>

namespace scc::workspace::detail {

namespace {

constexpr std::size_t kMaxEntries = 10'000;

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") text_.remove_prefix(3);
  }

  std::vector<ConfigEntry> run() {
    std::vector<ConfigEntry> entries;
    while (!text_.empty() && entries.size() < kMaxEntries) {
      skip_blank();
      if (text_.empty()) break;
      const char c = text_[0];
      if (c == '#' || c == ';') {
        skip_line();
      } else if (c == '[') {
        if (!header()) skip_line();  // what follows on the line may be a key
      } else if (!entry(entries)) {
        skip_line();
      }
    }
    return entries;
  }

 private:
  void skip_blank() {
    const std::size_t at = text_.find_first_not_of(" \t\r\n\v\f");
    text_.remove_prefix(std::min(at, text_.size()));
  }
  void skip_line() {
    const std::size_t at = text_.find('\n');
    text_.remove_prefix(at == std::string_view::npos ? text_.size() : at + 1);
  }
  char take() {
    const char c = text_[0];
    text_.remove_prefix(1);
    return c;
  }

  bool header() {
    take();
    std::string name;
    while (!text_.empty() && text_[0] != ']' && text_[0] != '"' && text_[0] != '\n') name += take();
    subsection_.clear();
    if (!text_.empty() && text_[0] == '"') {
      take();
      while (!text_.empty() && text_[0] != '"' && text_[0] != '\n') {
        char c = take();
        if (c == '\\' && !text_.empty() && text_[0] != '\n') c = take();
        subsection_ += c;
      }
      if (text_.empty() || take() != '"') return false;
    }
    if (text_.empty() || take() != ']') return false;
    name = lower(name);
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.pop_back();
    if (const std::size_t dot = name.find('.'); dot != std::string::npos && subsection_.empty()) {
      subsection_ = name.substr(dot + 1);  // [section.subsection], the old form
      name.resize(dot);
    }
    section_ = name;
    return true;
  }

  bool entry(std::vector<ConfigEntry>& entries) {
    std::string key;
    const auto word = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    };
    while (!text_.empty() && word(text_[0])) key += take();
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\t' || text_[0] == '\r')) take();
    if (key.empty()) return false;
    std::string value = "true";
    if (!text_.empty() && text_[0] == '=') {
      take();
      value = read_value();
    } else if (!text_.empty() && text_[0] != '\n' && text_[0] != '#' && text_[0] != ';') {
      return false;
    }
    entries.push_back({section_, subsection_, lower(key), std::move(value)});
    return true;
  }

  std::string read_value() {
    std::string value;
    std::size_t solid = 0;  // trailing blanks outside of quotes do not count
    bool quoted = false;
    while (!text_.empty() && text_[0] == ' ') take();
    while (!text_.empty()) {
      const char c = take();
      if (c == '\n') break;
      if (!quoted && (c == '#' || c == ';')) {
        skip_line();
        break;
      }
      if (c == '"') {
        quoted = !quoted;
        solid = value.size();
        continue;
      }
      if (c == '\\' && !text_.empty()) {
        const char next = take();
        if (next == '\n') continue;
        value += next == 'n' ? '\n' : next == 't' ? '\t' : next == 'b' ? '\b' : next;
        solid = value.size();
        continue;
      }
      if (value.empty() && !quoted && (c == ' ' || c == '\t')) continue;
      value += c;
      if (quoted || (c != ' ' && c != '\t' && c != '\r')) solid = value.size();
    }
    value.resize(solid);
    return value;
  }

  std::string_view text_;
  std::string section_;
  std::string subsection_;
};

}  // namespace

std::vector<ConfigEntry> parse_git_config(std::string_view text) {
  return Parser{text}.run();
}

std::optional<std::string> config_value(const std::vector<ConfigEntry>& entries, std::string_view section,
                                        std::string_view key) {
  std::optional<std::string> found;
  for (const ConfigEntry& entry : entries) {
    if (entry.section == section && entry.subsection.empty() && entry.key == key) found = entry.value;
  }
  return found;
}

bool config_true(const std::optional<std::string>& value) {
  if (!value) return false;
  const std::string text = lower(*value);
  return text == "true" || text == "yes" || text == "on" ||
         (!text.empty() && text != "0" && text.find_first_not_of("0123456789") == std::string::npos);
}

}  // namespace scc::workspace::detail

// SPDX-License-Identifier: Apache-2.0
#include "ui/console.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "base/str.h"

namespace scc::ui {

namespace {

void put(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

/// Code points that take a cell; good enough for tables of ids and paths.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char buffer[32];
  const std::size_t size = std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {buffer, size};
}

std::string Console::paint(std::string_view code, std::string_view text) const {
  if (!options_.color) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

void Console::line(std::string_view text) {
  if (options_.json) return;
  clear_progress();
  put(stdout, str::printable(text) + "\n");
}

void Console::record(std::string_view json) {
  clear_progress();
  put(stdout, json);
  put(stdout, "\n");
}

void Console::table(const std::vector<std::string>& header,
                    const std::vector<std::vector<std::string>>& rows) {
  if (options_.json) return;
  clear_progress();
  std::vector<std::vector<std::string>> cells{header};
  for (const auto& row : rows) {
    auto& safe = cells.emplace_back();
    for (const std::string& cell : row) safe.push_back(str::printable(cell));
  }
  std::vector<std::size_t> widths(header.size(), 0);
  for (const auto& row : cells) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
      widths[i] = std::max(widths[i], width(row[i]));
  }
  for (const auto& row : cells) {
    std::string text;
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text += std::string(widths[i] - width(row[i]) + 2, ' ');
    }
    put(stdout, text + "\n");
  }
}

void Console::note(std::string_view text) {
  if (options_.json || options_.quiet) return;
  clear_progress();
  put(stderr, str::printable(text) + "\n");
}

void Console::warning(std::string_view text) {
  if (options_.json) return;
  clear_progress();
  put(stderr, paint("33", "warning:") + " " + str::printable(text) + "\n");
}

void Console::hint(std::string_view text) {
  if (options_.json || options_.quiet || text.empty()) return;
  clear_progress();
  put(stderr, paint("36", "hint:") + " " + str::printable(text) + "\n");
}

void Console::progress(std::string_view text) {
  if (options_.json || options_.quiet) return;
  constexpr std::size_t kWidth = 100;
  std::string safe = str::printable(text);
  if (!options_.progress) {
    put(stderr, safe + "\n");
    return;
  }
  if (safe.size() > kWidth) {
    std::size_t cut = kWidth;
    while (cut > 0 && (static_cast<unsigned char>(safe[cut]) & 0xC0U) == 0x80U) --cut;
    safe.resize(cut);
  }
  put(stderr, "\r\x1b[2K" + safe);
  std::fflush(stderr);
  progress_shown_ = true;
}

void Console::detail(std::string_view text) {
  if (options_.progress) progress(text);
}

void Console::clear_progress() {
  if (!progress_shown_) return;
  put(stderr, "\r\x1b[2K");
  std::fflush(stderr);
  progress_shown_ = false;
}

void Console::add_warning(std::string text) {
  warning(text);
  warnings_.push_back(std::move(text));
}

void Console::envelope(std::string_view kind, const json::Value& data,
                       const std::vector<std::string>& errors) {
  if (!options_.json) return;
  json::Value out;
  out["apiVersion"] = "scc.cli/v1";
  out["kind"] = kind;
  out["metadata"]["generatedAt"] = utc_now();
  out["metadata"]["cliVersion"] = options_.version;
  out["status"]["ok"] = errors.empty();
  out["status"]["errors"] = json::Value::strings(errors);
  out["status"]["warnings"] = json::Value::strings(warnings_);
  out["data"] = data.is_null() ? json::Value(json::Object{}) : data;
  put(stdout, (options_.pretty ? json::pretty(out) : json::dump(out)) + "\n");
  std::fflush(stdout);
}

int Console::error(const Error& error) {
  clear_progress();
  const int code = exit_code(error.kind);
  if (options_.json) {
    json::Value data;
    data["code"] = code;
    data["error_code"] = error.id;
    data["command"] = options_.command;
    data["user_message"] = error.message;
    if (!error.hint.empty()) data["suggested_action"] = error.hint;
    if (!error.context.empty()) data["context"] = json::Value::strings(error.context);
    envelope("Error", data, {error.message});
    return code;
  }
  std::string text = paint("31", "error:") + " " + str::printable(error.message) + "\n";
  for (const std::string& line : error.context) text += "  " + str::printable(line) + "\n";
  if (options_.debug) text += "  [" + error.id + "]\n";
  put(stderr, text);
  if (!error.hint.empty()) {
    put(stderr, "\n" + paint("36", "hint:") + " " + str::printable(error.hint) + "\n");
  }
  return code;
}

}  // namespace scc::ui

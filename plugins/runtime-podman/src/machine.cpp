// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include <algorithm>
#include <charconv>

namespace scc::podman {
namespace {

constexpr unsigned kSysResource = 24;  // linux/capability.h
constexpr std::int64_t kUsualPidMax = 32'768;

/// Calls `line` with each line until it returns true.
template <class F>
void each_line(std::string_view text, F&& line) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (line(text.substr(0, end))) return;
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

bool starts_with(std::string_view text, std::string_view head) {
  return text.substr(0, head.size()) == head;
}

/// The n-th word (from 0) of a line, separated by blanks.
std::string_view word(std::string_view line, int n) {
  while (true) {
    const auto start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos) return {};
    line.remove_prefix(start);
    const auto end = line.find_first_of(" \t");
    if (n-- == 0) return line.substr(0, end);
    if (end == std::string_view::npos) return {};
    line.remove_prefix(end);
  }
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool hybrid_cgroups(std::string_view proc_self_cgroup) {
  bool unified = false;
  bool controllers = false;
  each_line(proc_self_cgroup, [&](std::string_view line) {
    if (starts_with(line, "0::")) {
      unified = true;
    } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
      const std::string_view rest = line.substr(colon + 1);  // "memory:/..." or "name=systemd:/..."
      controllers |= !rest.empty() && rest.front() != ':' && !starts_with(rest, "name=");
    }
    return false;
  });
  return unified && controllers;
}

std::optional<std::int64_t> hard_limit(std::string_view proc_self_limits, std::string_view row) {
  std::optional<std::int64_t> found;
  each_line(proc_self_limits, [&](std::string_view line) {
    if (!starts_with(line, row)) return false;
    found = number(word(line.substr(row.size()), 1));  // soft, hard, unit
    return true;
  });
  return found;
}

bool may_raise_limits(std::string_view proc_self_status) {
  bool may = false;
  each_line(proc_self_status, [&](std::string_view line) {
    if (!starts_with(line, "CapEff:")) return false;
    const std::string_view hex = word(line, 1);
    std::uint64_t set = 0;
    const auto result = std::from_chars(hex.data(), hex.data() + hex.size(), set, 16);
    may = result.ec == std::errc{} && ((set >> kSysResource) & 1U) != 0;
    return true;
  });
  return may;
}

std::int64_t oom_kills(std::string_view cgroup_file) {
  std::int64_t kills = 0;
  each_line(cgroup_file, [&](std::string_view line) {
    if (word(line, 0) != "oom_kill") return false;
    kills = number(word(line, 1)).value_or(0);
    return true;
  });
  return kills;
}

Limits limits_of(sdk::Host host) {
  Limits limits;
  // Podman gives itself, and so the most that a sandbox can have, as many processes as there can be ids.
  std::string pids = host.read_file("/proc/sys/kernel/pid_max").value_or("");
  while (!pids.empty() && pids.back() == '\n') pids.pop_back();
  limits.processes = number(pids).value_or(kUsualPidMax);
  if (may_raise_limits(host.read_file("/proc/self/status").value_or(""))) return limits;
  const std::string text = host.read_file("/proc/self/limits").value_or("");
  limits.open_files = hard_limit(text, "Max open files");
  limits.processes = std::min(limits.processes, hard_limit(text, "Max processes").value_or(limits.processes));
  return limits;
}

}  // namespace scc::podman

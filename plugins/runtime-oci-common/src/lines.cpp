// SPDX-License-Identifier: Apache-2.0
#include <scc/oci/lines.hpp>
#include <scc/oci/text.hpp>

namespace scc::oci {
namespace {
constexpr std::size_t kMaxLine = std::size_t{1} << 20U;
}

ProgressLines::ProgressLines(sdk::Host host, const sdk::Sink& progress)
    : host_(host), progress_(progress), sink_{sizeof(scc_sink), 0, this, &ProgressLines::write} {}

scc_status ProgressLines::write(void* context, scc_str bytes) noexcept {
  auto& self = *static_cast<ProgressLines*>(context);
  try {
    self.take(sdk::text(bytes));
    return SCC_OK;
  } catch (...) {
    self.failure_ = std::current_exception();
    return SCC_E_CANCELLED;
  }
}

void ProgressLines::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    partial_ += bytes.substr(0, end);
    if (partial_.size() > kMaxLine) {
      throw sdk::Failure(SCC_E_TOOL, "runtime.api", "the engine's progress has a line of more than 1 MiB");
    }
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    const std::string whole = std::move(partial_);
    partial_.clear();
    line(whole);
  }
}

void ProgressLines::line(std::string_view text) {
  if (text.find_first_not_of(" \t\r") == std::string_view::npos) return;
  last_ = text;
  const sdk::Json json = host_.parse(text);
  if (json.has("/errorDetail") || json.has("/error")) {
    error_ = printable(json.str("/errorDetail/message", json.str("/error", "unknown error")));
    return;
  }
  const std::string stream = json.str("/stream");
  if (!stream.empty()) {
    progress_.write(stream);
    return;
  }
  const std::string id = json.str("/id");
  const std::string status = (id.empty() ? "" : id + ": ") + json.str("/status");
  if (!json.has("/status") || status == status_) return;
  status_ = status;
  progress_.write(status + "\n");
}

void ProgressLines::finish() {
  if (failure_) std::rethrow_exception(failure_);
  if (!partial_.empty()) {
    const std::string whole = std::move(partial_);
    partial_.clear();
    line(whole);
  }
}

}  // namespace scc::oci

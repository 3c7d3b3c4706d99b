// SPDX-License-Identifier: Apache-2.0
// Digests come first, from files alone; then the engine is asked for the tag that carries them. Building goes
// from the root of the chain to the wanted image under one lock, because the clean-up after a build (stages
// of the Containerfiles, the image that lost its tag) must not meet another build's intermediate images.
#include "image/ensure.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include "base/str.h"
#include "image/pull.h"
#include "image/tar.h"
#include "image/work.h"
#include "json/value.h"

namespace scc::image {
namespace {

using Args = std::map<std::string, std::string>;

/// Error id of a runtime whose engine lost an image in the middle of a build.
constexpr std::string_view kLostImage = "runtime.lost-image";
constexpr int kTries = 3;
constexpr std::chrono::hours kForeignStageAge{1};

/// RFC 3339, seconds; compares as text with what engines report.
std::string utc_before(std::chrono::seconds age) {
  const std::time_t then = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() - age);
  std::tm parts{};
  ::gmtime_r(&then, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

/// One image of the chain with everything that its name follows from.
struct Node {
  const Context* context = nullptr;
  std::string digest;
  std::string ref;
  Args args;  ///< those that decide the content
};

std::vector<Node> make_plan(const std::vector<Context>& chain, const std::string& base_ref) {
  std::vector<Node> nodes;
  for (const Context& context : chain) {
    Node node;
    node.context = &context;
    node.args["BASE_REF"] = nodes.empty() ? base_ref : nodes.back().ref;
    if (context.definition.bootstrap) {
      node.args["PACKAGES"] = str::join(context.definition.bootstrap->include, " ");
    }
    node.digest = context_digest(context, nodes.empty() ? "" : nodes.back().digest, node.args);
    node.ref = image_ref(context.definition, node.digest);
    nodes.push_back(std::move(node));
  }
  return nodes;
}

/// The root filesystems that the chain may stand on, the wanted one first: a configured reference, and the
/// bootstrapped one that takes its place when the registry does not answer.
Result<std::vector<std::string>> base_refs(const Host& host, const Definition& root) {
  SCC_TRY(std::string wanted, rootfs_ref(host, root));
  std::vector<std::string> refs{wanted};
  if (host.refs.count(root.id) != 0) {
    refs.push_back(bootstrapped_ref(*root.bootstrap));
  }
  return refs;
}

/// The image's id when the engine has it and its label agrees, "" when not.
Result<std::string> find_image(plugin::Runtime& runtime, const Node& node) {
  auto info = runtime.image_inspect(node.ref);
  if (!info) {
    return info.error().kind == Kind::not_found ? Result<std::string>(std::string())
                                                : Result<std::string>(fail(std::move(info).error()));
  }
  const bool ours =
      info->str("/labels/scc.managed") == "true" && info->str("/labels/scc.image-digest") == node.digest;
  return ours ? info->str("/id") : std::string();
}

bool is_replaced(const Host& host, const Definition& definition) {
  return !definition.parent.empty() && host.refs.count(definition.id) != 0;
}

/// An image with a parent that configuration replaces by a reference.
Result<ImageStatus> replaced_status(plugin::Runtime& runtime, const std::string& id, const std::string& ref) {
  SCC_CHECK(check_ref(id, ref));
  ImageStatus result;
  result.ref = ref;
  result.digest = ref.substr(ref.rfind(':') + 1);
  auto info = runtime.image_inspect(ref);
  if (!info && info.error().kind != Kind::not_found) {
    return fail(std::move(info).error());
  }
  if (info) {
    result.state = State::present;
    result.existing = ref;
    result.image_id = info->str("/id");
  }
  return result;
}

/// Where packages come from; passed on, but no part of the digest.
struct Transport {
  Args args;
  std::vector<std::string> notes;
};

bool is_plain_url(std::string_view url) {
  return (str::starts_with(url, "http://") || str::starts_with(url, "https://")) && url.size() <= 1024 &&
         std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_loopback(std::string_view url) {
  for (const std::string_view host : {"//localhost", "//127.", "//[::1]"}) {
    if (url.find(host) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

Transport transport_args(const Host& host, const Definition& definition) {
  Transport result;
  for (const char* name : {"http_proxy", "https_proxy", "no_proxy"}) {
    const std::string value = host.env.get(name).value_or("");
    // A proxy on the host's loopback cannot be reached from a build container.
    if (!value.empty() && !is_loopback(value)) {
      result.args[name] = value;
    }
  }
  if (definition.parent.empty()) {
    return result;
  }
  std::string registry = host.env.get("NPM_CONFIG_REGISTRY").value_or("");
  if (registry.empty()) {
    registry = host.env.get("npm_config_registry").value_or("");
  }
  if (registry.empty()) {
    return result;
  }
  if (!is_plain_url(registry) || registry.find('@') != std::string::npos) {
    result.notes.emplace_back(
        "NPM_CONFIG_REGISTRY is not passed to the build: it is not a plain http(s) URL without a password");
  } else {
    result.args["NPM_CONFIG_REGISTRY"] = registry;
  }
  return result;
}

json::Value to_json(const Args& map) {
  json::Object object;
  for (const auto& [key, value] : map) {
    object[key] = value;
  }
  return object;
}

/// Builds one chain. Holds the lock of all builds.
class Builder {
 public:
  Builder(plugin::Runtime& runtime, const Host& host, const EnsureOptions& options, std::string id)
      : runtime_(runtime),
        host_(host),
        options_(options),
        id_(std::move(id)),
        log_file_(log_path(host, id_)) {}

  Result<Ensured> run(const std::vector<Context>& chain) {
    SCC_CHECK(check_cancelled(options_.watch));
    SCC_TRY(const auto lock, wait_lock(host_.paths.runtime / "locks" / "images.lock", options_.watch));
    {
      // Starts an empty log; the steps append to it.
      SCC_TRY(const BuildLog started, BuildLog::open(log_file_, false, options_.watch));
    }
    SCC_TRY(const std::vector<Node> nodes, stand_on(chain));
    Ensured result;
    for (const Node& node : nodes) {
      SCC_CHECK(check_cancelled(options_.watch));
      SCC_TRY(result.image_id, find_image(runtime_, node));
      if (result.image_id.empty() || options_.rebuild) {
        SCC_TRY(result.image_id, build(node));
        result.built.push_back(node.context->definition.id);
      }
    }
    result.ref = nodes.back().ref;
    result.digest = nodes.back().digest;
    result.notes = std::move(notes_);
    return result;
  }

 private:
  /// The plan over the first root filesystem whose root image exists already, else over a new one.
  Result<std::vector<Node>> stand_on(const std::vector<Context>& chain) {
    const Definition& root = chain.front().definition;
    if (!options_.rebuild) {
      SCC_TRY(const std::vector<std::string> refs, base_refs(host_, root));
      for (const std::string& ref : refs) {
        auto nodes = make_plan(chain, ref);
        SCC_TRY(const std::string found, find_image(runtime_, nodes.front()));
        if (!found.empty()) {
          return nodes;
        }
      }
    }
    SCC_TRY(Rootfs rootfs, ensure_rootfs(runtime_, host_, root, options_.rebuild, options_.watch, log_file_));
    notes_.insert(notes_.end(), rootfs.notes.begin(), rootfs.notes.end());
    return make_plan(chain, rootfs.ref);
  }

  Result<std::string> build(const Node& node) {
    const Definition& definition = node.context->definition;
    SCC_TRY(BuildLog log, BuildLog::open(log_file_, true, options_.watch));
    const std::string before = tagged_image(node.ref);
    const std::string before_latest = tagged_image(moving_ref(definition));
    log.line("scc: building image " + definition.id + " as " + node.ref);
    const json::Value wanted = request(node);
    auto built = run(wanted, *node.context, log);
    for (int tries = 1; !built && built.error().id == kLostImage && tries < kTries; ++tries) {
      log.line("scc: another build's clean-up took an intermediate image away; building again");
      built = run(wanted, *node.context, log);
    }
    if (!built) {
      SCC_CHECK(check_cancelled(options_.watch));
      return fail(failure(std::move(built).error(), definition, log));
    }
    SCC_TRY(const std::string id, find_image(runtime_, node));
    if (id.empty()) {
      return fail(failure(Error{Kind::tool,
                                "image.build",
                                "the engine said it was built, but " + node.ref + " is not there",
                                "",
                                {}},
                          definition, log));
    }
    sweep(id, {before, before_latest}, log);
    return id;
  }

  Status run(const json::Value& wanted, const Context& context, BuildLog& log) {
    auto built = runtime_.image_build(wanted, context_source(context), log.progress());
    log.flush();
    return built;
  }

  json::Value request(const Node& node) {
    Transport transport = transport_args(host_, node.context->definition);
    notes_.insert(notes_.end(), transport.notes.begin(), transport.notes.end());
    Args args = std::move(transport.args);
    args.insert(node.args.begin(), node.args.end());
    json::Value result;
    result["schema"] = "scc.image-build/1";
    result["tags"] = json::Value::strings({node.ref, moving_ref(node.context->definition)});
    result["labels"] = to_json(image_labels(node.context->definition, node.digest));
    result["build_args"] = to_json(args);
    return result;
  }

  Error failure(Error cause, const Definition& definition, const BuildLog& log) const {
    if (cause.kind == Kind::prereq || cause.kind == Kind::cancelled) {
      return cause;
    }
    Error error{Kind::tool, "image.build", "building image " + definition.id + " failed: " + cause.message,
                "read the log above, then retry: scc image build " + id_, std::move(cause.context)};
    return explain(std::move(error), log, log_file_);
  }

  std::string tagged_image(const std::string& ref) {
    const auto info = runtime_.image_inspect(ref);
    return info && info->str("/labels/scc.managed") == "true" ? info->str("/id") : std::string();
  }

  /// Removes what the build left behind: stages that only served to fetch, and the image that had these tags
  /// before, unless something still uses it. Failures are no failure of the build.
  void sweep(const std::string& built, const std::vector<std::string>& before, const BuildLog& log) {
    for (const std::string& id : before) {
      const auto info =
          id.empty() || id == built ? Result<json::Value>(fail(Error{})) : runtime_.image_inspect(id);
      if (info && info->strings_at("/tags").empty()) {
        static_cast<void>(runtime_.image_remove(id));
      }
    }
    json::Value filter;
    filter["schema"] = "scc.list-filter/1";
    filter["labels"] = json::Object{{"scc.image-stage", "fetch"}};
    filter["all"] = false;
    const auto stages = runtime_.image_list(filter);
    const json::Value* images = stages ? stages->at("/images") : nullptr;
    const std::string long_ago = utc_before(kForeignStageAge);
    for (const json::Value& image : images != nullptr ? images->items() : json::Array{}) {
      // Another user's build on this engine has stages, too, and stands on the youngest of them.
      const bool idle = log.mentions(image.str("/id")) || image.str("/created", "9") < long_ago;
      if (idle && image.strings_at("/tags").empty()) {
        static_cast<void>(runtime_.image_remove(image.str("/id")));
      }
    }
  }

  plugin::Runtime& runtime_;
  const Host& host_;
  const EnsureOptions& options_;
  std::string id_;
  stdfs::path log_file_;
  std::vector<std::string> notes_;
};

Result<Ensured> ensure_replaced(plugin::Runtime& runtime, const Host& host, const std::string& id,
                                const EnsureOptions& options) {
  const std::string ref = host.refs.at(id);
  SCC_CHECK(check_ref(id, ref));
  SCC_TRY(const auto lock, wait_lock(host.paths.runtime / "locks" / "images.lock", options.watch));
  SCC_TRY(BuildLog log, BuildLog::open(log_path(host, id), false, options.watch));
  auto info = pull_by_digest(runtime, ref, options.watch, log);
  if (!info) {
    return fail(explain(std::move(info).error(), log, log_path(host, id)));
  }
  Ensured result;
  result.ref = ref;
  result.digest = ref.substr(ref.rfind(':') + 1);
  result.image_id = info->str("/id");
  return result;
}

/// The newest image of this id that is there, whatever its content.
Result<void> find_older(plugin::Runtime& runtime, const std::string& id, ImageStatus& status) {
  SCC_TRY(const std::vector<ListedImage> images, list(runtime));
  for (const ListedImage& image : images) {
    if (image.id == id && image.role == "image" && !image.tags.empty()) {
      status.state = State::stale;
      status.existing = image.tags.front();
      status.image_id = image.image_id;
      return {};
    }
  }
  return {};
}

}  // namespace

std::string_view to_string(State value) noexcept {
  switch (value) {
    case State::present:
      return "present";
    case State::stale:
      return "stale";
    case State::missing:
      break;
  }
  return "missing";
}

stdfs::path log_path(const Host& host, std::string_view id) {
  return host.paths.cache / "log" / ("image-" + std::string(id) + ".log");
}

Result<ImageStatus> status(plugin::Runtime& runtime, const Host& host, const Locator& locator,
                           std::string_view id) {
  SCC_TRY(const std::vector<File> certificates, host_certificates(host.ca_directories));
  SCC_TRY(const std::vector<Context> chain, load_chain(locator, id, certificates));
  const Definition& wanted = chain.back().definition;
  if (is_replaced(host, wanted)) {
    return replaced_status(runtime, wanted.id, host.refs.at(wanted.id));
  }
  SCC_TRY(const std::vector<std::string> refs, base_refs(host, chain.front().definition));
  ImageStatus result;
  for (const std::string& base : refs) {
    const Node node = make_plan(chain, base).back();
    if (result.ref.empty()) {
      result.ref = node.ref;
      result.digest = node.digest;
    }
    SCC_TRY(std::string found, find_image(runtime, node));
    if (!found.empty()) {
      return ImageStatus{State::present, node.ref, node.ref, node.digest, std::move(found)};
    }
  }
  SCC_CHECK(find_older(runtime, wanted.id, result));
  return result;
}

Result<Ensured> ensure(plugin::Runtime& runtime, const Host& host, const Locator& locator,
                       std::string_view id, const EnsureOptions& options) {
  if (!options.rebuild) {
    SCC_TRY(ImageStatus there, status(runtime, host, locator, id));
    if (there.state == State::present) {
      return Ensured{std::move(there.ref), std::move(there.digest), std::move(there.image_id), {}, {}};
    }
  }
  SCC_TRY(const std::vector<File> certificates, host_certificates(host.ca_directories));
  SCC_TRY(const std::vector<Context> chain, load_chain(locator, id, certificates));
  const std::string wanted = chain.back().definition.id;
  if (is_replaced(host, chain.back().definition)) {
    return ensure_replaced(runtime, host, wanted, options);
  }
  return Builder(runtime, host, options, wanted).run(chain);
}

}  // namespace scc::image

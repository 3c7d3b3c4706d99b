// SPDX-License-Identifier: Apache-2.0
// `scc image ...`: build, list and remove the images that sandboxes are made from.
#include "app/images.h"
#include "cli/command.h"

namespace scc::cli {

namespace {

const OptionSpec kRuntimeOption = {"runtime", 0, "ID", "the container runtime to use"};

std::string megabytes(std::int64_t bytes) {
  return std::to_string(bytes / 1'000'000) + " MB";
}

Result<int> run_build(Env& env, const Args& args) {
  SCC_TRY(const app::Engine engine, app::choose_engine(env.host, args.get("runtime")));
  SCC_TRY(const image::Host host, app::image_host(env.host));
  SCC_TRY(plugin::Registry * registry, env.host.registry());
  std::vector<std::string> ids = args.positional;
  if (ids.empty()) {
    SCC_TRY(ids, app::known_images(env.host));
  }
  json::Array images;
  for (const std::string& id : ids) {
    SCC_TRY(const image::Locator locator,
            app::image_locator(env.host, app::provider_of_image(*registry, id)));
    image::EnsureOptions options{args.has("rebuild"), app::image_watch(env.host)};
    SCC_TRY(const image::Ensured done, image::ensure(*engine.runtime, host, locator, id, options));
    env.console.clear_progress();
    for (const std::string& note : done.notes) env.console.note(note);
    env.console.line(id + "  " + done.ref + (done.built.empty() ? "  (was there)" : "  (built)"));
    json::Value item;
    item["id"] = id;
    item["ref"] = done.ref;
    item["digest"] = done.digest;
    item["built"] = json::Value::strings(done.built);
    images.push_back(std::move(item));
  }
  json::Value data;
  data["images"] = std::move(images);
  env.console.envelope("ImageBuild", data);
  return 0;
}

Result<int> run_list(Env& env, const Args& args) {
  SCC_TRY(const app::Engine engine, app::choose_engine(env.host, args.get("runtime")));
  SCC_TRY(const auto listed, image::list(*engine.runtime));
  json::Array images;
  std::vector<std::vector<std::string>> rows;
  for (const image::ListedImage& image : listed) {
    const std::string tag = image.tags.empty() ? "(no tag)" : image.tags.front();
    json::Value item;
    item["id"] = image.id;
    item["role"] = image.role;
    item["tags"] = json::Value::strings(image.tags);
    item["image_id"] = image.image_id;
    item["agent_version"] = image.agent_version;
    item["digest"] = image.digest;
    item["created"] = image.created;
    item["size_bytes"] = image.size;
    images.push_back(std::move(item));
    rows.push_back({image.id, tag, image.agent_version, megabytes(image.size), image.created.substr(0, 19)});
  }
  json::Value data;
  data["count"] = static_cast<std::int64_t>(images.size());
  data["images"] = std::move(images);
  env.console.table({"ID", "IMAGE", "AGENT", "SIZE", "CREATED"}, rows);
  if (rows.empty()) env.console.hint("run `scc image build` to make them");
  env.console.envelope("ImageList", data);
  return 0;
}

Result<int> run_rm(Env& env, const Args& args) {
  if (args.positional.empty() && !args.has("all")) {
    return fail(Kind::usage, "cli.usage", "which image?", "run `scc image rm ID` or `scc image rm --all`");
  }
  SCC_TRY(const app::Engine engine, app::choose_engine(env.host, args.get("runtime")));
  SCC_TRY(const auto removals,
          image::remove(*engine.runtime, args.positional.empty() ? std::string() : args.positional[0]));
  json::Array items;
  std::vector<std::string> errors;
  for (const image::Removal& removal : removals) {
    json::Value item;
    item["ref"] = removal.ref;
    item["removed"] = removal.removed;
    if (!removal.reason.empty()) item["reason"] = removal.reason;
    items.push_back(std::move(item));
    if (!removal.removed) errors.push_back(removal.ref + ": " + removal.reason);
    env.console.line((removal.removed ? "removed " : "kept    ") + removal.ref +
                     (removal.reason.empty() ? "" : "  (" + removal.reason + ")"));
  }
  json::Value data;
  data["images"] = std::move(items);
  env.console.envelope("ImageRemove", data, errors);
  return errors.empty() ? 0 : exit_code(Kind::tool);
}

}  // namespace

std::vector<Command> image_commands() {
  return {
      {"image build",
       "build what is missing (default: every agent's image)",
       "[ID]",
       {kRuntimeOption, {"rebuild", 0, "", "build anew, also when nothing changed"}},
       1,
       false,
       run_build},
      {"image list", "list the images that scc made", "", {kRuntimeOption}, 0, false, run_list},
      {"image rm",
       "remove images that scc made",
       "[ID]",
       {kRuntimeOption, {"all", 0, "", "all of them"}},
       1,
       false,
       run_rm},
  };
}

}  // namespace scc::cli

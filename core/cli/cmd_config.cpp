// SPDX-License-Identifier: Apache-2.0
// `scc config get|set|unset|show|edit|paths`: the user's own settings.
#include <unistd.h>

#include <sys/stat.h>

#include "app/settings.h"
#include "base/str.h"
#include "cli/command.h"
#include "config/user_config_edit.h"

namespace scc::cli {

namespace {

Result<std::string> key_of(const Args& args, std::string_view verb) {
  if (args.positional.empty()) {
    return fail(Kind::usage, "cli.usage", "which key?",
                "run `scc config " + std::string(verb) + " KEY`; docs/config.md lists the keys");
  }
  return args.positional[0];
}

std::string shown(const json::Value& value) {
  return value.is_string() ? value.as_string() : json::dump(value);
}

Result<int> run_get(Env& env, const Args& args) {
  SCC_TRY(const std::string key, key_of(args, "get"));
  SCC_TRY(const config::ConfigValue found, config::get_config_value(env.host.paths, key));
  json::Value data;
  data["key"] = key;
  data["value"] = found.value;
  data["source"] = found.source;
  env.console.line(shown(found.value));
  env.console.envelope("ConfigGet", data);
  return 0;
}

int report_change(Env& env, const std::string& key, const json::Value& value) {
  json::Value data;
  data["key"] = key;
  data["value"] = value;
  data["file"] = (env.host.paths.config / "config.json").native();
  env.console.note(value.is_null() ? key + " is unset" : key + " is " + shown(value));
  env.console.envelope("ConfigSet", data);
  return 0;
}

Result<int> run_set(Env& env, const Args& args) {
  SCC_TRY(const std::string key, key_of(args, "set"));
  if (args.positional.size() < 2) {
    return fail(Kind::usage, "cli.usage", "which value?", "run `scc config set " + key + " VALUE`");
  }
  SCC_TRY(const json::Value value, config::parse_config_value(key, args.positional[1]));
  SCC_CHECK(config::edit_user_config(env.host.paths, {{key, value}}));
  return report_change(env, key, value);
}

Result<int> run_unset(Env& env, const Args& args) {
  SCC_TRY(const std::string key, key_of(args, "unset"));
  SCC_CHECK(config::edit_user_config(env.host.paths, {{key, json::Value()}}));
  return report_change(env, key, json::Value());
}

Result<int> run_show(Env& env, const Args& /*args*/) {
  SCC_TRY(const json::Value document, config::show_config(env.host.paths));
  json::Value data;
  data["file"] = (env.host.paths.config / "config.json").native();
  data["config"] = document;
  env.console.note((env.host.paths.config / "config.json").native());
  for (const std::string& line : str::split(json::pretty(document), '\n')) env.console.line(line);
  env.console.envelope("ConfigShow", data);
  return 0;
}

Result<int> run_edit(Env& env, const Args& /*args*/) {
  if (!env.interactive) {
    return fail(Kind::usage, "cli.missing", "an editor needs a terminal",
                "run `scc config set KEY VALUE` instead");
  }
  SCC_CHECK(app::edit_user_file(env.host));
  env.console.note("the configuration is valid");
  return 0;
}

Result<int> run_paths(Env& env, const Args& /*args*/) {
  json::Array items;
  std::vector<std::vector<std::string>> rows;
  for (const app::StoredFile& file : app::stored_files(env.host)) {
    struct stat info {};
    const bool exists = ::lstat(file.path.c_str(), &info) == 0;
    json::Value item;
    item["name"] = file.name;
    item["path"] = file.path.native();
    item["exists"] = exists;
    std::string mode = "-";
    if (exists) {
      constexpr std::string_view kDigits = "01234567";
      mode = {'0', kDigits[(info.st_mode >> 6U) & 7U], kDigits[(info.st_mode >> 3U) & 7U],
              kDigits[info.st_mode & 7U]};
      item["size_bytes"] = static_cast<std::int64_t>(info.st_size);
      item["permissions"] = mode;
    }
    items.push_back(std::move(item));
    rows.push_back({file.name, file.path.native(), exists ? std::to_string(info.st_size) : "-", mode});
  }
  json::Value data;
  data["paths"] = std::move(items);
  env.console.table({"WHAT", "PATH", "BYTES", "MODE"}, rows);
  env.console.envelope("ConfigPaths", data);
  return 0;
}

}  // namespace

std::vector<Command> config_commands() {
  return {
      {"config get", "print one setting of yours, with its default", "KEY", {}, 1, false, run_get},
      {"config set", "change one setting", "KEY VALUE", {}, 2, false, run_set},
      {"config unset", "take a setting back to its default", "KEY", {}, 1, false, run_unset},
      {"config show", "print your settings, secrets masked", "", {}, 0, false, run_show},
      {"config edit",
       "open your settings in $EDITOR; a broken file is not taken over",
       "",
       {},
       0,
       false,
       run_edit},
      {"config paths", "show where scc keeps what", "", {}, 0, false, run_paths},
  };
}

}  // namespace scc::cli

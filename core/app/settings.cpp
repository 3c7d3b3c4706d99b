// SPDX-License-Identifier: Apache-2.0
#include "app/settings.h"

#include <unistd.h>

#include <sys/wait.h>

#include "base/str.h"

namespace scc::app {

namespace {

/// Runs the editor on the terminal of this process.
Status run_editor(const os::Environment& env, const os::stdfs::path& file) {
  std::string editor = env.get("VISUAL").value_or("");
  if (editor.empty()) editor = env.get("EDITOR").value_or("");
  if (editor.empty()) editor = "vi";
  std::vector<std::string> words;
  for (const std::string& word : str::split(editor, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  words.push_back(file.native());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  return fail(Kind::prereq, "config.editor",
              "the editor " + editor + " did not end well; nothing was changed",
              "set EDITOR, or use `scc config set`");
}

}  // namespace

std::vector<StoredFile> stored_files(const Host& host) {
  const os::Paths& paths = host.paths;
  return {
      {"configuration", paths.config / "config.json"},      {"system pins", paths.system / "config.json"},
      {"exceptions", paths.config / "exceptions.json"},     {"approvals", paths.config / "approvals.json"},
      {"personal profiles", paths.config / "personal"},     {"organisation cache", paths.cache / "org"},
      {"audit log", paths.state / "audit" / "audit.jsonl"}, {"instances", paths.state / "instances"},
      {"plugin trust", paths.state / "plugin-trust.json"},  {"plugins", paths.data / "plugins"},
  };
}

Status edit_user_file(Host& host) {
  const os::stdfs::path file = host.paths.config / "config.json";
  SCC_CHECK(os::make_dirs(host.paths.config));
  auto text = os::read_file(file);
  if (!text && text.error().kind != Kind::not_found) return fail(std::move(text).error());
  const os::stdfs::path copy = host.paths.config / ("config.edit-" + os::random_hex(4) + ".json");
  SCC_CHECK(os::write_file_atomic(copy, text ? *text : std::string("{\n}\n")));
  if (const Status edited = run_editor(host.env, copy); !edited) {
    ::unlink(copy.c_str());
    return edited;
  }
  SCC_TRY(const std::string after, os::read_file(copy));
  SCC_TRY(const config::SystemConfig system, config::load_system_config(host.paths));
  if (auto parsed = config::parse_user_config(after, copy, system); !parsed) {
    Error error = std::move(parsed).error();
    error.hint = "mend " + copy.native() + " and move it over " + file.native();
    return fail(std::move(error));
  }
  SCC_CHECK(os::write_file_atomic(file, after));
  ::unlink(copy.c_str());
  return {};
}

}  // namespace scc::app

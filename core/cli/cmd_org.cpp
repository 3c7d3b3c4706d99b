// SPDX-License-Identifier: Apache-2.0
// `scc org ...`: write, judge, sign, take over and refresh an organisation's document.
#include <sys/stat.h>

#include "app/organisation.h"
#include "base/str.h"
#include "cli/command.h"
#include "model/templates.h"
#include "remote/signature.h"

namespace scc::cli {

namespace {

constexpr std::int64_t kSignatureDays = 365;

Result<std::string> operand(const Args& args, std::string_view what, std::string_view usage) {
  if (!args.positional.empty()) return args.positional[0];
  return fail(Kind::usage, "cli.usage", "which " + std::string(what) + "?",
              "run `scc " + std::string(usage) + "`");
}

json::Array problems_json(const std::vector<model::Problem>& problems) {
  json::Array out;
  for (const model::Problem& problem : problems) {
    json::Value item;
    item["pointer"] = problem.pointer;
    item["message"] = problem.message;
    item["rule"] = problem.rule;
    item["severity"] = problem.warning ? "warning" : "error";
    out.push_back(std::move(item));
  }
  return out;
}

json::Value version_json(const model::Version& version) {
  json::Value out;
  out["compatible"] = version.compatible;
  out["blocking_error"] =
      version.blocking_error.empty() ? json::Value() : json::Value(version.blocking_error);
  out["schema_version"] = version.schema_version;
  out["min_cli_version"] =
      version.min_cli_version.empty() ? json::Value() : json::Value(version.min_cli_version);
  out["current_cli_version"] = version.cli_version;
  return out;
}

void print_report(ui::Console& console, const model::OrgReport& report) {
  if (!report.version.blocking_error.empty()) console.line("error    " + report.version.blocking_error);
  for (const auto* list : {&report.schema, &report.semantic}) {
    for (const model::Problem& problem : *list) {
      console.line((problem.warning ? "warning  " : "error    ") + model::to_string(problem));
    }
  }
}

Result<int> run_validate(Env& env, const Args& args) {
  SCC_TRY(const std::string text, operand(args, "document", "org validate SOURCE"));
  SCC_TRY(const config::OrgSource source,
          app::org_source(env.host, text, args.get("auth"), args.get("auth-header"), args.get("public-key")));
  SCC_TRY(const app::Judged judged, app::judge_org(env.host, source));
  json::Value data;
  data["source"] = text;
  data["schema_version"] = judged.report.version.schema_version;
  data["valid"] = judged.report.valid();
  data["version_compatibility"] = version_json(judged.report.version);
  data["schema_errors"] = problems_json(judged.report.schema);
  data["semantic_errors"] = problems_json(judged.report.semantic);
  print_report(env.console, judged.report);
  const std::string origin = judged.document.origin;
  env.console.note(origin + (judged.report.valid() ? " is valid" : " is not valid"));
  env.console.envelope("OrgValidation", data,
                       judged.report.valid() ? std::vector<std::string>{}
                                             : std::vector<std::string>{"the document is not valid"});
  return judged.report.valid() ? 0 : exit_code(Kind::tool);
}

Result<int> run_schema(Env& env, const Args& /*args*/) {
  SCC_TRY(const json::Value schema, json::parse(model::org_schema()));
  if (env.console.json()) {
    json::Value data;
    data["schema_version"] = "1.1.0";
    data["schema"] = schema;
    env.console.envelope("OrgSchema", data);
    return 0;
  }
  for (const std::string& line : str::split(model::org_schema(), '\n')) env.console.line(line);
  return 0;
}

int list_templates(Env& env) {
  json::Array items;
  std::vector<std::vector<std::string>> rows;
  for (const std::string& name : model::org_template_names()) {
    json::Value item;
    item["name"] = name;
    item["description"] = model::org_template_summary(name);
    items.push_back(std::move(item));
    rows.push_back({name, std::string(model::org_template_summary(name))});
  }
  json::Value data;
  data["templates"] = std::move(items);
  env.console.table({"TEMPLATE", "FOR"}, rows);
  env.console.envelope("OrgTemplateList", data);
  return 0;
}

/// The file that `-o` means: itself, or org-config.json in a directory.
Result<os::stdfs::path> output_file(const Env& env, const Args& args) {
  os::stdfs::path file = args.get("output");
  if (file.empty()) file = ".";
  if (file.is_relative()) file = env.host.env.cwd / file;
  struct stat info {};
  if (::stat(file.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) file /= "org-config.json";
  if (::lstat(file.c_str(), &info) == 0 && !args.has("force")) {
    return fail(Kind::config, "org.exists", str::printable(file.native()) + " exists",
                "add --force to overwrite it");
  }
  return file.lexically_normal();
}

Result<int> run_init(Env& env, const Args& args) {
  if (args.has("list-templates")) return list_templates(env);
  const std::string wanted = args.has("template") ? args.get("template") : "minimal";
  SCC_TRY(plugin::Registry * registry, env.host.registry());
  model::TemplateValues values;
  values.name = args.has("name") ? args.get("name") : "My Organisation";
  values.domain = args.get("domain");
  values.providers = registry->components("provider");
  SCC_TRY(const std::string text, model::org_template(wanted, values));
  if (args.has("stdout")) {
    for (const std::string& line : str::split(str::trim(text), '\n')) env.console.line(line);
    return 0;
  }
  SCC_TRY(const os::stdfs::path file, output_file(env, args));
  SCC_CHECK(os::write_file_atomic(file, text, 0644));
  json::Value data;
  data["file"] = file.native();
  data["template"] = wanted;
  data["org_name"] = values.name;
  data["org_domain"] = values.domain;
  env.console.note("wrote " + file.native());
  env.console.hint("edit it, then run: scc org validate " + file.native());
  env.console.envelope("OrgInit", data);
  return 0;
}

Result<int> run_import(Env& env, const Args& args) {
  SCC_TRY(const std::string text, operand(args, "document", "org import SOURCE"));
  SCC_TRY(const config::OrgSource source,
          app::org_source(env.host, text, args.get("auth"), args.get("auth-header"), args.get("public-key")));
  SCC_TRY(const app::Judged judged, app::judge_org(env.host, source));
  json::Value data;
  data["source"] = text;
  data["resolved_url"] = judged.document.origin;
  data["valid"] = judged.report.valid();
  data["schema_errors"] = problems_json(judged.report.schema);
  data["semantic_errors"] = problems_json(judged.report.semantic);
  data["schema_version"] = judged.report.version.schema_version;
  data["imported"] = false;
  if (!judged.report.valid()) {
    print_report(env.console, judged.report);
    env.console.envelope("OrgImport", data, {"the document is not valid"});
    return exit_code(Kind::tool);
  }
  const model::Org& org = *judged.report.org;
  data["organization"]["name"] = org.organization.name;
  data["organization"]["id"] = org.organization.id;
  std::vector<std::string> teams;
  for (const auto& [name, team] : org.profiles) teams.push_back(name);
  data["available_profiles"] = json::Value::strings(teams);
  if (args.has("preview")) {
    env.console.line(org.organization.name + "  teams: " + str::join(teams, ", "));
    env.console.envelope("OrgImportPreview", data);
    return 0;
  }
  SCC_CHECK(app::set_up(env.host, {source, "", ""}));
  data["imported"] = true;
  env.console.note("the organisation is " + org.organization.name + " now");
  if (!teams.empty()) env.console.hint("choose a team: scc team switch " + teams.front());
  env.console.envelope("OrgImport", data);
  return 0;
}

json::Value cache_json(const remote::OrgDocument& document) {
  json::Value out;
  out["origin"] = document.origin;
  out["status"] = remote::status_name(document.status);
  const bool fetched = document.fetched_at != 0 && document.status != remote::OrgStatus::file;
  out["fetched_at"] = !fetched ? json::Value() : json::Value(model::format_time(document.fetched_at));
  out["expires_at"] =
      document.expires_at == 0 ? json::Value() : json::Value(model::format_time(document.expires_at));
  out["stale"] = document.stale;
  out["sha256"] = document.fingerprint;
  out["etag"] = document.etag.empty() ? json::Value() : json::Value(document.etag);
  out["policy_version"] = document.policy_version ? json::Value(*document.policy_version) : json::Value();
  out["signed_until"] = document.signature_expires == 0
                            ? json::Value()
                            : json::Value(model::format_time(document.signature_expires));
  return out;
}

Result<int> run_update(Env& env, const Args& args) {
  SCC_TRY(const app::OrgUpdate done, app::update_org(env.host, args.all("team"), args.has("all-teams")));
  std::vector<std::string> errors;
  json::Array teams;
  for (const app::TeamRefresh& team : done.teams) {
    json::Value item;
    item["team"] = team.team;
    item["success"] = team.error.empty();
    item["inline"] = team.inline_team;
    if (!team.commit.empty()) item["commit_sha"] = team.commit;
    if (!team.error.empty()) {
      item["error"] = team.error;
      errors.push_back("team " + team.team + ": " + team.error);
    }
    teams.push_back(std::move(item));
  }
  // A cached copy that is within its time is not stale, but it is not what was asked for either.
  const bool fresh = !done.document.fetch_error;
  if (!fresh) errors.push_back("the document could not be fetched: " + done.document.fetch_error->message);
  json::Value data;
  data["organization"]["name"] = done.org->organization.name;
  data["organization"]["id"] = done.org->organization.id;
  data["org_updated"] = fresh;
  data["document"] = cache_json(done.document);
  data["teams_updated"] = std::move(teams);
  env.console.line(done.org->organization.name + "  " +
                   std::string(remote::status_name(done.document.status)) + "  " + done.document.origin);
  env.console.envelope("OrgUpdate", data, errors);
  if (!env.console.json()) {
    for (const std::string& error : errors) env.console.warning(error);
  }
  return errors.empty() ? 0 : exit_code(Kind::config);
}

Result<int> run_status(Env& env, const Args& /*args*/) {
  SCC_TRY(const config::UserConfig* config, env.host.config());
  json::Value data;
  const auto row = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) env.console.line(std::string(name) + std::string(12 - name.size(), ' ') + value);
  };
  const bool organised = app::has_organisation(*config);
  data["mode"] = organised ? "organization" : "standalone";
  row("mode", organised ? "organisation" : "standalone");
  if (organised) {
    SCC_TRY(const app::OrgState state, app::org_state(env.host));
    const model::OrgReport report = model::read_org(state.document.bytes, app::kVersion);
    std::vector<std::string> teams;
    for (const auto& [name, team] : state.org->profiles) teams.push_back(name);
    data["organization"]["name"] = state.org->organization.name;
    data["organization"]["id"] = state.org->organization.id;
    data["cache"] = cache_json(state.document);
    data["version_compatibility"] = version_json(report.version);
    data["available_profiles"] = json::Value::strings(teams);
    row("name", state.org->organization.name);
    row("source", state.document.origin);
    row("fetched",
        state.document.status == remote::OrgStatus::file
            ? "read each time"
            : model::format_time(state.document.fetched_at) + (state.document.stale ? "  stale" : ""));
    row("signed", config->organization_source->public_key.empty()
                      ? "no key is pinned"
                      : "version " + std::to_string(state.document.policy_version.value_or(0)));
    row("teams", str::join(teams, ", "));
  }
  data["selected_profile"] =
      config->selected_profile.empty() ? json::Value() : json::Value(config->selected_profile);
  row("team", config->selected_profile.empty() ? "(none)" : config->selected_profile);
  env.console.envelope("OrgStatus", data);
  return 0;
}

Result<int> run_keygen(Env& env, const Args& args) {
  SCC_TRY(const std::string file, operand(args, "file", "org keygen FILE"));
  SCC_TRY(const remote::GeneratedKey key, remote::generate_key(env.host.env.cwd / file));
  json::Value data;
  data["file"] = (env.host.env.cwd / file).lexically_normal().native();
  data["public_key"] = key.public_key;
  data["key_id"] = key.key_id;
  env.console.line(key.public_key);
  env.console.note("the secret key is in " + file + "; keep it away from the machines that it governs");
  env.console.hint("pin the public key: organization_source.public_key in /etc/scc/config.json");
  env.console.envelope("OrgKeygen", data);
  return 0;
}

Result<int> run_sign(Env& env, const Args& args) {
  SCC_TRY(const std::string given, operand(args, "document", "org sign FILE --key KEY --policy-version N"));
  const std::string number = args.get("policy-version");
  const bool digits = !number.empty() && number.size() < 16 &&
                      number.find_first_not_of("0123456789") == std::string::npos && number != "0";
  if (!args.has("key") || !digits) {
    return fail(Kind::usage, "cli.usage", "a key and a version of at least 1 are needed",
                "run `scc org sign FILE --key KEY --policy-version N`");
  }
  const std::int64_t now = app::Host::now();
  std::int64_t expires = now + kSignatureDays * 24 * 3600;
  if (args.has("expires-at")) {
    const auto parsed = model::parse_time(args.get("expires-at"));
    if (!parsed) {
      return fail(Kind::usage, "cli.usage", args.get("expires-at") + " is no time",
                  "write it like 2027-06-30T00:00:00Z");
    }
    expires = *parsed;
  }
  const os::stdfs::path file = env.host.env.cwd / given;
  SCC_TRY(const std::string text, os::read_file(file, remote::kOrgLimit));
  SCC_TRY(const model::Org org, model::parse_org(text, app::kVersion));
  SCC_TRY(const std::string signature,
          remote::sign_document(env.host.env.cwd / args.get("key"), text, std::stoll(number), expires));
  const std::string target = file.lexically_normal().native() + ".sig";
  SCC_CHECK(os::write_file_atomic(target, signature, 0644));
  json::Value data;
  data["file"] = target;
  data["policy_version"] = static_cast<std::int64_t>(std::stoll(number));
  data["expires_at"] = model::format_time(expires);
  env.console.note("wrote " + target + ": version " + number + ", until " + model::format_time(expires));
  if (expires <= now) env.console.warning("that time is in the past: everyone will refuse this document");
  env.console.envelope("OrgSign", data);
  return 0;
}

Result<int> run_verify(Env& env, const Args& args) {
  SCC_TRY(const std::string text, operand(args, "document", "org verify SOURCE --public-key KEY"));
  if (!args.has("public-key")) {
    return fail(Kind::usage, "cli.usage", "which key?", "run `scc org verify SOURCE --public-key KEY`");
  }
  SCC_TRY(const config::OrgSource source,
          app::org_source(env.host, text, args.get("auth"), args.get("auth-header"), args.get("public-key")));
  SCC_TRY(const app::Judged judged, app::judge_org(env.host, source));
  json::Value data;
  data["source"] = text;
  data["verified"] = true;
  data["policy_version"] = judged.document.policy_version.value_or(0);
  data["expires_at"] = model::format_time(judged.document.signature_expires);
  data["sha256"] = judged.document.fingerprint;
  env.console.line("verified: version " + std::to_string(judged.document.policy_version.value_or(0)) +
                   ", until " + model::format_time(judged.document.signature_expires));
  env.console.envelope("OrgVerify", data);
  return 0;
}

}  // namespace

std::vector<Command> org_commands() {
  const OptionSpec auth = {"auth", 0, "SPEC", "how to sign in at the source: env:NAME or command:WORDS"};
  const OptionSpec header = {"auth-header", 0, "NAME", "the header that carries the token"};
  const OptionSpec key = {"public-key", 0, "KEY", "the key that must have signed it"};
  return {
      {"org init",
       "write a document to start from",
       "",
       {{"template", 't', "NAME", "minimal, teams, strict, reference"},
        {"name", 'n', "NAME", "of the organisation"},
        {"domain", 'd', "DOMAIN", "of the organisation"},
        {"output", 'o', "FILE|DIR", "where; the current directory without it"},
        {"stdout", 0, "", "print it instead"},
        {"force", 'f', "", "overwrite"},
        {"list-templates", 'l', "", "list the templates"}},
       0,
       false,
       run_init},
      {"org validate",
       "list everything that is wrong with a document",
       "SOURCE",
       {auth, header, key},
       1,
       false,
       run_validate},
      {"org import",
       "make a document this machine's organisation",
       "SOURCE",
       {auth, header, key, {"preview", 'p', "", "only show it"}},
       1,
       false,
       run_import},
      {"org update",
       "fetch the document now",
       "",
       {{"team", 't', "TEAM", "and this team's own file (repeatable)", true},
        {"all-teams", 'a', "", "and every team's own file"}},
       0,
       false,
       run_update},
      {"org status", "show the organisation, its source and its age", "", {}, 0, false, run_status},
      {"org schema", "print the JSON Schema of the document", "", {}, 0, false, run_schema},
      {"org keygen", "make a key pair to sign documents with", "FILE", {}, 1, false, run_keygen},
      {"org sign",
       "sign a document: writes FILE.sig",
       "FILE",
       {{"key", 0, "FILE", "the secret key"},
        {"policy-version", 0, "N", "grows with each release; a lower one is refused"},
        {"expires-at", 0, "TIME", "a year from now without it"}},
       1,
       false,
       run_sign},
      {"org verify", "check a document's signature", "SOURCE", {key, auth, header}, 1, false, run_verify},
  };
}

}  // namespace scc::cli

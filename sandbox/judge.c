// SPDX-License-Identifier: Apache-2.0
// The hard rules over gathered evidence, and the document that tells the host. What could not be read has
// failed.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "evidence.h"
#include "protocol.h"

static const char* const kCapabilityNames[kCapabilitySets] = {"effective", "permitted", "inheritable",
                                                              "bounding", "ambient"};

enum { kDeniedStatus = 403 };

static void copy_text(char out[kCheckTextMax], const char* text) {
  const size_t length = strnlen(text, kCheckTextMax - 1);
  memcpy(out, text, length);
  out[length] = '\0';
}

static void copy_number(char out[kCheckTextMax], int64_t value) {
  TextBuffer text = {0};
  text_number(&text, value);
  copy_text(out, text.failed ? "?" : text.data);
  text_free(&text);
}

static void copy_hex(char out[17], uint64_t value) {
  for (int i = 15; i >= 0; --i, value >>= 4) out[i] = "0123456789abcdef"[value & 15];
  out[16] = '\0';
}

static Check* add_check(Evidence* evidence, const char* name, bool passed) {
  Check* check = &evidence->checks[evidence->check_count++];
  check->name = name;
  check->passed = passed;
  if (!passed) evidence->passed = false;
  return check;
}

static void check_text(Evidence* evidence, const char* name, bool passed, const char* expected,
                       const char* observed) {
  Check* check = add_check(evidence, name, passed);
  copy_text(check->expected, expected);
  copy_text(check->observed, observed);
}

static void check_number(Evidence* evidence, const char* name, int64_t expected, int64_t observed) {
  Check* check = add_check(evidence, name, expected == observed);
  copy_number(check->expected, expected);
  copy_number(check->observed, observed);
}

// All four ids must be the expected one: a differing saved id could be switched to.
static void check_ids(Evidence* evidence, const char* name, int64_t expected, const int64_t ids[4]) {
  int64_t observed = expected;
  for (int i = 0; i < 4; ++i) {
    if (ids[i] != expected) observed = ids[i];
  }
  check_number(evidence, name, expected, observed);
}

static void judge_capabilities(Evidence* evidence) {
  static const char* const kNames[kCapabilitySets] = {"cap-effective", "cap-permitted", "cap-inheritable",
                                                      "cap-bounding", "cap-ambient"};
  for (int i = 0; i < kCapabilitySets; ++i) {
    char observed[17];
    copy_hex(observed, evidence->capabilities[i]);
    const bool passed = evidence->capabilities_known && evidence->capabilities[i] == 0;
    check_text(evidence, kNames[i], passed, "0000000000000000",
               evidence->capabilities_known ? observed : "unknown");
  }
}

static void judge_filter(Evidence* evidence) {
  check_number(evidence, "no-new-privileges", 1, evidence->no_new_privs);
  check_number(evidence, "seccomp", 2, evidence->seccomp_mode_before);
  // Kernels before 5.9 do not count filters; the system call's own answer has to do there.
  const bool counted =
      evidence->seccomp_filters < 0 || evidence->seccomp_filters == evidence->seccomp_filters_before + 1;
  const bool passed = evidence->filter_error == 0 && evidence->seccomp_mode == 2 && counted;
  const char* observed = "installed";
  if (!passed) observed = evidence->filter_error != 0 ? strerror(evidence->filter_error) : "not counted";
  check_text(evidence, "seccomp-filter", passed, "installed", observed);
}

static void judge_rootfs(Evidence* evidence) {
  const bool passed = evidence->rootfs_read_only && evidence->create_error != 0;
  const char* observed = "read-only";
  if (!evidence->rootfs_read_only) observed = "mounted writable";
  if (evidence->create_error == 0) observed = "a file could be created in /";
  check_text(evidence, "rootfs-read-only", passed, "read-only", observed);
}

static const char* first_visible_socket(const CheckOptions* options, const Evidence* evidence) {
  const FindList* const lists[] = {&evidence->socket_mounts, &evidence->socket_finds,
                                   &evidence->unix_sockets};
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; ++i) {
    if (lists[i]->count > 0) return lists[i]->items[0];
    if (lists[i]->overflow) return "too many to list";
  }
  if (!evidence->mounts_known) return "unknown: the mount table cannot be read";
  if (!evidence->unix_scanned) return "unknown: /proc/net/unix cannot be read";
  if (evidence->sockets == NULL) return "unknown: out of memory";
  for (size_t i = 0; i < options->socket_count; ++i) {
    const PathFinding* finding = &evidence->sockets[i];
    // No permission to look (a private directory of the image) is as good as absent for this uid.
    const bool absent = finding->error == ENOENT || finding->error == ENOTDIR || finding->error == EACCES;
    if (!absent) return finding->path;
  }
  return NULL;
}

static const char* first_unprotected(const CheckOptions* options, const Evidence* evidence) {
  if (evidence->readonly == NULL) return "unknown: out of memory";
  for (size_t i = 0; i < options->readonly_count; ++i) {
    const PathFinding* finding = &evidence->readonly[i];
    if (!finding->protected_by_mount || !finding->pinned) return finding->path;
  }
  return NULL;
}

static void check_nothing(Evidence* evidence, const char* name, const FindList* found) {
  const bool passed = evidence->network.known && found->count == 0 && !found->overflow;
  const char* observed = "none";
  if (!evidence->network.known) observed = "unknown";
  if (found->count > 0) observed = found->items[0];
  check_text(evidence, name, passed, "none", observed);
}

// The one address, and one interface for it; 127.0.0.1 and ::1 are not in the lists.
static bool has_only(const FindList* list, const char* text, size_t length) {
  return list->count == 1 && !list->overflow && strncmp(list->items[0], text, length) == 0 &&
         list->items[0][length] == '\0';
}

static void judge_inside(const CheckOptions* options, Evidence* evidence) {
  const NetworkFinding* network = &evidence->network;
  const FindList* addresses = &network->addresses;
  const bool address =
      network->known && has_only(addresses, options->address, strcspn(options->address, "/"));
  const char* other = addresses->count > 0 ? addresses->items[0] : "none";
  for (size_t i = 0; i < addresses->count; ++i) {
    if (strncmp(addresses->items[i], options->address, strcspn(options->address, "/")) != 0)
      other = addresses->items[i];
  }
  check_text(evidence, "network-address", address, options->address, address ? options->address : other);
  const size_t interfaces = network->interfaces.count;
  check_number(evidence, "network-interfaces", 1, network->interfaces.overflow ? -1 : (int64_t)interfaces);
  check_nothing(evidence, "network-routes", &network->routes);
  check_nothing(evidence, "network-gateway", &network->answered);
  check_nothing(evidence, "network-resolvers", &network->resolvers);
  check_nothing(evidence, "host-listeners", &network->reached);
  if (options->proxy != NULL) check_number(evidence, "proxy-denies", kDeniedStatus, network->proxy_status);
}

static void judge_network(const CheckOptions* options, Evidence* evidence) {
  const NetworkFinding* network = &evidence->network;
  if (options->address != NULL) {
    judge_inside(options, evidence);
    return;
  }
  if (options->isolated) {
    check_nothing(evidence, "network-interfaces", &network->interfaces);
    check_nothing(evidence, "network-addresses", &network->addresses);
    check_nothing(evidence, "network-routes", &network->routes);
    check_nothing(evidence, "network-resolvers", &network->resolvers);
  }
  if (options->proxy_port != 0) check_number(evidence, "proxy-denies", kDeniedStatus, network->proxy_status);
}

static void judge_guard(const CheckOptions* options, Evidence* evidence) {
  const GuardFinding* guard = &evidence->guard;
  if (options->guard == NULL) return;
  const char* observed = "the guard";
  if (guard->guarded.overflow || guard->unguarded.overflow) observed = "too many to list";
  if (guard->unguarded.count > 0) observed = guard->unguarded.items[0];
  if (guard->error != 0) observed = strerror(guard->error);
  const bool passed = guard->error == 0 && guard->unguarded.count == 0 && !guard->unguarded.overflow &&
                      !guard->guarded.overflow;
  check_text(evidence, "guard", passed, "the guard", observed);
}

void judge_evidence(const CheckOptions* options, Evidence* evidence) {
  evidence->check_count = 0;
  evidence->passed = true;
  judge_capabilities(evidence);
  judge_filter(evidence);
  judge_rootfs(evidence);
  if (options->expect_uid >= 0) check_ids(evidence, "uid", options->expect_uid, evidence->uids);
  if (options->expect_gid >= 0) check_ids(evidence, "gid", options->expect_gid, evidence->gids);
  if (!options->allow_root) {
    bool root = false;
    for (int i = 0; i < 4; ++i) root = root || evidence->uids[i] <= 0;
    check_text(evidence, "not-root", !root, "another uid than 0", root ? "0" : "another uid than 0");
  }
  const char* socket = first_visible_socket(options, evidence);
  check_text(evidence, "engine-sockets", socket == NULL, "none", socket == NULL ? "none" : socket);
  const bool inside = evidence->cwd[0] == '/';
  check_text(evidence, "cwd", inside, "below the root", inside ? "below the root" : "outside");
  judge_network(options, evidence);
  judge_guard(options, evidence);
  if (options->readonly_count > 0) {
    const char* path = first_unprotected(options, evidence);
    check_text(evidence, "readonly", path == NULL, "on read-only mounts",
               path == NULL ? "on read-only mounts" : path);
  }
}

void failed_names(const Evidence* evidence, TextBuffer* out) {
  const char* separator = "";
  for (size_t i = 0; i < evidence->check_count; ++i) {
    if (evidence->checks[i].passed) continue;
    text_string(out, separator);
    text_string(out, evidence->checks[i].name);
    separator = ", ";
  }
}

// "" when the attempt succeeded.
static const char* error_name(int error) {
  if (error == 0) return "";
  const char* name = strerrorname_np(error);
  return name == NULL ? "EUNKNOWN" : name;
}

static void write_checks(const Evidence* evidence, JsonWriter* json) {
  json_open(json, "failed", '[');
  for (size_t i = 0; i < evidence->check_count; ++i) {
    if (!evidence->checks[i].passed) json_text(json, NULL, evidence->checks[i].name);
  }
  json_close(json, ']');
  json_open(json, "checks", '[');
  for (size_t i = 0; i < evidence->check_count; ++i) {
    const Check* check = &evidence->checks[i];
    json_open(json, NULL, '{');
    json_text(json, "name", check->name);
    json_text(json, "expected", check->expected);
    json_text(json, "observed", check->observed);
    json_bool(json, "passed", check->passed);
    json_close(json, '}');
  }
  json_close(json, ']');
}

static void write_count(JsonWriter* json, const char* key, int64_t value) {
  if (value < 0) {
    json_text(json, key, NULL);
  } else {
    json_number(json, key, value);
  }
}

static void write_numbers(JsonWriter* json, const char* key, const int64_t numbers[4]) {
  json_open(json, key, '[');
  for (int i = 0; i < 4; ++i) json_number(json, NULL, numbers[i]);
  json_close(json, ']');
}

static void write_process(const Evidence* evidence, JsonWriter* json) {
  json_open(json, "capabilities", '{');
  for (int i = 0; i < kCapabilitySets; ++i) {
    char hex[17];
    copy_hex(hex, evidence->capabilities[i]);
    json_text(json, kCapabilityNames[i], evidence->capabilities_known ? hex : NULL);
  }
  json_close(json, '}');
  json_number(json, "no_new_privs", evidence->no_new_privs);
  json_open(json, "seccomp", '{');
  write_count(json, "mode_before", evidence->seccomp_mode_before);
  write_count(json, "filters_before", evidence->seccomp_filters_before);
  write_count(json, "mode", evidence->seccomp_mode);
  write_count(json, "filters", evidence->seccomp_filters);
  json_close(json, '}');
  json_number(json, "uid", evidence->uids[1]);
  json_number(json, "gid", evidence->gids[1]);
  write_numbers(json, "uids", evidence->uids);
  write_numbers(json, "gids", evidence->gids);
  json_open(json, "groups", '[');
  for (int i = 0; i < evidence->group_count; ++i) json_number(json, NULL, evidence->groups[i]);
  json_close(json, ']');
}

static void write_list(JsonWriter* json, const char* key, const FindList* list) {
  json_open(json, key, '[');
  for (size_t i = 0; i < list->count; ++i) json_text(json, NULL, list->items[i]);
  json_close(json, ']');
}

static void write_paths(const CheckOptions* options, const Evidence* evidence, JsonWriter* json) {
  json_open(json, "rootfs", '{');
  json_bool(json, "read_only", evidence->rootfs_read_only);
  json_text(json, "create_error", error_name(evidence->create_error));
  json_close(json, '}');
  json_open(json, "sockets", '[');
  for (size_t i = 0; evidence->sockets != NULL && i < options->socket_count; ++i) {
    json_open(json, NULL, '{');
    json_text(json, "path", evidence->sockets[i].path);
    json_bool(json, "visible", evidence->sockets[i].present);
    json_text(json, "error", error_name(evidence->sockets[i].error));
    json_close(json, '}');
  }
  json_close(json, ']');
  write_list(json, "socket_mounts", &evidence->socket_mounts);
  write_list(json, "socket_finds", &evidence->socket_finds);
  write_list(json, "unix_sockets", &evidence->unix_sockets);
  json_open(json, "readonly", '[');
  for (size_t i = 0; evidence->readonly != NULL && i < options->readonly_count; ++i) {
    const PathFinding* finding = &evidence->readonly[i];
    json_open(json, NULL, '{');
    json_text(json, "path", finding->path);
    json_bool(json, "present", finding->present);
    json_text(json, "kind", finding->kind);
    json_bool(json, "protected", finding->protected_by_mount);
    json_bool(json, "pinned", finding->pinned);
    json_text(json, "error", error_name(finding->error));
    json_close(json, '}');
  }
  json_close(json, ']');
}

static const char* propagation_of(const MountEntry* mount) {
  if (mount->shared) return mount->slave ? "shared,slave" : "shared";
  if (mount->slave) return "slave";
  return mount->unbindable ? "unbindable" : "private";
}

static void write_mounts(const Evidence* evidence, JsonWriter* json) {
  json_open(json, "mounts", '[');
  for (size_t i = 0; i < evidence->mount_count; ++i) {
    const MountEntry* mount = &evidence->mounts[i];
    json_open(json, NULL, '{');
    json_text(json, "target", mount->target);
    json_text(json, "root", mount->root);
    json_text(json, "fstype", mount->fstype);
    json_text(json, "source", mount->source);
    json_bool(json, "read_only", mount->read_only);
    json_bool(json, "nosuid", mount->nosuid);
    json_bool(json, "nodev", mount->nodev);
    json_bool(json, "noexec", mount->noexec);
    json_text(json, "propagation", propagation_of(mount));
    if (mount->identified) {
      // The bits are what matters: a number above the greatest integer of JSON readers shows as negative.
      json_number(json, "device", (int64_t)mount->device);
      json_number(json, "inode", (int64_t)mount->inode);
    }
    json_close(json, '}');
  }
  json_close(json, ']');
}

static void write_network(const CheckOptions* options, const NetworkFinding* network, JsonWriter* json) {
  if (!network->looked) return;
  json_open(json, "network", '{');
  json_bool(json, "known", network->known);
  write_list(json, "interfaces", &network->interfaces);
  write_list(json, "addresses", &network->addresses);
  write_list(json, "routes", &network->routes);
  write_list(json, "resolvers", &network->resolvers);
  if (options->proxy_port != 0) {
    json_number(json, "proxy_port", options->proxy_port);
    json_number(json, "proxy_status", network->proxy_status);
  }
  if (options->address != NULL) {
    json_text(json, "address", options->address);
    write_list(json, "gateways", &network->gateways);
    write_list(json, "answered", &network->answered);
    write_list(json, "reached", &network->reached);
    json_open(json, "unreachable", '[');
    for (size_t i = 0; i < options->unreachable_count; ++i) json_text(json, NULL, options->unreachable[i]);
    json_close(json, ']');
  }
  if (options->proxy != NULL) {
    json_text(json, "proxy", options->proxy);
    json_number(json, "proxy_status", network->proxy_status);
  }
  json_close(json, '}');
}

static void write_guard(const CheckOptions* options, const GuardFinding* guard, JsonWriter* json) {
  if (options->guard == NULL) return;
  json_open(json, "guard", '{');
  json_text(json, "error", error_name(guard->error));
  write_list(json, "guarded", &guard->guarded);
  write_list(json, "unguarded", &guard->unguarded);
  json_close(json, '}');
}

// Values stay where they are: the evidence is recorded and shown.
static void write_environment(JsonWriter* json) {
  int64_t count = 0;
  json_open(json, "environment", '{');
  json_open(json, "names", '[');
  for (char** entry = environ; *entry != NULL; ++entry, ++count) {
    const size_t length = strcspn(*entry, "=");
    TextBuffer name = {0};
    text_bytes(&name, *entry, length);
    json_text(json, NULL, name.failed ? NULL : name.data);
    text_free(&name);
  }
  json_close(json, ']');
  json_number(json, "count", count);
  json_close(json, '}');
}

void write_evidence(const CheckOptions* options, const Evidence* evidence, TextBuffer* out) {
  JsonWriter json = {out, false};
  json_open(&json, NULL, '{');
  json_text(&json, "schema", SCC_EVIDENCE_SCHEMA);
  json_text(&json, "nonce", options->nonce);
  json_text(&json, "token", options->token);
  json_bool(&json, "passed", evidence->passed);
  write_checks(evidence, &json);
  write_process(evidence, &json);
  write_paths(options, evidence, &json);
  write_mounts(evidence, &json);
  write_network(options, &evidence->network, &json);
  write_guard(options, &evidence->guard, &json);
  write_environment(&json);
  json_text(&json, "boot_id", evidence->boot_id);
  json_text(&json, "hostname", evidence->hostname);
  json_text(&json, "cwd", evidence->cwd);
  json_bool(&json, "tty", evidence->tty);
  json_number(&json, "pid", evidence->pid);
  json_number(&json, "start_time", (int64_t)evidence->start_time);
  json_number(&json, "duration_us", evidence->duration_us);
  json_close(&json, '}');
}

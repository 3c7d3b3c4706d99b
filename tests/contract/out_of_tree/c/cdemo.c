/* SPDX-License-Identifier: Apache-2.0
   A provider plugin in plain C: its agent prints the workspace. The host parses the request, the plugin
   writes its answer piece by piece into the sink. Shows all that a language with a C interface has to do. */
#include <stdlib.h>
#include <string.h>

#include <scc/abi.h>

struct scc_provider {
  const scc_host_v1* host;
  const scc_host_json_v1* json;
};

static scc_str str(const char* s) {
  scc_str out = {s, strlen(s)};
  return out;
}

static scc_status fail(const scc_error_sink* err, scc_status status, const char* code, const char* message) {
  if (SCC_HAS(err, report)) err->report(err->ctx, str(code), str(message), str(""));
  return status;
}

/* Writes `s` as a JSON string. The host gives valid UTF-8, so only quotes and control characters matter. */
static scc_status put_string(const scc_sink* out, scc_str s) {
  static const char hex[] = "0123456789abcdef";
  scc_status status = out->write(out->ctx, str("\""));
  for (size_t i = 0; i < s.size && status == SCC_OK; ++i) {
    const unsigned char c = (unsigned char)s.data[i];
    char escaped[7] = {'\\', 'u', '0', '0', hex[c >> 4U], hex[c & 15U], '\0'};
    scc_str piece = {s.data + i, 1};
    if (c < 0x20 || c == '"' || c == '\\') piece = str(escaped);
    status = out->write(out->ctx, piece);
  }
  return status == SCC_OK ? out->write(out->ctx, str("\"")) : status;
}

static scc_status create(const scc_host_v1* host, scc_str config, scc_provider** out,
                         const scc_error_sink* err) {
  (void)config;
  scc_provider* self = calloc(1, sizeof *self);
  if (!self) return fail(err, SCC_E_INTERNAL, "cdemo.memory", "out of memory");
  self->host = host;
  if (SCC_HAS(host, service)) self->json = host->service(host, str(SCC_HOST_JSON));
  *out = self;
  return SCC_OK;
}

static void destroy(scc_provider* self) {
  free(self);
}

static scc_status plan_launch(scc_provider* self, scc_str request, const scc_sink* out,
                              const scc_error_sink* err) {
  if (!SCC_HAS(out, write)) return SCC_E_USAGE;
  if (!SCC_HAS(self->json, parse) || !SCC_HAS(self->json, at) || !SCC_HAS(self->json, release)) {
    return fail(err, SCC_E_UNSUPPORTED, "cdemo.json", "the host offers no JSON service");
  }
  scc_json* document = NULL;
  scc_status status = self->json->parse(self->host, request, &document, err);
  if (status != SCC_OK) return status;
  scc_json_view target = {.struct_size = sizeof target};
  self->json->at(document, str("/workspace/target"), &target);
  if (target.type != SCC_JSON_STRING) {
    status = fail(err, SCC_E_CONFIG, "cdemo.request", "/workspace/target is not a string");
  } else {
    status = out->write(out->ctx, str("{\"schema\":\"scc.launch-spec/1\",\"image\":\"context:base\","
                                      "\"argv\":[\"/bin/echo\","));
    if (status == SCC_OK) status = put_string(out, target.str);
    if (status == SCC_OK) {
      status = out->write(out->ctx, str("],\"destination_sets\":[],\"requires_verified\":false}"));
    }
  }
  self->json->release(document);
  return status;
}

static scc_status auth_status(scc_provider* self, scc_str request, const scc_sink* out,
                              const scc_error_sink* err) {
  (void)self;
  (void)request;
  (void)err;
  if (!SCC_HAS(out, write)) return SCC_E_USAGE;
  return out->write(out->ctx, str("{\"schema\":\"scc.auth-status/1\",\"status\":\"present\","
                                  "\"mechanism\":\"none\",\"guidance\":\"\"}"));
}

static const scc_provider_v1 provider = {.struct_size = sizeof provider,
                                         .create = create,
                                         .destroy = destroy,
                                         .plan_launch = plan_launch,
                                         .auth_status = auth_status};

static const scc_component components[] = {{SCC_IFACE_PROVIDER, "cdemo", &provider}};

const scc_plugin_v1 scc_plugin_entry_v1 = {.struct_size = sizeof(scc_plugin_v1),
                                           .abi_major = SCC_ABI_MAJOR,
                                           .abi_minor = SCC_ABI_MINOR,
                                           .id = SCC_PLUGIN_ID,
                                           .version = SCC_PLUGIN_VERSION,
                                           .components = components,
                                           .component_count = 1,
                                           .component_stride = sizeof(scc_component)};

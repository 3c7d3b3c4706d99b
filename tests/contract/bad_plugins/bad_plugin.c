/* SPDX-License-Identifier: Apache-2.0
   One plugin in plain C that is correct as it stands; each -D BAD_x breaks exactly one rule of the ABI. Built
   as real libraries by CMakeLists.txt beside it. Also compiles as C++, for the variants that throw. */
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include <scc/abi.h>

#if !defined(BAD_ID)
#define BAD_ID "sample"
#endif
#if !defined(BAD_VERSION)
#define BAD_VERSION "1.0.0"
#endif
#if !defined(BAD_COMPONENT)
#define BAD_COMPONENT "sample"
#endif

struct scc_provider {
  const scc_host_v1* host;
};

static struct scc_provider g_instance;

#if defined(BAD_CRASH_CONSTRUCTOR)
__attribute__((constructor)) static void crash_at_load(void) {
  volatile int* volatile nowhere = NULL; /* the compiler must neither know nor drop the store */
  *nowhere = 1;
}
#endif

#if defined(BAD_THREAD_LEAK)
static void* wait_for_ever(void* unused) {
  for (;;) pause();
  return unused;
}
#endif

static scc_str text(const char* s) {
  scc_str out;
  out.data = s;
  out.size = strlen(s);
  return out;
}

static void fail_with(const scc_error_sink* err, const char* code, const char* message, const char* hint) {
  if (SCC_HAS(err, report)) err->report(err->ctx, text(code), text(message), text(hint));
}

static scc_status create(const scc_host_v1* host, scc_str config_json, scc_provider** out,
                         const scc_error_sink* err) {
  (void)config_json;
  (void)err;
#if defined(BAD_CRASH_CREATE)
  abort();
#endif
#if defined(BAD_HANG_CREATE)
  for (;;) pause();
#endif
#if defined(BAD_THROW_CREATE)
  throw 42;
#endif
#if defined(BAD_NULL_INSTANCE)
  (void)host;
  *out = NULL;
  return SCC_OK;
#else
  g_instance.host = host;
  *out = &g_instance;
  return SCC_OK;
#endif
}

static void destroy(scc_provider* self) {
  (void)self;
}

static scc_status plan_launch(scc_provider* self, scc_str request_json, const scc_sink* spec_json,
                              const scc_error_sink* err) {
  (void)self;
  (void)request_json;
  (void)err;
#if defined(BAD_CRASH_PLAN)
  volatile int* volatile nowhere = NULL; /* the compiler must neither know nor drop the store */
  *nowhere = 1;
#endif
#if defined(BAD_THROW_PLAN)
  throw 42;
#endif
#if defined(BAD_OWN_ERROR)
  fail_with(err, "acme.no-key", "ACME_API_KEY is \033[31mnot set", "export it, then retry");
  return SCC_E_PREREQ;
#endif
#if defined(BAD_STATUS)
  return 4711;
#endif
#if defined(BAD_HUGE_OUTPUT)
  static char chunk[1 << 16];
  memset(chunk, ' ', sizeof(chunk));
  for (int i = 0; i < 300; ++i) {
    scc_str part;
    part.data = chunk;
    part.size = sizeof(chunk);
    if (spec_json->write(spec_json->ctx, part) != SCC_OK) break;
  }
  return SCC_OK;
#elif defined(BAD_GARBAGE_JSON)
  return spec_json->write(spec_json->ctx, text("{\"schema\": \"scc.launch-spec/1\", "));
#elif defined(BAD_SCHEMA)
  return spec_json->write(spec_json->ctx, text("{\"schema\": \"scc.launch-spec/1\", \"image\": 7}"));
#else
  return spec_json->write(spec_json->ctx,
                          text("{\"schema\": \"scc.launch-spec/1\", \"image\": \"ref:sample:1\","
                               " \"argv\": [\"sample\"], \"destination_sets\": [],"
                               " \"requires_verified\": false}"));
#endif
}

static scc_status auth_status(scc_provider* self, scc_str request_json, const scc_sink* status_json,
                              const scc_error_sink* err) {
  (void)self;
  (void)request_json;
  (void)err;
  return status_json->write(status_json->ctx,
                            text("{\"schema\": \"scc.auth-status/1\", \"status\": \"unknown\","
                                 " \"mechanism\": \"none\", \"guidance\": \"\"}"));
}

#if defined(BAD_SHORT_TABLE)
#define TABLE_SIZE 4
#elif defined(BAD_TRUNCATED_TABLE)
#define TABLE_SIZE offsetof(scc_provider_v1, plan_launch)
#else
#define TABLE_SIZE sizeof(scc_provider_v1)
#endif
#if defined(BAD_MISSING_MEMBER)
#define PLAN NULL
#else
#define PLAN plan_launch
#endif

static const scc_provider_v1 kTable = {TABLE_SIZE, 0, create, destroy, PLAN, auth_status, NULL, NULL, NULL};

#if defined(BAD_NULL_TABLE)
#define TABLE NULL
#else
#define TABLE &kTable
#endif

static const scc_component kComponents[] = {
    {SCC_IFACE_PROVIDER, BAD_COMPONENT, TABLE},
#if defined(BAD_UNKNOWN_INTERFACE)
    {"com.acme.telepathy/1", "sample", &kTable},
    {"scc.runtime/2", "sample", &kTable},
#endif
};

static scc_status init(const scc_host_v1* host, const scc_error_sink* err) {
  (void)host;
  (void)err;
  (void)fail_with;
#if defined(BAD_CRASH_INIT)
  abort();
#endif
#if defined(BAD_EXIT_INIT)
  exit(0);
#endif
#if defined(BAD_HANG_INIT)
  for (;;) pause();
#endif
#if defined(BAD_STDOUT)
  printf("hello from a plugin\n");
  fflush(stdout);
#endif
#if defined(BAD_THREAD_LEAK)
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_for_ever, NULL) != 0) return SCC_E_INTERNAL;
#endif
#if defined(BAD_FD_LEAK)
  if (open("/dev/null", O_RDONLY) < 0) return SCC_E_INTERNAL;
#endif
#if defined(BAD_FORK)
  if (fork() == 0) _exit(0);
#endif
#if defined(BAD_EXEC)
  execl("/bin/true", "true", (char*)NULL);
#endif
#if defined(BAD_SOCKET)
  (void)!socket(AF_UNIX, SOCK_STREAM, 0);
#endif
#if defined(BAD_UNLINK)
  (void)!unlink("/nonexistent/file");
#endif
#if defined(BAD_INIT_FAILS)
  return SCC_E_INTERNAL;
#endif
#if defined(BAD_EFFECTS_SERVICE)
  /* The host of the probe must offer nothing that acts. */
  if (host->service(host, text(SCC_HOST_STATE)) != NULL) return SCC_E_INTERNAL;
  if (host->service(host, text(SCC_HOST_ENDPOINT)) != NULL) return SCC_E_INTERNAL;
  if (host->service(host, text(SCC_HOST_JSON)) == NULL) return SCC_E_INTERNAL;
#endif
  return SCC_OK;
}

#if defined(BAD_WRONG_MAJOR)
#define MAJOR 2
#else
#define MAJOR SCC_ABI_MAJOR
#endif
#if defined(BAD_NO_COMPONENTS)
#define COUNT 0
#else
#define COUNT (sizeof(kComponents) / sizeof(kComponents[0]))
#endif
#if defined(BAD_STRIDE)
#define STRIDE 3
#else
#define STRIDE sizeof(scc_component)
#endif
#if defined(BAD_NULL_ID)
#define ID NULL
#else
#define ID BAD_ID
#endif
#if defined(BAD_OTHER_MAJOR)
#define ENTRY scc_plugin_entry_v2
SCC_EXPORT const scc_plugin_v1 scc_plugin_entry_v2;
#elif defined(BAD_NO_ENTRY)
#define ENTRY some_other_table
__attribute__((used)) static const scc_plugin_v1 some_other_table;
#else
#define ENTRY scc_plugin_entry_v1
#endif

#if defined(BAD_NO_ENTRY)
static
#endif
    const scc_plugin_v1 ENTRY = {sizeof(scc_plugin_v1), MAJOR, SCC_ABI_MINOR, ID,  BAD_VERSION,
                                 kComponents,           COUNT, STRIDE,        init};

#if defined(BAD_EXTRA_SYMBOL)
SCC_EXPORT int extra_symbol(void);
int extra_symbol(void) {
  return 1;
}
#endif

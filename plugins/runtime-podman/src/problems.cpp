// SPDX-License-Identifier: Apache-2.0
#include "problems.hpp"

#include <scc/oci/text.hpp>

namespace scc::podman {
namespace {

constexpr std::int64_t kUsualIds = 65'536;

struct Trouble {
  const char* words;  ///< in the engine's text
  const char* code;
  const char* meaning;
  const char* remedy;
};

constexpr const char* kSubids =
    "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 \"$(id -un)\" && podman system "
    "migrate";
constexpr const char* kRunc = "sudo apt-get install runc";
constexpr const char* kRuncForService =
    "sudo apt-get install runc && printf '[engine]\\nruntime = \"runc\"\\ncgroup_manager = \"cgroupfs\"\\n' "
    "| sudo "
    "tee -a /etc/containers/containers.conf, then restart the service behind CONTAINER_HOST or podman.socket";
constexpr const char* kTun = "sudo chmod 666 /dev/net/tun";
constexpr const char* kNetavark = "sudo apt-get install netavark aardvark-dns";
constexpr const char* kRootlessNetwork = "sudo apt-get install slirp4netns";

// The texts are those of crun 1.8, runc 1.1, Podman 4.3 to 5 and slirp4netns 1.2.
constexpr Trouble kTroubles[] = {
    {"cgroups in hybrid mode not supported", "runtime.hybrid-cgroups",
     "crun does not run where both versions of cgroups are mounted", kRunc},
    {"setrlimit", "runtime.rlimit", "this machine does not let a sandbox have the limits that were asked for",
     "raise the hard limit of open files (ulimit -Hn) for the user that runs scc"},
    {"error setting rlimit", "runtime.rlimit",
     "this machine does not let a sandbox have the limits that were asked for",
     "raise the hard limit of open files (ulimit -Hn) for the user that runs scc"},
    {"no subuid ranges", "runtime.no-subids", "the user has no subordinate ids", kSubids},
    {"no subgid ranges", "runtime.no-subids", "the user has no subordinate ids", kSubids},
    {"insufficient UIDs or GIDs", "runtime.no-subids", "the user has too few subordinate ids", kSubids},
    {"insufficient gids or uids", "runtime.no-subids", "the user has too few subordinate ids", kSubids},
    {"newuidmap", "runtime.no-subids", "newuidmap could not map the user's subordinate ids",
     "sudo apt-get install uidmap && podman system migrate"},
    {"/dev/net/tun", "runtime.no-tun", "the user may not open /dev/net/tun, which a rootless network needs",
     kTun},
    {"\"slirp4netns\": executable file not found", "runtime.no-rootless-network",
     "slirp4netns is missing, which a rootless network needs", kRootlessNetwork},
    {"could not find slirp4netns", "runtime.no-rootless-network",
     "slirp4netns is missing, which a rootless network needs", kRootlessNetwork},
    {"could not find \"netavark\"", "runtime.no-netavark",
     "netavark is missing, which makes Podman's networks", kNetavark},
    {"could not find pasta", "runtime.no-rootless-network",
     "pasta is missing, which a rootless network needs", "sudo apt-get install passt"},
};

void add(sdk::RuntimeInfo& info, const char* code, std::string message, const char* remedy) {
  info.problems.push_back({code, std::move(message), remedy});
}

void add_rootless_problems(const Facts& facts, const Circumstances& here, sdk::RuntimeInfo& info) {
  if (facts.mapped_ids < kUsualIds) {
    add(info, "runtime.no-subids",
        "Podman may use " + std::to_string(facts.mapped_ids) + " ids for this user, " +
            std::to_string(kUsualIds) +
            " are usual: images may not unpack and files in a sandbox may not belong to you",
        kSubids);
  }
  if (!here.has_runtime_dir) {
    add(info, "runtime.no-session", "there is no session of this user: XDG_RUNTIME_DIR is not set",
        "log in on the machine itself or by ssh (not by su), or: sudo loginctl enable-linger \"$(id -un)\" "
        "&& export "
        "XDG_RUNTIME_DIR=/run/user/$(id -u)");
  }
  if (!facts.slirp4netns && !facts.pasta) {
    add(info, "runtime.no-rootless-network",
        "neither slirp4netns nor pasta is there: only sandboxes without a "
        "network can be had",
        kRootlessNetwork);
  } else if (!here.tun_usable) {
    add(info, "runtime.no-tun",
        "this user may not open /dev/net/tun: only sandboxes without a network can be had", kTun);
  }
}

}  // namespace

std::optional<sdk::Failure> known_trouble(const std::string& text) {
  for (const Trouble& trouble : kTroubles) {
    if (text.find(trouble.words) == std::string::npos) continue;
    return sdk::Failure(SCC_E_PREREQ, trouble.code,
                        std::string(trouble.meaning) + " (" + oci::printable(text) + ")", trouble.remedy);
  }
  return std::nullopt;
}

void add_problems(const Facts& facts, const Circumstances& here, sdk::RuntimeInfo& info) {
  if (!facts.seccomp) {
    add(info, "runtime.seccomp-unconfined", "the engine runs sandboxes without a seccomp filter",
        "use a Podman and a kernel with seccomp");
  }
  if (here.hybrid_cgroups && facts.oci_runtime == "crun") {
    add(info, "runtime.hybrid-cgroups",
        "both versions of cgroups are mounted on this machine, and crun starts no sandbox there; runc does",
        here.own_service ? kRunc : kRuncForService);
  }
  if (facts.network_backend == "cni") {
    add(info, "runtime.no-netavark",
        "Podman makes networks with CNI, whose networks are not isolated as scc needs", kNetavark);
  }
  if (facts.storage_driver == "vfs") {
    add(info, "runtime.vfs-storage",
        "Podman copies every image whole for each sandbox (storage driver vfs): slow, and large on disk",
        "mkdir -p ~/.config/containers && printf '[storage]\\ndriver = \"overlay\"\\n' > "
        "~/.config/containers/storage.conf && podman system reset (removes all containers and images of this "
        "user's "
        "Podman; Linux before 5.13 also needs fuse-overlayfs)");
  }
  if (here.rootless) add_rootless_problems(facts, here, info);
}

}  // namespace scc::podman

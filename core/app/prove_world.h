// SPDX-License-Identifier: Apache-2.0
// Private to `scc prove`: the network and the containers that are the run's own outside, and what is run in
// them. All of it carries the labels of one instance, whose launch lock is held: prune finds what a killed
// run leaves.
#pragma once

#include "app/host.h"
#include "os/fs.h"
#include "plugin/runtime.h"
#include "prove/battery.h"
#include "prove/listener.h"

namespace scc::app {

inline constexpr std::string_view kProbe = "/scc-probe";  ///< below the directory of scc's tools

class ProveWorld {
 public:
  /// Takes the lock, makes the directory and the listener.
  static Result<std::unique_ptr<ProveWorld>> make(Host& host, plugin::Runtime& runtime);
  ProveWorld(const ProveWorld&) = delete;
  ~ProveWorld();

  /// The network, the stand-in internet on it, a peer beside that, and a container of the policy open.
  Status start(const std::string& image);
  /// Runs the controls; what worked, by class.
  Result<std::map<std::string, std::string>> controls();
  /// Lines of scc-probe in the peer, with this runtime: for another thread than start()'s.
  Result<std::map<std::string, std::string>> ask_peer(plugin::Runtime& runtime,
                                                      const std::string& lines) const;
  /// The addresses of a container, by a program inside it.
  Result<std::vector<std::string>> addresses(plugin::Runtime& runtime, const std::string& id) const;
  /// What arrived at the stand-in.
  Result<std::vector<std::string>> record();
  /// Removes everything. Also done by the destructor, which keeps quiet.
  Status end();

  const prove::Targets& targets() const noexcept { return targets_; }
  prove::Targets& targets() noexcept { return targets_; }
  const std::string& network() const noexcept { return network_; }
  const std::string& subnet() const noexcept { return subnet_; }
  os::stdfs::path workspace() const { return directory_ / "work"; }
  os::stdfs::path socket() const { return directory_ / "listener.sock"; }

 private:
  ProveWorld(Host& host, plugin::Runtime& runtime, os::FileLock lock)
      : host_(&host), runtime_(&runtime), lock_(std::move(lock)) {}
  json::Value labels(const std::string& role) const;
  json::Value spec(const std::string& name, const std::string& image, std::vector<std::string> argv,
                   bool beside) const;
  Result<std::string> start_one(const json::Value& spec, std::string& address);
  Result<std::string> run_in(plugin::Runtime& runtime, const std::string& id, std::vector<std::string> argv,
                             const std::string& input, std::int64_t gid) const;
  Status add_controls(std::map<std::string, std::string>& out, const std::string& id,
                      const std::string& lines, std::int64_t gid);
  Status add_own_controls(std::map<std::string, std::string>& out);

  Host* host_;
  plugin::Runtime* runtime_;
  os::FileLock lock_;
  std::string instance_;
  std::string token_;
  os::stdfs::path directory_;
  std::optional<prove::Listener> listener_;
  prove::Targets targets_;
  std::string network_;
  std::string subnet_;
  std::string stand_in_;
  std::string peer_;
  std::string open_;
  bool ended_ = true;
};

}  // namespace scc::app

# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What quickstart and test share: installing packages, starting an engine, building. Sourced, never run.
# The package lists are used by the files that source this one.
# shellcheck disable=SC2034

say() { printf '==> %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$1" >&2
  [ -n "${2:-}" ] && printf '\nhint: %s\n' "$2" >&2
  exit "${3:-1}"
}

# Runs a command as root: directly, or through sudo.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null 2>&1; then
    sudo -- "$@"
  else
    die "this needs root and there is no sudo" "run it as root" 5
  fi
}

BUILD_PACKAGES=(
  g++ cmake ninja-build ccache pkg-config git
  libboost1.74-dev libboost-program-options1.74-dev rapidjson-dev libcurl4-openssl-dev libgit2-dev libspdlog-dev
  libexpected-dev libsodium-dev libarchive-dev libidn2-dev libyaml-cpp-dev libtomlplusplus-dev
)
# What scc needs at run time to make images without a registry.
RUN_PACKAGES=(ca-certificates debian-archive-keyring mmdebstrap uidmap)
# What the tour's and the tests' model API is driven with.
LAB_PACKAGES=(python3 openssl)
ENGINE_PACKAGES=(docker.io iptables)
# The second engine of the tests. runc as well, because crun does not run where both versions of cgroups are mounted.
PODMAN_PACKAGES=(podman netavark aardvark-dns runc crun conmon catatonit slirp4netns fuse-overlayfs uidmap)
# The proxy that the tests run by hand, in a network namespace of their own.
PROXY_PACKAGES=(squid-openssl iproute2)
TEST_PACKAGES=(libgtest-dev libgmock-dev libbenchmark-dev clang clang-format clang-tidy libclang-rt-14-dev binutils patchelf shellcheck)

# Installs those of the packages that are missing; touches apt only when one is.
install_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
  done
  [ "${#missing[@]}" -eq 0 ] && return 0
  command -v apt-get >/dev/null 2>&1 ||
    die "these packages are missing and there is no apt-get: ${missing[*]}" "install them with your package manager" 5
  say "installing: ${missing[*]}"
  quietly as_root apt-get update -q || die "apt-get update failed" "see the lines above" 5
  # A package manager that starts services has none to start where no init runs; that is not a failure.
  quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" ||
    die "the packages could not be installed" "see the lines above" 5
}

engine_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# Runs the calling script again as the same user with the engine's group, for this run only: the group is as good as root.
with_engine_group() {
  local gid groups
  gid=$(stat -c %g /var/run/docker.sock)
  groups=$(id -G | tr ' ' ',')
  [ -n "${SCC_REEXEC:-}" ] && die "the container engine refuses this user" "sudo usermod -aG docker $(id -un), then log in again" 5
  say "using the engine through its group for this run (for good: sudo usermod -aG docker $(id -un))"
  exec sudo -- setpriv "--reuid=$(id -u)" "--regid=$(id -g)" "--groups=$groups,$gid" \
    env SCC_REEXEC=1 HOME="$HOME" PATH="$PATH" USER="$(id -un)" ${TERM:+"TERM=$TERM"} ${CI:+"CI=$CI"} ${PREFIX:+"PREFIX=$PREFIX"} \
    ${SCC_REQUIRE_ENGINES:+"SCC_REQUIRE_ENGINES=$SCC_REQUIRE_ENGINES"} \
    ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} ${no_proxy:+"no_proxy=$no_proxy"} \
    "$PWD/scripts/$(basename "$0")" "$@"
}

# Makes sure that a container engine answers: systemd's where systemd runs, else a dockerd of our own that stays.
start_engine() {
  engine_answers && return 0
  if as_root docker version --format '{{.Server.Version}}' >/dev/null 2>&1; then
    with_engine_group "$@"
  fi
  say "starting the container engine"
  if [ -d /run/systemd/system ]; then
    as_root systemctl start docker
  else
    local log=/var/log/scc-dockerd.log group
    group=$(id -gn)
    if [ "$(id -u)" -eq 0 ] && getent group docker >/dev/null; then group=docker; fi
    as_root sh -c "setsid dockerd --group '$group' >$log 2>&1 </dev/null &"
  fi
  local waited
  for waited in $(seq 1 150); do
    engine_answers && return 0
    sleep 0.2
  done
  [ -n "${log:-}" ] && as_root tail -n 20 "$log" >&2
  die "the container engine did not start in $((waited / 5)) s" "look at the engine's log above" 5
}

# The last line of a growing log on the terminal, while a long step runs; nothing where there is no terminal.
watch_log() {
  local log=$1
  [ -t 2 ] || return 0
  while sleep 0.5; do
    printf '\r\033[2K    %s' "$(tail -n 1 "$log" | tr -d '\r\033' | cut -c1-100)" >&2
  done
}

# Runs a command with its output in a log, a live line meanwhile, and the end of the log when it fails.
quietly() {
  local log watcher code=0
  log=$(mktemp)
  watch_log "$log" &
  watcher=$!
  "$@" >"$log" 2>&1 || code=$?
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  [ -t 2 ] && printf '\r\033[2K' >&2
  if [ "$code" -ne 0 ]; then
    grep -nE 'error|FAILED' "$log" | head -n 40 >&2 || true
    tail -n 20 "$log" >&2
  fi
  rm -f "$log"
  return "$code"
}

# Configures (once) and builds one preset.
build_preset() {
  local preset=$1
  shift
  if [ -e "build/$preset" ] && [ ! -w "build/$preset" ]; then
    die "build/$preset belongs to another user" "sudo chown -R $(id -un) build" 4
  fi
  say "building ($preset)"
  quietly cmake --preset "$preset" "$@" || die "the build could not be configured" "" 4
  quietly cmake --build --preset "$preset" || die "the build failed" "" 4
}

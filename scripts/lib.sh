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
  libexpected-dev libsodium-dev libarchive-dev
)
# What scc needs at run time to make images without a registry.
RUN_PACKAGES=(ca-certificates debian-archive-keyring mmdebstrap uidmap)
# What the tour's and the tests' model API is driven with.
LAB_PACKAGES=(python3 openssl)
ENGINE_PACKAGES=(docker.io iptables)
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
  as_root apt-get update -q >/dev/null
  # A package manager that starts services has none to start where no init runs; that is not a failure.
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
}

engine_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# Makes sure that a container engine answers: systemd's where systemd runs, else a dockerd of our own that stays.
start_engine() {
  engine_answers && return 0
  if as_root docker version --format '{{.Server.Version}}' >/dev/null 2>&1; then
    # It runs, but this user may not talk to it. The docker group is as good as root, so it is taken for this run only.
    [ -n "${SCC_REEXEC:-}" ] && die "the container engine refuses this user" "see \`scc doctor\`" 5
    say "using the engine through the group docker for this run (lasting: sudo usermod -aG docker $(id -un))"
    exec sudo -u "$(id -un)" -g docker --preserve-env=PATH,HOME,CI,SCC_REQUIRE_ENGINES SCC_REEXEC=1 "$0" "$@"
  fi
  say "starting the container engine"
  if [ -d /run/systemd/system ]; then
    as_root systemctl start docker
  else
    local log=/var/log/scc-dockerd.log
    as_root sh -c "setsid dockerd --group '$(id -gn)' >$log 2>&1 </dev/null &"
  fi
  local waited
  for waited in $(seq 1 150); do
    engine_answers && return 0
    sleep 0.2
  done
  [ -n "${log:-}" ] && as_root tail -n 20 "$log" >&2
  die "the container engine did not start in $((waited / 5)) s" "look at the engine's log above" 5
}

# Configures and builds one preset; prints the end of the log when that fails.
build_preset() {
  local preset=$1 log
  shift
  log=$(mktemp)
  say "building ($preset)"
  if ! { cmake --preset "$preset" "$@" && cmake --build --preset "$preset"; } >"$log" 2>&1; then
    grep -nE 'error|FAILED' "$log" | head -n 40 >&2 || true
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "the build failed" "" 4
  fi
  rm -f "$log"
}

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs what the end-to-end tests run, once for all of them (ctest fixture).

  fixture.py setup --build DIR --source DIR --root DIR    installs scc below ROOT, builds the tests' provider, makes images
  fixture.py teardown --root DIR                          removes ROOT

ROOT lies outside the checkout, because the tests run scc as other users, too, who may not be able to reach the checkout.
"""
import argparse
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import support  # noqa: E402


def run(*argv, env=None, timeout=1500):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=env, timeout=timeout, check=False)
    if done.returncode:
        sys.stderr.write(done.stdout[-8000:])
        raise SystemExit(f"fixture: {' '.join(argv)}: exit {done.returncode}")
    return done.stdout


def remove(root):
    if os.path.isdir(root):
        run(*support.root_prefix(), "rm", "-rf", "--one-file-system", root)


def install(options):
    """As root where that is possible: root refuses plugins that another user could change."""
    prefix = os.path.join(options.root, "prefix")
    run(*support.root_prefix(), "cmake", "--install", options.build, "--prefix", prefix)
    return prefix


def build_plugins(options, prefix, folder, target):
    """A project that needs nothing but an installed SDK; the plugins of several may go to one directory."""
    source = os.path.join(options.source, folder)
    build = os.path.join(options.build, "e2e-" + os.path.basename(folder))
    run("cmake", "-S", source, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Debug")
    run("cmake", "--build", build)
    shutil.copytree(os.path.join(build, "plugins"), target, dirs_exist_ok=True)
    for path, _, files in os.walk(target):
        os.chmod(path, 0o755)
        for name in files:
            os.chmod(os.path.join(path, name), 0o644)
    run(*support.root_prefix(), "chown", "-R", "0:0", target)


def make_images(options, prefix):
    home = os.path.join(options.root, "image-home")
    os.mkdir(home, 0o700)
    env = {"PATH": os.environ["PATH"], "HOME": home, "SCC_NO_PROGRESS": "1"}
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        if name in os.environ:
            env[name] = os.environ[name]
    scc = os.path.join(prefix, "bin", "scc")
    run(scc, "image", "build", env=env)
    if support.podman_answers():
        if support.root_prefix():
            env["HOME"] = "/root"
        words = [f"{key}={value}" for key, value in env.items()]
        run(*support.root_prefix(), "env", "-i", *words, scc, "image", "build", "--runtime", "podman", env=env)
    elif support.engines_required():
        raise SystemExit("fixture: root's podman does not answer, and SCC_REQUIRE_ENGINES is set")


def setup(options):
    remove(options.root)
    os.makedirs(options.root, mode=0o755)
    os.chmod(options.root, 0o755)
    prefix = install(options)
    build_plugins(options, prefix, "tests/support/providers/command", os.path.join(options.root, "plugins"))
    for folder in ("tests/support/checks/hostile", "tests/contract/out_of_tree/safety"):
        build_plugins(options, prefix, folder, os.path.join(options.root, "checks"))
    if support.engine_answers():
        make_images(options, prefix)
    elif support.engines_required():
        raise SystemExit("fixture: no container engine answers, and SCC_REQUIRE_ENGINES is set")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("setup", "teardown"))
    parser.add_argument("--build")
    parser.add_argument("--source")
    parser.add_argument("--root", required=True)
    options = parser.parse_args()
    if options.action == "setup":
        setup(options)
    else:
        remove(options.root)


if __name__ == "__main__":
    main()

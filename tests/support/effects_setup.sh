#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes ./template: a repository in which every kind of work can be lost, with its remotes beside it. The names
# are those that the corpora use (tests/data/safety), so that their lines find what they are about.
#
#   template/repo         main is ahead of and behind the remote's; branches with commits of their own; tags; a stash; a commit that
#                         only the log holds, and one that nothing holds; changed, staged, untracked and ignored files
#   template/remote.git   its remote, where somebody else has pushed since
#   template/wt           a linked working tree with changes of its own
#   template/library.git  the remote of the submodule `sub`
set -eu
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_DEFAULT_HASH=sha1 GIT_DEFAULT_REF_FORMAT=files GIT_AUTHOR_NAME=T GIT_AUTHOR_EMAIL=t@example.invalid
export GIT_COMMITTER_NAME=T GIT_COMMITTER_EMAIL=t@example.invalid
rm -rf template empty && mkdir template empty && cd template
export GIT_TEMPLATE_DIR="$PWD/../empty"
bare() { git init -q --bare -b main "$1"; }
commit() { git commit -q -m "$1"; }
# A commit that no log of HEAD knows: MESSAGE PARENT FILE
aside() {
  object=$(printf '%s\n' "only in $1" | git hash-object -w --stdin)
  tree=$( (git ls-tree "$2" && printf '100644 blob %s\t%s\n' "$object" "only-$1") | git mktree)
  git commit-tree -p "$2" -m "$1" "$tree"
}

bare library.git
git init -q -b main seed && cd seed
echo one >lib.c && git add lib.c && commit "library" && git push -q ../library.git main
cd .. && rm -rf seed

bare remote.git
git --git-dir=remote.git config receive.advertisePushOptions true
git --git-dir=remote.git config receive.denyDeleteCurrent ignore
git init -q -b main repo && cd repo
git config user.name T && git config user.email t@example.invalid && git config gc.auto 0 && git config maintenance.auto false
git remote add origin ../remote.git
mkdir src x .git/hooks .git/info
for file in README.md a.txt file.py file file.txt f a b x/x src/a.c src/main.py todo.txt '#x'; do echo "first of $file" >"$file"; done
for file in l list list.txt; do echo file.py >"$file"; done
echo 'git status --short' | tee x.sh >script.sh
echo 'git push --force origin main' | tee force.sh >install.sh
echo '--force origin main' | tee args.txt >in
printf 'ignored/\n*.env\n' >.gitignore
git add -A && commit "first"
for file in README.md a.txt file.py src/a.c x/x; do echo second >>"$file"; done
git commit -qam "second"
echo third >>todo.txt && git commit -qam "third"
git -c protocol.file.allow=always submodule --quiet add ../library.git sub && commit "library added"
in_sub() { git config -f .git/modules/sub/config "$@"; }
in_sub user.name T && in_sub user.email t@example.invalid && in_sub protocol.file.allow always
in_sub remote.origin.url ../../library.git  # of the copy, not the template's
base=$(git rev-parse HEAD)
for name in feature topic x a b c dev old other side; do git branch "$name" "$(aside "$name" "$base")"; done
git branch merged HEAD~1
for name in v1 v1.0; do git tag "$name" "$(aside "tag-$name" "$base")"; done
git push -q -u origin main feature topic x a b c dev side refs/tags/v1 refs/tags/v1.0
# Branches that only the remote has.
for name in release/2.0 v1.2.x; do git push -q origin "$(aside "there-$(basename "$name")" "$base"):refs/heads/$name"; done
git fetch -q origin
# Somebody else pushes; what is here of the remote is stale.
git push -q origin "$(aside theirs "$base"):refs/heads/theirs"
theirs=$(git --git-dir=../remote.git rev-parse theirs)
git --git-dir=../remote.git update-ref refs/heads/main "$theirs"
git --git-dir=../remote.git update-ref -d refs/heads/theirs
git update-ref -d refs/remotes/origin/theirs
# Commits that are nowhere else, and branches that went elsewhere here than there.
for name in topic x a b c side; do git branch -q -f "$name" "$(aside "$name-more" "$name")"; done
for name in dev feature; do git branch -q -f "$name" "$(aside "$name-again" "$base")"; done
git notes add -m "a note" HEAD

echo "to be rewritten" >>file.txt && git commit -qam "rewritten later" && git commit -q --amend -m "rewritten"
for number in 1 2; do echo "put aside $number" >>todo.txt && git stash push -q -m "work $number"; done
git worktree add -q -b wt ../wt && echo "changed in wt" >>../wt/a.txt && echo "new in wt" >../wt/new.txt
(cd sub && echo two >>lib.c && git add lib.c && commit "here" && git push -q origin main && git commit -q --amend -m "here, otherwise" &&
  echo three >>lib.c && echo new >new.c)
for file in README.md a.txt file.py file f x/x src/a.c; do echo "changed $file" >>"$file"; done
for file in staged.txt '#new'; do echo "staged $file" >"$file" && git add "$file"; done
echo "changed a" >>a && git add a
mkdir -p ignored build scratch/deep && echo "ignored" | tee ignored/cache >secret.env
echo "not ignored" | tee build/out scratch/deep/new.txt >new.txt && echo "other" >>new.txt && echo "deep" >>scratch/deep/new.txt
# Few files: a copy is made for every row. What nothing holds stays loose.
rm -rf .git/logs/refs/remotes .git/logs/refs/notes
for name in feature x a b c dev old other side merged; do rm .git/logs/refs/heads/$name; done
for folder in .git .git/modules/sub ../remote.git ../library.git; do
  git --git-dir="$folder" pack-refs --all && git --git-dir="$folder" repack -q -a -d --no-write-bitmap-index -k
  find "$folder" -type d -empty ! -path '*/refs*' ! -name objects ! -name hooks -delete
done
git branch loose "$(aside loose "$base")"
aside dangling "$base" >/dev/null

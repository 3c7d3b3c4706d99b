// SPDX-License-Identifier: Apache-2.0
// The options of git's subcommands, from what `git SUBCOMMAND -h` of git 2.39 prints, with those that later
// versions added. tests/integration/safety holds the prefixes against the git that is installed.
#include <algorithm>
#include <array>

#include "safety/options.h"

namespace scc::safety {

namespace {

struct Row {
  const char* verb;
  const char* options;
};

// Sorted by verb.
constexpr std::array kRows{
    Row{"add",
        "dry-run,n verbose,v interactive,i patch,p edit,e force,f update,u renormalize intent-to-"
        "add,N all,A ignore-removal refresh ignore-errors ignore-missing sparse chmod= pathspec-from-"
        "file= pathspec-file-nul"},
    Row{"am",
        "interactive,i 3way,3 quiet,q signoff,s utf8,u keep,k keep-non-patch message-id,m keep-cr no-"
        "keep-cr scissors,c quoted-cr= whitespace= ignore-space-change ignore-whitespace directory= "
        "exclude= include= =,C =,p patch-format= reject resolvemsg continue resolved,r skip abort "
        "quit show-current-patch? allow-empty committer-date-is-author-date ignore-date rerere-"
        "autoupdate gpg-sign?,S empty= no-verify,n"},
    Row{"archive",
        "format= prefix= add-file= add-virtual-file= output=,o worktree-attributes verbose,v list,l "
        "remote= exec="},
    Row{"branch",
        "verbose,v quiet,q track?,t set-upstream-to=,u unset-upstream color? remotes,r contains= no-"
        "contains= abbrev? all,a delete,d ,D move,m ,M copy,c ,C list,l show-current create-reflog "
        "edit-description force,f merged= no-merged= column? sort= points-at= ignore-case,i recurse-"
        "submodules format= omit-empty set-upstream"},
    Row{"checkout",
        "=,b =,B ,l guess overlay quiet,q recurse-submodules? progress merge,m conflict= detach,d "
        "track?,t force,f orphan= overwrite-ignore ignore-other-worktrees ours,2 theirs,3 patch,p "
        "ignore-skip-worktree-bits pathspec-from-file= pathspec-file-nul"},
    Row{"checkout-index",
        "all,a ignore-skip-worktree-bits force,f quiet,q no-create,n index,u ,z stdin temp prefix= "
        "stage="},
    Row{"cherry-pick",
        "quit continue abort skip cleanup= no-commit,n edit,e signoff,s mainline=,m rerere-autoupdate "
        "strategy= strategy-option=,X gpg-sign?,S ,x ff allow-empty allow-empty-message keep-"
        "redundant-commits"},
    Row{"clean", "quiet,q dry-run,n force,f interactive,i ,d exclude=,e ,x ,X"},
    Row{"clone",
        "verbose,v quiet,q progress reject-shallow no-checkout,n bare mirror local,l no-hardlinks "
        "shared,s recurse-submodules? recursive? jobs=,j template= reference= reference-if-able= "
        "dissociate origin=,o branch=,b upload-pack=,u depth= shallow-since= shallow-exclude= single-"
        "branch no-tags shallow-submodules separate-git-dir= config=,c server-option= ipv4,4 ipv6,6 "
        "filter= also-filter-submodules remote-submodules sparse bundle-uri="},
    Row{"commit",
        "quiet,q verbose,v file=,F author= date= message=,m reedit-message=,c reuse-message=,C fixup "
        "squash= reset-author trailer= signoff,s template=,t edit,e cleanup= status gpg-sign?,S all,a "
        "include,i interactive patch,p only,o no-verify,n dry-run short branch ahead-behind porcelain "
        "long null,z amend allow-empty allow-empty-message no-post-rewrite untracked-files?,u "
        "pathspec-from-file= pathspec-file-nul"},
    Row{"config",
        "global system local worktree file=,f blob= get get-all get-regexp get-urlmatch replace-all "
        "add unset unset-all rename-section remove-section list,l fixed-value edit,e get-color get-"
        "colorbool type=,t bool int bool-or-int bool-or-str path expiry-date null,z name-only "
        "includes show-origin show-scope default="},
    Row{"difftool",
        "gui,g dir-diff,d no-prompt,y symlinks tool=,t tool-help trust-exit-code extcmd=,x no-index"},
    Row{"fast-import", ""},
    Row{"fetch",
        "verbose,v quiet,q all set-upstream append,a atomic upload-pack= force,f multiple,m tags,t "
        "no-tags,n jobs=,j prefetch prune,p prune-tags,P recurse-submodules? dry-run write-fetch-head "
        "keep,k update-head-ok,u progress depth= shallow-since= shallow-exclude= deepen= unshallow "
        "submodule-prefix= refetch update-shallow refmap= server-option=,o ipv4,4 ipv6,6 negotiation-tip= "
        "negotiate-"
        "only filter= auto-maintenance auto-gc show-forced-updates write-commit-graph stdin "
        "recurse-submodules-default="},
    Row{"fetch-pack", "upload-pack= exec="},
    Row{"for-each-repo", "config="},
    Row{"gc",
        "quiet,q prune? cruft aggressive auto force keep-largest-pack detach max-cruft-size= cruft-"
        "expiration= expire-to="},
    Row{"grep",
        "cached no-index untracked exclude-standard recurse-submodules invert-match,v ignore-case,i "
        "word-regexp,w text,a ,I textconv recursive,r max-depth= extended-regexp,E basic-regexp,G "
        "fixed-strings,F perl-regexp,P line-number,n column ,h ,H full-name files-with-matches,l "
        "name-only files-without-match,L null,z only-matching,o count,c color? break heading "
        "context=,C before-context=,B after-context=,A threads= show-function,p function-context,W "
        "=,f =,e and or not quiet,q all-match open-files-in-pager?,O ext-grep max-count=,m"},
    Row{"http-push", "all dry-run force verbose ,d ,D ,h"},
    Row{"init", "quiet,q bare template= separate-git-dir= initial-branch=,b object-format= shared?"},
    Row{"ls-remote",
        "quiet,q upload-pack= exec= tags,t heads,h refs get-url sort= exit-code symref server-option=,o"},
    Row{"maintenance run", "auto detach schedule= quiet task="},
    Row{"merge",
        ",n stat summary log? squash commit edit,e cleanup= ff ff-only rerere-autoupdate verify-"
        "signatures strategy=,s strategy-option=,X message=,m file=,F into-name= verbose,v quiet,q "
        "abort quit continue allow-unrelated-histories progress gpg-sign?,S autostash overwrite-"
        "ignore signoff no-verify"},
    Row{"mv", "verbose,v dry-run,n force,f ,k sparse"},
    Row{"notes prune", "dry-run,n verbose,v"},
    Row{"prune", "dry-run,n verbose,v progress expire= exclude-promisor-objects"},
    Row{"pull",
        "verbose,v quiet,q progress recurse-submodules? rebase?,r no-stat,n stat log? signoff? squash "
        "commit edit cleanup= ff ff-only verify verify-signatures autostash strategy=,s strategy-"
        "option=,X gpg-sign?,S allow-unrelated-histories all append,a upload-pack= force,f tags,t "
        "prune,p jobs?,j dry-run keep,k depth= shallow-since= shallow-exclude= deepen= unshallow "
        "update-shallow refmap= server-option=,o ipv4,4 ipv6,6 negotiation-tip= show-forced-updates "
        "set-upstream ipv4,4 ipv6,6 no-tags"},
    Row{"push",
        "verbose,v quiet,q repo= all mirror delete,d tags dry-run,n porcelain force,f force-with-"
        "lease? force-if-includes recurse-submodules= thin receive-pack= exec= set-upstream,u "
        "progress prune no-verify follow-tags signed? atomic push-option=,o ipv4,4 ipv6,6 branches"},
    Row{"read-tree",
        "index-output= empty verbose,v ,m trivial aggressive reset prefix= ,u exclude-per-directory= "
        ",i dry-run,n no-sparse-checkout debug-unpack recurse-submodules? quiet,q"},
    Row{"rebase",
        "onto= keep-base keep-empty,k ignore-date no-verify quiet,q verbose,v no-stat,n signoff "
        "committer-date-is-author-date "
        "reset-author-date =,C ignore-whitespace whitespace= force-rebase,f no-ff continue skip abort "
        "quit edit-todo show-current-patch apply merge,m interactive,i rerere-autoupdate empty= "
        "autosquash update-refs gpg-sign?,S autostash exec=,x rebase-merges?,r fork-point strategy=,s "
        "strategy-option=,X root reschedule-failed-exec reapply-cherry-picks"},
    Row{"reflog delete", "dry-run,n rewrite updateref verbose"},
    Row{"reflog expire",
        "dry-run,n rewrite updateref verbose expire= expire-unreachable= stale-fix all single-"
        "worktree"},
    Row{"remote add", "fetch,f tags track=,t master=,m mirror?"},
    Row{"remote remove", ""},
    Row{"remote rename", "progress"},
    Row{"remote rm", ""},
    Row{"remote set-url", "push add delete"},
    Row{"repack",
        ",a ,A cruft cruft-expiration= ,d ,f ,F ,n quiet,q local,l write-bitmap-index,b delta-"
        "islands,i unpack-unreachable= keep-unreachable,k window= window-memory= depth= threads= max-"
        "pack-size= pack-kept-objects keep-pack= geometric=,g write-midx,m expire-to="},
    Row{"replace", "list,l delete,d edit,e graft,g convert-graft-file force,f raw format="},
    Row{"reset",
        "quiet,q no-refresh mixed soft hard merge keep recurse-submodules? patch,p intent-to-add,N "
        "pathspec-from-file= pathspec-file-nul"},
    Row{"restore",
        "source=,s staged,S worktree,W ignore-unmerged overlay quiet,q recurse-submodules? progress "
        "merge,m conflict= ours,2 theirs,3 patch,p ignore-skip-worktree-bits pathspec-from-file= "
        "pathspec-file-nul"},
    Row{"revert",
        "quit continue abort skip cleanup= no-commit,n edit,e signoff,s mainline=,m rerere-autoupdate "
        "strategy= strategy-option=,X gpg-sign?,S reference"},
    Row{"rm",
        "dry-run,n quiet,q cached force,f ,r ignore-unmatch sparse pathspec-from-file= pathspec-file-"
        "nul"},
    Row{"send-pack",
        "verbose,v quiet,q receive-pack= exec= remote= all dry-run,n mirror force,f signed? push-"
        "option= progress thin atomic stateless-rpc stdin helper-status force-with-lease? force-if-"
        "includes"},
    Row{"stash clear", ""},
    Row{"stash drop", "quiet,q"},
    Row{"stash pop", "quiet,q index"},
    Row{"stash push",
        "keep-index,k staged,S patch,p quiet,q include-untracked,u all,a message=,m pathspec-from-"
        "file= pathspec-file-nul"},
    Row{"submodule add", "branch=,b force,f name= reference= progress depth= quiet,q dissociate"},
    Row{"submodule deinit", "quiet,q force,f all"},
    Row{"submodule update",
        "quiet,q init,i no-fetch,N remote force,f checkout merge,m rebase,r reference= depth= "
        "recursive recommend-shallow jobs=,j progress filter= single-branch"},
    Row{"switch",
        "create=,c force-create=,C guess discard-changes quiet,q recurse-submodules? progress merge,m "
        "conflict= detach,d track?,t force,f orphan= overwrite-ignore ignore-other-worktrees"},
    Row{"symbolic-ref", "quiet,q delete,d short recurse =,m"},
    Row{"tag",
        "list,l ?,n delete,d verify,v annotate,a message=,m file=,F edit,e sign,s cleanup= local-"
        "user=,u force,f create-reflog column? contains= no-contains= merged= no-merged= sort= "
        "points-at= format= color? ignore-case,i"},
    Row{"update-ref", "=,m ,d no-deref ,z stdin create-reflog"},
    Row{"worktree add", "force,f =,b =,B detach,d checkout lock reason= quiet,q track guess-remote"},
    Row{"worktree move", "force,f"},
    Row{"worktree prune", "dry-run,n verbose,v expire="},
    Row{"worktree remove", "force,f"},
};

/// A line break within an option would make two of it.
constexpr bool whole(const Row& row) {
  const std::string_view options = row.options;
  return options.find("- ") == std::string_view::npos && options.find("  ") == std::string_view::npos &&
         !options.ends_with('-');
}
static_assert(std::all_of(kRows.begin(), kRows.end(), whole));

}  // namespace

const char* git_options(std::string_view verb) noexcept {
  const auto* found =
      std::lower_bound(kRows.begin(), kRows.end(), verb,
                       [](const Row& row, std::string_view wanted) { return row.verb < wanted; });
  return found == kRows.end() || found->verb != verb ? nullptr : found->options;
}

}  // namespace scc::safety

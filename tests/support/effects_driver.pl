#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Runs rows of the corpora, each in a copy of ./template of its own, with closed standard input and for a bounded time:
#
#   effects_driver.pl WORK [HOOK ...]      in the directory of template/, rows/ and the list WORK.rows; copies go to WORK/ROW, what was
#                                          said to WORK.said/ROW.out and .hook
#
# A copy that a row left as it was, to the last time stamp, is used again.
# Two processes take turns, after the rows that may leave something in a directory that all share.
# rows/ROW/line goes to `bash -c`, rows/ROW/argv (words that end in NUL) is run as it is; rows/ROW/call is what HOOK is asked before.
# A line of output a row: ROW EXIT HOOK-EXIT FLAGS ("-": not asked; flags: late, home, same: nothing was touched, the copy is gone).
use strict;
use warnings;
use POSIX qw(:sys_wait_h setsid uname);
use Time::HiRes qw(time sleep);

my ($work, @hook) = @ARGV;
my $limit = 10;
my $here = POSIX::getcwd();
$| = 1;
# What a row leaves in the background comes to this process: PR_SET_CHILD_SUBREAPER.
my $machine = (uname())[4];
my $prctl = $machine eq "x86_64" ? 157 : 167;

sub subreaper {
  syscall($prctl, 36, 1, 0, 0, 0) == 0 or die "prctl: $!";
}

sub slurp {
  open(my $in, "<:raw", $_[0]) or return;
  local $/;
  my $text = <$in>;
  return defined $text ? $text : "";
}

sub spit {
  open(my $out, ">:raw", $_[0]) or die "$_[0]: $!";
  print $out $_[1];
  close($out) or die "$_[0]: $!";
}

sub children {
  my @out;
  for my $stat (glob("/proc/[0-9]*/stat")) {
    my $text = slurp($stat) // next;
    push @out, $1 if $text =~ /^(\d+) \(.*\) \S (\d+) /s && $2 == $$;
  }
  return @out;
}

# Runs argv in the current directory; (exit code, late).
sub bounded {
  my ($in, $out, @argv) = @_;
  my $child = fork() // die "fork: $!";
  if (!$child) {
    setsid();
    open(STDIN, "<", $in) or die "$in: $!";
    open(STDOUT, ">", $out) or die "$out: $!";
    open(STDERR, ">&", \*STDOUT) or die "stderr: $!";
    exec { $argv[0] } @argv or do { print "cannot run: $!\n"; POSIX::_exit(127) };
  }
  my ($code, $late, $end, $pause) = (undef, 0, time() + $limit, 0.001);
  while (1) {
    my $done = waitpid(-1, WNOHANG);
    last if $done < 0;
    $code = $? & 127 ? 128 + ($? & 127) : $? >> 8 if $done == $child;
    next if $done > 0;
    if (time() > $end) {
      $late = 1;
      kill("KILL", children());
    }
    sleep($pause);
    $pause = $pause * 1.5 < 0.02 ? $pause * 1.5 : 0.02;
  }
  return ($code // 128, $late);
}

# Everything in a directory that was not there at the beginning.
sub sweep {
  my ($folder, $kept) = @_;
  opendir(my $names, $folder) or return;
  my @new = grep { !$kept->{$_} } readdir($names);
  system("rm", "-rf", "--", map {"$folder/$_"} @new) if @new;
}

sub listed {
  opendir(my $names, $_[0]) or return {};
  return { map { $_ => 1 } readdir($names) };
}

# Whether the line may leave something where the next row would find it.
sub reaches_out {
  return (slurp("rows/$_[0]/line") // "") =~ m{/tmp|~|HOME|--global|--system|maintenance};
}

my $settings = "$ENV{HOME}/.gitconfig";
my $saved = slurp($settings);
my ($tmp, $home) = (listed("/tmp"), listed($ENV{HOME}));
mkdir($work);
mkdir("$work.said");

# Every file's inode, size and times: what changes with anything that is done to it.
sub stamps {
  my ($folder) = @_;
  opendir(my $names, $folder) or return "$folder: $!\n";
  my $out = "";
  for my $name (sort grep { $_ ne "." && $_ ne ".." } readdir($names)) {
    my @is = Time::HiRes::lstat("$folder/$name");
    $out .= join(" ", $name, @is[1, 2, 7, 9, 10]) . "\n";
    $out .= stamps("$folder/$name") if -d _ && !-l _;
  }
  return $out;
}

subreaper();
my $spare;

sub fresh {
  my ($row, $at) = @_;
  if (defined $spare) {
    rename($spare, $at) or die "$spare: $!";
    undef $spare;
  } else {
    system("cp", "-a", "template", $at) == 0 or die "cp: $?";
  }
  spit("$at/wt/.git", "gitdir: $at/repo/.git/worktrees/wt\n");
  spit("$at/repo/.git/worktrees/wt/gitdir", "$at/wt/.git\n");
}

sub run_row {
  my ($row, $alone) = @_;
  my ($from, $at, $said) = ("$here/rows/$row", "$here/$work/$row", "$here/$work.said/$row");
  fresh($row, $at);
  chdir("$at/repo") or die "$at: $!";
  my $prepared = -e "$from/before";
  system("sh", "$from/before") if $prepared;
  my $before = stamps($at);
  my $asked = "-";
  ($asked) = bounded("$from/call", "$said.hook", @hook) if @hook && -e "$from/call";
  my $argv = slurp("$from/argv");
  my @argv = defined $argv ? split(/\0/, $argv, -1) : ("bash", "-c", slurp("$from/line"));
  pop @argv if defined $argv;
  my ($code, $late) = bounded("/dev/null", "$said.out", @argv);
  chdir($here) or die "$here: $!";
  my $now = $alone ? slurp($settings) : $saved;
  my $changed = ($now // "") ne ($saved // "");
  spit($settings, $saved) if $changed && defined $saved;
  if ($alone) {
    sweep("/tmp", $tmp);
    sweep($ENV{HOME}, $home);
  }
  my $same = !$prepared && stamps($at) eq $before;
  $spare = $at if $same;
  print join(" ", $row, $code, $asked, join(",", ("late") x $late, ("home") x !!$changed, ("same") x !!$same) || "-"), "\n";
}

my @rows = split(/\n/, slurp("$work.rows") // die "$work.rows: $!");
my @alone = grep { reaches_out($_) } @rows;
my %alone = map { $_ => 1 } @alone;
my @others = grep { !$alone{$_} } @rows;
run_row($_, 1) for @alone;
for my $turn (0, 1) {
  my $worker = fork() // die "fork: $!";
  next if $worker;
  subreaper();
  undef $spare if $turn;
  run_row($others[$_], 0) for grep { $_ % 2 == $turn } 0 .. $#others;
  exit(0);
}
1 while wait() > 0;

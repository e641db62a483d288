#include "activities/build/workspace/branch_workspace.h"

#include <algorithm>
#include <filesystem>

#include "activities/build/workspace/tree_files.h"
#include "activities/sandbox/check_products.h"
#include "activities/sandbox/text.h"
#include "activities/sandbox/withheld.h"

namespace wfe::build {
namespace {

namespace fs = std::filesystem;

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::vector<std::string> SplitAt(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// A workflow id as one component of a branch's name.
std::string BranchWord(const std::string& id) {
  std::string word;
  for (const char c : id) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    // Two dots, a leading and a last one mean something to git.
    const bool dot = c == '.' && !word.empty() && word.back() != '.';
    word += plain || dot ? c : '-';
    if (word.size() == 100) break;
  }
  while (!word.empty() && word.back() == '.') word.pop_back();
  if (word.ends_with(".lock")) word.replace(word.size() - 5, 1, "-");
  return word.empty() ? "build" : word;
}

/// A path as a pattern that git takes for itself and nothing else.
std::string ExactPattern(const std::string& path) {
  std::string pattern = "/";
  for (const char c : path) {
    if (c == '*' || c == '?' || c == '[' || c == '\\' || c == ' ') pattern += '\\';
    pattern += c;
  }
  return pattern;
}

constexpr std::string_view kRunTrailer = "Wfe-Run: ";
constexpr std::string_view kEntryTrailer = "Wfe-Entry: ";

}  // namespace

std::vector<std::string> NeverCommitted() {
  return {".wfe/", "audit_trace.jsonl", ".gemini/", "node_modules", ".venv"};
}

Git::Place BranchWorkspace::Place(const std::string& work_tree) const {
  return {.own_dir = folder_.GitDir(),
          .objects = state_.common_dir + "/objects",
          .index = folder_.Index(),
          .work_tree = work_tree};
}

Repository BranchWorkspace::UserRepository() const {
  return {.toplevel = state_.toplevel, .git_dir = state_.git_dir, .common_dir = state_.common_dir, .prefix = {}};
}

Status BranchWorkspace::Prepare() {
  std::vector<std::string> excludes = NeverCommitted();
  // The agent's context is wfe's own file unless the project has one of that name.
  const std::string relative = fs::path(state_.working_dir).lexically_relative(state_.root).string();
  const std::string prefix = relative == "." ? "" : relative + "/";
  excludes.push_back(ExactPattern(prefix + "GEMINI.md"));
  // Before the export there is no working directory yet.
  if (const auto dir = sandbox::SafeDir::Open(state_.working_dir, {.reserved = {}, .max_file_bytes = 64ull << 20})) {
    WFE_ASSIGN_OR_RETURN(const auto products, sandbox::ProductsOfChecks(*dir));
    for (const std::string& path : products) excludes.push_back(ExactPattern(prefix + path));
  }
  return git_.MakeOwnDir(UserRepository(), folder_.GitDir(), excludes);
}

Result<std::string> BranchWorkspace::Head() {
  auto head = git_.RunOnRefs(UserRepository(), {"rev-parse", "--verify", "--quiet", "HEAD"});
  if (head) return Trimmed(*head);
  // Quiet: a branch without a commit says nothing; anything else is a fault.
  if (head.error().message.find("said nothing") != std::string::npos) return std::string();
  return head.error();
}

bool BranchWorkspace::HasCommit(const std::string& commit) {
  return !commit.empty() && git_.Run(Place(""), {"cat-file", "-e", commit + "^{commit}"}).has_value();
}

bool BranchWorkspace::HasDirectory(const std::string& commit, const std::string& path) {
  if (path.empty()) return true;
  const auto kind = git_.Run(Place(""), {"cat-file", "-t", commit + ":" + path});
  return kind && Trimmed(*kind) == "tree";
}

int BranchWorkspace::UncommittedFiles(const std::string& commit) {
  // On a copy of the user's index, whose remembered times make unchanged files free.
  const std::string index = folder_.path() + "/index.user";
  std::error_code error;
  fs::copy_file(state_.git_dir + "/index", index, fs::copy_options::overwrite_existing, error);
  if (error) fs::remove(index, error);
  Git::Place place = Place(state_.toplevel);
  place.index = index;
  if (!git_.Run(place, {"update-ref", "--no-deref", "HEAD", commit})) return -1;
  const auto status = git_.Run(
      place, {"status", "--porcelain", "-z", "--untracked-files=all", "--ignore-submodules=all", "--no-renames"});
  fs::remove(index, error);
  if (!status) return -1;
  return static_cast<int>(std::count(status->begin(), status->end(), '\0'));
}

Status BranchWorkspace::Export(const std::string& commit, std::vector<std::string>& notes) {
  std::error_code error;
  fs::remove_all(state_.root, error);
  fs::create_directories(state_.root, error);
  if (error) return Internal("cannot make " + state_.root + ": " + error.message());
  fs::remove(folder_.Index(), error);
  WFE_RETURN_IF_ERROR(git_.Run(Place(state_.root), {"read-tree", commit}));
  WFE_RETURN_IF_ERROR(git_.Run(Place(state_.root), {"checkout-index", "--all", "--force", "--index", "--quiet"}));
  return ExportSubmodules(notes);
}

Status BranchWorkspace::ExportSubmodules(std::vector<std::string>& notes) {
  WFE_ASSIGN_OR_RETURN(const std::string listing, git_.Run(Place(state_.root), {"ls-files", "--stage", "-z"}));
  int number = 0;
  for (const std::string& line : SplitAt(listing, '\0')) {
    if (!line.starts_with("160000 ")) continue;
    const size_t tab = line.find('\t');
    const std::string commit = line.substr(7, line.find(' ', 7) - 7);
    const std::string path = line.substr(tab + 1);
    const std::string empty =
        "the submodule " + sandbox::Printable(path) + " is empty in the build: it has no clone here";
    std::error_code error;
    const fs::path clone = fs::canonical(state_.toplevel + "/" + path, error);
    const std::string inside = clone.lexically_relative(state_.toplevel).string();
    auto repository =
        error || inside.starts_with("..") ? Result<Repository>(NotFound(empty)) : FindRepository(clone.string());
    if (!repository || repository->toplevel != clone) {
      notes.push_back(empty);
      continue;
    }
    // The objects may only come from the clone itself or from the repository that it is a part of.
    const std::string modules = fs::path(repository->common_dir).lexically_relative(state_.toplevel).string();
    const std::string linked = fs::path(repository->common_dir).lexically_relative(state_.common_dir).string();
    if (modules.starts_with("..") && linked.starts_with("..")) {
      notes.push_back(empty);
      continue;
    }
    const std::string own = folder_.path() + "/submodule-" + std::to_string(++number);
    WFE_RETURN_IF_ERROR(git_.MakeOwnDir(*repository, own, {}));
    const Git::Place place{.own_dir = own,
                           .objects = repository->common_dir + "/objects",
                           .index = own + "/index",
                           .work_tree = state_.root + "/" + path};
    fs::create_directories(place.work_tree, error);
    if (!git_.Run(place, {"read-tree", commit}) ||
        !git_.Run(place, {"checkout-index", "--all", "--force", "--quiet"})) {
      notes.push_back(empty);
      continue;
    }
    notes.push_back("changes in the submodule " + sandbox::Printable(path) + " are not committed");
  }
  return Ok();
}

std::string BranchWorkspace::BranchTip(const std::string& branch) {
  const auto tip = git_.RunOnRefs(UserRepository(), {"rev-parse", "--verify", "--quiet", "refs/heads/" + branch});
  return tip ? Trimmed(*tip) : "";
}

Status BranchWorkspace::MakeBranch(const std::string& workflow_id, const std::string& run_id,
                                   const std::string& commit) {
  const std::string word = BranchWord(workflow_id);
  std::string run = BranchWord(run_id);
  if (run.size() > 8) run.erase(0, run.size() - 8);  // the first digits of a run id are its time, which runs share
  const std::string none(commit.size(), '0');  // "must not be there yet"
  Error last;
  for (const std::string& name : {"wfe/" + word, "wfe/" + word + "-" + run, "wfe-" + word + "-" + run}) {
    const auto made = git_.RunOnRefs(UserRepository(),
                                     {"update-ref", "-m", "wfe: build " + word, "refs/heads/" + name, commit, none});
    if (made) {
      state_.branch = name;
      state_.last_commit = commit;
      return Ok();
    }
    if (made.error().code == StatusCode::kCancelled) return made.error();
    last = made.error();
  }
  return last;
}

bool BranchWorkspace::AdoptBranch(const std::string& branch, const std::string& run_id) {
  if (branch.empty()) return false;
  const std::string tip = BranchTip(branch);
  if (tip.empty()) return false;
  const auto message = git_.Run(Place(""), {"log", "-1", "--format=%B", tip});
  // Before its first step a branch stands where it began.
  const bool ours =
      tip == state_.base_commit || (message && message->find(std::string(kRunTrailer) + run_id) != std::string::npos);
  if (!ours) return false;
  state_.branch = branch;
  state_.last_commit = tip;
  return true;
}

Status BranchWorkspace::Withhold(std::vector<std::string>& withheld) {
  if (secrets_.empty()) return Ok();
  const std::string& from = state_.last_commit.empty() ? state_.base_commit : state_.last_commit;
  WFE_ASSIGN_OR_RETURN(const std::string changed,
                       git_.Run(Place(state_.root), {"diff-index", "--cached", "--name-only", "-z", "--no-renames",
                                                     "--diff-filter=AMT", from}));
  for (const std::string& path : SplitAt(changed, '\0')) {
    if (path.empty() || !sandbox::FileHoldsSecret(state_.root + "/" + path, secrets_)) continue;
    withheld.push_back(path);
    WFE_ASSIGN_OR_RETURN(const std::string before,
                         git_.Run(Place(state_.root), {"ls-tree", "-z", "--full-tree", from, "--", path}));
    // "MODE TYPE ID<tab>PATH": as the last commit has it, or not at all.
    const std::vector<std::string> parts = SplitAt(before.substr(0, before.find('\t')), ' ');
    if (parts.size() == 3) {
      WFE_RETURN_IF_ERROR(
          git_.Run(Place(state_.root), {"update-index", "--cacheinfo", parts[0], parts[2], path}));
    } else {
      WFE_RETURN_IF_ERROR(git_.Run(Place(state_.root), {"update-index", "--force-remove", "--", path}));
    }
  }
  return Ok();
}

Result<std::string> BranchWorkspace::WriteTree(std::vector<std::string>& withheld) {
  WFE_RETURN_IF_ERROR(RemovePlantedRepositories(state_.root, alive_));
  WFE_RETURN_IF_ERROR(git_.Run(Place(state_.root), {"add", "--all", "."}));
  WFE_RETURN_IF_ERROR(Withhold(withheld));
  WFE_ASSIGN_OR_RETURN(const std::string tree, git_.Run(Place(state_.root), {"write-tree"}));
  return Trimmed(tree);
}

Result<std::string> BranchWorkspace::CommitLike(const std::string& branch) {
  const std::string tip = BranchTip(branch);
  if (tip.empty()) return std::string();
  std::vector<std::string> withheld;
  WFE_ASSIGN_OR_RETURN(const std::string tree, WriteTree(withheld));
  const auto log = git_.Run(Place(""), {"log", "--format=%H %T", state_.base_commit + ".." + tip});
  if (!log) return std::string();  // the old branch has gone its own way
  for (const std::string& line : SplitAt(*log, '\n')) {
    if (line.ends_with(" " + tree)) return line.substr(0, line.find(' '));
  }
  return std::string();
}

Result<std::vector<std::string>> BranchWorkspace::Ignored(const std::vector<std::string>& files) {
  std::vector<std::string> ignored;
  if (files.empty()) return ignored;
  const std::string relative = fs::path(state_.working_dir).lexically_relative(state_.root).string();
  const std::string prefix = relative == "." ? "" : relative + "/";
  // By name: what tools build is ignored too, and may be a million files.
  constexpr size_t kMostAsked = 1000;
  std::vector<std::string> arguments = {"ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--"};
  for (size_t i = 0; i < files.size() && i < kMostAsked; ++i) arguments.push_back(prefix + files[i]);
  WFE_ASSIGN_OR_RETURN(const std::string listing, git_.Run(Place(state_.root), std::move(arguments)));
  for (const std::string& path : SplitAt(listing, '\0')) {
    if (path.starts_with(prefix)) ignored.push_back(path.substr(prefix.size()));
  }
  std::sort(ignored.begin(), ignored.end());
  return ignored;
}

Result<std::string> BranchWorkspace::Commit(const std::string& run_id, const std::string& step,
                                            const std::string& verdict, const std::string& entry_id,
                                            std::string& note) {
  const std::string tip = BranchTip(state_.branch);
  bool moved = !tip.empty() && tip != state_.last_commit;
  if (moved) {
    // Killed after the branch was moved and before that was written down: the tip is this very entry's commit.
    const auto message = git_.Run(Place(""), {"log", "-1", "--format=%B", tip});
    if (message && message->find(std::string(kRunTrailer) + run_id) != std::string::npos) {
      moved = false;
      state_.last_commit = tip;
      if (message->find(std::string(kEntryTrailer) + entry_id + "\n") != std::string::npos) return tip;
    }
  }
  std::vector<std::string> withheld;
  WFE_ASSIGN_OR_RETURN(const std::string tree, WriteTree(withheld));
  for (const std::string& path : withheld) {
    note += (note.empty() ? "" : "; ") + sandbox::Printable(path) +
            " holds a secret key of this machine and is in no commit";
  }
  std::string message = step + (verdict.empty() ? "" : ": " + verdict) + "\n\n";
  message += std::string(kRunTrailer) + run_id + "\n" + std::string(kEntryTrailer) + entry_id + "\n";
  WFE_ASSIGN_OR_RETURN(const std::string made,
                       git_.Run(Place(""), {"commit-tree", tree, "-p", state_.last_commit, "-m", message}));
  const std::string commit = Trimmed(made);
  if (moved) {
    note += std::string(note.empty() ? "" : "; ") + "the branch " + state_.branch +
            " was moved by somebody else; the step is commit " + commit + ", which is not on it";
    return commit;
  }
  const std::string expected = tip.empty() ? std::string(commit.size(), '0') : tip;
  WFE_RETURN_IF_ERROR(git_.RunOnRefs(UserRepository(), {"update-ref", "-m", "wfe: " + sandbox::Printable(step),
                                                        "refs/heads/" + state_.branch, commit, expected}));
  state_.last_commit = commit;
  return commit;
}

}  // namespace wfe::build

#include "activities/build/workspace/git.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "activities/sandbox/text.h"

namespace wfe::build {
namespace {

namespace fs = std::filesystem;

Result<std::string> ReadSmallFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in && text.empty()) return NotFound("cannot read " + path.string());
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

Status WriteFile(const fs::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) return Internal("cannot write " + path.string());
  return Ok();
}

bool IsGitDirectory(const fs::path& dir) {
  std::error_code error;
  if (!fs::exists(dir / "HEAD", error)) return false;
  return fs::exists(dir / "commondir", error) ||
         (fs::is_directory(dir / "objects", error) && fs::is_directory(dir / "refs", error));
}

/// What `.git` leads to: itself, or the directory that a file of "gitdir: PATH" names.
Result<fs::path> GitDirectory(const fs::path& dot_git) {
  std::error_code error;
  fs::path dir = dot_git;
  if (fs::is_regular_file(dot_git, error)) {
    WFE_ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(dot_git));
    constexpr std::string_view kKey = "gitdir: ";
    if (!text.starts_with(kKey)) return FailedPrecondition(dot_git.string() + " does not name a git directory");
    dir = dot_git.parent_path() / text.substr(kKey.size());
  }
  const fs::path real = fs::canonical(dir, error);
  if (error || !IsGitDirectory(real)) {
    return FailedPrecondition(dot_git.string() + " is there, but it is no git repository");
  }
  return real;
}

/// "sha256" when the repository says so; a line scan, since only wfe's own configuration is ever executed.
std::string ObjectFormat(const Repository& repository) {
  const auto config = ReadSmallFile(fs::path(repository.common_dir) / "config");
  if (!config) return "sha1";
  std::string lower = *config;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const size_t at = lower.find("objectformat");
  if (at == std::string::npos) return "sha1";
  return lower.substr(at, lower.find('\n', at) - at).find("sha256") != std::string::npos ? "sha256" : "sha1";
}

}  // namespace

Result<Repository> FindRepository(const std::string& real_dir) {
  std::error_code error;
  const fs::path start(real_dir);
  if (start.filename() == ".git" || (IsGitDirectory(start) && !fs::exists(start / ".git", error))) {
    return InvalidArgument(real_dir + " is a bare repository or the inside of one; name a checkout of it");
  }
  for (fs::path dir = start;; dir = dir.parent_path()) {
    // An empty one is a mount point that a killed sandbox left, and no repository to git either.
    const fs::file_status status = fs::symlink_status(dir / ".git", error);
    if (fs::exists(status) && !(fs::is_directory(status) && fs::is_empty(dir / ".git", error))) {
      WFE_ASSIGN_OR_RETURN(const fs::path git_dir, GitDirectory(dir / ".git"));
      Repository repository{
          .toplevel = dir.string(), .git_dir = git_dir.string(), .common_dir = git_dir.string(), .prefix = {}};
      if (fs::exists(git_dir / "commondir", error)) {
        WFE_ASSIGN_OR_RETURN(const std::string common, ReadSmallFile(git_dir / "commondir"));
        const fs::path real = fs::canonical(git_dir / common, error);
        if (error) return FailedPrecondition(git_dir.string() + "/commondir leads nowhere");
        repository.common_dir = real.string();
      }
      const fs::path relative = start.lexically_relative(dir);
      if (relative != ".") repository.prefix = relative.string();
      return repository;
    }
    if (dir == dir.root_path()) return NotFound(real_dir + " is in no git repository");
  }
}

Status Git::MakeOwnDir(const Repository& repository, const std::string& own_dir,
                       const std::vector<std::string>& excludes) {
  std::error_code error;
  const fs::path own(own_dir);
  for (const char* folder : {"refs/heads", "objects", "info"}) fs::create_directories(own / folder, error);
  if (error) return Internal("cannot make " + own_dir + ": " + error.message());
  std::string config = "[core]\n";
  const bool sha256 = ObjectFormat(repository) == "sha256";
  config += sha256 ? "\trepositoryformatversion = 1\n" : "\trepositoryformatversion = 0\n";
  config +=
      "\tbare = false\n\tfileMode = true\n\tsymlinks = true\n\tignoreCase = false\n\tautocrlf = false\n"
      "\tsafecrlf = false\n\tquotePath = false\n\thooksPath = /dev/null\n\tfsmonitor = false\n\tuntrackedCache = "
      "false\n"
      "\tattributesFile = /dev/null\n\texcludesFile = /dev/null\n\tlogAllRefUpdates = false\n"
      "[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[commit]\n\tgpgSign = false\n[diff]\n\tignoreSubmodules = "
      "all\n";
  if (sha256) config += "[extensions]\n\tobjectFormat = sha256\n";
  WFE_RETURN_IF_ERROR(WriteFile(own / "config", config));
  if (!fs::exists(own / "HEAD", error)) WFE_RETURN_IF_ERROR(WriteFile(own / "HEAD", "ref: refs/heads/none\n"));
  // The strongest attributes there are: bytes go in and out as they are, so LFS pointers and line ends stay.
  WFE_RETURN_IF_ERROR(WriteFile(own / "info/attributes", "* -text -eol -filter -ident -working-tree-encoding\n"));
  std::string exclude;
  if (const auto users = ReadSmallFile(fs::path(repository.common_dir) / "info/exclude")) exclude = *users + "\n";
  for (const std::string& pattern : excludes) exclude += pattern + "\n";
  WFE_RETURN_IF_ERROR(WriteFile(own / "info/exclude", exclude));
  if (const auto shallow = ReadSmallFile(fs::path(repository.common_dir) / "shallow")) {
    WFE_RETURN_IF_ERROR(WriteFile(own / "shallow", *shallow + "\n"));
  }
  return Ok();
}

Result<std::string> Git::Execute(std::vector<std::string> argv, sandbox::Environment environment,
                                 const std::string& directory) {
  sandbox::ProcessSpec spec;
  spec.argv = std::move(argv);
  spec.working_dir = directory;
  spec.environment = std::move(environment);
  for (auto [name, value] :
       {std::pair{"PATH", "/usr/bin:/bin"}, std::pair{"LANG", "C.UTF-8"}, std::pair{"LC_ALL", "C.UTF-8"},
        std::pair{"HOME", "/nonexistent"}, std::pair{"GIT_CONFIG_NOSYSTEM", "1"},
        std::pair{"GIT_CONFIG_GLOBAL", "/dev/null"}, std::pair{"GIT_ATTR_NOSYSTEM", "1"},
        std::pair{"GIT_TERMINAL_PROMPT", "0"}, std::pair{"GIT_OPTIONAL_LOCKS", "0"},
        std::pair{"GIT_NO_REPLACE_OBJECTS", "1"}, std::pair{"GIT_LITERAL_PATHSPECS", "1"},
        // A repository that lacks objects must not make git fetch them by some program.
        std::pair{"GIT_ALLOW_PROTOCOL", "none"}, std::pair{"GIT_NO_LAZY_FETCH", "1"},
        std::pair{"GIT_AUTHOR_NAME", "wfe"}, std::pair{"GIT_AUTHOR_EMAIL", "wfe@localhost"},
        std::pair{"GIT_COMMITTER_NAME", "wfe"}, std::pair{"GIT_COMMITTER_EMAIL", "wfe@localhost"}}) {
    spec.environment.emplace_back(name, value);
  }
  spec.limits.wall_clock = std::chrono::hours(1);
  spec.limits.max_output_bytes = 64ull << 20;
  const sandbox::ProcessOutcome outcome = sandbox::RunProcess(spec, watch_);
  using Kind = sandbox::ProcessOutcome::Kind;
  if (outcome.kind == Kind::kCancelled) return Cancelled("git was stopped: the activity was cancelled");
  if (outcome.kind == Kind::kCouldNotStart) return FailedPrecondition("git does not start: " + outcome.start_error);
  if (outcome.kind == Kind::kTimedOut) return DeadlineExceeded("git took longer than an hour");
  if (outcome.kind == Kind::kExited && outcome.exit_code == 0) {
    if (outcome.out.truncated) return ResourceExhausted("git printed more than 64 MiB");
    return outcome.out.text;
  }
  std::string said = sandbox::CleanTerminalText(outcome.err.text);
  while (!said.empty() && said.back() == '\n') said.pop_back();
  return Internal("git " + (spec.argv.size() > 1 ? spec.argv[spec.argv[1] == "-c" ? 5 : 1] : "") +
                  " failed: " + (said.empty() ? "it said nothing" : sandbox::Printable(said)));
}

Result<std::string> Git::Run(const Place& place, std::vector<std::string> arguments) {
  sandbox::Environment environment = {
      {"GIT_DIR", place.own_dir}, {"GIT_OBJECT_DIRECTORY", place.objects}, {"GIT_INDEX_FILE", place.index}};
  if (!place.work_tree.empty()) environment.emplace_back("GIT_WORK_TREE", place.work_tree);
  arguments.insert(arguments.begin(), program_);
  return Execute(std::move(arguments), std::move(environment),
                 place.work_tree.empty() ? place.own_dir : place.work_tree);
}

Result<std::string> Git::RunOnRefs(const Repository& repository, std::vector<std::string> arguments) {
  const std::vector<std::string> head = {program_, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"};
  arguments.insert(arguments.begin(), head.begin(), head.end());
  return Execute(std::move(arguments), {{"GIT_DIR", repository.git_dir}}, repository.git_dir);
}

}  // namespace wfe::build

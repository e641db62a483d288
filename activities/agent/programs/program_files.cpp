#include "activities/agent/programs/program_files.h"

#include <filesystem>
#include <fstream>
#include <set>

#include "activities/sandbox/toolchain.h"

namespace wfe::agent {
namespace {

namespace fs = std::filesystem;

bool IsSystem(const std::string& path) {
  for (const char* root : {"/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/"}) {
    if (path.starts_with(root)) return true;
  }
  return false;
}

/// A tree that a package manager made, seen from a file in it: the outermost node_modules, or a Python environment.
std::string InstalledTree(const fs::path& file) {
  const std::string text = file.string();
  constexpr std::string_view kModules = "/node_modules/";
  if (const size_t at = text.find(kModules); at != std::string::npos) return text.substr(0, at + kModules.size() - 1);
  std::error_code ignored;
  const fs::path prefix = file.parent_path().parent_path();
  return fs::exists(prefix / "pyvenv.cfg", ignored) ? prefix.string() : std::string();
}

class Files {
 public:
  explicit Files(const std::string& path_variable) : path_variable_(path_variable) {}

  void Add(const std::string& program) {
    if (!IsSystem(program)) {
      const std::string tree = InstalledTree(program);
      paths_.insert(tree.empty() ? program : tree);
    }
    std::string head = FirstLine(program);
    if (head.starts_with("\x7f"
                         "ELF")) {
      AddLibraries(program);
    } else if (head.starts_with("#!")) {
      AddInterpreter(head);
    }
  }

  std::vector<std::string> Take() const { return {paths_.begin(), paths_.end()}; }

 private:
  static std::string FirstLine(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string line(256, '\0');
    in.read(line.data(), static_cast<std::streamsize>(line.size()));
    line.resize(static_cast<size_t>(in.gcount()));
    return line.substr(0, line.find('\n'));
  }

  /// PREFIX/lib beside PREFIX/bin, where the prefix is an installation and not somebody's home.
  void AddLibraries(const std::string& program) {
    if (IsSystem(program)) return;
    const fs::path directory = fs::path(program).parent_path();
    std::error_code ignored;
    if (directory.filename() == "bin" && fs::is_directory(directory.parent_path() / "lib", ignored)) {
      paths_.insert((directory.parent_path() / "lib").string());
    }
  }

  void AddInterpreter(const std::string& line) {
    // Not the shim of a version manager, but what it stands for.
    const std::string found = sandbox::LocateTool(sandbox::InterpreterOf(line), path_variable_).start_as;
    // A script that is no shim leads to places of a person; the next one in PATH is found inside.
    if (found.empty() || !FirstLine(found).starts_with("\x7f"
                                                       "ELF"))
      return;
    std::error_code failed;
    const fs::path real = fs::canonical(found, failed);
    if (failed) return;
    AddLibraries(real.string());
    if (!IsSystem(found) && InstalledTree(found).empty()) paths_.insert(found);
    if (!IsSystem(real.string())) paths_.insert(real.string());
  }

  const std::string& path_variable_;
  std::set<std::string> paths_;  // sorted: a directory comes before what lies in it
};

}  // namespace

std::vector<std::string> FilesOfProgram(const std::string& program, const std::string& path_variable) {
  Files files(path_variable);
  files.Add(program);
  return files.Take();
}

std::vector<std::pair<std::string, std::string>> NetworkFiles() {
  std::vector<std::pair<std::string, std::string>> files;
  for (const char* path : {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf",
                           "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/services", "/etc/protocols"}) {
    std::error_code failed;
    const fs::path real = fs::canonical(path, failed);
    if (!failed) files.emplace_back(real.string(), path);
  }
  return files;
}

}  // namespace wfe::agent

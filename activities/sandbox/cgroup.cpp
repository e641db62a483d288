#include "activities/sandbox/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

namespace wfe::sandbox {
namespace {

constexpr const char* kRoot = "/sys/fs/cgroup";

std::string ReadAll(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

bool WriteTo(const std::string& path, const std::string& value) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file.open() && ::write(file.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

bool HasWord(const std::string& text, const std::string& wanted) {
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word == wanted) return true;
  }
  return false;
}

/// The number behind "key " in a file of counters.
uint64_t Counter(const std::string& path, const std::string& key) {
  std::istringstream words(ReadAll(path));
  std::string word;
  uint64_t value = 0;
  while (words >> word >> value) {
    if (word == key) return value;
  }
  return 0;
}

/// This process's group below a hierarchy ("/user.slice/…"): of a version 1 controller, or "" for the unified one.
std::string OwnGroup(const std::string& controller) {
  std::istringstream lines(ReadAll("/proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers.find("," + controller + ",") != std::string::npos) return line.substr(second + 1);
  }
  return "";
}

/// Below the group this process is in, so that what limits it limits the check too; the root where that is not shown.
std::string Version1Parent(const std::string& controller) {
  const std::string root = std::string(kRoot) + "/" + controller;
  const std::string own = root + OwnGroup(controller);
  return ::access(own.c_str(), W_OK) == 0 ? own : root;
}

std::string NewName() {
  static std::atomic<int> next{0};
  return "wfe-check-" + std::to_string(::getpid()) + "-" + std::to_string(next++);
}

}  // namespace

std::optional<Cgroup> Cgroup::Make(std::optional<uint64_t> memory_bytes, std::optional<uint64_t> processes,
                                   std::string* why) {
  Cgroup group;
  const std::string name = NewName();
  const auto make = [&](const std::string& parent, std::string* made) {
    const std::string directory = parent + "/" + name;
    if (::mkdir(directory.c_str(), 0755) != 0) return false;
    Group one{.directory = directory,
              .procs = UniqueFd(::open((directory + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC))};
    const bool open = one.procs.open();
    group.groups_.push_back(std::move(one));
    *made = directory;
    return open;
  };
  // Version 2: below this process's group or beside it, where the two controllers are handed down.
  const std::string own = std::string(kRoot) + OwnGroup("");
  for (std::string parent : {own, own.substr(0, own.rfind('/'))}) {
    while (parent.ends_with('/')) parent.pop_back();
    if (!parent.starts_with(kRoot)) continue;
    const std::string handed_down = ReadAll(parent + "/cgroup.subtree_control");
    if (!HasWord(handed_down, "memory") || !HasWord(handed_down, "pids")) continue;
    std::string directory;
    if (!make(parent, &directory)) {
      group.groups_.clear();
      continue;
    }
    group.version2_ = true;
    group.memory_directory_ = group.pids_directory_ = directory;
    const bool memory = !memory_bytes || WriteTo(directory + "/memory.max", std::to_string(*memory_bytes));
    const bool pids = !processes || WriteTo(directory + "/pids.max", std::to_string(*processes));
    if (memory_bytes) WriteTo(directory + "/memory.swap.max", "0");
    WriteTo(directory + "/memory.oom.group", "1");
    if (memory && pids) return group;
    *why = "the limits of " + directory + " cannot be set";
    return std::nullopt;
  }
  // Version 1: one hierarchy for each controller.
  const std::string memory_root = Version1Parent("memory");
  const std::string pids_root = Version1Parent("pids");
  if (::access((memory_root + "/memory.limit_in_bytes").c_str(), F_OK) == 0 && ::access(pids_root.c_str(), W_OK) == 0) {
    const bool made = make(memory_root, &group.memory_directory_) && make(pids_root, &group.pids_directory_);
    const bool memory = made && (!memory_bytes || WriteTo(group.memory_directory_ + "/memory.limit_in_bytes",
                                                          std::to_string(*memory_bytes)));
    const bool pids = made && (!processes || WriteTo(group.pids_directory_ + "/pids.max", std::to_string(*processes)));
    if (memory && pids) return group;
  }
  *why = "no control group with memory and pids can be made here";
  return std::nullopt;
}

Cgroup::~Cgroup() {
  for (Group& group : groups_) {
    if (group.directory.empty()) continue;
    group.procs.Close();
    // Its processes are gone, but the kernel may still be letting go of them.
    for (int attempt = 0; attempt < 50 && ::rmdir(group.directory.c_str()) != 0 && errno == EBUSY; ++attempt) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
}

std::vector<int> Cgroup::join_fds() const {
  std::vector<int> fds;
  for (const Group& group : groups_) fds.push_back(group.procs.get());
  return fds;
}

bool Cgroup::memory_was_exceeded() const {
  if (version2_) return Counter(memory_directory_ + "/memory.events", "oom_kill") > 0;
  return Counter(memory_directory_ + "/memory.oom_control", "oom_kill") > 0;
}

bool Cgroup::processes_were_exceeded() const { return Counter(pids_directory_ + "/pids.events", "max") > 0; }

}  // namespace wfe::sandbox

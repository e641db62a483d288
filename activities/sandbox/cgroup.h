// A control group of its own for one command, where this machine lets us make one: version 2 (as root or in a delegated
// sub-tree) or version 1's memory and pids controllers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/unique_fd.h"

namespace wfe::sandbox {

/// Exists while a command runs; gone with this object.  Used from one thread.
class Cgroup {
 public:
  /// nullopt where none can be made; `why` then says the reason in words.
  static std::optional<Cgroup> Make(std::optional<uint64_t> memory_bytes, std::optional<uint64_t> processes,
                                    std::string* why);
  Cgroup(Cgroup&&) = default;
  Cgroup& operator=(Cgroup&&) = delete;
  ~Cgroup();

  /// Descriptors of cgroup.procs: a process that writes "0" to each of them joins.
  std::vector<int> join_fds() const;
  bool memory_was_exceeded() const;
  bool processes_were_exceeded() const;

 private:
  struct Group {
    std::string directory;
    UniqueFd procs;
  };
  Cgroup() = default;
  std::vector<Group> groups_;
  std::string memory_directory_;
  std::string pids_directory_;
  bool version2_ = false;
};

}  // namespace wfe::sandbox

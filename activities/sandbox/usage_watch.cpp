#include "activities/sandbox/usage_watch.h"

#include <dirent.h>
#include <fts.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>

namespace wfe::sandbox {
namespace {

struct Process {
  pid_t parent = 0;
  uint64_t resident_pages = 0;
};

bool ReadStat(pid_t pid, Process& process) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text)) return false;
  // The name stands in brackets and may hold anything.
  const size_t close = text.rfind(')');
  if (close == std::string::npos) return false;
  char state = 0;
  int parent = 0;
  long long resident = 0;
  // After the name: state, parent, then 19 fields until the size of memory and the resident pages.
  const int read = std::sscanf(text.c_str() + close + 1,
                               " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %*u %*u %lld",
                               &state, &parent, &resident);
  if (read != 3 || state == 'Z') return false;
  process.parent = parent;
  process.resident_pages = static_cast<uint64_t>(std::max(0LL, resident));
  return true;
}

std::map<pid_t, Process> Below(pid_t root) {
  std::map<pid_t, Process> all;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  if (proc == nullptr) return all;
  while (const dirent* item = ::readdir(proc.get())) {
    const int pid = std::atoi(item->d_name);
    if (pid > 0) {
      Process process;
      if (ReadStat(pid, process)) all[pid] = process;
    }
  }
  std::map<pid_t, std::vector<pid_t>> children;
  for (const auto& [pid, process] : all) children[process.parent].push_back(pid);
  std::map<pid_t, Process> below;
  std::vector<pid_t> pending = children[root];
  while (!pending.empty()) {
    const pid_t pid = pending.back();
    pending.pop_back();
    if (!below.emplace(pid, all[pid]).second) continue;
    pending.insert(pending.end(), children[pid].begin(), children[pid].end());
  }
  return below;
}

}  // namespace

ProcessUsage UsageBelow(pid_t root) {
  ProcessUsage usage;
  const auto page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  for (const auto& [pid, process] : Below(root)) {
    ++usage.processes;
    usage.memory_bytes += process.resident_pages * page;
  }
  return usage;
}

uint64_t ProportionalMemoryBelow(pid_t root) {
  uint64_t kib = 0;
  for (const auto& [pid, process] : Below(root)) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/smaps_rollup");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("Pss:")) kib += std::strtoull(line.c_str() + 4, nullptr, 10);
    }
  }
  return kib << 10;
}

uint64_t DiskBytes(const std::vector<std::string>& directories, const std::vector<std::string>& excluded) {
  std::vector<std::string> names = directories;
  std::vector<char*> paths;
  for (std::string& name : names) paths.push_back(name.data());
  paths.push_back(nullptr);
  const std::unique_ptr<FTS, int (*)(FTS*)> walk(::fts_open(paths.data(), FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, nullptr),
                                                 ::fts_close);
  if (walk == nullptr) return 0;
  uint64_t bytes = 0;
  while (FTSENT* entry = ::fts_read(walk.get())) {
    const bool skipped = entry->fts_level > 0 &&
                         std::find(excluded.begin(), excluded.end(), entry->fts_name) != excluded.end();
    if (skipped && entry->fts_info == FTS_D) ::fts_set(walk.get(), entry, FTS_SKIP);
    if (skipped || entry->fts_statp == nullptr || entry->fts_info == FTS_DP || entry->fts_info == FTS_NS) continue;
    bytes += static_cast<uint64_t>(entry->fts_statp->st_blocks) * 512;
  }
  return bytes;
}

}  // namespace wfe::sandbox

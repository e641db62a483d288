#include "activities/agent/cost/cost_ledger.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/base/parse_json.h"

namespace wfe::agent {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// Whole and on the disk, or not there.
bool WriteDurably(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".tmp";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return false;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  ::close(fd);
  if (written && ::rename(temporary.c_str(), path.c_str()) == 0) return true;
  ::unlink(temporary.c_str());
  return false;
}

/// A process that was killed while it wrote leaves the beginning of a row; its call had not been made.  Others may be writing.
void RemoveUnfinished(const std::string& directory) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    if (entry.path().extension() != ".tmp") continue;
    const auto age = fs::file_time_type::clock::now() - entry.last_write_time(ignored);
    if (age > std::chrono::hours(1)) fs::remove(entry.path(), ignored);
  }
}

}  // namespace

std::string LedgerKey(const json& row) {
  // Both rows of a call stand under the day on which it began, which the first row alone knows.
  const std::string day = row.value("started", row.value("time", "")).substr(0, 10);
  return day + "/" + row.value("call_id", "") + (row.value("status", "") == "started" ? "/0" : "/1");
}

CostLedger::CostLedger(const std::string& work_root, Append append, Duration retry_every)
    : directory_(work_root + "/ledger-queue"), append_(std::move(append)), retry_every_(retry_every) {
  std::error_code ignored;
  fs::create_directories(directory_, ignored);
  fs::permissions(directory_, fs::perms::owner_all, ignored);
  RemoveUnfinished(directory_);
  sender_ = std::thread([this] { Run(); });
}

CostLedger::~CostLedger() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  sender_.join();
}

void CostLedger::Record(const json& row) {
  const std::lock_guard lock(mutex_);
  char name[64];
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  std::snprintf(name, sizeof(name), "/%020lld-%06llu.json",
                static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(now).count()),
                static_cast<unsigned long long>(++number_));
  const json entry = {{"key", LedgerKey(row)}, {"row", row}};
  if (!WriteDurably(directory_ + name, entry.dump(-1, ' ', false, json::error_handler_t::replace))) return;
  ++written_;
  changed_.notify_all();
}

bool CostLedger::WaitUntilSent(Duration timeout) {
  std::unique_lock lock(mutex_);
  const uint64_t wanted = written_ + 1;  // 1: the first pass, over what was there before
  return changed_.wait_for(lock, timeout, [&] { return sent_to_ >= wanted; });
}

void CostLedger::Run() {
  while (true) {
    uint64_t before = 0;
    bool last = false;
    {
      const std::lock_guard lock(mutex_);
      before = written_ + 1;
      last = stopping_;
    }
    const bool all = SendAll();
    std::unique_lock lock(mutex_);
    if (all) sent_to_ = std::max(sent_to_, before);
    changed_.notify_all();
    if (last) return;
    const auto news = [&] { return stopping_ || written_ + 1 > before; };
    if (all) {
      changed_.wait(lock, news);
    } else {
      changed_.wait_for(lock, retry_every_, [&] { return stopping_; });
    }
  }
}

bool CostLedger::SendAll() {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_, ignored)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const json entry = ParseJson(text);
    if (!entry.is_object() || !entry.contains("key") || !entry["key"].is_string() || !entry.contains("row")) {
      // Damaged by something else than us; kept aside for a person, so that the others are not held up.
      fs::rename(file, file.string() + ".bad", ignored);
      continue;
    }
    if (!append_(entry["key"].get<std::string>(), entry["row"].dump())) return false;
    fs::remove(file, ignored);
  }
  return true;
}

}  // namespace wfe::agent

// What one agent step has received and done, on this worker's disk, so that a retry continues instead of paying again
// (AC-2, AB-5).  One directory per idempotency token:
//   <work root>/journal/<SHA-256 of the token>/
//     lock               held while an attempt runs
//     meta.json          {"request_hash", "token"}
//     before.json        the directory's snapshot before the first attempt
//     0001.json          model answer of turn 1, written before it is applied
//     0001.effects.json  what turn 1 does to files and answers to the model, written before the files are
// Every file is written whole (temporary file, sync, rename, sync of the directory).
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace wfe::agent {

/// The journal of one step.  Movable; used from one thread.
class StepJournal {
 public:
  /// Waits for another attempt of the same step to end; `keep_waiting` is asked every 50 ms, false gives CANCELLED.
  /// A journal made for another request (same token, other input) is thrown away.
  static Result<StepJournal> Open(const std::string& work_root, const std::string& token,
                                  const std::string& request_hash, const std::function<bool()>& keep_waiting);
  StepJournal(StepJournal&& other) noexcept;
  StepJournal& operator=(StepJournal&& other) noexcept;
  ~StepJournal();

  /// nullopt when it was not written.  DATA_LOSS when it is damaged.
  Result<std::optional<nlohmann::json>> Read(const std::string& name) const;
  /// Durable when it returns.  RESOURCE_EXHAUSTED: the disk is full.
  Status Write(const std::string& name, const nlohmann::json& value);

  const std::string& path() const { return path_; }

 private:
  StepJournal(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}
  std::string path_;
  int lock_fd_ = -1;
};

/// "0001.json", "0001.effects.json".
std::string AnswerName(int turn);
std::string EffectsName(int turn);

/// Removes the journal of a step whose completion the engine has acknowledged.  Removing none is fine.
Status AckJournal(const std::string& work_root, const std::string& token);

/// Removes journals that nobody holds and that were last written before `older_than`; gives their number.
int PruneJournals(const std::string& work_root, Instant older_than);

}  // namespace wfe::agent

#include "engine/storage/commit_stage.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "engine/base/hash.h"
#include "engine/base/proto_time.h"
#include "engine/base/serialize.h"
#include "engine/storage/keys.h"
#include "wfe/engine/v1/store.pb.h"

namespace wfe::storage {

namespace {

size_t RowBytes(const WriteSet& rows) {
  size_t bytes = 0;
  for (const Put& put : rows.puts) bytes += put.key.size() + put.value.size();
  for (const Delete& gone : rows.deletes) bytes += gone.key.size();
  return bytes;
}

/// Of a commit's rows, before its number is filled in.
Sha256Digest DigestOf(const WriteSet& rows) {
  Sha256Stream stream;
  std::string head;
  const auto update = [&](char kind, Family family, std::string_view key, std::string_view value) {
    head.assign(1, kind);
    keys::AppendText(head, FamilyName(family));
    keys::AppendU64(head, key.size());
    keys::AppendU64(head, value.size());
    stream.Update(head);
    stream.Update(key);
    stream.Update(value);
  };
  for (const Put& put : rows.puts) update('p', put.family, put.key, put.value);
  for (const Delete& gone : rows.deletes) update('d', gone.family, gone.key, {});
  return stream.Finish();
}

/// The hash after a commit: over the hash before it, its number and the digest of its rows.
std::string RunningHash(std::string_view before, uint64_t sequence, const Sha256Digest& rows) {
  std::string number;
  keys::AppendU64(number, sequence);
  return std::string(AsBytes(Sha256({before, number, AsBytes(rows)})));
}

}  // namespace

void ExitOnStorageFailure(const Error& error) {
  std::fprintf(stderr, "wfe: the store failed, so nothing can be acknowledged any more: %s\n",
               error.ToString().c_str());
  std::_Exit(kStorageFailedExitCode);
}

CommitStage::CommitStage(KeyValueStore& kv, Ledger& ledger, const Clock& clock, CommitStageOptions options)
    : kv_(kv), ledger_(ledger), clock_(clock), options_(std::move(options)) {}

CommitStage::~CommitStage() {
  {
    const auto lock = Lock();
    abandoned_ = true;
  }
  work_.notify_all();
  ledger_wake_.notify_all();
  if (commit_thread_.joinable()) commit_thread_.join();
  if (ledger_thread_.joinable()) ledger_thread_.join();
}

void CommitStage::Begin(CommitPosition position, LedgerMark mark, Instant last_known_time) {
  const auto lock = Lock();
  WFE_CHECK(last_sequence_ == 0 && queue_.empty(), "Begin comes first");
  last_sequence_ = position.sequence;
  marked_ = {CommitPosition{mark.sequence, mark.running_hash}, CommitPosition{mark.sequence, mark.running_hash}};
  position_ = std::move(position);
  mark_ = std::move(mark);
  last_known_time_ = last_known_time;
  last_marked_at_ = clock_.Now();
}

void CommitStage::Start() {
  WFE_CHECK(!commit_thread_.joinable(), "the stage was started twice");
  commit_thread_ = std::thread([this] { CommitLoop(); });
  ledger_thread_ = std::thread([this] { LedgerLoop(); });
}

Status CommitStage::Stop() {
  const bool threaded = commit_thread_.joinable();
  {
    const auto lock = Lock();
    draining_ = true;
  }
  work_.notify_all();
  ledger_wake_.notify_all();
  if (threaded) {
    commit_thread_.join();
    ledger_thread_.join();
  } else {
    while (RunOnce() > 0) {
    }
  }
  if (failed()) return Unavailable("the store has failed; its last commits were not acknowledged");
  return WriteMark(true);
}

uint64_t CommitStage::Enqueue(PendingWrite write, DurableCallback durable) {
  auto commit = std::make_unique<Commit>(Commit{0, std::move(write.rows), std::move(durable)});
  commit->bytes = RowBytes(commit->rows);
  commit->digest = DigestOf(commit->rows);
  uint64_t sequence = 0;
  bool wake = false;
  {
    const auto lock = Lock();
    if (failed_) return last_sequence_;
    sequence = ++last_sequence_;
    commit->sequence = sequence;
    std::string stamp;
    keys::AppendU64(stamp, sequence);
    for (const size_t index : write.stamped) commit->rows.puts.at(index).value.replace(0, stamp.size(), stamp);
    for (const Put& put : commit->rows.puts) Overlay(put.family, put.key, {sequence, &put.value});
    for (const Delete& gone : commit->rows.deletes) Overlay(gone.family, gone.key, {sequence, nullptr});
    pending_bytes_ += commit->bytes;
    ++pending_commits_;
    queue_.push_back(std::move(commit));
    wake = queue_.size() >= wanted_;
  }
  if (wake) work_.notify_one();
  return sequence;
}

Status CommitStage::WaitDurable(uint64_t sequence) {
  WFE_CHECK(sequence <= last_sequence(), "nobody handed in this commit");
  const auto done = [&] { return failed_ || position_.sequence >= sequence; };
  if (commit_thread_.joinable()) {
    auto lock = Lock();
    durable_.wait(lock, done);
  } else {
    while (true) {
      {
        const auto lock = Lock();
        if (done()) break;
      }
      RunOnce();
    }
  }
  if (durable_position().sequence >= sequence && !failed()) return Ok();
  return Unavailable("the store has failed");
}

CommitStage::Group CommitStage::TakeGroup() {
  const auto lock = Lock();
  Group group;
  if (failed_) return group;
  size_t bytes = 0;
  while (!queue_.empty() && (group.empty() || bytes < options_.max_group_bytes)) {
    bytes += queue_.front()->bytes;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  stats_.bytes += group.empty() ? 0 : bytes;
  return group;
}

WriteSet CommitStage::PositionRows(const Group& group, CommitPosition& position, Instant now) {
  engine::v1::CommitPositionRow row;
  {
    const auto lock = Lock();
    position = position_;
    // The ledger names one of these, or this very group, whenever the power goes (see MarkLedger).
    for (const CommitPosition* known : {&marked_[1], &marked_[0], &position_}) {
      auto* mark = row.add_known();
      mark->set_sequence(known->sequence);
      mark->set_running_hash(known->running_hash);
    }
  }
  for (const auto& commit : group) {
    position.running_hash = RunningHash(position.running_hash, commit->sequence, commit->digest);
    position.sequence = commit->sequence;
  }
  row.set_sequence(position.sequence);
  row.set_running_hash(position.running_hash);
  *row.mutable_last_known_time() = ToProto(now);
  WriteSet set;
  set.puts.push_back({Family::kMeta, std::string(keys::kPosition), Serialize(row)});
  return set;
}

namespace {

/// The callbacks of one group that go to one executor, in commit order.
struct Batch {
  Executor* executor = nullptr;
  std::vector<Function<void()>> callbacks;
};

}  // namespace

void CommitStage::Release(const Group& group) {
  // One post for each executor, not for each commit: waking a thread costs more than a callback.
  std::vector<Batch> batches;
  for (const auto& commit : group) {
    if (!commit->durable.run) continue;
    if (commit->durable.executor == nullptr) {
      commit->durable.run();
      continue;
    }
    auto batch = std::find_if(batches.begin(), batches.end(),
                              [&](const Batch& each) { return each.executor == commit->durable.executor; });
    if (batch == batches.end()) batch = batches.insert(batches.end(), Batch{commit->durable.executor, {}});
    batch->callbacks.push_back(std::move(commit->durable.run));
  }
  for (Batch& batch : batches) {
    batch.executor->Post([callbacks = std::move(batch.callbacks)]() mutable {
      for (Function<void()>& callback : callbacks) callback();
    });
  }
}

size_t CommitStage::RunOnce() {
  const std::lock_guard run_lock(run_mutex_);
  Group group = TakeGroup();
  if (group.empty()) return 0;
  const Instant now = std::max(clock_.Now(), last_known_time());
  CommitPosition position;
  const WriteSet position_rows = PositionRows(group, position, now);
  std::vector<const WriteSet*> sets;
  sets.reserve(group.size() + 1);
  size_t rows = 1;
  for (const auto& commit : group) {
    sets.push_back(&commit->rows);
    rows += commit->rows.puts.size() + commit->rows.deletes.size();
  }
  sets.push_back(&position_rows);
  if (const Status written = kv_.Write(sets, true); !written) {
    Fail(written.error());
    // Reads still see what was handed in, until the process is gone.
    const auto lock = Lock();
    for (auto it = group.rbegin(); it != group.rend(); ++it) {
      queue_.push_front(std::move(*it));
    }
    return 0;
  }
  bool mark_due = false;
  {
    const auto lock = Lock();
    position_ = position;
    last_known_time_ = now;
    for (const auto& commit : group) pending_bytes_ -= commit->bytes;
    pending_commits_ -= group.size();
    stats_.commits += group.size();
    stats_.groups += 1;
    stats_.rows += rows;
    mark_due = !commit_thread_.joinable() && now - last_marked_at_ >= options_.ledger_interval;
  }
  durable_.notify_all();
  if (options_.group_sizes) options_.group_sizes->Observe(static_cast<double>(group.size()));
  Release(group);
  {
    // Those who wait go first; meanwhile reads find the rows here and in the store, and they are the same.
    const auto lock = Lock();
    ForgetOverlay(group);
  }
  if (mark_due) MarkLedger();
  return group.size();
}

void CommitStage::Overlay(Family family, std::string_view key, OverlayRow row) {
  auto& rows = overlay_[static_cast<size_t>(family)];
  const auto [place, is_new] = rows.try_emplace(key, row);
  if (is_new) return;
  // The key lies in the commit, too, and that of the older one goes with it.
  auto node = rows.extract(place);
  node.key() = key;
  node.mapped() = row;
  rows.insert(std::move(node));
}

void CommitStage::ForgetOverlay(const Group& group) {
  const auto forget = [&](Family family, const std::string& key, uint64_t sequence) {
    auto& rows = overlay_[static_cast<size_t>(family)];
    const auto found = rows.find(key);
    if (found != rows.end() && found->second.sequence == sequence) rows.erase(found);
  };
  for (const auto& commit : group) {
    for (const Put& put : commit->rows.puts) forget(put.family, put.key, commit->sequence);
    for (const Delete& gone : commit->rows.deletes) forget(gone.family, gone.key, commit->sequence);
  }
}

Duration CommitStage::PauseAfter(size_t group_size) {
  constexpr Duration kForEachNeighbour = std::chrono::microseconds(100);
  constexpr Duration kLongest = std::chrono::milliseconds(2);
  if (group_size <= 1) return Duration::zero();
  return std::min<Duration>(kLongest, kForEachNeighbour * static_cast<int64_t>(group_size - 1));
}

void CommitStage::CommitLoop() {
  size_t group_size = 0;
  while (true) {
    {
      auto lock = Lock();
      const auto ends = [&] { return abandoned_ || draining_ || failed_; };
      if (const Duration pause = PauseAfter(group_size); pause > Duration::zero()) {
        // Whoever was answered comes back soon, and the group is whole again.
        wanted_ = group_size;
        work_.wait_for(lock, pause, [&] { return ends() || queue_.size() >= wanted_; });
      }
      wanted_ = 1;
      work_.wait(lock, [&] { return ends() || !queue_.empty(); });
      if (abandoned_ || failed_ || (draining_ && queue_.empty())) return;
    }
    group_size = RunOnce();
  }
}

void CommitStage::LedgerLoop() {
  while (true) {
    {
      auto lock = Lock();
      ledger_wake_.wait_for(lock, options_.ledger_interval, [&] { return abandoned_ || draining_ || failed_; });
      if (abandoned_ || draining_ || failed_) return;
      if (position_.sequence == mark_.sequence) continue;
    }
    MarkLedger();
  }
}

void CommitStage::MarkLedger() {
  if (const Status written = WriteMark(false); !written) Fail(written.error());
}

Status CommitStage::WriteMark(bool clean_shutdown) {
  const std::lock_guard ledger_lock(ledger_mutex_);
  WFE_ASSIGN_OR_RETURN(CatalogMark catalog, kv_.Catalog());
  LedgerMark mark;
  {
    const auto lock = Lock();
    if (failed_) return Unavailable("the store has failed");
    // From here on each group names this position as known.  The group in flight, if any, names it as the one before
    // it.  So whichever group is the last to survive, it can vouch for the mark.
    if (marked_[0].sequence != position_.sequence) marked_ = {position_, marked_[0]};
    mark_.sequence = position_.sequence;
    mark_.running_hash = position_.running_hash;
    mark_.clean_shutdown = clean_shutdown;
    mark_.catalog = std::move(catalog);
    last_marked_at_ = clock_.Now();
    mark = mark_;
  }
  return ledger_.Write(mark);
}

void CommitStage::Fail(const Error& error) {
  {
    const auto lock = Lock();
    if (failed_) return;
    failed_ = true;
  }
  options_.fatal(error);
  durable_.notify_all();
  work_.notify_all();
  ledger_wake_.notify_all();
}

bool CommitStage::failed() const {
  const auto lock = Lock();
  return failed_;
}

uint64_t CommitStage::last_sequence() const {
  const auto lock = Lock();
  return last_sequence_;
}

CommitPosition CommitStage::durable_position() const {
  const auto lock = Lock();
  return position_;
}

Instant CommitStage::last_known_time() const {
  const auto lock = Lock();
  return last_known_time_;
}

CommitStage::Stats CommitStage::stats() const {
  const auto lock = Lock();
  return stats_;
}

Result<std::string> CommitStage::Get(Family family, std::string_view key) const {
  {
    const auto lock = Lock();
    const auto& rows = overlay_[static_cast<size_t>(family)];
    const auto found = rows.find(key);
    if (found != rows.end()) {
      if (found->second.value == nullptr) return NotFound("the row is being deleted");
      return *found->second.value;
    }
  }
  return kv_.Get(family, key);
}

std::vector<PendingRow> CommitStage::PendingIn(Family family, std::string_view first, std::string_view last) const {
  const auto lock = Lock();
  const auto& rows = overlay_[static_cast<size_t>(family)];
  std::vector<PendingRow> pending;
  for (auto row = rows.lower_bound(first); row != rows.end() && (last.empty() || row->first < last); ++row) {
    const std::string* value = row->second.value;
    pending.push_back({std::string(row->first), value == nullptr ? std::nullopt : std::optional(*value)});
  }
  return pending;
}

// The overlay is read before the store: a row that leaves it in between is then found in the store.
std::unique_ptr<Cursor> CommitStage::Scan(Family family, std::string_view first, std::string_view last) const {
  auto pending = PendingIn(family, first, last);
  return MergeRows(std::move(pending), kv_.Scan(family, first, last), false);
}

std::unique_ptr<Cursor> CommitStage::ScanReverse(Family family, std::string_view first, std::string_view last) const {
  auto pending = PendingIn(family, first, last);
  return MergeRows(std::move(pending), kv_.ScanReverse(family, first, last), true);
}

}  // namespace wfe::storage

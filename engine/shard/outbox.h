// What the runs of one shard owe to others, on its way.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/executor.h"
#include "engine/base/log.h"
#include "engine/base/time.h"
#include "engine/shard/router.h"

namespace wfe::shard {

/// Delivers each obligation until it has an answer, and hands the answer over to be acknowledged.  What one run owes to
/// one workflow goes in order, one at a time; everything else side by side.  Nothing here is stored: the rows are, and
/// a start adds them again.  On the shard's strand only.
class Outbox {
 public:
  using Duty = std::shared_ptr<const history::Obligation>;
  struct Host {
    TimerService& timers;
    Executor& executor;
    /// Whether the run still waits for answers.
    std::function<bool(const ExecutionKey&)> is_open;
    /// Settles it: the owner learns of the answer, if there is one, and the row goes.
    std::function<void(const history::ObligationId&, const Duty&, std::optional<history::Refusal>)> acknowledge;
    /// Told of what cannot be delivered for long.
    Log* log = &NoLog();
  };
  explicit Outbox(Host host) : host_(std::move(host)) {}
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// Once: what was added before is delivered from now on.
  void Connect(Router& router);
  /// Its row is durable.
  void Add(history::ObligationId id, Duty duty);
  /// Delivers nothing more.
  void Stop() { stopped_ = true; }
  size_t size() const { return size_; }

 private:
  struct Item {
    int64_t number = 0;
    Duty duty;
  };
  struct Lane {
    std::deque<Item> items;
    bool under_way = false;  ///< The first one.
    int failures = 0;        ///< Of the first one.
  };
  using LaneKey = std::pair<ExecutionKey, WorkflowKey>;

  /// Goes on with the lane, unless it is under way.
  void Drive(const LaneKey& key);
  void OnAnswer(const LaneKey& key, Result<history::Refusal> answer);
  /// The first one of the lane is done with.
  void Settle(const LaneKey& key, std::optional<history::Refusal> answer);

  const Host host_;
  Router* router_ = nullptr;
  std::map<LaneKey, Lane> lanes_;
  size_t size_ = 0;
  bool stopped_ = false;
};

}  // namespace wfe::shard

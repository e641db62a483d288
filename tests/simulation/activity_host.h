// Runs activities in virtual time.  What an activity does follows from its type's name and its attempt; how long it
// takes, from the seed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/simulation/process.h"
#include "workers/host/activity_executor.h"
#include "workers/sdk/activity.h"

namespace wfe::simulation {

// What activities give back; the workflows' results are sums of these.
inline constexpr sdk::ActivityType<int64_t, int64_t> kWork{"work"};        // its input
inline constexpr sdk::ActivityType<int64_t, int64_t> kFlaky{"flaky"};      // its input, from the third attempt on
inline constexpr sdk::ActivityType<int64_t, int64_t> kRefused{"refused"};  // always a failure that is not retryable
inline constexpr sdk::ActivityType<int64_t, int64_t> kBroken{"broken"};    // always a retryable failure
inline constexpr sdk::ActivityType<int64_t, int64_t> kStuck{"stuck"};      // ends long after its timeout
inline constexpr sdk::ActivityType<int64_t, int64_t> kBeating{"beating"};  // heartbeats; its input, or cancelled
inline constexpr sdk::ActivityType<int64_t, int64_t> kSilent{"silent"};    // never heartbeats, although it should

void RegisterActivities(sdk::ActivityRegistry& registry);

/// Knows every attempt that any worker of the world has begun: none may begin twice (one_started_event_per_attempt).
class AttemptLog {
 public:
  void Begin(const sdk::ActivityInfo& info);
  const std::vector<std::string>& violations() const { return violations_; }
  size_t size() const { return begun_.size(); }

 private:
  std::set<std::tuple<std::string, std::string, int>> begun_;
  std::vector<std::string> violations_;
};

class ActivityHost final : public worker::ActivityExecutor {
 public:
  ActivityHost(Process& process, Random random, AttemptLog& log);

  void Execute(std::shared_ptr<sdk::ActivityContext> context, Work work, Done done) override;

 private:
  struct Running;
  void Beat(const std::shared_ptr<Running>& running);
  Duration LengthOf(const std::string& type);

  Process& process_;
  Strand& strand_;
  Random random_;
  AttemptLog& log_;
};

}  // namespace wfe::simulation

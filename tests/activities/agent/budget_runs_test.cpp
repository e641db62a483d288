// Ten runs under one budget never exceed it: random interleavings, messages that are lost on either way, workers that
// are killed anywhere between reserve and settle, a records server that crashes (QF-2).  The real CallLog with its
// journal on one side, the real records service over a store that forgets what was not synced on the other; time is
// virtual.
//   WFE_SEEDS=1-500 runs others than the usual.
#include <gtest/gtest.h>

#include <random>

#include "activities/agent/cost/call_log.h"
#include "activities/agent/cost/prices.h"
#include "activities/agent/step/journal.h"
#include "engine/records/records_service.h"
#include "tests/activities/agent/agent_test_support.h"
#include "tests/storage/storage_test_support.h"
#include "workers/client/budget_client.h"

namespace wfe::agent {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// The worker's process ends here.
struct Killed {};

class Chance {
 public:
  explicit Chance(uint64_t seed) : random_(seed) {}
  int64_t Below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  bool OneIn(int64_t n) { return Below(n) == 0; }

 private:
  std::mt19937_64 random_;
};

/// The records server, which may crash, and the way to it, which may lose both requests and answers.
class Records final : public client::ServiceClient {
 public:
  Records(Chance& chance, Money limit) : chance_(chance), limit_(limit) {
    machine_.clock.Set(ParseIso8601("2026-11-26T12:00:00.000Z").value());
    Restart();
  }
  std::shared_ptr<client::CallHandle> Call(std::string_view, std::string_view method,
                                           const google::protobuf::MessageLite& request, const client::CallOptions&,
                                           Function<void(Result<std::string>)> done) override {
    if (faults && chance_.OneIn(12)) return Answer(done, Unavailable("the request was lost"));
    if (faults && chance_.OneIn(25)) Restart();
    const Result<std::string> response = service_->Call(method, request.SerializeAsString());
    if (kills && chance_.OneIn(15)) throw Killed();
    if (faults && chance_.OneIn(25)) Restart();
    if (faults && chance_.OneIn(12)) return Answer(done, Unavailable("the answer was lost"));
    return Answer(done, response);
  }
  records::BudgetStanding Daily() { return budgets_->Standings("").value().front(); }
  void Advance(Duration by) { machine_.clock.Advance(by); }
  Instant Now() const { return machine_.clock.Now(); }

  bool faults = true;
  bool kills = true;

 private:
  static std::shared_ptr<client::CallHandle> Answer(Function<void(Result<std::string>)>& done,
                                                    Result<std::string> with) {
    done(std::move(with));
    return nullptr;
  }
  void Restart() {
    service_.reset();
    budgets_.reset();
    records_.reset();
    store_.reset();
    machine_.disk->Crash();
    store_ = machine_.Start();
    records_ = records::RecordsStore::Open(store_->stage()).value();
    budgets_ =
        records::BudgetStore::Open(store_->stage(), machine_.clock, {.defaults = {{.name = {}, .limit = limit_}}})
            .value();
    service_ = std::make_unique<records::RecordsService>(*records_, *budgets_, "test");
  }

  Chance& chance_;
  const Money limit_;
  storage::MemoryMachine machine_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<records::RecordsStore> records_;
  std::unique_ptr<records::BudgetStore> budgets_;
  std::unique_ptr<records::RecordsService> service_;
};

/// What all runs share, and what really happened.
struct World {
  Chance chance;
  Records records{chance, Money::Parse("0.20").value()};
  client::BudgetClient budgets{records};
  PriceTable prices = PriceTable::Parse(
                          R"({"prices":[{"model":"m","valid_from":"2026-01-01","input":1,"output":10,"cached_input":0.1,
          "threshold_tokens":1000,"above":{"input":2,"output":15,"cached_input":0.2}}]})")
                          .value();
  TempDir disk;
  Money spent;  ///< By the model's own books.
  int64_t calls = 0;
  int64_t kills = 0;
  std::set<std::string> ids;  ///< Of calls that were made.
  explicit World(uint64_t seed) : chance(seed) {}
};

/// One run on its machine: makes calls one after the other, comes back after each kill.
class Run {
 public:
  Run(World& world, int number) : world_(world), token_("run-" + std::to_string(number)) {}

  bool done() const { return done_; }
  /// A step of the worker's process, which may be its last.
  void Step() {
    if (!log_) Open();
    if (log_ && !waits_for_settlement_ && !done_) {
      CallModel();
    } else if (log_ && waits_for_settlement_) {
      EndCall();
    }
  }
  void Kill() {
    log_.reset();
    journal_.reset();
    ++world_.kills;
  }

 private:
  void Open() {
    ++attempt_;
    auto journal = StepJournal::Open(world_.disk.path(), token_, "request", [] { return true; });
    ASSERT_TRUE(journal.has_value()) << journal.error().message;
    journal_ = std::make_unique<StepJournal>(*std::move(journal));
    auto log = CallLog::Open(*journal_, {.token = token_,
                                         .base = {{"workflow_run_id", token_}, {"attempt", attempt_}, {"model", "m"}},
                                         .model = "m",
                                         .prices = &world_.prices,
                                         .now = [this] { return world_.records.Now(); },
                                         .record = [this](const json& row) { queue_.push_back(row); },
                                         .budgets = &world_.budgets});
    ASSERT_TRUE(log.has_value()) << log.error().message;
    log_ = std::make_unique<CallLog>(*std::move(log));
    // Rows that were not sent are in files, and the next process sends them.
    for (const json& row : queue_) {
      if (const auto charge = ChargeOf(row)) {
        while (!world_.budgets.Settle(charge->first, charge->second)) {
        }
      }
    }
    const auto answer = journal_->Read(AnswerName(turn_));
    waits_for_settlement_ = answer.has_value() && answer->has_value();
  }

  void CallModel() {
    const CallBound bound{.prompt_tokens = 200 + world_.chance.Below(1500),
                          .output_tokens = 1 + world_.chance.Below(500)};
    const auto begun = log_->Begin(turn_, bound);
    if (!begun) {
      if (log_->refusal() && log_->refusal()->verdict == client::BudgetAnswer::Verdict::kBlocked) done_ = true;
      return;
    }
    ASSERT_TRUE(world_.ids.insert(begun->id).second) << "an id was used for two calls";
    const PaidTokens paid{.prompt = world_.chance.Below(bound.prompt_tokens + 1),
                          .output = world_.chance.Below(bound.output_tokens + 1)};
    const std::string day = begun->started.substr(0, 10);
    world_.spent = world_.spent.Plus(log_->Cost(paid, day, nullptr, "").value()).value();
    ++world_.calls;
    if (world_.chance.OneIn(8)) throw Killed();  // the answer came and nobody has it
    if (world_.chance.OneIn(8)) {
      (void)log_->Failed(begun->id, {.message = "cut", .error_class = "CUT_STREAM"}, 5);
      return;
    }
    const json answer = {
        {"call_id", begun->id},
        {"started", begun->started},
        {"time", begun->started},
        {"latency_ms", 5},
        {"tokens",
         {{"prompt", paid.prompt}, {"output", paid.output}, {"thoughts", 0}, {"cached", 0}, {"source", "reported"}}}};
    ASSERT_TRUE(journal_->Write(AnswerName(turn_), answer).has_value());
    waits_for_settlement_ = true;
    if (world_.chance.OneIn(8)) throw Killed();
  }

  void EndCall() {
    const auto answer = journal_->Read(AnswerName(turn_));
    ASSERT_TRUE(log_->Answered(**answer, turn_).has_value());
    waits_for_settlement_ = false;
    ++turn_;
  }

  World& world_;
  const std::string token_;
  std::unique_ptr<StepJournal> journal_;
  std::unique_ptr<CallLog> log_;
  std::vector<json> queue_;  // the ledger's files
  int attempt_ = 0;
  int turn_ = 1;
  bool waits_for_settlement_ = false;
  bool done_ = false;
};

void Judge(uint64_t seed) {
  World world(seed);
  std::vector<std::unique_ptr<Run>> runs;
  for (int i = 0; i < 10; ++i) runs.push_back(std::make_unique<Run>(world, i));
  const Money limit = *world.records.Daily().rule.limit;
  int open = 10;
  for (int step = 0; open > 0; ++step) {
    ASSERT_LT(step, 20'000) << "seed " << seed << ": the runs do not end";
    Run& run = *runs[static_cast<size_t>(world.chance.Below(10))];
    try {
      if (world.chance.OneIn(40)) throw Killed();
      run.Step();
    } catch (const Killed&) {
      run.Kill();
    }
    // Fast enough that nobody who lives is taken for dead, long enough that the dead are.
    world.records.Advance(std::chrono::milliseconds(world.chance.Below(2000)));
    ASSERT_LE(world.spent, limit) << "seed " << seed << " step " << step;
    open = static_cast<int>(std::count_if(runs.begin(), runs.end(), [](const auto& each) { return !each->done(); }));
  }
  world.records.faults = world.records.kills = false;
  for (const auto& run : runs) run->Kill();
  for (const auto& run : runs) run->Step();  // what was left is told
  const records::BudgetStanding told = world.records.Daily();
  EXPECT_GE(told.counter.used, world.spent) << "seed " << seed << ": money was spent that the budget does not know";
  EXPECT_LE(told.counter.used.Minus(told.counter.assumed)->nanos(), world.spent.nanos()) << "seed " << seed;
  EXPECT_LE(told.counter.used, limit) << "seed " << seed;
  EXPECT_EQ(told.counter.calls, world.calls) << "seed " << seed << ": each call once";
  world.records.Advance(41min);
  EXPECT_EQ(world.records.Daily().reserved, Money()) << "seed " << seed << ": what the dead had reserved";
  EXPECT_GT(world.calls, 20) << "seed " << seed;
  EXPECT_GT(world.kills, 5) << "seed " << seed;
}

TEST(BudgetRuns, TenRunsUnderOneBudgetNeverExceedItThroughKillsAndCrashes) {
  uint64_t first = 1, last = 6;
  if (const char* const seeds = std::getenv("WFE_SEEDS"); seeds != nullptr) {
    const std::string text = seeds;
    const size_t dash = text.find('-');
    first = std::stoull(text);
    last = dash == std::string::npos ? first : std::stoull(text.substr(dash + 1));
  }
  for (uint64_t seed = first; seed <= last; ++seed) Judge(seed);
}

}  // namespace
}  // namespace wfe::agent

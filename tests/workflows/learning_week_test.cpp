// A week of learning in virtual time: the engine with its schedule, a worker and PromptOptimizationWorkflow with its
// real activities, on one thread, beside generations that come all the time, with power cuts and killed workers.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "activities/dashboard/source.h"
#include "activities/learning/steps/register.h"
#include "tests/activities/learning/population.h"
#include "tools/demo/virtual_host.h"
#include "workers/core/payload_codec.h"
#include "workflows/prompt_optimization/prompt_optimization.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using learning::CycleRow;
using ::testing::HasSubstr;
namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;

constexpr int kHours = 7 * 24;
constexpr int kGenerationsAnHour = 8;

class LearningWeek : public ::testing::Test {
 protected:
  /// The virtual host's.
  class HostClock final : public Clock {
   public:
    explicit HostClock(demo::VirtualHost& host) : host_(host) {}
    Instant Now() const override { return host_.loop().Now(); }

   private:
    demo::VirtualHost& host_;
  };

  LearningWeek() {
    RegisterPromptOptimization(workflows_);
    learning::RegisterLearningActivities(activities_, population_.config());
  }

  void Boot() {
    const Status started = host_->Start(workflows_, activities_);
    ASSERT_TRUE(started.has_value()) << started.error().ToString();
  }

  void Schedule() {
    PromptOptimizationInput input;
    input.options.auto_apply = true;
    input.scheduled = true;
    ws::CreateScheduleRequest request;
    request.set_namespace_("default");
    request.set_schedule_id("prompts-hourly");
    request.set_request_id("create");
    auto& schedule = *request.mutable_schedule();
    schedule.mutable_spec()->add_cron_string("0 * * * *");
    auto& action = *schedule.mutable_action()->mutable_start_workflow();
    action.set_workflow_id("prompts-hourly");
    action.mutable_workflow_type()->set_name(std::string(kPromptOptimizationWorkflow));
    action.mutable_task_queue()->set_name("demo");
    *action.mutable_input() = core::EncodePayloads(nlohmann::json(input));
    schedule.mutable_policies()->set_overlap_policy(enums::SCHEDULE_OVERLAP_POLICY_SKIP);
    const auto created = host_->Call<ws::CreateScheduleResponse>("CreateSchedule", request);
    ASSERT_TRUE(created.has_value()) << created.error().ToString();
  }

  /// From one half hour to the next: generations all the time, the cycle in the middle, at the full hour.
  void Hour() {
    for (int i = 0; i < kGenerationsAnHour; ++i) {
      host_->loop().Advance(Duration(1h) / kGenerationsAnHour);
      population_.GenerateOne();
    }
  }

  std::vector<CycleRow> Cycles() {
    std::vector<CycleRow> cycles;
    for (const auto& [key, row] : population_.records().tables[std::string(learning::kCyclesTable)]) {
      cycles.push_back(nlohmann::json::parse(row).get<CycleRow>());
    }
    return cycles;
  }

  /// Exported rows of a table.
  std::vector<nlohmann::json> Rows(std::string_view table) {
    std::vector<nlohmann::json> rows;
    for (const auto& [key, row] : population_.records().tables[std::string(table)]) {
      rows.push_back(nlohmann::json::parse(row));
    }
    return rows;
  }

  /// What the dashboard says of the last `window`, beside a recount that shares nothing with it (RP-12).
  void ExpectTheDashboardIsARecount(Duration window) {
    const Instant now = host_->loop().Now();
    dashboard::DashboardSource source(*population_.config().records,
                                      [] { return std::vector<client::BudgetFigure>(); });
    const auto read = source.Read(now, window);
    ASSERT_TRUE(read.has_value()) << read.error().ToString();
    const dashboard::Dashboard board = MakeDashboard(**read, now, window);
    const std::string since = FormatIso8601Millis(now - window);
    const std::string until = FormatIso8601Millis(now);
    const auto in_window = [&](const nlohmann::json& row, const char* key) {
      return row.at(key).get<std::string>() > since && row.at(key).get<std::string>() <= until;
    };
    int64_t generations = 0, failed = 0, reports = 0, fixes = 0, improvements = 0, rolled_back = 0;
    double quality = 0;
    std::set<std::string> cycles;
    for (const nlohmann::json& row : Rows(learning::kUsageTable)) {
      if (!in_window(row, "created_at")) continue;
      ++generations;
      if (!row.at("success").get<bool>()) ++failed;
    }
    for (const nlohmann::json& row : Rows(learning::kReportsTable)) {  // one for each run
      if (!in_window(row, "created_at")) continue;
      ++reports;
      fixes += row.at("auto_fixes_applied").get<int64_t>();
      quality += row.at("overall_score").get<double>();
    }
    for (const nlohmann::json& row : Rows(learning::kCyclesTable)) {
      if (!in_window(row, "at")) continue;
      cycles.insert(row.at("cycle_id"));
      if (row.at("deployment").at("mode") == "active") ++improvements;
      if (row.at("measurement").at("action") == "rolled_back") ++rolled_back;
    }
    EXPECT_EQ(board.generations.generations, generations);
    EXPECT_EQ(board.generations.failed, failed);
    EXPECT_EQ(board.analysis.reports, reports);
    EXPECT_EQ(board.analysis.auto_fixes, fixes);
    EXPECT_NEAR(board.analysis.mean_quality.value_or(-1), quality / static_cast<double>(reports), 1e-9);
    EXPECT_EQ(board.optimization.cycles, static_cast<int64_t>(cycles.size()));
    EXPECT_EQ(board.optimization.improvements, improvements);
    EXPECT_EQ(board.optimization.taken_back, rolled_back);
    EXPECT_GT(generations, 100);
    EXPECT_GE(cycles.size(), 24U);
  }

  std::unique_ptr<demo::VirtualHost> host_ = std::make_unique<demo::VirtualHost>(
      demo::VirtualHostOptions{.seed = 11, .start = *ParseIso8601("2026-03-02T00:29:59Z")});
  learning::Population population_{11, {.forgotten_import = 0.5, .harm = 0.5}, std::make_shared<HostClock>(*host_)};
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
};

TEST_F(LearningWeek,
       PromptsImproveTheHarmfulVersionGoesAndNoCycleIsLostOrDoubledThroughTenKills) {  // PO-1 to PO-8, EN-1, RP-12
  Boot();
  Schedule();
  int kills = 0;
  int harmful = 0;
  for (int hour = 1; hour <= kHours; ++hour) {
    if (hour == 60) harmful = population_.PersonActivates(learning::kHarmfulWords);
    if (hour % 16 == 0 && kills < 10) {
      // Somewhere within the cycle of this hour: the power goes after the first, second, third … sync, or the worker.
      ++kills;
      host_->loop().Advance(30min - 1s);
      if (kills % 3 == 0) {
        host_->loop().Advance(1s + kills * 10ms);
        host_->KillWorker();
        host_->loop().Advance(1min);
        const Status started = host_->StartWorker(workflows_, activities_);
        ASSERT_TRUE(started.has_value()) << started.error().ToString();
      } else {
        host_->CutPowerAfter(kills * 2);
        host_->loop().Advance(2min);
        host_->Crash();
        Boot();
      }
      host_->loop().Advance(*ParseIso8601("2026-03-02T00:30:00Z") + hour * 1h - host_->loop().Now());
      continue;
    }
    Hour();
  }
  EXPECT_EQ(kills, 10);

  // One cycle for each full hour.
  const std::vector<CycleRow> cycles = Cycles();
  std::map<std::string, int> of_hour;
  for (const CycleRow& cycle : cycles) ++of_hour[cycle.at.substr(0, 13)];
  EXPECT_EQ(of_hour.size(), static_cast<size_t>(kHours));
  EXPECT_EQ(cycles.size(), static_cast<size_t>(kHours)) << "a cycle was doubled";

  int applied = 0;
  int rolled_back = 0;
  for (const CycleRow& cycle : cycles) {
    if (cycle.deployment.mode == learning::kDeployedActive) {
      ++applied;
      std::printf("%s %s\n", cycle.at.c_str(), cycle.sentence.c_str());
    }
    if (cycle.measurement.action == learning::kMeasuredRolledBack) {
      ++rolled_back;
      std::printf("%s %s\n", cycle.at.c_str(), cycle.sentence.c_str());
      EXPECT_EQ(cycle.measurement.version, harmful);
    }
  }
  EXPECT_EQ(applied, 1);
  EXPECT_EQ(rolled_back, 1);
  EXPECT_EQ(population_.ChangesBy("optimizer"), 2) << "what the cycles say is what the templates' history says";
  EXPECT_THAT(population_.ActiveText(), HasSubstr(learning::kNeededWords));
  EXPECT_THAT(population_.ActiveText(), ::testing::Not(HasSubstr(learning::kHarmfulWords)));
  std::printf("mean quality of the window: %.3f at first, %.3f at the end\n", cycles[2].window.mean_quality,
              cycles.back().window.mean_quality);
  EXPECT_GT(cycles.back().window.mean_quality, cycles[2].window.mean_quality + 0.05);
  ExpectTheDashboardIsARecount(24h);
  ExpectTheDashboardIsARecount(7 * 24h);
}

}  // namespace
}  // namespace wfe::workflows

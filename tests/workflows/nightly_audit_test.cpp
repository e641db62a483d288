// Nights of audits in virtual time: the engine with its schedules, a worker and OptimizationWorkflow with its real
// activities, on one thread, with power cuts.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "activities/analytics/steps/register.h"
#include "activities/trace/trace_file.h"
#include "tests/activities/analytics/trace_corpus.h"
#include "tools/demo/memory_records.h"
#include "tools/demo/virtual_host.h"
#include "workers/core/payload_codec.h"
#include "workflows/optimization/optimization.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using analytics::RunBuilder;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
namespace ws = temporal::api::workflowservice::v1;
namespace enums = temporal::api::enums::v1;

constexpr int kBuildsPerDay = 3;

/// Audits every night at 4:00 from 2026-11-22 on; the days before each have their builds.
class NightlyAudit : public ::testing::Test {
 protected:
  NightlyAudit() {
    RegisterOptimization(workflows_);
    analytics::OptimizationConfig config;
    config.work_root = root_.string();
    config.records = std::make_shared<client::RecordsClient>(records_);
    config.ns = "default";
    analytics::RegisterOptimizationActivities(activities_, config);
  }
  ~NightlyAudit() override { std::filesystem::remove_all(root_); }

  void Start() {
    Boot();
    OptimizationInput input;
    input.period = "1d";
    input.scheduled = true;
    ws::CreateScheduleRequest request;
    request.set_namespace_("default");
    request.set_schedule_id("audit-nightly");
    request.set_request_id("create");
    auto& schedule = *request.mutable_schedule();
    schedule.mutable_spec()->add_cron_string("0 4 * * *");
    auto& action = *schedule.mutable_action()->mutable_start_workflow();
    action.set_workflow_id("audit-nightly");
    action.mutable_workflow_type()->set_name(std::string(kOptimizationWorkflow));
    action.mutable_task_queue()->set_name("demo");
    *action.mutable_input() = core::EncodePayloads(nlohmann::json(input));
    schedule.mutable_policies()->set_overlap_policy(enums::SCHEDULE_OVERLAP_POLICY_BUFFER_ALL);
    const auto created = host_->Call<ws::CreateScheduleResponse>("CreateSchedule", request);
    ASSERT_TRUE(created.has_value()) << created.error().ToString();
  }
  void Boot() {
    const Status started = host_->Start(workflows_, activities_);
    ASSERT_TRUE(started.has_value()) << started.error().ToString();
  }
  void WorkerComesBack() {
    const Status started = host_->StartWorker(workflows_, activities_);
    ASSERT_TRUE(started.has_value()) << started.error().ToString();
  }

  void SleepUntil(const char* time) {
    const Instant until = *ParseIso8601(time);
    while (host_->loop().Now() < until) {
      // A build ends at 6:00, 7:00 and 8:00 of every day.
      const Instant next = next_build_;
      if (next > until) break;
      host_->loop().Advance(next - host_->loop().Now());
      AddBuild();
      const auto of_day = (++builds_) % kBuildsPerDay;
      next_build_ += of_day == 0 ? 24h - 1h * (kBuildsPerDay - 1) : 1h;
    }
    host_->loop().Advance(until - host_->loop().Now());
  }

  void AddBuild() {
    const auto since = host_->loop().Now() - analytics::TestTime(0);
    RunBuilder run("build-" + std::to_string(builds_), std::chrono::duration_cast<std::chrono::seconds>(since).count());
    run.Event("workflow_started").Verify("initial_verification").Event("workflow_completed", {{"status", "passed"}});
    for (const auto& [key, value] : run.Rows()) records_.tables["traces"][key] = value;
  }

  /// The reports that there are, oldest period first: what report.json says.
  std::vector<nlohmann::json> Reports() {
    std::vector<nlohmann::json> reports;
    for (const auto& [id, row] : records_.tables["audit_reports"]) {
      reports.push_back(
          nlohmann::json::parse(records_.blobs.at(nlohmann::json::parse(row).at("report").get<std::string>())));
    }
    return reports;
  }

  /// One report for every night since the first, each of the builds of its day.
  void ExpectAReportOfEachNight(size_t nights) {
    const auto reports = Reports();
    ASSERT_THAT(reports, SizeIs(nights));
    Instant due = *ParseIso8601("2026-11-22T04:00:00Z");
    for (const auto& report : reports) {
      const nlohmann::json& window = report.at("window");
      EXPECT_EQ(window.at("from"), FormatIso8601Millis(due - 24h));
      EXPECT_EQ(window.at("to"), FormatIso8601Millis(due));
      EXPECT_EQ(report.at("header").at("builds"), kBuildsPerDay) << "the report of " << FormatIso8601Millis(due);
      EXPECT_THAT(report.at("header").at("problems").at("listed"), IsEmpty())
          << "the report of " << FormatIso8601Millis(due);
      due += 24h;
    }
  }

  const std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("wfe-nightly-" + std::to_string(::getpid()));
  demo::MemoryRecords records_;
  sdk::WorkflowRegistry workflows_;
  sdk::ActivityRegistry activities_;
  Instant next_build_ = *ParseIso8601("2026-11-21T06:00:00Z");
  int builds_ = 0;
  std::unique_ptr<demo::VirtualHost> host_ = std::make_unique<demo::VirtualHost>(
      demo::VirtualHostOptions{.seed = 7, .start = *ParseIso8601("2026-11-21T05:30:00Z")});
};

TEST_F(NightlyAudit, EveryNightHasOneReportOfTheDayBeforeIt) {  // OP-1, S90
  Start();
  SleepUntil("2026-11-27T12:00:00Z");
  ExpectAReportOfEachNight(6);
}

TEST_F(NightlyAudit, NightWithoutWorkersIsMadeUpAndSaysThatItIsLate) {  // OP-1, S93
  Start();
  SleepUntil("2026-11-22T20:00:00Z");
  host_->KillWorker();
  SleepUntil("2026-11-23T09:30:00Z");
  EXPECT_THAT(Reports(), SizeIs(1));
  WorkerComesBack();
  SleepUntil("2026-11-24T12:00:00Z");
  ExpectAReportOfEachNight(3);
  EXPECT_THAT(Reports()[1].at("header").dump(), HasSubstr("This report was due at 2026-11-23T04:00:00.000Z and ran"));
  EXPECT_THAT(Reports()[2].at("header").dump(), ::testing::Not(HasSubstr("This report was due")));
}

TEST_F(NightlyAudit, NightsThatTheServerSleptThroughAreMadeUpOneByOne) {  // OP-1, S94
  Start();
  SleepUntil("2026-11-22T20:00:00Z");
  host_->Crash();
  SleepUntil("2026-11-25T09:00:00Z");
  Boot();
  SleepUntil("2026-11-26T12:00:00Z");
  ExpectAReportOfEachNight(5);
}

TEST_F(NightlyAudit, PowerCutAtAnyMomentOfANightCostsNoReportAndMakesNoneTwice) {  // EN-2, OP-1
  Start();
  SleepUntil("2026-11-22T03:59:00Z");
  const int before = host_->syncs();
  SleepUntil("2026-11-22T04:30:00Z");
  const int of_a_night = host_->syncs() - before;
  ASSERT_GT(of_a_night, 10);
  size_t nights = 1;
  Instant due = *ParseIso8601("2026-11-22T04:00:00Z");
  for (int cut = 1; cut <= of_a_night; ++cut) {
    due += 24h;
    ++nights;
    SleepUntil(FormatIso8601Millis(due - 1min).c_str());
    host_->CutPowerAfter(cut);
    SleepUntil(FormatIso8601Millis(due + 10min).c_str());
    host_->Crash();
    Boot();
    SleepUntil(FormatIso8601Millis(due + 2h).c_str());
    ASSERT_NO_FATAL_FAILURE(ExpectAReportOfEachNight(nights)) << "the power went after sync " << cut;
  }
  // The cuts did hit the work: what was not written by then says that it is late.
  const auto reports = Reports();
  EXPECT_GT(std::count_if(reports.begin(), reports.end(),
                          [](const nlohmann::json& report) { return report.at("header").contains("note"); }),
            of_a_night / 2);
}

}  // namespace
}  // namespace wfe::workflows

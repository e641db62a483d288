#include "workflows/packaged/permits.h"

#include <algorithm>
#include <cctype>

#include "activities/packaged/permits/calendar.h"
#include "activities/packaged/permits/steps.h"
#include "engine/base/parse_json.h"

namespace wfe::workflows {
namespace {

using namespace std::chrono_literals;
using packaged::ModelFindings;
using packaged::PermitDocument;

/// So many documents are worked on at once.
constexpr size_t kPermitLanes = 6;
constexpr sdk::ActivityOptions kReading{.start_to_close = 2h,
                                        .heartbeat = 2min,
                                        .retry = {.initial_interval = 1s, .maximum_interval = 20s, .maximum_attempts = 5}};

class PermitRun {
 public:
  PermitRun(sdk::WorkflowContext& ctx, PackagedInput input, PermitParameters parameters)
      : run_(ctx, std::move(input), "permits"), parameters_(std::move(parameters)) {}

  sdk::Task<PackagedResult> Go() {
    std::vector<std::string> paths = {"permits_report.md", "permits_report.json", "permits_report.html"};
    co_await run_.Prepare(std::move(paths));
    co_await Load();
    co_await EachDocument();
    const bool all_failed = std::ranges::all_of(facts_, [](const std::string& blob) { return blob.empty(); });
    if (all_failed) {
      throw sdk::WorkflowFailure("none of the " + std::to_string(loaded_.documents.size()) + " documents could be read: " +
                                     Reasons(),
                                 "INVALID_INPUT", true);
    }
    co_await Check();
    co_await Report();
    co_return run_.Finish();
  }

 private:
  sdk::Task<void> Load() {
    packaged::LoadPermitsInput ask{.project_dir = run_.input().project_dir};
    packaged::LoadPermitsResult loaded = co_await run_.Must(packaged::kLoadPermits, std::move(ask), kReading);
    loaded_ = std::move(loaded);
    for (const PermitDocument& document : loaded_.documents) {
      if (!document.fault.empty()) run_.AddGap("document " + document.name, document.fault);
    }
    if (!loaded_.holidays_fault.empty()) {
      run_.AddGap(std::string(packaged::kHolidaysFile), "it is not used: " + loaded_.holidays_fault);
    }
    facts_.resize(loaded_.documents.size());
    found_.resize(loaded_.documents.size());
  }

  /// Facts by rules, and what a model finds, of so many documents at once.
  sdk::Task<void> EachDocument() {
    std::vector<sdk::Future<void>> lanes;
    const size_t count = std::min(kPermitLanes, loaded_.documents.size());
    for (size_t i = 0; i < count; ++i) lanes.push_back(run_.ctx().Spawn(Lane()));
    const auto all = sdk::All(lanes);
    co_await all;
  }

  sdk::Task<void> Lane() {
    while (next_ < loaded_.documents.size()) {
      const size_t index = next_++;
      if (!loaded_.documents[index].fault.empty()) continue;
      co_await Extract(index);
      if (!run_.input().without_model) co_await Ask(index);
    }
  }

  sdk::Task<void> Extract(size_t index) {
    const PermitDocument& document = loaded_.documents[index];
    packaged::ExtractPermitInput ask{.document = document.name, .blob = document.blob};
    std::string what = "extract_permit " + document.name;
    const auto extracted =
        co_await run_.StepFor(std::move(what), packaged::kExtractPermit, std::move(ask), kPackagedStep);
    if (extracted) facts_[index] = extracted->facts_blob;
  }

  sdk::Task<void> Ask(size_t index) {
    const PermitDocument& document = loaded_.documents[index];
    agent::CallRequest request = run_.RequestFor({}, static_cast<int64_t>(kPermitLanes));
    packaged::ReviewPermitInput ask{.document = document.name, .blob = document.blob, .request = std::move(request)};
    std::string what = "review_permit " + document.name;
    std::optional<ModelFindings> found =
        co_await run_.ModelStep(what, packaged::kReviewPermit, std::move(ask));
    if (found) Take(what, *std::move(found), found_[index]);
  }

  void Take(const std::string& what, ModelFindings found, std::vector<packaged::PermitFinding>& into) {
    run_.Spent(found.use);
    refused_ += found.refused;
    if (!found.note.empty()) notes_.push_back(found.note);
    if (!found.fault.empty()) run_.AddGap(what, found.fault);
    into = std::move(found.findings);
  }

  sdk::Task<void> Check() {
    packaged::CheckPermitsInput ask{.facts_blobs = {},
                                    .as_of = parameters_.as_of,
                                    .soon_days = parameters_.soon_days,
                                    .holidays = loaded_.holidays};
    if (ask.as_of.empty()) ask.as_of = FormatIso8601Millis(run_.ctx().Now()).substr(0, 10);
    for (const std::string& blob : facts_) {
      if (!blob.empty()) ask.facts_blobs.push_back(blob);
    }
    const auto checked = co_await run_.Step(packaged::kCheckPermits, std::move(ask), kPackagedStep);
    if (!checked) {
      throw sdk::WorkflowFailure("the documents could not be compared: " + run_.result().gaps.back().reason,
                                 "CHECK_FAILED", true);
    }
    review_blob_ = checked->review_blob;
    if (run_.input().without_model) co_return;
    agent::CallRequest request = run_.RequestFor({}, 1);
    packaged::ReviewConsistencyInput compare{.review_blob = review_blob_, .request = std::move(request)};
    std::string what(packaged::kReviewConsistency.name);
    std::optional<ModelFindings> found =
        co_await run_.ModelStep(what, packaged::kReviewConsistency, std::move(compare));
    if (found) Take(what, *std::move(found), compared_);
  }

  sdk::Task<void> Report() {
    packaged::WritePermitsInput ask{.review_blob = review_blob_,
                                    .documents = loaded_.documents,
                                    .findings = {},
                                    .refused = refused_,
                                    .notes = notes_,
                                    .gaps = run_.Finish().gaps,
                                    .use = run_.result().model_use};
    for (const auto& found : found_) ask.findings.insert(ask.findings.end(), found.begin(), found.end());
    ask.findings.insert(ask.findings.end(), compared_.begin(), compared_.end());
    auto written = co_await run_.Step(packaged::kWritePermits, std::move(ask), kPackagedStep);
    if (!written) {
      throw sdk::WorkflowFailure("the report could not be written: " + run_.result().gaps.back().reason, "REPORT_FAILED",
                                 true);
    }
    run_.result().headline = written->headline;
    run_.result().summary = written->summary;
    run_.result().findings = written->findings;
    co_await run_.Deliver(std::move(written->files));
  }

  std::string Reasons() {
    std::string text;
    size_t listed = 0;
    for (const packaged::Gap& gap : run_.result().gaps) {
      if (listed++ == 3) break;
      text += (text.empty() ? "" : "; ") + gap.step + ": " + gap.reason;
    }
    const size_t more = run_.result().gaps.size() - std::min<size_t>(run_.result().gaps.size(), 3);
    return more == 0 ? text : text + "; and " + std::to_string(more) + " more";
  }

  PackagedRun run_;
  const PermitParameters parameters_;
  packaged::LoadPermitsResult loaded_;
  std::vector<std::string> facts_;                              // blobs, beside the documents
  std::vector<std::vector<packaged::PermitFinding>> found_;     // by a model, beside the documents
  std::vector<packaged::PermitFinding> compared_;               // by a model, between them
  std::vector<std::string> notes_;
  std::string review_blob_;
  int64_t refused_ = 0;
  size_t next_ = 0;  // document that no lane has
};

}  // namespace

void CheckRecord(const PermitParameters& parameters) {
  const std::string& day = parameters.as_of;
  RequireOfRecord(day.empty() || packaged::ParseIsoDay(day), "input.parameters.as_of must be a day such as 2026-06-01");
  RequireOfRecord(parameters.soon_days >= 0 && parameters.soon_days <= 3650,
                  "input.parameters.soon_days must be from 0 to 3650");
}

Result<PermitParameters> ReadPermitParameters(const nlohmann::json& parameters) {
  return ReadParameters<PermitParameters>(parameters);
}

sdk::Task<PackagedResult> PermitReview(sdk::WorkflowContext& ctx, nlohmann::json from) {
  PackagedInput input = ReadPackagedInput(kPermitReviewWorkflow, from);
  Result<PermitParameters> parameters = ReadPermitParameters(input.parameters);
  if (!parameters) throw NoInputOf(kPermitReviewWorkflow, parameters.error().message);
  PermitRun run(ctx, std::move(input), *std::move(parameters));
  co_return co_await run.Go();
}

void RegisterPermitReview(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kPermitReviewWorkflow), &PermitReview);
}

}  // namespace wfe::workflows

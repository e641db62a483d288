#include "activities/packaged/permits/steps.h"

#include <algorithm>

#include "activities/documents/document_text.h"
#include "activities/packaged/common/ending.h"
#include "activities/packaged/permits/report.h"
#include "activities/sandbox/safe_files.h"
#include "engine/base/parse_json.h"

namespace wfe::packaged {
namespace {

using sdk::ActivityResult;

template <class T>
Result<T> RecordIn(BlobSource& blobs, const std::string& blob) {
  WFE_ASSIGN_OR_RETURN(const std::string text, blobs.Get(blob));
  try {
    return ParseJson(text).get<T>();
  } catch (const nlohmann::json::exception& e) {
    return DataLoss("the blob " + blob + " cannot be read: " + JsonErrorText(e));
  }
}

Result<std::string> StoreRecord(BlobSink& sink, const nlohmann::json& record) {
  return sink.Put(record.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

/// The names of a folder's documents, and what can be said against one without reading it.
class PermitFolder {
 public:
  PermitFolder(const PackagedConfig& config, const documents::ReadSettings& settings, sdk::ActivityContext& context,
               const sandbox::SafeDir& folder)
      : config_(config), settings_(settings), context_(context), folder_(folder) {}

  Result<LoadPermitsResult> Read() {
    sandbox::SafeDir::ListOptions all;
    all.max_entries = 50'000;
    all.hidden = false;
    all.skips_unreadable = false;  // A review that leaves documents out without a word is worse than none.
    WFE_ASSIGN_OR_RETURN(const std::vector<sandbox::SafeEntry> entries, folder_.List("", all));
    LoadPermitsResult result;
    for (const sandbox::SafeEntry& entry : entries) {
      if (context_.IsCancelled()) return Cancelled("cancelled");
      context_.Heartbeat({{"reading", entry.path}});
      if (entry.path == kHolidaysFile) {
        ReadHolidays(result);
        continue;
      }
      if (result.documents.size() == kMaxPermitDocuments) {
        return InvalidArgument("there are more than " + std::to_string(kMaxPermitDocuments) + " documents in " +
                               folder_.path() + "; review them in several folders");
      }
      WFE_ASSIGN_OR_RETURN(PermitDocument document, ReadOne(entry.path));
      result.documents.push_back(std::move(document));
    }
    if (result.documents.empty()) return InvalidArgument("there are no documents in " + folder_.path());
    return result;
  }

 private:
  Result<PermitDocument> ReadOne(const std::string& name) {
    PermitDocument document{.name = name, .blob = {}, .format = "other", .pages = 0, .notes = {}, .fault = {}};
    const sandbox::ProcessWatch watch{.is_cancelled = [this] { return context_.IsCancelled(); },
                                      .heartbeat = [this, &name] { context_.Heartbeat({{"reading", name}}); }};
    Result<documents::DocumentText> text = documents::ReadDocumentFile(folder_, name, settings_, watch);
    if (!text) {
      if (text.error().code == StatusCode::kCancelled || text.error().code == StatusCode::kUnavailable) {
        return text.error();
      }
      document.fault = text.error().message;
      return document;
    }
    document.format = std::string(documents::FormatName(text->format));
    document.pages = text->pages;
    document.notes = std::move(text->notes);
    WFE_ASSIGN_OR_RETURN(document.blob, config_.records->Put(text->text));
    return document;
  }

  /// A list that is wrong must not move deadlines in silence.
  void ReadHolidays(LoadPermitsResult& result) {
    const Result<documents::DocumentText> text =
        documents::ReadDocumentFile(folder_, std::string(kHolidaysFile), settings_);
    if (!text) {
      result.holidays_fault = text.error().message;
      return;
    }
    if (const auto calendar = WorkCalendar::Parse(text->text); !calendar) {
      result.holidays_fault = calendar.error().message;
      return;
    }
    result.holidays = text->text;
  }

  const PackagedConfig& config_;
  const documents::ReadSettings& settings_;
  sdk::ActivityContext& context_;
  const sandbox::SafeDir& folder_;
};

/// Nothing but a person can mend it: no documents, too many, a folder that may not be read.
bool IsOfTheInput(StatusCode code) {
  return code == StatusCode::kInvalidArgument || code == StatusCode::kPermissionDenied ||
         code == StatusCode::kResourceExhausted;
}

}  // namespace

ActivityResult<LoadPermitsResult> LoadPermits(const PackagedConfig& config, const documents::ReadSettings& reading,
                                              sdk::ActivityContext& context, const LoadPermitsInput& input) {
  const Result<sandbox::SafeDir> folder = sandbox::SafeDir::Open(input.project_dir);
  if (!folder) {
    return ForGood(kInvalidInput, "the directory " + input.project_dir + " cannot be read: " + folder.error().message);
  }
  Result<LoadPermitsResult> read = PermitFolder(config, reading, context, *folder).Read();
  if (read) return *std::move(read);
  if (read.error().code == StatusCode::kCancelled) return sdk::ActivityCancelled{};
  if (IsOfTheInput(read.error().code)) return ForGood(kInvalidInput, read.error().message);
  return read.error();
}

ActivityResult<ExtractPermitResult> ExtractPermit(const PackagedConfig& config, sdk::ActivityContext&,
                                                  const ExtractPermitInput& input) {
  const Result<std::string> text = config.records->Get(input.blob);
  if (!text) return text.error();
  const PermitFacts facts = ExtractPermitFacts(input.document, *text);
  Result<std::string> blob = StoreRecord(*config.records, nlohmann::json(facts));
  if (!blob) return blob.error();
  return ExtractPermitResult{.facts_blob = *std::move(blob),
                             .statements = static_cast<int64_t>(facts.statements.size()),
                             .deadlines = static_cast<int64_t>(facts.deadlines.size()),
                             .gaps = static_cast<int64_t>(facts.gaps.size())};
}

ActivityResult<CheckPermitsResult> CheckPermits(const PackagedConfig& config, sdk::ActivityContext&,
                                                const CheckPermitsInput& input) {
  const std::optional<Day> as_of = ParseIsoDay(input.as_of);
  if (!as_of) return ForGood(kInvalidInput, "as_of is no day: " + input.as_of);
  ReviewSettings settings{.as_of = *as_of, .soon_days = input.soon_days, .calendar = {}};
  Result<WorkCalendar> calendar = WorkCalendar::Parse(input.holidays);
  if (!calendar) return ForGood(kInvalidInput, std::string(kHolidaysFile) + ": " + calendar.error().message);
  settings.calendar = *std::move(calendar);
  std::vector<PermitFacts> documents;
  for (const std::string& blob : input.facts_blobs) {
    Result<PermitFacts> facts = RecordIn<PermitFacts>(*config.records, blob);
    if (!facts) return facts.error();
    documents.push_back(*std::move(facts));
  }
  const PermitReview review = ReviewPermits(std::move(documents), settings);
  Result<std::string> blob = StoreRecord(*config.records, nlohmann::json(review));
  if (!blob) return blob.error();
  return CheckPermitsResult{.review_blob = *std::move(blob), .headline = HeadlineOf(review)};
}

ActivityResult<WritePermitsResult> WritePermits(const PackagedConfig& config, sdk::ActivityContext&,
                                                const WritePermitsInput& input) {
  Result<PermitReview> review = RecordIn<PermitReview>(*config.records, input.review_blob);
  if (!review) return review.error();
  AddFindings(*review, input.findings);
  for (const std::string& note : input.notes) review->notes.push_back(note);
  const PermitsReport report{.review = *review,
                             .documents = input.documents,
                             .gaps = input.gaps,
                             .use = input.use,
                             .refused = input.refused};
  WritePermitsResult result;
  result.headline = HeadlineOf(*review);
  result.findings = CountFindings(*review);
  for (const PermitFinding& finding : review->findings) {
    if (finding.severity != "high" || result.summary.size() == 8) break;
    result.summary.push_back(finding.id + " " + DocumentsIn(finding) + ": " + finding.statement);
  }
  for (auto& [path, kind, text] : {std::tuple{"permits_report.md", "markdown", PermitsMarkdown(report)},
                                   std::tuple{"permits_report.json", "json", PermitsJson(report)},
                                   std::tuple{"permits_report.html", "html", PermitsHtml(report)}}) {
    Result<DeliverableFile> file = MakeDeliverable(*config.records, path, kind, text);
    if (!file) return file.error();
    result.files.push_back(*std::move(file));
  }
  return result;
}

}  // namespace wfe::packaged

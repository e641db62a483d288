// The activities of PermitReviewWorkflow (CW-2).  What passes between them are names, hashes and counts: texts and facts
// are blobs, so that a history stays small however long the documents are.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "activities/agent/call/model_call.h"
#include "activities/documents/document_text.h"
#include "activities/packaged/common/deliverables.h"
#include "activities/packaged/common/model_step.h"
#include "activities/packaged/permits/review.h"
#include "workers/sdk/activity.h"

namespace wfe::packaged {

/// A document as it was read.
struct PermitDocument {
  std::string name;    ///< Its path in the folder.
  std::string blob;    ///< Of its text; empty where there is a fault.
  std::string format;  ///< "text", "PDF", "DOCX" …
  int pages = 1;
  std::vector<std::string> notes;  ///< An encoding that was guessed, pages without text.
  std::string fault;               ///< Why it could not be read; one sentence.
};
WFE_RECORD(PermitDocument, name, blob, format, pages, notes, fault);
constexpr RecordRules RulesOf(const PermitDocument*) { return {.required = "name", .seldom = "notes fault"}; }

/// In the folder itself: the days on which nobody works.  It is no document.
inline constexpr std::string_view kHolidaysFile = "holidays.txt";
/// Of one run.
inline constexpr size_t kMaxPermitDocuments = 1000;

struct LoadPermitsInput {
  std::string project_dir;
};
WFE_RECORD(LoadPermitsInput, project_dir);

struct LoadPermitsResult {
  std::vector<PermitDocument> documents;  ///< By name.
  std::string holidays;                   ///< The lines of holidays.txt.
  std::string holidays_fault;             ///< Why it could not be used.
};
WFE_RECORD(LoadPermitsResult, documents, holidays, holidays_fault);
constexpr RecordRules RulesOf(const LoadPermitsResult*) { return {.seldom = "holidays holidays_fault"}; }

struct ExtractPermitInput {
  std::string document;
  std::string blob;
};
WFE_RECORD(ExtractPermitInput, document, blob);

struct ExtractPermitResult {
  std::string facts_blob;  ///< PermitFacts.
  int64_t statements = 0;
  int64_t deadlines = 0;
  int64_t gaps = 0;
};
WFE_RECORD(ExtractPermitResult, facts_blob, statements, deadlines, gaps);

struct ReviewPermitInput {
  std::string document;
  std::string blob;
  agent::CallRequest request;  ///< Model, backend, cache, patience and money; its prompt is made here.
};
WFE_RECORD(ReviewPermitInput, document, blob, request);

/// What a model found.  A finding stands here only when the words that it quotes are in the document.
struct ModelFindings {
  std::vector<PermitFinding> findings;
  int64_t refused = 0;  ///< Findings whose quotes are in no document, or that quote nothing.
  std::string fault;    ///< Why there are none though the call came to an end.
  std::string note;     ///< The document was cut.
  ModelUse use;
};
WFE_RECORD(ModelFindings, findings, refused, fault, note, use);
constexpr RecordRules RulesOf(const ModelFindings*) { return {.seldom = "refused fault note"}; }

struct CheckPermitsInput {
  std::vector<std::string> facts_blobs;
  std::string as_of;
  int soon_days = 30;
  std::string holidays;
};
WFE_RECORD(CheckPermitsInput, facts_blobs, as_of, soon_days, holidays);

struct CheckPermitsResult {
  std::string review_blob;  ///< PermitReview.
  std::string headline;
};
WFE_RECORD(CheckPermitsResult, review_blob, headline);

struct ReviewConsistencyInput {
  std::string review_blob;
  agent::CallRequest request;
};
WFE_RECORD(ReviewConsistencyInput, review_blob, request);

struct WritePermitsInput {
  std::string review_blob;
  std::vector<PermitDocument> documents;
  std::vector<PermitFinding> findings;  ///< Of the model.
  int64_t refused = 0;
  std::vector<std::string> notes;
  std::vector<Gap> gaps;
  ModelUse use;
};
WFE_RECORD(WritePermitsInput, review_blob, documents, findings, refused, notes, gaps, use);

struct WritePermitsResult {
  std::vector<DeliverableFile> files;
  std::string headline;
  std::vector<std::string> summary;
  std::map<std::string, int64_t> findings;  ///< By severity.
};
WFE_RECORD(WritePermitsResult, files, headline, summary, findings);

/// Reads every document of a folder, one after the other, with heartbeats.  One that cannot be read has a fault; none at
/// all: INVALID_INPUT, not retried, as for a folder that is none.
inline constexpr sdk::ActivityType<LoadPermitsInput, LoadPermitsResult> kLoadPermits{"load_permit_documents"};
inline constexpr sdk::ActivityType<ExtractPermitInput, ExtractPermitResult> kExtractPermit{"extract_permit"};
/// One call of a model; its failures are callModel's.
inline constexpr sdk::ActivityType<ReviewPermitInput, ModelFindings> kReviewPermit{"review_permit"};
inline constexpr sdk::ActivityType<CheckPermitsInput, CheckPermitsResult> kCheckPermits{"check_permit_consistency"};
/// One call of a model over the statements of all documents.
inline constexpr sdk::ActivityType<ReviewConsistencyInput, ModelFindings> kReviewConsistency{"review_permit_consistency"};
inline constexpr sdk::ActivityType<WritePermitsInput, WritePermitsResult> kWritePermits{"write_permits_report"};

sdk::ActivityResult<LoadPermitsResult> LoadPermits(const PackagedConfig& config, const documents::ReadSettings& reading,
                                                   sdk::ActivityContext& context, const LoadPermitsInput& input);
sdk::ActivityResult<ExtractPermitResult> ExtractPermit(const PackagedConfig& config, sdk::ActivityContext& context,
                                                       const ExtractPermitInput& input);
sdk::ActivityResult<ModelFindings> ReviewPermit(const PackagedConfig& config, sdk::ActivityContext& context,
                                                const ReviewPermitInput& input);
sdk::ActivityResult<CheckPermitsResult> CheckPermits(const PackagedConfig& config, sdk::ActivityContext& context,
                                                     const CheckPermitsInput& input);
sdk::ActivityResult<ModelFindings> ReviewConsistency(const PackagedConfig& config, sdk::ActivityContext& context,
                                                     const ReviewConsistencyInput& input);
sdk::ActivityResult<WritePermitsResult> WritePermits(const PackagedConfig& config, sdk::ActivityContext& context,
                                                     const WritePermitsInput& input);

}  // namespace wfe::packaged

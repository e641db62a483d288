// What generations have taught: patterns, reports, examples, failures, templates, found by tags, type, score, time and
// likeness (RC-3, SG-5).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "activities/learning/records/rows.h"
#include "activities/learning/records/text_index.h"
#include "engine/base/record_json.h"
#include "engine/base/result.h"
#include "workers/client/records_client.h"

namespace wfe::learning {

/// Key time and artifact_id; the newest row of an id is what the artifact is.
inline constexpr std::string_view kArtifactsTable = "artifacts";

inline constexpr std::string_view kArtifactTypes[] = {"PATTERN", "REPORT", "EXAMPLE", "FAILURE", "TEMPLATE"};

/// Of tags.
inline constexpr std::string_view kTagStaticAnalysis = "static-analysis";
inline constexpr std::string_view kTagBestPractice = "best-practice";
inline constexpr std::string_view kTagProven = "proven";
/// "score-90" for 0.93: tens, rounded down; the score is held to 0..1.
std::string ScoreTag(double score);

struct Artifact {
  std::string artifact_id;
  std::string artifact_type;
  std::string name;
  std::string content;       ///< Up to kInlineBytes of it.
  std::string content_blob;  ///< SHA-256 of the whole where it is longer; empty otherwise.
  double quality_score = 0;
  std::vector<std::string> tags;
  std::string created_at;  ///< ISO 8601, UTC.
  std::string source_run;
  nlohmann::json extra = nlohmann::json::object();
};
WFE_RECORD(Artifact, artifact_id, artifact_type, name, content, content_blob, quality_score, tags, created_at,
           source_run);
constexpr RecordRules RulesOf(const Artifact*) {
  return {.required = "artifact_id artifact_type name created_at", .seldom = "content_blob"};
}

/// Longer contents are blobs, and their beginning is what the index sees.
inline constexpr size_t kInlineBytes = 16 << 10;

struct ArtifactQuery {
  std::vector<std::string> all_tags;
  std::vector<std::string> any_tags;
  std::string type;  ///< Empty: any.
  std::optional<double> min_score;
  std::string since;  ///< ISO 8601; [since, until).
  std::string until;
  std::string text;  ///< Most similar first; empty: newest first.
  int64_t limit = 20;
};
WFE_RECORD(ArtifactQuery, all_tags, any_tags, type, min_score, since, until, text, limit);
constexpr RecordRules RulesOf(const ArtifactQuery*) { return {.refuses_unknown = true, .subject = "query"}; }
/// Throws for a type, a time or a limit that is none.
void CheckRecord(const ArtifactQuery& query);

struct ArtifactHit {
  Artifact artifact;
  std::optional<double> relevance;  ///< Of a query with text.
};

/// The memory of one process: it reads each row once, and looks for newer ones at each question.  Callable from any
/// thread; calls block.
class ArtifactMemory {
 public:
  explicit ArtifactMemory(std::shared_ptr<client::RecordsClient> records) : records_(std::move(records)) {}

  /// Stores an artifact; a longer content goes into a blob.  False: this very row was there.
  Result<bool> Put(Artifact artifact);
  Result<std::vector<ArtifactHit>> Find(const ArtifactQuery& query);
  /// NOT_FOUND when there is none.  Its content may be the beginning; see Content.
  Result<Artifact> Get(const std::string& artifact_id);
  /// The whole text.
  Result<std::string> Content(const Artifact& artifact) const;
  /// Rows that could not be read, so far.
  RowProblems problems() const;

 private:
  Status Refresh();  // with mutex_ held

  const std::shared_ptr<client::RecordsClient> records_;
  mutable std::mutex mutex_;
  std::set<std::string> seen_;       // keys of rows
  std::vector<Artifact> artifacts_;  // by row of the index
  std::map<std::string, int64_t> row_of_id_;
  std::optional<TextIndex> index_;
  RowProblems problems_;
};

}  // namespace wfe::learning

#include "activities/learning/records/artifact_memory.h"

#include <algorithm>
#include <cmath>

#include "activities/learning/records/timed_rows.h"
#include "engine/base/time.h"

namespace wfe::learning {
namespace {

constexpr int64_t kMaxLimit = 10'000;

bool HasTag(const Artifact& artifact, const std::string& tag) {
  return std::ranges::find(artifact.tags, tag) != artifact.tags.end();
}

/// Of a query, made comparable with times as they are stored.
std::string Normal(const std::string& time) {
  const auto instant = ParseIso8601(time);
  return instant ? FormatIso8601Millis(*instant) : time;
}

bool Fits(const ArtifactQuery& query, const Artifact& artifact) {
  const auto has = [&](const std::string& tag) { return HasTag(artifact, tag); };
  if (!query.type.empty() && artifact.artifact_type != query.type) return false;
  if (query.min_score && artifact.quality_score < *query.min_score) return false;
  if (!query.since.empty() && artifact.created_at < Normal(query.since)) return false;
  if (!query.until.empty() && artifact.created_at >= Normal(query.until)) return false;
  if (!std::ranges::all_of(query.all_tags, has)) return false;
  return query.any_tags.empty() || std::ranges::any_of(query.any_tags, has);
}

/// Cut before a byte that continues a character.
std::string Beginning(const std::string& text) {
  size_t end = std::min(text.size(), kInlineBytes);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

bool IsType(std::string_view type) { return std::ranges::find(kArtifactTypes, type) != std::end(kArtifactTypes); }

constexpr std::string_view kTypesSentence = "PATTERN, REPORT, EXAMPLE, FAILURE or TEMPLATE";

}  // namespace

std::string ScoreTag(double score) {
  // The tenth that is meant by 0.9 and 0.7 is not one that doubles have.
  const double tens = std::floor(10 * std::clamp(score, 0.0, 1.0) + 1e-9) * 10;
  return "score-" + std::to_string(static_cast<int>(tens));
}

void CheckRecord(const ArtifactQuery& query) {
  RequireOfRecord(query.type.empty() || IsType(query.type),
                  "type must be " + std::string(kTypesSentence) + ", not \"" + query.type + "\"");
  for (const std::string* time : {&query.since, &query.until}) {
    RequireOfRecord(time->empty() || ParseIso8601(*time),
                    "\"" + *time + "\" is not a time like 2026-01-31T02:00:00.000Z");
  }
  RequireOfRecord(query.limit >= 1 && query.limit <= kMaxLimit, "limit must be from 1 to " + std::to_string(kMaxLimit));
}

Result<bool> ArtifactMemory::Put(Artifact artifact) {
  WFE_RETURN_IF_ERROR(CheckRowId("an artifact id", artifact.artifact_id));
  if (!IsType(artifact.artifact_type)) {
    return InvalidArgument("the type of artifact " + artifact.artifact_id + " must be " + std::string(kTypesSentence));
  }
  if (std::isnan(artifact.quality_score)) {
    return InvalidArgument("the score of artifact " + artifact.artifact_id + " is no number");
  }
  WFE_ASSIGN_OR_RETURN(const std::string key, TimedKey(artifact.created_at, artifact.artifact_id));
  artifact.created_at = key.substr(0, key.find('/'));
  if (artifact.content.size() > kInlineBytes) {
    WFE_ASSIGN_OR_RETURN(artifact.content_blob, records_->Put(artifact.content));
    artifact.content = Beginning(artifact.content);
  }
  return records_->AppendRow(std::string(kArtifactsTable), key, RowText(artifact));
}

Status ArtifactMemory::Refresh() {
  if (!index_) {
    WFE_ASSIGN_OR_RETURN(index_, TextIndex::Open());
  }
  Status indexed = Ok();
  // Every key is looked at, since a slow writer's row may have an old time; only new ones are read.
  const Status scanned =
      records_->ScanRows(std::string(kArtifactsTable), "", [&](const std::string& key, const std::string& value) {
        if (!indexed || !seen_.insert(key).second) return;
        Result<Artifact> read = ReadRow<Artifact>(kArtifactsTable, key, value);
        if (!read) {
          problems_.push_back(read.error().message);
          return;
        }
        const auto [at, is_new] = row_of_id_.try_emplace(read->artifact_id, static_cast<int64_t>(artifacts_.size()));
        if (is_new) artifacts_.emplace_back();
        Artifact& artifact = artifacts_[static_cast<size_t>(at->second)];
        if (!is_new && read->created_at < artifact.created_at) return;
        artifact = *std::move(read);
        std::string tags;
        for (const std::string& tag : artifact.tags) tags += tag + " ";
        indexed = index_->Put(at->second, artifact.name, tags, artifact.content);
      });
  WFE_RETURN_IF_ERROR(scanned);
  return indexed;
}

Result<std::vector<ArtifactHit>> ArtifactMemory::Find(const ArtifactQuery& query) {
  try {
    CheckRecord(query);
  } catch (const nlohmann::json::exception& e) {
    return InvalidArgument(JsonErrorText(e));
  }
  const std::lock_guard lock(mutex_);
  WFE_RETURN_IF_ERROR(Refresh());
  std::vector<ArtifactHit> hits;
  if (!query.text.empty()) {
    WFE_ASSIGN_OR_RETURN(const std::vector<TextIndex::Match> matches, index_->Find(query.text));
    for (const TextIndex::Match& match : matches) {
      const Artifact& artifact = artifacts_[static_cast<size_t>(match.row)];
      if (!Fits(query, artifact)) continue;
      hits.push_back({.artifact = artifact, .relevance = match.relevance});
      if (static_cast<int64_t>(hits.size()) == query.limit) break;
    }
    return hits;
  }
  std::vector<const Artifact*> fitting;
  for (const Artifact& artifact : artifacts_) {
    if (Fits(query, artifact)) fitting.push_back(&artifact);
  }
  std::ranges::sort(fitting, [](const Artifact* a, const Artifact* b) {
    return std::tie(a->created_at, a->artifact_id) > std::tie(b->created_at, b->artifact_id);
  });
  if (static_cast<int64_t>(fitting.size()) > query.limit) fitting.resize(static_cast<size_t>(query.limit));
  for (const Artifact* artifact : fitting) hits.push_back({.artifact = *artifact, .relevance = std::nullopt});
  return hits;
}

Result<Artifact> ArtifactMemory::Get(const std::string& artifact_id) {
  const std::lock_guard lock(mutex_);
  WFE_RETURN_IF_ERROR(Refresh());
  const auto found = row_of_id_.find(artifact_id);
  if (found == row_of_id_.end()) return NotFound("there is no artifact \"" + artifact_id + "\"");
  return artifacts_[static_cast<size_t>(found->second)];
}

Result<std::string> ArtifactMemory::Content(const Artifact& artifact) const {
  if (artifact.content_blob.empty()) return artifact.content;
  return records_->Get(artifact.content_blob);
}

RowProblems ArtifactMemory::problems() const {
  const std::lock_guard lock(mutex_);
  return problems_;
}

}  // namespace wfe::learning

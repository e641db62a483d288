// Patterns and examples in the memory of artifacts (PO-3, PO-5, PO-8).
#include <algorithm>
#include <cmath>

#include "activities/learning/cycle/patterns.h"
#include "activities/learning/steps/register.h"
#include "engine/base/hash.h"
#include "engine/base/read_time.h"

namespace wfe::learning {
namespace {

/// Scores that differ by less are the same knowledge: an hourly cycle writes no row for them.
constexpr double kSameScore = 0.01;

/// The best stored examples; those of a perfect score have a tag of their own.
Result<std::vector<Artifact>> Examples(const LearningConfig& config, double min_score, int64_t limit) {
  const ArtifactQuery query{.all_tags = {std::string(kTagStaticAnalysis)},
                            .any_tags = {ScoreTag(0.9), ScoreTag(1)},
                            .type = "EXAMPLE",
                            .min_score = min_score,
                            .since = {},
                            .until = {},
                            .text = {},
                            .limit = limit};
  WFE_ASSIGN_OR_RETURN(const std::vector<ArtifactHit> hits, config.memory->Find(query));
  std::vector<Artifact> examples;
  for (const ArtifactHit& hit : hits) examples.push_back(hit.artifact);
  return examples;
}

Artifact ArtifactOf(const Pattern& pattern, const std::string& now, const std::string& source_run) {
  Artifact artifact;
  artifact.artifact_id = "pattern-" + ToHex(Sha256({pattern.name, "\n", pattern.content})).substr(0, 16);
  artifact.artifact_type = "PATTERN";
  artifact.name = pattern.name;
  artifact.content = pattern.content;
  artifact.quality_score = pattern.quality_score;
  artifact.tags = {std::string(kTagBestPractice), std::string(kTagProven)};
  artifact.created_at = now;
  artifact.source_run = source_run;
  artifact.extra["support"] = pattern.support;
  artifact.extra["examples"] = pattern.examples;
  artifact.extra["example_ids"] = pattern.example_ids;
  return artifact;
}

bool IsKnown(const Result<Artifact>& known, const Artifact& artifact) {
  return known && std::abs(known->quality_score - artifact.quality_score) < kSameScore;
}

}  // namespace

Result<AnalyzePatternsResult> AnalyzePatterns(const LearningConfig& config, const AnalyzePatternsInput& input) {
  WFE_ASSIGN_OR_RETURN(const std::vector<Artifact> artifacts, Examples(config, input.min_score, input.limit));
  std::vector<PatternExample> examples;
  for (const Artifact& artifact : artifacts) {
    WFE_ASSIGN_OR_RETURN(std::string text, config.memory->Content(artifact));
    examples.push_back({.id = artifact.artifact_id, .text = std::move(text), .score = artifact.quality_score});
  }
  return AnalyzePatternsResult{.examples = static_cast<int64_t>(examples.size()),
                               .patterns = ExtractPatterns(examples)};
}

Result<UpdateMemoryResult> UpdateMemory(const LearningConfig& config, const UpdateMemoryInput& input) {
  UpdateMemoryResult result;
  for (const Pattern& pattern : input.patterns) {
    Artifact artifact = ArtifactOf(pattern, input.now, input.source_run);
    const Result<Artifact> known = config.memory->Get(artifact.artifact_id);
    if (!known && known.error().code != StatusCode::kNotFound) return known.error();
    if (IsKnown(known, artifact)) {
      ++result.unchanged;
      continue;
    }
    const std::string id = artifact.artifact_id;
    WFE_RETURN_IF_ERROR(config.memory->Put(std::move(artifact)));
    result.stored.push_back(id);
  }
  return result;
}

Result<RefreshBestPracticesResult> RefreshBestPractices(const LearningConfig& config,
                                                        const RefreshBestPracticesInput& input) {
  WFE_ASSIGN_OR_RETURN(const Instant now, ReadIso8601(input.now));
  RowProblems problems;
  const GenerationQuery query{.template_id = input.template_id, .last_n = 100, .since = {}, .now = now};
  WFE_ASSIGN_OR_RETURN(const std::vector<Generation> generations, LoadGenerations(*config.records, query, problems));
  RefreshBestPracticesResult result;
  result.example_score = EstimateExampleScore(generations, input.example_score);
  WFE_ASSIGN_OR_RETURN(std::vector<Artifact> examples, Examples(config, result.example_score, input.limit));
  std::ranges::stable_sort(examples, std::ranges::greater(), &Artifact::quality_score);
  for (Artifact& example : examples) {
    result.best.push_back(example.artifact_id);
    if (std::ranges::find(example.tags, kTagBestPractice) != example.tags.end()) continue;
    WFE_ASSIGN_OR_RETURN(example.content, config.memory->Content(example));
    example.content_blob.clear();
    example.tags.emplace_back(kTagBestPractice);
    // The newest row of an artifact is what it is; when it was made stays known.
    if (!example.extra.contains("made_at")) example.extra["made_at"] = example.created_at;
    example.created_at = input.now;
    result.newly_tagged.push_back(example.artifact_id);
    WFE_RETURN_IF_ERROR(config.memory->Put(std::move(example)));
  }
  return result;
}

}  // namespace wfe::learning

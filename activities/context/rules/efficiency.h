// Context efficiency (CE-4): of the files whose content came into a conversation, how many were of use.
//
//   efficiency = files accessed / files loaded × 100
//
// A file counts once in a run.  "Accessed" are those of the loaded ones that the agent read by a tool, changed, deleted,
// or named.  Nothing loaded: there is no efficiency.  The standing context is told, not looked up, and is no file here.
// What is wasted is counted by step: a file that is loaded in five steps and used in one is wasted in four.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "activities/agent/step/hook_events.h"
#include "engine/base/money.h"
#include "engine/base/record_json.h"

namespace wfe::context {

/// Source: CE-4.
inline constexpr double kTargetPercent = 80;

/// Percent; nullopt when nothing was loaded.
std::optional<double> EfficiencyOf(int64_t accessed, int64_t loaded);

/// Sums of runs, or of the steps of one run.  Tokens and money are billed ones: a file that five calls carry is paid
/// five times.
struct EfficiencyRow {
  std::string name;  ///< Of the type; of a run its id.
  std::string workflow_type;
  std::string workflow_id;
  int64_t runs = 0;
  int64_t steps = 0;
  int64_t loaded = 0;
  int64_t accessed = 0;
  std::optional<double> percent;
  int64_t loaded_tokens = 0;
  int64_t wasted_tokens = 0;
  Money loaded_usd;
  Money wasted_usd;  ///< Of what has a price.
};
WFE_RECORD(EfficiencyRow, name, workflow_type, workflow_id, runs, steps, loaded, accessed, percent, loaded_tokens,
           wasted_tokens, loaded_usd, wasted_usd);
constexpr RecordRules RulesOf(const EfficiencyRow*) { return {.seldom = "workflow_id"}; }

/// One file of one project, over all steps.
struct FileRow {
  std::string project;
  std::string path;
  int64_t loads = 0;   ///< Steps that had it in their conversation.
  int64_t unused = 0;  ///< Of those, steps that made nothing of it.
  std::optional<double> percent;
  int64_t tokens = 0;  ///< Of one load, the last one.
  int64_t loaded_tokens = 0;
  int64_t wasted_tokens = 0;
  Money wasted_usd;
};
WFE_RECORD(FileRow, project, path, loads, unused, percent, tokens, loaded_tokens, wasted_tokens, wasted_usd);

struct EfficiencyReport {
  EfficiencyRow total;
  std::vector<EfficiencyRow> types;  ///< By name.
  std::vector<EfficiencyRow> runs;   ///< The latest first.
  std::vector<FileRow> files;        ///< What wastes most first.
  int64_t unpriced_tokens = 0;       ///< Billed tokens of files without a price.
  int64_t changed_only_steps = 0;    ///< Steps of which only the change set is known: what they read nobody says.
};
WFE_RECORD(EfficiencyReport, total, types, runs, files, unpriced_tokens, changed_only_steps);

/// One step's files.
struct StepFile {
  std::string path;
  int64_t tokens = 0;  ///< Of one load.
  int64_t billed_tokens = 0;
  std::optional<Money> billed_usd;
  bool loaded = false;
  bool accessed = false;
};
/// Sorted by path; a file that was loaded twice has the sums.
std::vector<StepFile> FilesOf(const agent::StepHooks& step);

/// Steps that come twice (by id) count once.
EfficiencyReport ReportOf(const std::vector<agent::StepHooks>& steps);

}  // namespace wfe::context

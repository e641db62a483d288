// One call of a registered tool (RC-13, PD-6): an activity of the worker, or a command in the sandbox, on a copy of the
// directory where there is one.  What it answers and leaves is checked before anybody believes it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "activities/patterns/rules/records.h"
#include "activities/sandbox/sandbox.h"
#include "engine/base/result.h"
#include "workers/client/blob_store.h"
#include "workers/sdk/activity.h"

namespace wfe::patterns {

/// What a command reads on its standard input, as JSON, and where {task}, {step} and {pattern} come from.
struct ToolInput {
  std::string task;
  std::string step;
  std::string pattern;
  std::string input;  ///< A document, or what else follows the task.
};
WFE_RECORD(ToolInput, task, step, pattern, input);

struct ToolWork {
  ToolInput input;
  std::string working_dir;  ///< Copied; empty: words are wanted.
  std::vector<std::string> protected_paths;
  bool must_change = false;
};

/// What came of it.  It never counts as done unless `why` is empty.
struct ToolOutcome {
  std::string why;   ///< Why it is none: one sentence.
  std::string text;  ///< What it said; at most kMaxToolText bytes.
  std::string tree_blob_hash;  ///< The copy afterwards.
  int64_t duration_ms = 0;
  bool done() const { return why.empty(); }
};
inline constexpr size_t kMaxToolText = 256 << 10;

struct ToolRunnerConfig {
  std::string work_root;  ///< Copies are below it.
  /// Who may register a tool is not who runs this worker: commands run without a sandbox only where it is off.
  sandbox::SandboxPolicy sandbox = sandbox::SandboxPolicy::kRequired;
  std::string path;  ///< PATH of commands; empty: that of this process.
  /// The activity of that name as the worker serves it; nullptr: none.
  std::function<const sdk::ActivityFunction*(const std::string& name)> activity;
  std::shared_ptr<BlobSink> blob_sink;    ///< For directories.
  std::vector<std::string> secrets;       ///< Stand in no kept tree.
};

/// Callable from any thread.  Blocks until the tool has ended, or its time is up, or the activity is cancelled.
ToolOutcome RunTool(const ToolRunnerConfig& config, sdk::ActivityContext& context, const Tool& tool,
                    const ToolWork& work);

/// Whether a schema uses only what is checked: type, enum, const, required, properties, additionalProperties (false),
/// items, minItems, maxItems, minimum, maximum and minLength.  INVALID_ARGUMENT names what is not.
Status CheckToolSchema(const nlohmann::json& schema);

}  // namespace wfe::patterns

// What becomes of the drafts of a report (OP-12): people decide by signal, or nobody has to.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/record_json.h"
#include "engine/base/time.h"
#include "workers/sdk/workflow.h"

namespace wfe::workflows {

/// Signals that decide about a draft, each with {"draft": "<template>@<version>", "author", "reason"}; to decline needs
/// no author and no reason.
inline constexpr std::string_view kApproveSignal = "approve";
inline constexpr std::string_view kDeclineSignal = "decline";

/// Who activates when auto_apply is on.
inline constexpr std::string_view kAutoApplyAuthor = "auto_apply";

struct DraftDecisions {
  std::vector<std::string> waiting;    ///< "<template>@<version>" that nobody has decided about.
  std::vector<std::string> activated;  ///< In the order of the decisions; builds use the last one of a template.
  std::vector<std::string> declined;
  std::vector<std::string> ignored;  ///< A sentence for each signal that decided nothing.
};
WFE_RECORD(DraftDecisions, waiting, activated, declined, ignored);

/// Takes signals until every draft is decided or `time` is over; what is left then stays a draft.  `decisions.waiting`
/// holds the drafts, and every change shows in `decisions` at once, for queries.  Throws ActivityFailure.
sdk::Task<void> AwaitDecisions(sdk::WorkflowContext& ctx, Duration time, DraftDecisions& decisions);

/// Activates the first of the `claimed` drafts of each template, which is that of its strongest claim.  The others were
/// written for the version that it replaces, so they stay drafts, like those of findings that no test supports.  Throws
/// ActivityFailure.
sdk::Task<void> ApplyDrafts(sdk::WorkflowContext& ctx, std::string report_id, std::vector<std::string> claimed,
                            DraftDecisions& decisions);

}  // namespace wfe::workflows

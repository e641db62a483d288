// What an input must keep beside the types of its members.
#include <algorithm>
#include <array>

#include "workflows/audited_build/audited_build.h"

namespace wfe::workflows {
namespace {

/// Refuses a word that is none of `words`, and says which there are.
template <size_t N>
void OneOf(const char* key, const std::string& value, const std::array<std::string_view, N>& words) {
  std::string choices;
  for (size_t i = 0; i < N; ++i) choices += std::string(i == 0 ? "" : i + 1 == N ? " or " : ", ") + std::string(words[i]);
  RequireOfRecord(std::find(words.begin(), words.end(), value) != words.end(),
                       std::string("input.") + key + " must be " + choices + ", not \"" + value + "\"");
}

bool IsResumableStep(const std::string& step) {
  constexpr std::string_view kFix = "fix_attempt_";
  if (step == "scaffold" || step == "implement_v1" || step == "initial_verification") return true;
  return step.starts_with(kFix) && step.size() > kFix.size() && step.size() < kFix.size() + 4 &&
         step.find_first_not_of("0123456789", kFix.size()) == std::string::npos;
}

}  // namespace

void CheckRecord(const AuditedBuildInput& input) {
  RequireOfRecord(!input.task.empty(), "input.task must say what to build");
  RequireOfRecord(input.working_dir.empty() || input.working_dir.front() == '/',
                  "input.working_dir must be an absolute path");
  OneOf("workspace", input.workspace, std::to_array<std::string_view>({"auto", "in_place", "branch", "copy"}));
  OneOf("mode", input.mode, std::to_array<std::string_view>({"auto", "create", "change"}));
  OneOf("cache", input.cache, std::to_array<std::string_view>({"never", "auto", "always"}));
  OneOf("policy", input.policy, std::to_array<std::string_view>({"strict", "warn"}));
  RequireOfRecord(std::none_of(input.checks.begin(), input.checks.end(), [](const std::string& c) { return c.empty(); }),
                  "input.checks must not have an empty command");
  RequireOfRecord(input.max_fix_attempts >= 0 && input.max_fix_attempts <= 100,
                  "input.max_fix_attempts must be from 0 to 100");
  RequireOfRecord(!input.token_budget || *input.token_budget >= 0, "input.token_budget must not be negative");
  RequireOfRecord(!input.cost_budget_usd || !input.cost_budget_usd->negative(),
                  "input.cost_budget_usd must not be negative");
  RequireOfRecord(input.fix_log_max_chars > 0, "input.fix_log_max_chars must be positive");
  RequireOfRecord(input.host_timeout_s >= 0, "input.host_timeout_s must not be negative");
  RequireOfRecord(input.patience_s >= 0 && input.patience_s <= 30 * 86'400,
                  "input.patience_s must be from 0 to 2592000 (30 days)");
  RequireOfRecord(input.audit.is_null() || input.audit.is_object(),
                  "input.audit must be an input of OptimizationWorkflow");
  if (input.resume) {
    RequireOfRecord(IsResumableStep(input.resume->step),
                    "input.resume.step must be scaffold, implement_v1, initial_verification or fix_attempt_N, not \"" +
                        input.resume->step + "\"");
    RequireOfRecord(input.resume->fix_attempts >= 0, "input.resume.fix_attempts must not be negative");
  }
}

}  // namespace wfe::workflows

#include "tools/wfe/build_resume.h"

#include <algorithm>

namespace wfe::cli {
namespace {

constexpr std::string_view kFix = "fix_attempt_";

struct Point {
  std::string step;
  std::string snapshot;
  int fix_attempts = 0;  ///< Before `step`.
};

/// What it goes on from; empty for a first run.
nlohmann::json ResumeOf(const BuildRecord& build) {
  nlohmann::json resume = build.input.value("resume", nlohmann::json::object());
  return resume.is_object() ? resume : nlohmann::json::object();
}

/// What the build itself began with.
Point Beginning(const BuildRecord& build) {
  Point point;
  const nlohmann::json resume = ResumeOf(build);
  if (!resume.empty()) {
    point.step = resume.value("step", "");
    point.snapshot = resume.value("snapshot_blob_hash", "");
    point.fix_attempts = resume.value("fix_attempts", 0);
  }
  if (point.step.empty()) point.step = build.mode == "change" ? "implement_v1" : "scaffold";
  return point;
}

std::string FixStep(int number) { return std::string(kFix) + std::to_string(number); }

/// After the last step that did its work.
Point WhereItEnded(const BuildRecord& build) {
  Point point = Beginning(build);
  for (const BuildStep& step : build.steps) {
    if (!step.agent) {
      // A verification that fails leads to the next repair; it is made again first, for its findings.
      if (!step.ok) point.step = FixStep(point.fix_attempts + 1);
      continue;
    }
    if (!step.ok) continue;  // it is tried again
    if (!step.snapshot_blob_hash.empty()) point.snapshot = step.snapshot_blob_hash;
    if (step.name == "scaffold") {
      point.step = "implement_v1";
    } else if (step.name.starts_with(kFix)) {
      point.step = FixStep(++point.fix_attempts + 1);
    } else {
      point.step = "initial_verification";
    }
  }
  return point;
}

/// nullopt: this run had no such step; `known` gets those it had.
std::optional<Point> BeforeInRun(const BuildRecord& build, const std::string& name, std::string& known) {
  Point point = Beginning(build);
  for (const BuildStep& step : build.steps) {
    // A repair and the checks after it have one name; to begin with it again means to repair again.
    if (step.name == name && (step.agent || !name.starts_with(kFix))) {
      point.step = name;
      return point;
    }
    if (known.find(" " + step.name + ",") == std::string::npos) known += " " + step.name + ",";
    if (!step.agent || !step.ok) continue;
    if (!step.snapshot_blob_hash.empty()) point.snapshot = step.snapshot_blob_hash;
    if (step.name.starts_with(kFix)) ++point.fix_attempts;
  }
  return std::nullopt;
}

/// In the newest run that had the step.
Result<Point> Before(const BuildRecord& build, const std::string& name) {
  std::string known;
  for (const BuildRecord& run : build.earlier) (void)BeforeInRun(run, "", known);
  if (const auto point = BeforeInRun(build, name, known)) return *point;
  for (auto run = build.earlier.rbegin(); run != build.earlier.rend(); ++run) {
    if (const auto point = BeforeInRun(*run, name, known)) return *point;
  }
  if (!known.empty()) known.pop_back();
  return InvalidArgument("the build " + build.target.workflow_id + " had no step " + name +
                         (known.empty() ? "; it had none at all" : "; it had" + known));
}

/// Before its first step there is the tree that the build began with.  A branch has it as a commit.
Status GoBackToTheBase(const BuildRecord& build, Point& from) {
  if (!from.snapshot.empty() || build.place.kind == build::kWorkspaceBranch) return Ok();
  from.snapshot = build.place.base_snapshot_blob_hash;
  if (!from.snapshot.empty() || build.place.kind != build::kWorkspaceInPlace || !build.opened) return Ok();
  return FailedPrecondition("the tree before the build " + build.target.workflow_id + " was not kept, so " + from.step +
                            " cannot be done again from there");
}

}  // namespace

Result<nlohmann::json> ResumeInput(const BuildRecord& build, const ResumeOptions& options) {
  const std::string& id = build.target.workflow_id;
  const std::string status = build.Status();
  if (status == "running") {
    return FailedPrecondition(id + " still runs; wait for it, or stop it with `wfe cancel " + id + "`");
  }
  if (options.from.empty() && status == "passed") {
    return FailedPrecondition(id + " has passed; `wfe build retry " + id + " --from STEP` does a step again");
  }
  const Point point = WhereItEnded(build);
  Point from = point;
  if (!options.from.empty()) {
    WFE_ASSIGN_OR_RETURN(from, Before(build, options.from));
    WFE_RETURN_IF_ERROR(GoBackToTheBase(build, from));
  }
  nlohmann::json input = build.input;
  const int64_t tokens = build.Tokens();
  const std::optional<Money> cost = build.CostUsd();
  if (options.token_budget) input["token_budget"] = *options.token_budget;
  if (options.cost_budget_usd) input["cost_budget_usd"] = *options.cost_budget_usd;
  if (input.contains("token_budget") && input["token_budget"].is_number() &&
      tokens >= input["token_budget"].get<int64_t>()) {
    return FailedPrecondition("the token budget of " + id + " is used up: " + std::to_string(tokens) + " of " +
                              std::to_string(input["token_budget"].get<int64_t>()) + "; give a greater --token-budget");
  }
  if (cost && input.contains("cost_budget_usd") && input["cost_budget_usd"].is_number() &&
      *cost >= input["cost_budget_usd"].get<Money>()) {
    return FailedPrecondition("the cost budget of " + id + " is used up; give a greater --cost-budget");
  }
  // Whoever takes a build up again after its last attempt wants as many once more.
  const int allowed = input.value("max_fix_attempts", 3);
  if (options.max_fix_attempts) {
    input["max_fix_attempts"] = *options.max_fix_attempts;
  } else if (from.fix_attempts >= allowed) {
    input["max_fix_attempts"] = std::min(100, from.fix_attempts + std::max(1, allowed));
  }
  // What was found out once holds: the directory is no longer what it was at the start.
  if (!build.profile.empty() && !input.contains("checks")) input["profile"] = build.profile;
  if (!build.mode.empty()) input["mode"] = build.mode;
  if (!build.template_id.empty()) input["template_id"] = build.template_id;
  if (!build.place.kind.empty()) input["workspace"] = build.place.kind;
  const nlohmann::json earlier = ResumeOf(build);
  // A run that ended before it had a workspace knows what the one before it knew.
  const auto known = [&](const std::string& value, const char* key) {
    return value.empty() && !build.opened ? earlier.value(key, "") : value;
  };
  const std::string base = known(build.place.base_snapshot_blob_hash, "base_snapshot_blob_hash");
  nlohmann::json resume = {{"workflow_id", id},
                           {"run_id", build.target.run_id},
                           {"step", from.step},
                           {"snapshot_blob_hash", from.snapshot},
                           {"fix_attempts", from.fix_attempts},
                           {"total_tokens", tokens},
                           {"base_snapshot_blob_hash", base},
                           {"base_commit", known(build.place.base_commit, "base_commit")},
                           {"branch", known(build.place.branch, "branch")}};
  if (input.value("workspace", "") == build::kWorkspaceInPlace && !options.discard) {
    const std::string last = build.LastSnapshot().empty() ? base : build.LastSnapshot();
    const std::string left = known(build.opened ? last : "", "expected_snapshot_blob_hash");
    if (!left.empty() && !from.snapshot.empty()) resume["expected_snapshot_blob_hash"] = left;
  }
  if (cost) resume["cost_usd"] = *cost;
  if (build.baseline.is_object()) {
    resume["baseline"] = build.baseline;
    if (build.protected_hashes.is_object()) resume["protected_hashes"] = build.protected_hashes;
  }
  input["resume"] = std::move(resume);
  return input;
}

}  // namespace wfe::cli

#include "workflows/audited_build/audited_build.h"

#include "activities/sandbox/text.h"
#include "workflows/audited_build/build_run.h"

namespace wfe::workflows {
namespace {

using sdk::Task;

std::string FixAttempts(int count) { return std::to_string(count) + (count == 1 ? " fix attempt" : " fix attempts"); }

std::string Sentence(const std::string& status, int fix_attempts, bool changed) {
  if (status == "passed" && !changed) return "all checks passed, and the agent changed nothing";
  if (status == "passed") {
    return fix_attempts == 0 ? "all checks passed at once"
                             : "all checks passed after " + FixAttempts(fix_attempts);
  }
  if (status == "not_passed") return "the checks still fail after " + FixAttempts(fix_attempts);
  if (status == "budget_exhausted") return "the budget is used up";
  return "";
}

/// Runs shielded: a cancelled run still leaves a whole trace.
Task<void> Finish(sdk::WorkflowContext& ctx, BuildRun& run, std::string_view event, nlohmann::json ext) {
  sdk::ShieldScope shield(ctx);
  // A build that was refused leaves no mark.
  if (!run.has_trace()) co_return;
  co_await run.Finish(event, std::move(ext));
}

Task<void> LogBlocked(sdk::WorkflowContext& ctx, BuildRun& run) {
  sdk::ShieldScope shield(ctx);
  if (!run.has_trace()) co_return;
  const nlohmann::json blocked = {{"total_tokens", run.total_tokens()}};
  co_await run.LogEvent("budget_blocked", blocked);
}

/// Named here, not included: the build knows nothing of audits but their name.
constexpr std::string_view kAuditWorkflow = "OptimizationWorkflow";

/// Leaves an audit behind, whose runs include this one (OP-1).  Its workflow id; empty: there is none, and the log says
/// why, since a build is not worse for an audit that could not be started.
Task<std::string> StartAudit(sdk::WorkflowContext& ctx, nlohmann::json input) {
  const std::string id = ctx.info().workflow_id + "-audit";
  sdk::ChildHandle<nlohmann::json> audit = ctx.StartChild(
      kAuditWorkflow, input,
      {.workflow_id = id,
       .parent_close = sdk::ParentClosePolicy::kAbandon,
       .cancellation = sdk::ChildCancellationType::kAbandon,
       .static_summary = "audit after a build"});
  std::string problem;
  try {
    // A child that has not started when its parent closes may never start.
    co_await audit.Started();
  } catch (const sdk::ChildStartFailure& failure) {
    problem = failure.what();
  } catch (const sdk::CancelledFailure&) {
    problem = "the build was cancelled";
  }
  if (problem.empty()) co_return id;
  ctx.Log(sdk::LogLevel::kWarning, "no audit of the build: " + problem);
  co_return std::string();
}

struct Fault {
  std::string activity;  // empty: the examination's own
  std::string type;
  std::string message;
};

/// Ends the run as failed, with the sentence of what was at fault.
Task<void> Fail(sdk::WorkflowContext& ctx, BuildRun& run, Fault fault) {
  nlohmann::json ext = {{"failure_type", fault.type}, {"failure", fault.message}};
  // The directory may be what is broken, so a trace that cannot be written must not hide the real fault.
  try {
    co_await Finish(ctx, run, "workflow_failed", std::move(ext));
  } catch (const sdk::ActivityFailure& second) {
    ctx.Log(sdk::LogLevel::kError, std::string("the failure could not be logged: ") + second.what());
  }
  const std::string who = fault.activity.empty() ? "" : fault.activity + ": ";
  throw sdk::WorkflowFailure(who + fault.message, fault.type, true);
}

}  // namespace

Task<AuditedBuildResult> AuditedBuild(sdk::WorkflowContext& ctx, nlohmann::json from) {
  AuditedBuildInput input;
  try {
    input = from.get<AuditedBuildInput>();
  } catch (const nlohmann::json::exception& e) {
    throw sdk::WorkflowFailure(std::string("the input of AuditedBuildWorkflow is not valid: ") + e.what(),
                               "INVALID_INPUT", true);
  }
  BuildRun run(ctx, input);

  std::string status;
  bool cancelled = false;
  std::optional<Fault> fault;
  {
    sdk::CancellationScope steps(ctx);
    ctx.OnSignal<nlohmann::json>("abort", [&run, &steps](const nlohmann::json& reason) {
      run.Abort(reason);
      steps.Cancel("aborted");
    });
    try {
      status = co_await run.Run();
    } catch (const sdk::CancelledFailure&) {
      cancelled = true;
    } catch (const sdk::ActivityFailure& failure) {
      fault = Fault{.activity = failure.activity_type(), .type = failure.type(), .message = failure.message()};
    } catch (const ExaminationFault& failure) {
      fault = Fault{.activity = "", .type = failure.type, .message = failure.message};
    }
    // The scope is about to go; a late signal has nothing left to stop.
    ctx.OnSignal<nlohmann::json>("abort", [](const nlohmann::json&) {});
  }
  // Whatever a stopped step ended as: a person wanted the build to end.
  if (run.aborted() && status != "passed") {
    cancelled = false;
    fault.reset();
    status = "aborted";
  }
  if (cancelled) {
    const nlohmann::json ext = nlohmann::json::object();
    co_await Finish(ctx, run, "workflow_cancelled", ext);
    throw sdk::CancelledFailure("the build was cancelled");
  }
  if (fault) co_await Fail(ctx, run, *fault);
  if (status == "budget_exhausted") co_await LogBlocked(ctx, run);
  nlohmann::json ext = {
      {"status", status}, {"fix_attempts", run.fix_attempts()}, {"total_tokens", run.total_tokens()}};
  if (status == "passed" && !run.changed()) ext["nothing_changed"] = true;
  co_await Finish(ctx, run, "workflow_completed", ext);
  std::string sentence = Sentence(status, run.fix_attempts(), run.changed());
  if (status == "passed" && !run.ignored().empty()) {
    sentence += "; they also saw files of the agent that git ignores, which are not part of the result: " +
                sandbox::Listed(run.ignored());
  }
  AuditedBuildResult result = run.Result(status, sentence);
  // A build that was refused has nothing to look at.
  if (!input.audit.is_null() && run.has_trace()) {
    Task<std::string> start = StartAudit(ctx, input.audit);
    result.audit = co_await start;
  }
  co_return result;
}

void RegisterAuditedBuild(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kAuditedBuildWorkflow), &AuditedBuild);
}

}  // namespace wfe::workflows

#include "workflows/audited_build/audited_build.h"

#include "workflows/audited_build/build_run.h"

namespace wfe::workflows {
namespace {

using sdk::Task;

std::string Sentence(const std::string& status, int fix_attempts) {
  if (status == "passed") {
    return fix_attempts == 0 ? "all checks passed at once"
                             : "all checks passed after " + std::to_string(fix_attempts) + " fix attempts";
  }
  if (status == "not_passed") return "the checks still fail after " + std::to_string(fix_attempts) + " fix attempts";
  if (status == "budget_exhausted") return "the budget is used up";
  return "";
}

/// Logs how the run ended and gives the directory back.  Runs shielded: a cancelled run still leaves a whole trace.
Task<void> Finish(sdk::WorkflowContext& ctx, BuildRun& run, std::string_view event, nlohmann::json ext) {
  sdk::ShieldScope shield(ctx);
  if (!run.HasDirectory()) co_return;
  co_await run.LogEvent(event, ext);
  co_await run.Release();
}

}  // namespace

Task<AuditedBuildResult> AuditedBuild(sdk::WorkflowContext& ctx, nlohmann::json json) {
  AuditedBuildInput input;
  try {
    input = json.get<AuditedBuildInput>();
  } catch (const nlohmann::json::exception& e) {
    throw sdk::WorkflowFailure(std::string("the input of AuditedBuildWorkflow is not valid: ") + e.what(),
                               "INVALID_INPUT", true);
  }
  BuildRun run(ctx, input);

  std::string status;
  bool cancelled = false;
  std::optional<sdk::ActivityFailure> fault;
  {
    sdk::CancellationScope steps(ctx);
    ctx.OnSignal<nlohmann::json>("abort", [&run, &steps](const nlohmann::json& reason) {
      run.Abort(reason.is_string() ? reason.get<std::string>() : "");
      steps.Cancel("aborted");
    });
    try {
      status = co_await run.Run();
    } catch (const sdk::CancelledFailure&) {
      cancelled = true;
    } catch (const sdk::ActivityFailure& failure) {
      fault = failure;
    }
    // The scope is about to go; a late signal has nothing left to stop.
    ctx.OnSignal<nlohmann::json>("abort", [](const nlohmann::json&) {});
  }
  if (run.aborted() && status.empty() && !fault) {
    cancelled = false;
    status = "aborted";
  }
  if (cancelled) {
    const nlohmann::json ext = nlohmann::json::object();
    co_await Finish(ctx, run, "workflow_cancelled", ext);
    throw sdk::CancelledFailure("the build was cancelled");
  }
  if (fault) {
    const nlohmann::json ext = {{"failure_type", fault->type()}, {"failure", fault->message()}};
    // The directory may be what is broken, so a trace that cannot be written must not hide the real fault.
    try {
      co_await Finish(ctx, run, "workflow_failed", ext);
    } catch (const sdk::ActivityFailure& second) {
      ctx.Log(sdk::LogLevel::kError, std::string("the failure could not be logged: ") + second.what());
    }
    throw sdk::WorkflowFailure(fault->activity_type() + ": " + fault->message(), fault->type(), true);
  }
  const std::string sentence = Sentence(status, run.fix_attempts());
  AuditedBuildResult result = run.Result(status, sentence);
  if (status == "budget_exhausted") {
    const nlohmann::json blocked = {{"total_tokens", result.total_tokens}};
    co_await run.LogEvent("budget_blocked", blocked);
  }
  const nlohmann::json ext = {
      {"status", status}, {"fix_attempts", result.fix_attempts}, {"total_tokens", result.total_tokens}};
  co_await Finish(ctx, run, "workflow_completed", ext);
  co_return result;
}

void RegisterAuditedBuild(sdk::WorkflowRegistry& registry) {
  registry.Register(std::string(kAuditedBuildWorkflow), &AuditedBuild);
}

}  // namespace wfe::workflows

#include "activities/nodes/register.h"

#include <memory>

#include "activities/nodes/activities.h"
#include "activities/nodes/examine.h"
#include "activities/sandbox/safe_files.h"
#include "engine/base/hash.h"

namespace wfe::nodes {
namespace {

using sdk::ActivityContext;
using sdk::ActivityResult;

sdk::ApplicationFailure Failure(std::string_view type, const std::string& message) {
  return {
      .message = message, .type = std::string(type), .non_retryable = true, .next_retry_delay = {}, .details = nullptr};
}

sandbox::ProcessWatch WatchFor(ActivityContext& context, const NodeSettings& settings, const std::string& file) {
  sandbox::ProcessWatch watch;
  watch.is_cancelled = [&context] { return context.IsCancelled(); };
  watch.heartbeat = [&context, file] { context.Heartbeat({{"file", file}}); };
  watch.heartbeat_interval = settings.config().heartbeat_interval;
  return watch;
}

/// What the examination and the tests can end with, as the workflow sees it.
template <class T>
ActivityResult<T> Ended(const Error& error) {
  if (error.code == StatusCode::kCancelled) return sdk::ActivityCancelled{.details = nullptr};
  if (error.code == StatusCode::kFailedPrecondition) return Failure(kFailureNodeTool, error.message);
  return error;
}

/// The file of a request, and its text.
struct NodeFile {
  std::optional<sandbox::SafeDir> dir;  ///< Absent: the text is in the request only.
  std::string file;
  std::string text;
};

template <class Request>
Result<NodeFile> Open(const NodeSettings& settings, const Request& request) {
  NodeFile node;
  node.file = request.file;
  if (node.file.empty() && request.source.has_value()) node.file = request.language == kCpp ? "node.cpp" : "node.py";
  if (request.working_dir.empty()) {
    if (!request.source.has_value()) return InvalidArgument("the input has neither a working_dir nor a source");
    node.text = *request.source;
    return node;
  }
  if (!request.working_dir.starts_with('/')) return InvalidArgument("working_dir must be an absolute path");
  WFE_ASSIGN_OR_RETURN(sandbox::SafeDir dir, sandbox::SafeDir::Open(request.working_dir));
  if (request.source.has_value()) {
    WFE_RETURN_IF_ERROR(dir.Write(node.file, *request.source));
    node.text = *request.source;
  } else {
    // One byte more than is examined, so that a file that is too large is told as such.
    WFE_ASSIGN_OR_RETURN(node.text, dir.Read(node.file, settings.config().limits.source_bytes + (1 << 20)));
  }
  node.dir.emplace(std::move(dir));
  return node;
}

ActivityResult<AnalyzeStaticResult> Analyze(const NodeSettings& settings, ActivityContext& context,
                                            const AnalyzeStaticRequest& request) {
  auto node = Open(settings, request);
  if (!node) return Failure(kFailureNodeFile, node.error().message);
  const NodeSource source{
      .text = node->text, .tools = request.tools, .required_tools = request.required_tools, .repair = request.repair};
  auto examined = ExamineNodes(settings, request.language, {&source, 1}, WatchFor(context, settings, node->file));
  if (!examined) return Ended<AnalyzeStaticResult>(examined.error());
  ExaminedNode& result = examined->front();
  std::string text = node->text;
  if (result.repaired.has_value()) {
    text = *std::move(result.repaired);
    if (node->dir.has_value()) {
      const Status written = node->dir->Write(node->file, text);
      if (!written) return written.error();
    }
  }
  AnalyzeStaticResult answer;
  GenerationReport& report = answer.report;
  report.node_id = request.node_id;
  report.workflow_run_id = request.workflow_run_id.empty() ? context.info().run_id : request.workflow_run_id;
  report.file = node->file;
  report.language = request.language;
  report.content_hash = ToHex(Sha256(text));
  report.report_id =
      "report-" +
      ToHex(Sha256({report.workflow_run_id, "\n", report.node_id, "\n", report.file, "\n", report.content_hash}))
          .substr(0, 16);
  report.checks = std::move(result.checks);
  report.template_id = request.template_id;
  report.template_version = request.template_version;
  report.model = request.model;
  report.created_at = FormatIso8601Millis(context.info().started_time);
  Conclude(report);
  answer.passes_gate = report.PassesGate();
  answer.feedback = settings.mask().Apply(FeedbackOf(report));
  if (request.source.has_value()) answer.source = std::move(text);
  return answer;
}

ActivityResult<NodeTestReport> Test(const NodeSettings& settings, ActivityContext& context,
                                    const RunNodeTestsRequest& request) {
  auto node = Open(settings, request);
  if (!node) return Failure(kFailureNodeFile, node.error().message);
  const NodeUnderTest under_test{
      .language = request.language, .text = node->text, .tools = request.tools, .cases = request.cases};
  auto report = RunNodeTests(settings, under_test, WatchFor(context, settings, node->file));
  if (!report) return Ended<NodeTestReport>(report.error());
  return *std::move(report);
}

}  // namespace

void RegisterNodeActivities(sdk::ActivityRegistry& registry, NodeConfig config) {
  // Shared by the registered functions, which may be copied.
  const auto settings = std::make_shared<const NodeSettings>(std::move(config));
  registry.Register(kAnalyzeStatic, [settings](ActivityContext& context, const AnalyzeStaticRequest& request) {
    return Analyze(*settings, context, request);
  });
  registry.Register(kRunNodeTests, [settings](ActivityContext& context, const RunNodeTestsRequest& request) {
    return Test(*settings, context, request);
  });
}

}  // namespace wfe::nodes

#include "workflows/audited_build/build_progress.h"

namespace wfe::workflows {
namespace {

using nlohmann::json;

/// Of an answer to `trace`; a payload may have 2 MiB.
constexpr size_t kMaxTraceBytes = 1 << 20;

json TraceOf(const BuildProgress& p, const json&) {
  json trace = json::array();
  size_t bytes = 0;
  for (const trace::LogEntry& entry : p.entries) {
    json line = entry;
    size_t size = line.dump().size();
    if (bytes + size > kMaxTraceBytes && line.contains("error_full")) {
      line.erase("error_full");
      line["ext"]["error_left_out"] = true;
      size = line.dump().size();
    }
    if (bytes + size > kMaxTraceBytes) {
      trace.push_back({{"entries_left_out", p.entries.size() - trace.size()}});
      break;
    }
    bytes += size;
    trace.push_back(std::move(line));
  }
  return trace;
}

}  // namespace

void AnswerBuildQueries(sdk::WorkflowContext& ctx, const std::shared_ptr<BuildProgress>& progress) {
  ctx.OnQuery<json, json>("status", progress, [](const BuildProgress& p, const json&) { return json(p); });
  ctx.OnQuery<json, json>("trace", progress, &TraceOf);
}

}  // namespace wfe::workflows

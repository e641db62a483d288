#include "workflows/audited_build/build_progress.h"

namespace wfe::workflows {
namespace {

using nlohmann::json;

/// Of an answer to `trace`; a payload may have 2 MiB.
constexpr size_t kMaxTraceBytes = 1 << 20;

json StatusOf(const BuildProgress& p, const json&) {
  json status = {{"step", p.step},
                 {"status", p.status},
                 {"fix_attempts", p.fix_attempts},
                 {"total_tokens", p.total_tokens},
                 {"working_dir", p.working_dir}};
  const auto say = [&status](const char* key, const std::string& value) {
    if (!value.empty()) status[key] = value;
  };
  say("last_error_type", p.last_error_type);
  say("project_dir", p.project_dir);
  say("workspace", p.workspace);
  say("branch", p.branch);
  say("base_snapshot_blob_hash", p.base_snapshot_blob_hash);
  say("snapshot_blob_hash", p.snapshot_blob_hash);
  return status;
}

json TraceOf(const BuildProgress& p, const json&) {
  json trace = json::array();
  size_t bytes = 0;
  for (const activities::LogEntry& entry : p.entries) {
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
  ctx.OnQuery<json, json>("status", progress, &StatusOf);
  ctx.OnQuery<json, json>("trace", progress, &TraceOf);
}

}  // namespace wfe::workflows

#include "tools/wfe/history_source.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/history/nesting.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/local_store.h"
#include "tools/wfe/text_file.h"
#include "workers/core/history_json.h"

namespace wfe::cli {
namespace {

bool LooksLikeRunId(const std::string& text) {
  return text.size() == 36 && text[8] == '-' && text.find_first_not_of("0123456789abcdef-") == std::string::npos;
}

}  // namespace

Result<Target> Resolve(Globals& globals, const Target& target) {
  if (globals.local && !globals.UsesLocalStore()) {
    WFE_ASSIGN_OR_RETURN(const bool found, FallBackToLocalBuild(globals, target.workflow_id));
    if (!found) return NotFound("there is no local build " + target.workflow_id + "; `wfe build list --local` has them");
  }
  auto description = Describe(globals, target);
  const bool elsewhere = !description && (description.error().code == StatusCode::kNotFound ||
                                          Globals::IsUnreachable(description.error()));
  if (elsewhere) {
    WFE_ASSIGN_OR_RETURN(const bool found, FallBackToLocalBuild(globals, target.workflow_id));
    if (found) description = Describe(globals, target);
  }
  if (description) {
    const auto& execution = description->workflow_execution_info().execution();
    return Target{execution.workflow_id(), execution.run_id()};
  }
  if (description.error().code != StatusCode::kNotFound || !LooksLikeRunId(target.workflow_id)) {
    return description.error();
  }
  ws::ListWorkflowExecutionsRequest request;
  request.set_namespace_(globals.Namespace());
  request.set_query("RunId = '" + target.workflow_id + "'");
  WFE_ASSIGN_OR_RETURN(const auto page,
                       globals.Call<ws::ListWorkflowExecutionsResponse>("ListWorkflowExecutions", request));
  if (page.executions_size() == 0) return NotFound("no workflow and no run is called " + target.workflow_id);
  return Target{page.executions(0).execution().workflow_id(), target.workflow_id};
}

Result<temporal::api::history::v1::History> FetchHistory(Globals& globals, const Target& target) {
  ws::GetWorkflowExecutionHistoryRequest request;
  request.set_namespace_(globals.Namespace());
  request.mutable_execution()->set_workflow_id(target.workflow_id);
  request.mutable_execution()->set_run_id(target.run_id);
  temporal::api::history::v1::History history;
  while (true) {
    WFE_ASSIGN_OR_RETURN(const auto page, globals.Call<ws::GetWorkflowExecutionHistoryResponse>(
                                              "GetWorkflowExecutionHistory", request, std::chrono::seconds(30)));
    history.MergeFrom(page.history());
    if (page.next_page_token().empty()) return history;
    request.set_next_page_token(page.next_page_token());
  }
}

Result<temporal::api::history::v1::History> ReadHistoryFile(const std::string& path) {
  WFE_RETURN_IF_ERROR(CheckFileIsThere(path));
  std::ifstream in(path, std::ios::binary);
  if (!in) return InvalidArgument("cannot open the history file " + path);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && bytes[first] == '{') {
    auto history = core::HistoryFromJson(bytes);
    if (!history) return InvalidArgument(path + " is not a history: " + history.error().message);
    return history;
  }
  temporal::api::history::v1::History history;
  if (bytes.empty() || !history::ParseStored(bytes, &history) || history.events_size() == 0) {
    return InvalidArgument(path + " is not a history: neither Temporal's JSON nor a binary History message");
  }
  return history;
}

Result<temporal::api::history::v1::History> LoadHistory(Globals& globals, const std::string& source,
                                                        const std::string& run_id) {
  if (std::filesystem::is_regular_file(source)) return ReadHistoryFile(source);
  const Result<Target> target = Resolve(globals, {source, run_id});
  if (!target) {
    if (target.error().code == StatusCode::kNotFound && run_id.empty()) {
      return NotFound("there is no file and no workflow " + source);
    }
    // A name of a file needs no server; one that looks like it and is none should not be told about servers only.
    const bool like_a_file = source.find_first_of("./") != std::string::npos;
    if (like_a_file && Globals::IsUnreachable(target.error())) {
      return Error{target.error().code, "there is no file " + source + ", and " + target.error().message, {}};
    }
    return target.error();
  }
  return FetchHistory(globals, *target);
}

}  // namespace wfe::cli

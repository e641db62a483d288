// The JSON of every record is a contract: histories, traces, blobs and state files hold it.  This pins the bytes of each,
// as new and with every member set, which members a reader must find, and what it does about a key it does not know.
// WFE_REWRITE=1 rewrites the file: then read the diff.  A changed line means that stored data reads or looks different.
#include <gtest/gtest.h>

#include <boost/mp11/algorithm.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "activities/agent/call/model_call.h"
#include "activities/agent/programs/agent_program.h"
#include "activities/agent/step/agent_step.h"
#include "activities/agent/step/file_tools.h"
#include "activities/analytics/audits/dataset.h"
#include "activities/analytics/audits/report.h"
#include "activities/analytics/ingest/collect.h"
#include "activities/analytics/steps/audit_steps.h"
#include "activities/build/checks/compliance.h"
#include "activities/build/checks/host_info.h"
#include "activities/build/checks/plan.h"
#include "activities/build/workspace/state.h"
#include "activities/build/workspace/workspace.h"
#include "activities/nodes/activities.h"
#include "activities/prompts/drafts.h"
#include "activities/prompts/instructions.h"
#include "activities/prompts/template_state.h"
#include "activities/sandbox/tree_snapshot.h"
#include "activities/trace/audit.h"
#include "engine/base/record_schema.h"
#include "workflows/audited_build/audited_build.h"
#include "workflows/optimization/optimization.h"

namespace wfe {
namespace {

using namespace wfe::agent;
using namespace wfe::analytics;
using namespace wfe::build;
using namespace wfe::nodes;
using namespace wfe::prompts;
using namespace wfe::sandbox;
using namespace wfe::trace;
using namespace wfe::workflows;
using nlohmann::json;

// ---- a value in every member, other than in a new record

void Fill(std::string& value, const std::string& name) { value = "a " + name; }
void Fill(bool& value, const std::string&) { value = !value; }
void Fill(double& value, const std::string& name) { value = 0.125 + static_cast<double>(name.size()); }
void Fill(Money& value, const std::string& name) {
  value = Money::Nanos(125'000'000 + static_cast<int64_t>(name.size()) * Money::kPerUsd);
}
template <std::integral T>
  requires(!std::same_as<T, bool>)
void Fill(T& value, const std::string& name) {
  value = static_cast<T>(40 + name.size());
}
void Fill(json& value, const std::string& name) { value = {{"any", name}, {"list", {1, 2.5, nullptr}}}; }
void Fill(SourceSpec& value, const std::string& name) {
  value = {.kind = std::string(kSourceHistory), .location = "a " + name, .ns = "b " + name};
}
void Fill(NodeExpectation& value, const std::string& name) { value = {.kind = "contains", .value = {{"any", name}}}; }
void Fill(LogEntry& value, const std::string& name) {
  value.workflow_run_id = "run";
  value.step_name = name;
  value.timestamp = "2026-01-02T03:04:05.000Z";
  value.files_touched = {"a", "b"};
  value.ext["seq"] = 1;
}
template <class T>
void Fill(std::optional<T>& value, const std::string& name);
template <class T>
void Fill(std::vector<T>& value, const std::string& name);
template <class K, class V>
void Fill(std::map<K, V>& value, const std::string& name);
template <Record T>
void Fill(T& record, const std::string&) {
  boost::mp11::mp_for_each<RecordMembers<T>>(
      [&]<class Member>(Member) { Fill(record.*Member::pointer, Member::name); });
}
template <class T>
void Fill(std::optional<T>& value, const std::string& name) {
  Fill(value.emplace(), name);
}
template <class T>
void Fill(std::vector<T>& value, const std::string& name) {
  value.resize(1);
  Fill(value.front(), name);
}
template <class K, class V>
void Fill(std::map<K, V>& value, const std::string& name) {
  K key{};
  Fill(key, name);
  Fill(value[key], name);
}

/// What a reader accepts only in these words.
template <class T>
void MakeValid(T& record) {
  if constexpr (std::same_as<T, AuditedBuildInput>) {
    record.working_dir = "/a";
    record.workspace = "branch";
    record.mode = "change";
    record.policy = "warn";
    record.cache = "auto";
    record.resume->step = "fix_attempt_2";
  } else if constexpr (std::same_as<T, OptimizationInput>) {
    record.from = "";
    record.to = "2026-01-02T03:04:05Z";
    record.period = "24h";
    record.timezone = "Europe/Berlin";
    record.audits = {"token_efficiency"};
    record.output_dir = "/a";
    record.auto_apply = false;
    record.await_approval = "8h";
    record.allow_scripted = false;
  }
}

class Book {
 public:
  template <class T>
  T Write(const std::string& name) {
    T record{};
    text_ << "# " << name << "\nnew   " << json(record).dump() << "\n";
    Fill(record, name);
    MakeValid(record);
    text_ << "full  " << json(record).dump() << "\n";
    return record;
  }
  template <class T>
  void Both(const std::string& name) {
    const json full = Write<T>(name);
    try {
      const T read = full.get<T>();
      text_ << "again " << (json(read) == full ? "the same" : json(read).dump()) << "\n";
    } catch (const json::exception& e) {
      text_ << "again " << e.what() << "\n";
    }
    text_ << "needs";
    for (const auto& [key, value] : full.items()) {
      json part = full;
      part.erase(key);
      try {
        (void)part.get<T>();
      } catch (const json::exception&) {
        text_ << " " << key;
      }
    }
    json more = full;
    more["zz_later"] = 1;
    try {
      const json read = more.get<T>();
      text_ << "\nother " << (read.contains("zz_later") ? "kept" : "ignored") << "\n";
    } catch (const json::exception&) {
      text_ << "\nother refused\n";
    }
  }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
};

#define BOTH(Type) book.Both<Type>(#Type)
#define WRITTEN(Type) book.Write<Type>(#Type)

void AddNodes(Book& book) {
  BOTH(NodeFinding);
  BOTH(NodeCheck);
  BOTH(GenerationReport);
  BOTH(NodeExpectation);
  BOTH(NodeTestCase);
  BOTH(NodeCaseReport);
  BOTH(NodeTestReport);
  BOTH(AnalyzeStaticRequest);
  BOTH(AnalyzeStaticResult);
  BOTH(RunNodeTestsRequest);
}

std::string AllRecords() {
  Book book;
  BOTH(PreflightRequest);
  BOTH(PreflightReport);
  BOTH(InstallDependenciesRequest);
  BOTH(InstallDependenciesReport);
  BOTH(ProbeChecksRequest);
  BOTH(ProbeChecksReport);
  BOTH(ComplianceRequest);
  BOTH(CheckReport);
  BOTH(ComplianceReport);
  BOTH(ReleaseRequest);
  BOTH(ReleaseReport);
  WRITTEN(BuildPlan);
  BOTH(HostInfo);
  BOTH(FileState);
  BOTH(TreeSnapshot);
  BOTH(AgentLimits);
  BOTH(AgentRequest);
  BOTH(AgentAction);
  BOTH(AgentReply);
  BOTH(CallParameters);
  BOTH(CallRequest);
  BOTH(CallReply);
  BOTH(CheckAgentInput);
  BOTH(CheckAgentOutput);
  BOTH(RestoreSnapshotInput);
  BOTH(RestoreSnapshotOutput);
  BOTH(PrepareContextInput);
  BOTH(PreparedContext);
  BOTH(TurnPlan);
  BOTH(ProgramReport);
  BOTH(CollectTracesInput);
  BOTH(CollectTracesResult);
  BOTH(AggregateTracesInput);
  BOTH(AggregateTracesResult);
  BOTH(AuditScope);
  BOTH(RunAuditInput);
  BOTH(RunAuditResult);
  BOTH(WriteReportInput);
  BOTH(WriteReportResult);
  BOTH(ActivateDraftInput);
  BOTH(ActivateDraftResult);
  BOTH(TraceUnit);
  BOTH(SourceListing);
  BOTH(Chunk);
  BOTH(ChunkResult);
  BOTH(ParseProblem);
  BOTH(ParseReport);
  BOTH(OpenWorkspaceRequest);
  BOTH(OpenWorkspaceReport);
  BOTH(RecordStepRequest);
  BOTH(RecordStepReport);
  BOTH(WorkspaceState);
  BOTH(PrepareInstructionInput);
  BOTH(PreparedInstruction);
  WRITTEN(TemplateVersion);
  WRITTEN(ActivatedDraft);
  BOTH(LogAuditEntryInput);
  BOTH(TraceChain);
  BOTH(ActivatedProposal);
  BOTH(AuditOptions);
  BOTH(ResumePoint);
  BOTH(AuditedBuildInput);
  BOTH(AuditedBuildResult);
  WRITTEN(DraftDecisions);
  BOTH(OptimizationInput);
  BOTH(SourceSpec);
  BOTH(LogEntry);
  AddNodes(book);
  return book.text();
}

/// What the file holds; with WFE_REWRITE it is made `now` first.
std::string Pinned(const std::string& name, const std::string& now) {
  const std::string path = std::string(WFE_SOURCE_DIR) + "/" + name;
  if (std::getenv("WFE_REWRITE") != nullptr) std::ofstream(path) << now;
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(RecordBytes, TheJsonOfEveryRecordIsAsItWasStored) {
  const std::string now = AllRecords();
  EXPECT_EQ(now, Pinned("tests/testdata/records/bytes.txt", now));
}

/// As it stands in schemas/, for editors and for those who start builds from their own programs.
template <class Input>
void ExpectSchema(const std::string& name, const std::string& title) {
  json schema = RecordSchema<Input>();
  schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  schema["title"] = title;
  const std::string now = schema.dump(2) + "\n";
  EXPECT_EQ(now, Pinned("schemas/" + name, now));
}

TEST(RecordSchemas, TheInputsOfTheWorkflowsAreAsTheirSchemasSay) {
  ExpectSchema<AuditedBuildInput>("audited_build_input.schema.json", "The input of AuditedBuildWorkflow");
  ExpectSchema<OptimizationInput>("optimization_input.schema.json", "The input of OptimizationWorkflow");
}

// RC-1
TEST(RecordSchemas, AGenerationReportIsAsItsSchemaSays) {
  ExpectSchema<GenerationReport>("generation_report.schema.json", "What an examination of generated code says");
}

}  // namespace
}  // namespace wfe

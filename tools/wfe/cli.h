// What every command shares: global options, the connection, reading inputs.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "engine/base/result.h"
#include "temporal/api/common/v1/message.pb.h"
#include "temporal/api/workflowservice/v1/request_response.pb.h"
#include "tools/wfe/config.h"
#include "tools/wfe/exit_codes.h"
#include "tools/wfe/output.h"
#include "tools/wfe/site.h"
#include "workers/client/blocking_call.h"

namespace wfe::cli {

namespace ws = temporal::api::workflowservice::v1;

class LocalStack;

/// Options that stand on every command, and what they lead to.
class Globals {
 public:
  std::string config_path;
  std::string address;  ///< Empty: from the configuration.
  std::string ns;       ///< Empty: from the configuration.
  OutputFormat format = OutputFormat::kText;
  int exit_code = kExitOk;
  SiteStarter site;    ///< Of `wfe server`; empty: it serves no pages.
  bool local = false;  ///< --local: only the stores of local builds are asked (tools/wfe/local_store.h).
  std::set<std::string> idle_queues;  ///< Of which it was said that nobody polls them.
  std::set<std::string> worked_queues;  ///< Of which this command has seen that somebody worked for them.

  /// The effective configuration; loaded once.
  Result<const Config*> config();
  std::string Address();
  std::string Namespace();
  /// A connection; made at first use.
  client::ServiceClient& client();
  /// From now on another server.
  void Use(const std::string& other_address);
  /// From now on the engine in this process.
  void Use(std::shared_ptr<LocalStack> local_stack);
  /// Back to the server of the options; ends the one in this process.
  void LeaveLocalStore();
  bool UsesLocalStore() const { return uses_local_; }
  /// On the command line.
  bool AddressWasNamed() const { return !address.empty() && !uses_local_; }

  /// A unary call of Temporal's service.  An unreachable server is one sentence that names the address.
  template <class Response>
  Result<Response> Call(std::string_view method, const google::protobuf::MessageLite& request,
                        Duration timeout = std::chrono::seconds(10)) {
    Result<Response> response =
        client::BlockingCall<Response>(client(), client::kWorkflowService, method, request, timeout);
    if (!response && IsUnreachable(response.error())) return Unreachable(response.error());
    return response;
  }
  Error Unreachable(const Error& error);
  static bool IsUnreachable(const Error& error) {
    return error.code == StatusCode::kUnavailable || error.code == StatusCode::kDeadlineExceeded;
  }

  /// Wraps a command's body: runs it, prints its error, keeps its exit code.
  void Run(const std::function<Result<int>()>& body);

 private:
  std::optional<Config> config_;
  std::shared_ptr<LocalStack> stack_;  // outlives the way into it; null: a server
  bool uses_local_ = false;
  std::unique_ptr<client::ServiceClient> client_;
};

/// Adds --address, --namespace, --output and --config to a client command.
void AddClientOptions(CLI::App& command, Globals& globals);
/// Adds --local to a command that looks at a build.
void AddLocalOption(CLI::App& command, Globals& globals);
/// Adds --output and --config.
void AddCommonOptions(CLI::App& command, Globals& globals);

/// The JSON text that `--input JSON|@FILE|-` or `--input-file FILE` names; nullopt when neither is given.  `option`: as the
/// first is called on this command.
Result<std::optional<nlohmann::json>> ReadInput(const std::string& input, const std::string& input_file,
                                                const std::string& option = "--input");

/// JSON as a json/plain payload, and back (a payload of another encoding becomes {"encoding": …, "size": …}).
temporal::api::common::v1::Payload ToPayload(const nlohmann::json& json);
nlohmann::json FromPayload(const temporal::api::common::v1::Payload& payload);
nlohmann::json FromPayloads(const temporal::api::common::v1::Payloads& payloads);

/// "wfe@HOST:PID", as identity in histories.
std::string Identity();

/// A workflow by id and, optionally, run: `wfe show ID [--run-id R]`.  The argument may also be a run id, where the
/// server knows one by it.
struct Target {
  std::string workflow_id;
  std::string run_id;
};
void AddTargetOptions(CLI::App& command, Target& target);

/// -q, --queue; -t, as it was once called, stays without being shown.
void AddQueueOption(CLI::App& command, std::string& queue);

/// Every command there is.
void AddAllCommands(CLI::App& app, Globals& globals);

// One function a family; each adds its commands.
void AddBuildCommands(CLI::App& app, Globals& globals);
void AddServerCommands(CLI::App& app, Globals& globals);
void AddSubmitCommands(CLI::App& app, Globals& globals);
void AddGenerateCommand(CLI::App& app, Globals& globals);
void AddBatchCommand(CLI::App& app, Globals& globals);
/// `wfe run`: tasks at once.
void AddRunCommand(CLI::App& app, Globals& globals);
/// `wfe workflow NAME`.
void AddPackagedCommands(CLI::App& app, Globals& globals);
void AddGraphCommands(CLI::App& app, Globals& globals);
/// run and results; called by AddGraphCommands.
void AddGraphRunCommand(CLI::App& graph, Globals& globals);
void AddGraphResultsCommand(CLI::App& graph, Globals& globals);
void AddWorkflowCommands(CLI::App& app, Globals& globals);
void AddHistoryCommands(CLI::App& app, Globals& globals);
void AddAuditCommands(CLI::App& app, Globals& globals);
void AddCostsCommand(CLI::App& app, Globals& globals);
void AddBudgetCommands(CLI::App& app, Globals& globals);
void AddQuotaCommands(CLI::App& app, Globals& globals);
/// patterns, tools and savings.
void AddPatternsCommands(CLI::App& app, Globals& globals);
void AddDashboardCommand(CLI::App& app, Globals& globals);
void AddCacheCommands(CLI::App& app, Globals& globals);
/// context efficiency|waste|profile|apply|try|result
void AddContextCommands(CLI::App& app, Globals& globals);
void AddPromptsCommands(CLI::App& app, Globals& globals);
void AddOptimizeCommands(CLI::App& app, Globals& globals);
/// registry and artifacts.
void AddArtifactsCommands(CLI::App& app, Globals& globals);
void AddProfilesCommands(CLI::App& app, Globals& globals);
void AddBlobCommands(CLI::App& app, Globals& globals);
/// run, list, show and open; called by AddAuditCommands.
void AddAuditReportCommands(CLI::App& audit, Globals& globals);
void AddScheduleCommands(CLI::App& app, Globals& globals);
void AddConfigCommands(CLI::App& app, Globals& globals);
void AddDemoCommands(CLI::App& app, Globals& globals);
void AddBenchCommand(CLI::App& app, Globals& globals);
void AddCompletionCommand(CLI::App& app, Globals& globals);
void AddManualCommand(CLI::App& app, Globals& globals);

}  // namespace wfe::cli

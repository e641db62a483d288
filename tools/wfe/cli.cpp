#include "tools/wfe/cli.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <sstream>

#include "engine/base/parse_json.h"
#include "tools/wfe/describe.h"
#include "tools/wfe/help.h"
#include "tools/wfe/local.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/text_file.h"
#include "workers/client/grpc_client.h"
#include "workers/host/process_name.h"

namespace wfe::cli {
namespace {

constexpr size_t kMaxInputBytes = 2 << 20;  // S56: one payload

Result<std::string> ReadAll(std::istream& in, const std::string& name) {
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (in.bad()) return InvalidArgument("cannot read " + name);
  return text;
}

}  // namespace

Result<const Config*> Globals::config() {
  if (!config_) {
    WFE_ASSIGN_OR_RETURN(config_, LoadConfig(config_path));
  }
  return static_cast<const Config*>(&*config_);
}

std::string Globals::Address() {
  if (!address.empty()) return address;
  const auto loaded = config();
  return loaded ? (*loaded)->client.address : "127.0.0.1:7233";
}

std::string Globals::Namespace() {
  if (!ns.empty()) return ns;
  const auto loaded = config();
  return loaded ? (*loaded)->client.ns : "default";
}

client::ServiceClient& Globals::client() {
  if (!client_ && stack_) client_ = stack_->NewClient();
  if (!client_) {
    const auto loaded = config();
    client_ = client::NewGrpcClient(
        {.address = Address(), .ns = Namespace(), .api_key = loaded ? (*loaded)->client.api_key : ""});
  }
  return *client_;
}

void Globals::Use(const std::string& other_address) {
  client_.reset();
  stack_.reset();
  address = other_address;
  uses_local_ = true;
}

void Globals::Use(std::shared_ptr<LocalStack> local_stack) {
  Use(local_stack->address());
  stack_ = std::move(local_stack);
}

void Globals::LeaveLocalStore() {
  if (!uses_local_) return;
  client_.reset();
  stack_.reset();
  address.clear();
  uses_local_ = false;
}

Error Globals::Unreachable(const Error& error) {
  if (error.code == StatusCode::kDeadlineExceeded) {
    return Unavailable("the server at " + Address() + " did not answer in time");
  }
  return Unavailable("no server answers at " + Address() +
                     "; start one with `wfe server`, or name another with --address or TEMPORAL_ADDRESS");
}

void Globals::Run(const std::function<Result<int>()>& body) {
  const auto loaded = config();
  if (!loaded) {
    exit_code = Fail(loaded.error(), format);
    return;
  }
  const Result<int> result = body();
  if (result) {
    exit_code = *result;
    return;
  }
  // Servers and stored histories of earlier versions quote their libraries; a person has no use for that.
  Error error = result.error();
  error.message = WithoutLibraryPrefixes(std::move(error.message));
  exit_code = Fail(error, format);
  const bool given_up = error.code == StatusCode::kCancelled || error.code == StatusCode::kDeadlineExceeded;
  if (!given_up || !stack_) return;
  stack_->Abandon();
  std::fflush(nullptr);
  std::_Exit(exit_code);
}

void AddCommonOptions(CLI::App& command, Globals& globals) {
  command.add_option("-o,--output", globals.format, "text (default), json or jsonl")
      ->transform(OneOfNumbered("--output", {{"text", static_cast<int>(OutputFormat::kText)},
                                             {"json", static_cast<int>(OutputFormat::kJson)},
                                             {"jsonl", static_cast<int>(OutputFormat::kJsonl)}}));
  command.add_option("--config", globals.config_path, "Configuration file (default: $WFE_CONFIG, ./wfe.toml)");
}

void AddClientOptions(CLI::App& command, Globals& globals) {
  AddCommonOptions(command, globals);
  command.add_option("--address", globals.address,
                     "HOST:PORT of the server (default: $TEMPORAL_ADDRESS, 127.0.0.1:7233)");
  command.add_option("-n,--namespace", globals.ns, "Namespace (default: $TEMPORAL_NAMESPACE, default)");
}

void AddLocalOption(CLI::App& command, Globals& globals) {
  command.add_flag("--local", globals.local,
                   "Of a `--local` build (tried by itself when the server does not know the build, or none answers)");
}

void AddTargetOptions(CLI::App& command, Target& target) {
  command.add_option("workflow", target.workflow_id, "Workflow id")->required();
  command.add_option("-r,--run-id", target.run_id, "Run id (default: the newest run)");
}

void AddQueueOption(CLI::App& command, std::string& queue) {
  command.add_option("-q,--queue", queue, "Task queue (default: client.queue of the configuration)");
  command.add_option("-t", queue, "As -q")->group("");
}

void AddAllCommands(CLI::App& app, Globals& globals) {
  app.set_version_flag("--version", "wfe " WFE_VERSION);
  app.require_subcommand(1);
  app.formatter(std::make_shared<HelpFormatter>(TerminalWidth()));
  AddBuildCommands(app, globals);
  AddServerCommands(app, globals);
  AddSubmitCommands(app, globals);
  AddGenerateCommand(app, globals);
  AddBatchCommand(app, globals);
  AddRunCommand(app, globals);
  AddPackagedCommands(app, globals);
  AddGraphCommands(app, globals);
  AddWorkflowCommands(app, globals);
  AddHistoryCommands(app, globals);
  AddAuditCommands(app, globals);
  AddPromptsCommands(app, globals);
  AddOptimizeCommands(app, globals);
  AddArtifactsCommands(app, globals);
  AddCostsCommand(app, globals);
  AddBudgetCommands(app, globals);
  AddQuotaCommands(app, globals);
  AddPatternsCommands(app, globals);
  AddDashboardCommand(app, globals);
  AddCacheCommands(app, globals);
  AddContextCommands(app, globals);
  AddBlobCommands(app, globals);
  AddScheduleCommands(app, globals);
  AddConfigCommands(app, globals);
  AddProfilesCommands(app, globals);
  AddDemoCommands(app, globals);
  AddBenchCommand(app, globals);
  AddCompletionCommand(app, globals);
  AddManualCommand(app, globals);
  // Last: a command begins with the footer that its parent has by then, and these are not every group's examples.
  app.footer(
      "Examples:\n"
      "  wfe build \"Add a --json option\" --dir ~/src/parser --local\n"
      "  wfe server --data ./wfe-data\n"
      "  wfe worker --queue wfe --work-root ./wfe-work\n"
      "  wfe submit AuditedBuildWorkflow --input @build.json --follow\n"
      "  wfe list\n\n"
      "`wfe COMMAND --help` shows a command's options and examples.");
}

Result<std::optional<nlohmann::json>> ReadInput(const std::string& input, const std::string& input_file,
                                                const std::string& option) {
  if (!input.empty() && !input_file.empty()) return InvalidArgument("--input and --input-file exclude each other");
  std::string text;
  std::string where = option;
  if (!input_file.empty() || input.starts_with('@')) {
    const std::string path = input_file.empty() ? input.substr(1) : input_file;
    where = path;
    WFE_ASSIGN_OR_RETURN(text, ReadTextFile(path));
  } else if (input == "-") {
    where = "standard input";
    WFE_ASSIGN_OR_RETURN(text, ReadAll(std::cin, where));
  } else if (!input.empty()) {
    text = input;
  } else {
    return std::optional<nlohmann::json>();
  }
  if (text.size() > kMaxInputBytes) {
    return InvalidArgument("the input from " + where + " has " + std::to_string(text.size()) +
                           " bytes; a workflow's input may have " + std::to_string(kMaxInputBytes));
  }
  if (JsonNestsTooDeep(text)) return InvalidArgument("the input from " + where + " " + WhyNotJson(text));
  try {
    return std::optional<nlohmann::json>(nlohmann::json::parse(text));
  } catch (const nlohmann::json::parse_error& e) {
    return InvalidArgument(where + " is not JSON, at byte " + std::to_string(e.byte) + ": " + JsonErrorText(e));
  }
}

temporal::api::common::v1::Payload ToPayload(const nlohmann::json& json) {
  temporal::api::common::v1::Payload payload;
  (*payload.mutable_metadata())["encoding"] = "json/plain";
  payload.set_data(json.dump());
  return payload;
}

nlohmann::json FromPayload(const temporal::api::common::v1::Payload& payload) {
  const auto encoding = payload.metadata().find("encoding");
  const std::string name = encoding == payload.metadata().end() ? "" : encoding->second;
  if (name == "json/plain" || name == "json/protobuf") {
    nlohmann::json value = ParseJson(payload.data());
    if (!value.is_discarded()) return value;
  }
  if (name == "binary/null") return nullptr;
  return {{"encoding", name}, {"size", payload.data().size()}};
}

nlohmann::json FromPayloads(const temporal::api::common::v1::Payloads& payloads) {
  if (payloads.payloads_size() == 0) return nullptr;
  if (payloads.payloads_size() == 1) return FromPayload(payloads.payloads(0));
  nlohmann::json list = nlohmann::json::array();
  for (const auto& payload : payloads.payloads()) list.push_back(FromPayload(payload));
  return list;
}

std::string Identity() { return worker::ProcessName("wfe"); }

}  // namespace wfe::cli

#include "tools/bench/bench.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>

#include "tools/bench/embedded_stack.h"
#include "tools/bench/process.h"
#include "tools/bench/scenarios.h"
#include "tools/bench/workload.h"
#include "workers/client/blocking_call.h"
#include "workers/client/grpc_client.h"

namespace wfe::bench {
namespace {

using namespace std::chrono_literals;

/// Gone with everything in it at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wfe-bench-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Status WaitForServer(client::ServiceClient& client) {
  namespace ws = temporal::api::workflowservice::v1;
  for (int i = 0; i < 1000; ++i) {
    if (client::BlockingCall<ws::GetSystemInfoResponse>(client, client::kWorkflowService, "GetSystemInfo",
                                                        ws::GetSystemInfoRequest(), 2s)) {
      return Ok();
    }
    std::this_thread::sleep_for(10ms);
  }
  return Unavailable("the server did not come up");
}

}  // namespace

std::string NameOf(Transport transport) {
  return transport == Transport::kStream ? "stream" : transport == Transport::kUnary ? "unary" : "embedded";
}

std::unique_ptr<client::ServiceClient> NewClient(const std::string& address, const Options& options) {
  return client::NewGrpcClient({.address = address, .call_stream = options.transport == Transport::kStream});
}

Result<Report> Run(const Options& options, const std::function<void(const std::string&)>& progress) {
  Report report;
  const TemporaryDirectory directory;
  if (directory.path().empty()) return Internal("cannot make a temporary directory");
  progress("limits: fdatasync, RocksDB, gRPC");
  WFE_ASSIGN_OR_RETURN(const Limits limits, MeasureLimits(directory.path(), report.limits));

  Environment env;
  env.directory = directory.path();
  env.program = options.program;
  env.limits = limits;
  env.options = options;
  env.progress = progress;
  std::optional<ChildProcess> server;
  std::optional<ChildProcess> worker;
  std::unique_ptr<EmbeddedStack> embedded;
  std::string address = options.address;
  if (options.transport == Transport::kEmbedded) {
    if (!address.empty()) return InvalidArgument("--address and --transport embedded exclude each other");
    WFE_ASSIGN_OR_RETURN(embedded, EmbeddedStack::Start(directory.path() + "/data"));
  } else if (address.empty()) {
    address = "127.0.0.1:" + std::to_string(FreePort());
    WFE_ASSIGN_OR_RETURN(server, ChildProcess::Start({options.program, "server", "--http", "off", "--data",
                                                      directory.path() + "/data", "--listen", address},
                                                     directory.path() + "/server.log"));
    WFE_ASSIGN_OR_RETURN(worker, ChildProcess::Start({options.program, "bench-worker", "--address", address,
                                                      "--transport", NameOf(options.transport)},
                                                     directory.path() + "/worker.log"));
    env.server_pid = server->pid();
    env.worker_pid = worker->pid();
  }
  std::unique_ptr<client::ServiceClient> connection;
  if (!embedded) connection = NewClient(address, options);
  env.client = embedded ? &embedded->client() : connection.get();
  WFE_RETURN_IF_ERROR(WaitForServer(*env.client));
  const std::vector<std::string>& names = options.scenarios.empty() ? ScenarioNames() : options.scenarios;
  for (const std::string& name : names) {
    const bool takes_long = name == "million" || name == "everyday";
    if (options.scenarios.empty() && (takes_long || (embedded && NeedsProcesses(name)))) continue;
    const Status status = RunScenario(name, env, report.figures);
    if (!status && status.error().code == StatusCode::kInvalidArgument) return status.error();
    if (!status) report.failures.push_back(name + ": " + status.error().message);
  }
  return report;
}

std::string ToText(const Report& report) {
  std::string text = fmt::format("{:<8} {:>7}  {:<22} {:>12} {:<12} {:>8}  {}\n", "SCENARIO", "CALLERS", "FIGURE",
                                 "VALUE", "UNIT", "SAMPLES", "AIM / RATIO");
  const auto add = [&](const Figure& f) {
    std::string notes;
    if (f.aim > 0) {
      const bool met = f.aim_is_upper ? f.value <= f.aim : f.value >= f.aim;
      notes = fmt::format("{} {:.4g}: {}", f.aim_is_upper ? "<=" : ">=", f.aim, met ? "met" : "not met");
    }
    if (!f.against.empty()) {
      notes += fmt::format("{}{:.3g} x {}", notes.empty() ? "" : "; ", f.ratio, f.against);
    }
    const std::string callers = f.concurrency > 0 ? std::to_string(f.concurrency) : "-";
    std::string line = fmt::format("{:<8} {:>7}  {:<22} {:>12.4g} {:<12} {:>8}  {}", f.scenario, callers, f.name,
                                   f.value, f.unit, f.samples, notes);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  for (const Figure& figure : report.limits) add(figure);
  for (const Figure& figure : report.figures) add(figure);
  for (const std::string& failure : report.failures) text += "FAILED   " + failure + "\n";
  return text;
}

nlohmann::ordered_json ToJson(const Report& report) {
  const auto list = [](const std::vector<Figure>& figures) {
    nlohmann::ordered_json array = nlohmann::ordered_json::array();
    for (const Figure& f : figures) {
      nlohmann::ordered_json item = {
          {"scenario", f.scenario}, {"name", f.name}, {"value", f.value}, {"unit", f.unit}, {"samples", f.samples}};
      if (f.concurrency > 0) item["concurrency"] = f.concurrency;
      if (f.aim > 0) {
        item["aim"] = f.aim;
        item["aim_met"] = f.aim_is_upper ? f.value <= f.aim : f.value >= f.aim;
      }
      if (!f.against.empty()) item["ratio"] = {{"of", f.against}, {"value", f.ratio}};
      array.push_back(item);
    }
    return array;
  };
  return {{"limits", list(report.limits)}, {"figures", list(report.figures)}, {"failures", report.failures}};
}

}  // namespace wfe::bench

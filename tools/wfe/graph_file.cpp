#include "tools/wfe/graph_file.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "activities/agent/step/config.h"
#include "activities/build/checks/allowed_roots.h"
#include "activities/graph/read_graph.h"
#include "engine/base/suggest.h"
#include "tools/wfe/registry.h"
#include "tools/wfe/worker_activities.h"
#include "workers/client/grpc_client.h"
#include "workers/client/records_client.h"
#include "workers/sdk/workflow_registry.h"
#include "workflows/graph/samples.h"

namespace wfe::cli {
namespace {

/// Stops a little beyond the limit, so that a device without end is no trouble.
Result<std::string> ReadAtMost(std::istream& in, const std::string& name) {
  std::string text(graph::kMaxGraphBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return InvalidArgument("cannot read " + name);
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

/// Names only: nothing is connected, opened or made.
std::set<std::string> ActivityNames() {
  Config config;
  config.build.sandbox = "required";  // nothing is run, and so nothing is warned of
  const auto nobody = client::NewGrpcClient({.address = "127.0.0.1:1", .ns = "default", .api_key = {}});
  agent::GeminiConfig agent;
  agent.work_root = "/nonexistent";
  sdk::ActivityRegistry registry;
  RegisterWorkerActivities(registry, {.config = config,
                                      .agent = agent,
                                      .records = std::make_shared<client::RecordsClient>(*nobody),
                                      .service = nobody.get(),
                                      .ns = "default",
                                      .work_root = "/nonexistent",
                                      .host_queue = {},
                                      .roots = std::make_shared<const build::AllowedRoots>(std::vector<std::string>{}),
                                      .alive_lock = {}});
  const std::vector<std::string> names = registry.Names();
  return {names.begin(), names.end()};
}

}  // namespace

Result<std::string> ReadGraphFile(const std::string& name) {
  if (name == "-") return ReadAtMost(std::cin, "standard input");
  std::error_code error;
  if (std::filesystem::exists(name, error)) {
    std::ifstream file(name, std::ios::binary);
    if (!file || std::filesystem::is_directory(name, error)) return NotFound(name + " is no readable file");
    return ReadAtMost(file, name);
  }
  std::vector<std::string> samples;
  for (const workflows::GraphSample& sample : workflows::GraphSamples()) {
    const std::string_view stem = sample.name.substr(0, sample.name.rfind('.'));
    if (name == sample.name || name == stem) return std::string(sample.text);
    samples.emplace_back(stem);
  }
  return NotFound("there is no file " + name + ", and no sample of that name" + DidYouMean(name, samples));
}

graph::KnownTypes TypesOfThisProgram() {
  static const std::set<std::string> kActivities = ActivityNames();
  static const std::set<std::string> kWorkflows = [] {
    const std::vector<std::string> names = WorkflowTypes().Names();
    return std::set<std::string>(names.begin(), names.end());
  }();
  return {.activities = &kActivities, .workflows = &kWorkflows};
}

Result<graph::Graph> LoadGraph(const std::string& name, const graph::KnownTypes& known) {
  WFE_ASSIGN_OR_RETURN(const std::string text, ReadGraphFile(name));
  graph::Mistakes mistakes;
  std::optional<graph::Graph> graph = graph::CheckGraphText(text, known, mistakes);
  if (graph) return *std::move(graph);
  std::string sentence = name + ": " + mistakes.told.front().message;
  if (mistakes.count > 1) {
    sentence += "; and " + std::to_string(mistakes.count - 1) + " more: wfe graph check " + name;
  }
  return InvalidArgument(sentence);
}

}  // namespace wfe::cli

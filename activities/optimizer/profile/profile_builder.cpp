#include "activities/optimizer/profile/profile_builder.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "activities/statistics/statistics.h"

namespace wfe::optimizer {
namespace {

constexpr double kMillisecondsPerSecond = 1000;

/// The last so many runs of a node say how it does now (ST-17).
constexpr size_t kRecentRuns = 50;

/// The first 8 bytes of a hash in hexadecimal; 0: there is none.
uint64_t ShortHash(std::string_view hex) {
  uint64_t value = 0;
  const std::string_view digits = hex.substr(0, 16);
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value == 0 && !hex.empty() ? 1 : value;
}

uint64_t InputOfTool(uint32_t tool, uint64_t input) { return input ^ (tool + 1) * 0x9E3779B97F4A7C15ull; }

/// One run of a node: seconds, negative where it failed.
struct NodeSample {
  float duration = 0;
  uint32_t execution = 0;
  bool failed() const { return std::signbit(duration); }
};

struct NodeSums {
  NodePerformanceProfile profile;
  std::vector<NodeSample> samples;
  double duration = 0;
  double on_path_ms = 0;
  double input_tokens = 0;
  double output_tokens = 0;
  double cost = 0;
  double cpu_ms = 0;
  double cpu_of_ms = 0;
  double memory = 0;
  int64_t memories = 0;
  int64_t all_runs = 0;  // with the cancelled ones
  int64_t failures = 0;
};

struct ToolSums {
  ToolPerformanceProfile profile;
  std::vector<ToolCall> calls;  // a ring, once it is full
  size_t next = 0;
  double duration = 0;
  int64_t failures = 0;

  void Keep(const ToolCall& call) {
    if (calls.size() < kMaxCallsPerTool) {
      calls.push_back(call);
    } else {
      calls[next] = call;
      next = (next + 1) % kMaxCallsPerTool;
    }
  }
};

struct ExecutionSums {
  int64_t start_ms = 0;  // since 1970
  float duration = 0;
  bool failed = false;
};

template <class T>
void SortByName(std::vector<T>& list, std::string T::* name) {
  std::ranges::sort(list, {}, name);
}

}  // namespace

struct ProfileBuilder::Impl {
  std::string workflow_id;
  std::string version_id;
  std::optional<graph::Graph> graph;
  std::optional<GraphFlow> flow;
  Catalog catalog;

  std::vector<ExecutionSums> executions;
  std::vector<NodeSums> nodes;
  std::vector<ToolSums> tools;
  std::unordered_map<std::string, uint32_t> node_numbers;
  std::unordered_map<std::string, uint32_t> tool_numbers;
  boost::unordered_flat_map<uint64_t, uint64_t> outputs;  // by InputOfTool
  double duration = 0;
  double cost = 0;
  double tokens = 0;
  double quality = 0;
  int64_t qualities = 0;
  int64_t failures = 0;
  int64_t of_other_versions = 0;
  int64_t not_remembered = 0;
  std::map<std::string, double> cost_by_model;

  uint32_t NodeNumber(const NodeRun& step);
  uint32_t ToolNumber(const std::string& id);
  void AddStep(const NodeRun& step, int64_t on_path_ms, uint32_t execution, int64_t started_ms,
               boost::unordered_flat_set<uint64_t>& inputs_of_run);
  void AddCall(const NodeRun& step, uint32_t node, uint32_t execution, int64_t started_ms,
               boost::unordered_flat_set<uint64_t>& inputs_of_run);
  void CountRepeat(ToolPerformanceProfile& tool, uint64_t input, uint64_t output);

  void FinishWorkflow(PerformanceProfile& profile, const std::vector<uint32_t>& order) const;
  NodePerformanceProfile FinishNode(NodeSums& sums, const std::vector<uint32_t>& rank, double total_cost) const;
  ToolPerformanceProfile FinishTool(ToolSums& sums, double total_cost) const;
  std::vector<ToolCall> FinishCalls(ToolSums& sums, const std::vector<uint32_t>& rank,
                                    const std::vector<uint32_t>& node_places) const;
};

ProfileBuilder::ProfileBuilder(const ProfileOptions& options) : impl_(std::make_unique<Impl>()) {
  impl_->workflow_id = options.workflow_id;
  impl_->version_id = options.version_id;
  if (options.graph != nullptr) {
    impl_->graph = *options.graph;
    impl_->flow.emplace(*impl_->graph);
  }
  if (options.catalog != nullptr) impl_->catalog = *options.catalog;
}

ProfileBuilder::~ProfileBuilder() = default;

int64_t ProfileBuilder::executions() const { return static_cast<int64_t>(impl_->executions.size()); }

Result<bool> ProfileBuilder::Add(const delivery::ExecutionRecord& execution) {
  try {
    return Add(execution, execution.nodes.is_null() ? std::vector<NodeRun>()
                                                    : execution.nodes.get<std::vector<NodeRun>>());
  } catch (const nlohmann::json::exception& e) {
    return InvalidArgument("the nodes of run " + execution.workflow_run_id + " cannot be read: " + JsonErrorText(e));
  }
}

Result<bool> ProfileBuilder::Add(const delivery::ExecutionRecord& execution, const std::vector<NodeRun>& steps) {
  Impl& all = *impl_;
  if (execution.workflow_id != all.workflow_id) {
    return InvalidArgument("run " + execution.workflow_run_id + " is of workflow " + execution.workflow_id +
                           ", not of " + all.workflow_id);
  }
  if (!all.version_id.empty() && execution.version_id != all.version_id) {
    ++all.of_other_versions;
    return false;
  }
  const auto number = static_cast<uint32_t>(all.executions.size());
  const int64_t started_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                 delivery::StartOf(execution).time_since_epoch())
                                 .count();
  const double seconds = static_cast<double>(execution.duration_ms) / kMillisecondsPerSecond;
  all.executions.push_back({started_ms, static_cast<float>(seconds), !execution.success});
  all.duration += seconds;
  all.cost += execution.cost_usd;
  all.tokens += static_cast<double>(execution.tokens);
  if (!execution.success) ++all.failures;
  if (execution.quality) {
    all.quality += *execution.quality;
    ++all.qualities;
  }
  std::vector<int> node_of_step;
  node_of_step.reserve(steps.size());
  for (const NodeRun& step : steps) {
    node_of_step.push_back(all.flow ? all.flow->Find(step.node) : graph::GraphIndex::kNone);
  }
  const std::vector<int64_t> on_path = TimeOnCriticalPath(steps, all.flow ? &*all.flow : nullptr, node_of_step);
  boost::unordered_flat_set<uint64_t> inputs_of_run;
  for (size_t i = 0; i < steps.size(); ++i) all.AddStep(steps[i], on_path[i], number, started_ms, inputs_of_run);
  return true;
}

uint32_t ProfileBuilder::Impl::NodeNumber(const NodeRun& step) {
  const auto [found, is_new] = node_numbers.try_emplace(step.node, static_cast<uint32_t>(nodes.size()));
  if (is_new) nodes.emplace_back().profile.node_id = step.node;
  return found->second;
}

uint32_t ProfileBuilder::Impl::ToolNumber(const std::string& id) {
  const auto [found, is_new] = tool_numbers.try_emplace(id, static_cast<uint32_t>(tools.size()));
  if (is_new) tools.emplace_back().profile.tool_id = id;
  return found->second;
}

void ProfileBuilder::Impl::AddStep(const NodeRun& step, int64_t on_path_ms, uint32_t execution, int64_t started_ms,
                                   boost::unordered_flat_set<uint64_t>& inputs_of_run) {
  const uint32_t number = NodeNumber(step);
  NodeSums& node = nodes[number];
  node.profile.activity = step.activity;
  node.profile.tool = step.tool;
  node.profile.model = step.model;
  node.profile.tool_calls += step.attempts;
  ++node.all_runs;
  node.cost += step.cost_usd;
  node.on_path_ms += static_cast<double>(on_path_ms);
  if (step.cost_usd != 0) cost_by_model[step.model.empty() ? "none" : step.model] += step.cost_usd;
  tools[ToolNumber(step.ToolId())].profile.total_cost += step.cost_usd;
  if (step.cancelled()) return;
  const double seconds = static_cast<double>(step.duration_ms) / kMillisecondsPerSecond;
  node.samples.push_back({static_cast<float>(step.success ? seconds : -seconds), execution});
  node.duration += seconds;
  node.input_tokens += static_cast<double>(step.input_tokens);
  node.output_tokens += static_cast<double>(step.output_tokens);
  if (!step.success) {
    ++node.failures;
    ++node.profile.error_types[step.error_type.empty() ? "unknown" : step.error_type];
  }
  if (step.cpu_ms && step.busy_ms > 0) {
    node.cpu_ms += *step.cpu_ms;
    node.cpu_of_ms += static_cast<double>(step.busy_ms);
  }
  if (step.memory_mb) {
    node.memory += *step.memory_mb;
    ++node.memories;
  }
  AddCall(step, number, execution, started_ms, inputs_of_run);
}

void ProfileBuilder::Impl::AddCall(const NodeRun& step, uint32_t node, uint32_t execution, int64_t started_ms,
                                   boost::unordered_flat_set<uint64_t>& inputs_of_run) {
  const uint32_t number = ToolNumber(step.ToolId());
  ToolSums& tool = tools[number];
  ++tool.profile.call_count;
  const double seconds = static_cast<double>(step.duration_ms) / kMillisecondsPerSecond;
  tool.duration += seconds;
  ++(step.cache_hit ? tool.profile.cache_hits : tool.profile.cache_misses);
  if (!step.success) ++tool.failures;
  const uint64_t input = ShortHash(step.input_sha256);
  const uint64_t output = step.success ? ShortHash(step.output_sha256) : 0;
  tool.Keep({.at_ms = started_ms + step.start_ms,
             .input = input,
             .output = output,
             .execution = execution,
             .node = node,
             .duration_s = static_cast<float>(seconds),
             .cost_usd = static_cast<float>(step.cost_usd)});
  if (input == 0 || output == 0) return;
  if (step.cache_hit) return;
  const uint64_t key = InputOfTool(number, input);
  if (!inputs_of_run.insert(key).second) ++tool.profile.repeats_in_run;
  CountRepeat(tool.profile, key, output);
}

void ProfileBuilder::Impl::CountRepeat(ToolPerformanceProfile& tool, uint64_t input, uint64_t output) {
  const auto found = outputs.find(input);
  if (found != outputs.end()) {
    ++tool.repeats;
    if (found->second != output) ++tool.contradictions;
  } else if (outputs.size() < kMaxRememberedInputs) {
    outputs.emplace(input, output);
  } else {
    ++not_remembered;
  }
}

namespace {

double MeanOf(double sum, double count) { return count > 0 ? sum / count : 0; }

Trend ErrorTrendOf(const std::vector<uint8_t>& failed) {
  const stats::RateTrend trend = stats::TrendOfRate(failed);
  return {.per_execution = trend.slope, .p_value = trend.p_value};
}

template <class Profile>
void SetPercentiles(std::vector<double> seconds, Profile& profile) {
  if (seconds.empty()) return;
  std::ranges::sort(seconds);  // once, and not in each call
  profile.p50_duration = stats::Quantile(seconds, 0.50);
  profile.p95_duration = stats::Quantile(seconds, 0.95);
  profile.p99_duration = stats::Quantile(seconds, 0.99);
}

}  // namespace

void ProfileBuilder::Impl::FinishWorkflow(PerformanceProfile& profile, const std::vector<uint32_t>& order) const {
  const auto count = static_cast<double>(executions.size());
  WorkflowMetrics& metrics = profile.workflow_metrics;
  profile.executions = metrics.executions = static_cast<int64_t>(executions.size());
  metrics.avg_duration = duration / count;
  metrics.success_rate = 1 - static_cast<double>(failures) / count;
  metrics.avg_cost = cost / count;
  metrics.avg_tokens = tokens / count;
  if (qualities > 0) metrics.avg_quality = quality / static_cast<double>(qualities);
  std::vector<double> seconds;
  std::vector<uint8_t> failed;
  for (const uint32_t i : order) {
    seconds.push_back(executions[i].duration);
    failed.push_back(executions[i].failed ? 1 : 0);
  }
  SetPercentiles(std::move(seconds), metrics);
  metrics.error_trend = ErrorTrendOf(failed);
  const auto time_of = [&](uint32_t i) {
    return FormatIso8601Millis(Instant(std::chrono::milliseconds(executions[i].start_ms)));
  };
  profile.from = time_of(order.front());
  profile.to = time_of(order.back());
}

NodePerformanceProfile ProfileBuilder::Impl::FinishNode(NodeSums& sums, const std::vector<uint32_t>& rank,
                                                        double total_cost) const {
  NodePerformanceProfile profile = std::move(sums.profile);
  std::vector<NodeSample>& samples = sums.samples;
  // Stable: runs of one execution stay in their order.
  std::ranges::stable_sort(samples, {}, [&](const NodeSample& sample) { return rank[sample.execution]; });
  const auto runs = static_cast<double>(samples.size());
  profile.runs = static_cast<int64_t>(samples.size());
  profile.runs_per_execution = runs / static_cast<double>(executions.size());
  profile.avg_duration = MeanOf(sums.duration, runs);
  profile.success_rate = samples.empty() ? 1 : 1 - static_cast<double>(sums.failures) / runs;
  const size_t recent = std::min(samples.size(), kRecentRuns);
  const auto recently_failed = std::count_if(samples.end() - static_cast<ptrdiff_t>(recent), samples.end(),
                                             [](const NodeSample& sample) { return sample.failed(); });
  profile.recent_success_rate =
      recent == 0 ? 1 : 1 - static_cast<double>(recently_failed) / static_cast<double>(recent);
  std::vector<double> seconds;
  std::vector<uint8_t> failed;  // by execution
  seconds.reserve(samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    seconds.push_back(std::abs(samples[i].duration));
    if (i == 0 || samples[i].execution != samples[i - 1].execution) failed.push_back(0);
    if (samples[i].failed()) failed.back() = 1;
  }
  SetPercentiles(std::move(seconds), profile);
  profile.error_trend = ErrorTrendOf(failed);
  profile.avg_input_tokens = MeanOf(sums.input_tokens, runs);
  profile.avg_output_tokens = MeanOf(sums.output_tokens, runs);
  if (sums.input_tokens > 0) profile.token_efficiency = sums.output_tokens / sums.input_tokens;
  if (sums.memories > 0) profile.avg_memory_mb = sums.memory / static_cast<double>(sums.memories);
  if (sums.cpu_of_ms > 0) profile.avg_cpu_percent = 100 * sums.cpu_ms / sums.cpu_of_ms;
  profile.avg_cost = MeanOf(sums.cost, static_cast<double>(sums.all_runs));
  profile.time_contribution = MeanOf(sums.on_path_ms / kMillisecondsPerSecond, duration);
  profile.cost_share = MeanOf(sums.cost, total_cost);
  samples = {};
  return profile;
}

ToolPerformanceProfile ProfileBuilder::Impl::FinishTool(ToolSums& sums, double total_cost) const {
  ToolPerformanceProfile profile = sums.profile;
  const auto calls = static_cast<double>(profile.call_count);
  profile.success_rate = calls > 0 ? 1 - static_cast<double>(sums.failures) / calls : 1;
  profile.avg_duration = MeanOf(sums.duration, calls);
  profile.cost_share = MeanOf(profile.total_cost, total_cost);
  if (profile.repeats > 0) {
    profile.deterministic_rate =
        1 - static_cast<double>(profile.contradictions) / static_cast<double>(profile.repeats);
  }
  const ToolInfo* known = catalog.Tool(profile.tool_id);
  profile.cost_tier = known != nullptr && !known->cost_tier.empty()
                          ? known->cost_tier
                          : std::string(CostTierOf(MeanOf(profile.total_cost, calls)));
  return profile;
}

std::vector<ToolCall> ProfileBuilder::Impl::FinishCalls(ToolSums& sums, const std::vector<uint32_t>& rank,
                                                        const std::vector<uint32_t>& node_places) const {
  std::vector<ToolCall> calls = std::move(sums.calls);
  for (ToolCall& call : calls) {
    call.execution = rank[call.execution];
    call.node = node_places[call.node];
  }
  std::ranges::sort(calls, {}, [](const ToolCall& c) { return std::tuple(c.at_ms, c.execution, c.node, c.input); });
  return calls;
}

Result<PerformanceProfile> ProfileBuilder::Finish() {
  Impl& all = *impl_;
  const std::string asked = all.version_id.empty() ? all.workflow_id : all.version_id;
  if (all.executions.empty()) {
    std::string sentence = "there are no executions of " + asked;
    if (all.of_other_versions > 0) {
      sentence += "; " + std::to_string(all.of_other_versions) + " are of other versions of " + all.workflow_id;
    }
    return FailedPrecondition(sentence);
  }
  // Executions in the order in which they began, and of each the place that it has there.
  std::vector<uint32_t> order(all.executions.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](uint32_t i) { return all.executions[i].start_ms; });
  std::vector<uint32_t> rank(order.size());
  for (size_t place = 0; place < order.size(); ++place) rank[order[place]] = static_cast<uint32_t>(place);

  PerformanceProfile profile;
  profile.workflow_id = all.workflow_id;
  profile.version_id = all.version_id;
  all.FinishWorkflow(profile, order);
  double cost_of_nodes = 0;
  for (const NodeSums& node : all.nodes) cost_of_nodes += node.cost;
  const double total_cost = std::max(all.cost, cost_of_nodes);
  profile.cost_analysis.total = total_cost;
  profile.cost_analysis.by_model = all.cost_by_model;
  double input_tokens = 0;
  double output_tokens = 0;
  for (NodeSums& node : all.nodes) {
    input_tokens += node.input_tokens;
    output_tokens += node.output_tokens;
    if (node.cost != 0) profile.cost_analysis.by_node[node.profile.node_id] = node.cost;
    profile.node_metrics.push_back(all.FinishNode(node, rank, total_cost));
  }
  std::vector<uint32_t> node_places(all.nodes.size());
  SortByName(profile.node_metrics, &NodePerformanceProfile::node_id);
  for (size_t i = 0; i < profile.node_metrics.size(); ++i) {
    node_places[all.node_numbers.at(profile.node_metrics[i].node_id)] = static_cast<uint32_t>(i);
  }
  for (ToolSums& tool : all.tools) {
    if (tool.profile.total_cost != 0) profile.cost_analysis.by_tool[tool.profile.tool_id] = tool.profile.total_cost;
    profile.tool_metrics.push_back(all.FinishTool(tool, total_cost));
    profile.calls[tool.profile.tool_id] = all.FinishCalls(tool, rank, node_places);
  }
  SortByName(profile.tool_metrics, &ToolPerformanceProfile::tool_id);
  const auto count = static_cast<double>(all.executions.size());
  profile.token_efficiency.input_tokens = input_tokens / count;
  profile.token_efficiency.output_tokens = output_tokens / count;
  if (input_tokens > 0) profile.token_efficiency.ratio = output_tokens / input_tokens;
  if (all.graph) profile.workflow_structure = *all.graph;
  if (all.of_other_versions > 0) {
    profile.skipped.push_back(std::to_string(all.of_other_versions) + " executions are not of " + all.version_id +
                              " and were left out");
  }
  if (all.not_remembered > 0) {
    profile.skipped.push_back("repeats of " + std::to_string(all.not_remembered) +
                              " calls were not looked for: more than " + std::to_string(kMaxRememberedInputs) +
                              " different inputs");
  }
  return profile;
}

}  // namespace wfe::optimizer

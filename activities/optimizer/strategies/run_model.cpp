#include "activities/optimizer/strategies/run_model.h"

#include <algorithm>
#include <cmath>

#include "activities/graph/validation.h"

namespace wfe::optimizer {
namespace {

using graph::GraphIndex;
using graph::GraphNode;

/// What a value that was measured with one thing becomes with another one.
double Scaled(double value, const std::optional<double>& old, const std::optional<double>& now) {
  if (!now) return value;
  return old && *old > 0 ? value * *now / *old : *now;
}

int TierOf(const Catalog& catalog, const ModelTier* model) { return static_cast<int>(model - catalog.models.data()); }

int64_t AttemptsOf(const GraphNode& node) { return node.retry ? node.retry->maximum_attempts : 3; }

/// Other numbers of attempts than those of the runs that were measured: each attempt fails by itself.
void Repeat(const GraphNode& node, int64_t before, NodeFigures& figures) {
  const int64_t now = AttemptsOf(node);
  if (now == before || before <= 0 || figures.success_rate <= 0 || figures.success_rate >= 1) return;
  const double fails_once = std::pow(1 - figures.success_rate, 1.0 / static_cast<double>(before));
  const double success = now <= 0 ? 1 : 1 - std::pow(fails_once, static_cast<double>(now));
  const double attempts = success / figures.success_rate;  // both are (1 - fails^n) / (1 - fails) attempts on average
  figures.duration *= attempts;
  figures.cost *= attempts;
  figures.success_rate = success;
}

/// ST-9.
void Cache(double hits, NodeFigures& figures) {
  figures.duration = hits * std::min(kCacheHitSeconds, figures.duration) + (1 - hits) * figures.duration;
  figures.cost *= 1 - kCacheHitSaves * hits;
}

}  // namespace

const std::string& ToolOf(const GraphNode& node) { return node.tool.empty() ? node.activity : node.tool; }

double PriceOf(const ModelTier& model, double input_tokens, double output_tokens) {
  return (model.input_usd_per_mtok * input_tokens + model.output_usd_per_mtok * output_tokens) / 1e6;
}

ToolFigures FiguresOfTool(std::string_view tool, const PerformanceProfile& profile, const Catalog& catalog) {
  ToolFigures figures;
  if (const ToolInfo* const info = catalog.Tool(tool)) {
    figures = {.duration = info->avg_duration, .cost = info->avg_cost, .success_rate = info->success_rate};
  }
  const ToolPerformanceProfile* const measured = profile.Tool(tool);
  if (measured != nullptr && measured->call_count > 0) {
    figures.duration = measured->avg_duration;
    figures.cost = measured->total_cost / static_cast<double>(measured->call_count);
    figures.success_rate = measured->success_rate;
  }
  return figures;
}

NodeFigures FiguresOfNode(const GraphNode& node, const NodePerformanceProfile& measured,
                          const PerformanceProfile& profile, const Catalog& catalog) {
  NodeFigures figures{.runs = measured.runs_per_execution,
                      .duration = measured.avg_duration,
                      .cost = measured.avg_cost,
                      .success_rate = measured.success_rate,
                      .quality = 1};
  const std::string& tool_before = measured.tool.empty() ? measured.activity : measured.tool;
  const std::string& tool = ToolOf(node);
  if (tool != tool_before) {
    const ToolFigures old = FiguresOfTool(tool_before, profile, catalog);
    const ToolFigures now = FiguresOfTool(tool, profile, catalog);
    figures.duration = Scaled(figures.duration, old.duration, now.duration);
    figures.cost = Scaled(figures.cost, old.cost, now.cost);
    figures.success_rate = std::min(1.0, Scaled(figures.success_rate, old.success_rate, now.success_rate));
    const ToolInfo* const info = catalog.Tool(tool);
    if (info != nullptr && info->approximate) figures.quality *= 1 - kQualityOfApproximate;
  }
  const ModelTier* const model_before = measured.model.empty() ? nullptr : catalog.Model(measured.model);
  const ModelTier* const model = node.model.empty() ? nullptr : catalog.Model(node.model);
  if (model != model_before && model != nullptr && model_before != nullptr) {
    figures.duration = Scaled(figures.duration, model_before->relative_time, model->relative_time);
    const double in = measured.avg_input_tokens;
    const double out = measured.avg_output_tokens;
    if (in + out > 0) figures.cost = Scaled(figures.cost, PriceOf(*model_before, in, out), PriceOf(*model, in, out));
    const int smaller = TierOf(catalog, model_before) - TierOf(catalog, model);
    if (smaller > 0) figures.quality *= 1 - kQualityOfTier * smaller;
  }
  return figures;
}

namespace {

/// The walks of a graph, from the inside out.
class Composition {
 public:
  Composition(const graph::Graph& graph, const RunModel& model) : model_(model), parts_(graph, any_, ignored_) {
    graph::FindRegions(parts_);
  }

  RunEstimate Run() {
    std::vector<double> time(parts_.regions.size());
    for (size_t r = parts_.regions.size(); r-- > 0;) {  // branches before what waits for them
      for (const int n : parts_.regions[r].nodes) time[r] += TimeOf(n, time);
    }
    RunEstimate estimate;
    estimate.duration = time.empty() ? 0 : time[0];
    estimate.cost = cost_;
    estimate.success_rate = std::exp(log_success_);
    estimate.quality = std::exp(log_quality_);
    return estimate;
  }

 private:
  void Count(double runs, double cost, double success, double quality) {
    cost_ += cost;
    log_success_ += runs * std::log(std::max(success, 1e-9));
    log_quality_ += std::log(quality);
  }

  double TimeOf(int n, const std::vector<double>& time) {
    const GraphNode& node = parts_.node(n);
    if (node.kind == graph::kDecision || IsInBatch(n)) return 0;
    if (node.kind == graph::kParallel) {
      double longest = 0;
      for (const int branch : parts_.branches_of[static_cast<size_t>(n)])
        longest = std::max(longest, time[static_cast<size_t>(branch)]);
      return longest;
    }
    if (node.kind == graph::kBatch && !node.branches.empty() && !model_.has_run(node.id)) return NewBatch(node);
    const std::optional<NodeFigures> figures = model_.FiguresOf(node);
    if (!figures || figures->runs <= 0) return 0;
    Count(figures->runs, figures->runs * figures->cost, figures->success_rate, figures->quality);
    return TimeOfRuns(node, *figures);
  }

  bool IsInBatch(int n) const {
    const int region = parts_.region_of[static_cast<size_t>(n)];
    if (region < 0) return false;
    const int fork = parts_.regions[static_cast<size_t>(region)].fork;
    return fork != GraphIndex::kNone && parts_.node(fork).kind == graph::kBatch;
  }

  double NewBatch(const GraphNode& batch) {
    double longest = 0;
    double cost = 0;
    double runs = 0;
    double success = 1;
    double quality = 1;
    for (const std::string& id : batch.branches) {
      const int member = parts_.index.Find(id);
      if (member == GraphIndex::kNone) continue;
      const std::optional<NodeFigures> figures = model_.FiguresOf(parts_.node(member));
      if (!figures) continue;
      longest = std::max(longest, figures->runs * figures->duration);
      cost += figures->runs * figures->cost;
      runs = std::max(runs, figures->runs);
      success = std::min(success, figures->success_rate);
      quality *= figures->quality;
    }
    Count(runs, kBatchCost * cost, success, quality);
    return kBatchTime * longest;
  }

  const RunModel& model_;
  const graph::KnownTypes any_;
  graph::Mistakes ignored_;
  graph::Validation parts_;
  double cost_ = 0;
  double log_success_ = 0;
  double log_quality_ = 0;
};

}  // namespace

double TimeOfRuns(const GraphNode& node, const NodeFigures& figures) {
  double at_once = 1;
  if (node.kind == graph::kBatch && !node.items.empty())
    at_once = std::clamp(static_cast<double>(node.max_concurrent), 1.0, std::max(1.0, figures.runs));
  return figures.runs * figures.duration / at_once;
}

RunModel::RunModel(const PerformanceProfile& profile, const Catalog& catalog, const graph::Graph* measured)
    : profile_(profile), catalog_(catalog) {
  for (const NodePerformanceProfile& node : profile.node_metrics) measured_.emplace(node.node_id, &node);
  graph::Graph structure;
  if (measured == nullptr && profile.workflow_structure.is_object()) {
    try {
      ReadRecord(profile.workflow_structure, structure);
      measured = &structure;
    } catch (const nlohmann::json::exception&) {
      // A graph of a later version: retries count as they stand.
    }
  }
  if (measured == nullptr) return;
  for (const GraphNode& node : measured->nodes) {
    before_[node.id] = {.attempts = AttemptsOf(node), .cached = node.cache.has_value()};
  }
}

std::optional<NodeFigures> RunModel::FiguresOf(const GraphNode& node) const {
  const auto found = measured_.find(node.id);
  if (found == measured_.end()) return std::nullopt;
  NodeFigures figures = FiguresOfNode(node, *found->second, profile_, catalog_);
  const auto before = before_.find(node.id);
  if (before != before_.end()) Repeat(node, before->second.attempts, figures);
  // What was measured with a cache has its hits in it already.
  const bool is_new = before == before_.end() || !before->second.cached;
  if (node.cache && node.cache->expected_hit_rate && is_new)
    Cache(std::clamp(*node.cache->expected_hit_rate, 0.0, 1.0), figures);
  return figures;
}

RunEstimate RunModel::Estimate(const graph::Graph& graph) const { return Composition(graph, *this).Run(); }

RunEstimate EstimateRun(const graph::Graph& graph, const PerformanceProfile& profile, const Catalog& catalog) {
  return RunModel(profile, catalog).Estimate(graph);
}

double OverheadOf(const RunEstimate& measured_graph, const PerformanceProfile& profile) {
  return std::max(0.0, profile.workflow_metrics.avg_duration - measured_graph.duration);
}

}  // namespace wfe::optimizer

#include "activities/context/rules/efficiency.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace wfe::context {
namespace {

using agent::HookEvent;
using agent::StepHooks;

bool IsAccess(const std::string& kind) {
  return kind == agent::kHookRead || kind == agent::kHookWritten || kind == agent::kHookDeleted ||
         kind == agent::kHookNamed;
}

/// Sums over runs need to know which files a run has seen already.
struct RunFiles {
  EfficiencyRow row;
  std::string last_at;
  std::set<std::string> loaded;
  std::set<std::string> accessed;
};

void AddTokens(EfficiencyRow& row, const StepFile& file) {
  row.loaded_tokens += file.billed_tokens;
  if (!file.accessed) row.wasted_tokens += file.billed_tokens;
  if (!file.billed_usd) return;
  row.loaded_usd = row.loaded_usd.PlusAtMost(*file.billed_usd);
  if (!file.accessed) row.wasted_usd = row.wasted_usd.PlusAtMost(*file.billed_usd);
}

void AddRun(EfficiencyRow& sum, const EfficiencyRow& run) {
  ++sum.runs;
  sum.steps += run.steps;
  sum.loaded += run.loaded;
  sum.accessed += run.accessed;
  sum.percent = EfficiencyOf(sum.accessed, sum.loaded);
  sum.loaded_tokens += run.loaded_tokens;
  sum.wasted_tokens += run.wasted_tokens;
  sum.loaded_usd = sum.loaded_usd.PlusAtMost(run.loaded_usd);
  sum.wasted_usd = sum.wasted_usd.PlusAtMost(run.wasted_usd);
}

class ReportMaker {
 public:
  void Add(const StepHooks& step) {
    if (!seen_.insert(step.id).second) return;
    RunFiles& run = runs_[step.run_id];
    run.row.name = step.run_id;
    run.row.workflow_type = step.workflow_type;
    run.row.workflow_id = step.workflow_id;
    run.row.runs = 1;
    ++run.row.steps;
    run.last_at = std::max(run.last_at, step.at);
    if (std::ranges::none_of(step.events, [](const HookEvent& e) { return e.kind == agent::kHookLoaded; }) &&
        std::ranges::any_of(step.events, [](const HookEvent& e) { return e.via == agent::kViaChangeSet; })) {
      ++report_.changed_only_steps;
    }
    for (const StepFile& file : FilesOf(step)) {
      if (!file.loaded) continue;
      run.loaded.insert(file.path);
      if (file.accessed) run.accessed.insert(file.path);
      AddTokens(run.row, file);
      if (!file.billed_usd) report_.unpriced_tokens += file.billed_tokens;
      AddFile(step.project, file);
    }
  }

  EfficiencyReport Take() {
    std::vector<const RunFiles*> order;
    std::map<std::string, EfficiencyRow> types;
    for (auto& [id, run] : runs_) {
      run.row.loaded = static_cast<int64_t>(run.loaded.size());
      run.row.accessed = static_cast<int64_t>(run.accessed.size());
      run.row.percent = EfficiencyOf(run.row.accessed, run.row.loaded);
      EfficiencyRow& type = types[run.row.workflow_type];
      type.name = type.workflow_type = run.row.workflow_type;
      AddRun(type, run.row);
      AddRun(report_.total, run.row);
      order.push_back(&run);
    }
    report_.total.name = "all";
    for (auto& [name, type] : types) report_.types.push_back(std::move(type));
    std::ranges::sort(order, [](const RunFiles* a, const RunFiles* b) {
      return std::tie(b->last_at, a->row.name) < std::tie(a->last_at, b->row.name);
    });
    for (const RunFiles* const run : order) report_.runs.push_back(run->row);
    for (auto& [key, file] : files_) {
      file.percent = EfficiencyOf(file.loads - file.unused, file.loads);
      report_.files.push_back(std::move(file));
    }
    std::ranges::stable_sort(report_.files, std::ranges::greater(), &FileRow::wasted_tokens);
    return std::move(report_);
  }

 private:
  void AddFile(const std::string& project, const StepFile& file) {
    FileRow& row = files_[{project, file.path}];
    row.project = project;
    row.path = file.path;
    ++row.loads;
    row.tokens = file.tokens;
    row.loaded_tokens += file.billed_tokens;
    if (file.accessed) return;
    ++row.unused;
    row.wasted_tokens += file.billed_tokens;
    if (file.billed_usd) row.wasted_usd = row.wasted_usd.PlusAtMost(*file.billed_usd);
  }

  EfficiencyReport report_;
  std::set<std::string> seen_;
  std::map<std::string, RunFiles> runs_;
  std::map<std::pair<std::string, std::string>, FileRow> files_;
};

}  // namespace

std::optional<double> EfficiencyOf(int64_t accessed, int64_t loaded) {
  if (loaded <= 0) return std::nullopt;
  return 100 * static_cast<double>(accessed) / static_cast<double>(loaded);
}

std::vector<StepFile> FilesOf(const StepHooks& step) {
  std::map<std::string, StepFile> files;
  for (const HookEvent& event : step.events) {
    const bool loads = event.kind == agent::kHookLoaded;
    if (!loads && !IsAccess(event.kind)) continue;
    StepFile& file = files[event.path];
    file.path = event.path;
    if (!loads) {
      file.accessed = true;
      continue;
    }
    const bool first = !file.loaded;
    file.loaded = true;
    file.tokens = event.tokens;
    file.billed_tokens += event.tokens * event.calls;
    if (first || file.billed_usd) {
      file.billed_usd = event.cost_usd ? std::optional(file.billed_usd.value_or(Money()).PlusAtMost(*event.cost_usd))
                                       : std::nullopt;
    }
  }
  std::vector<StepFile> sorted;
  for (auto& [path, file] : files) sorted.push_back(std::move(file));
  return sorted;
}

EfficiencyReport ReportOf(const std::vector<StepHooks>& steps) {
  ReportMaker maker;
  for (const StepHooks& step : steps) maker.Add(step);
  return maker.Take();
}

}  // namespace wfe::context

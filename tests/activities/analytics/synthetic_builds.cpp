#include "tests/activities/analytics/synthetic_builds.h"

#include <cmath>
#include <map>
#include <numbers>
#include <vector>

#include "engine/base/hash.h"

namespace wfe::analytics {
namespace {

constexpr double kCompletionLog = 6.4;  // A completion has about exp(6.4) = 600 tokens …
constexpr double kCompletionSpread = 0.4;

/// splitmix64, and what is made of it; the same on every compiler.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  int Below(int n) { return static_cast<int>(Uniform() * n); }
  double Normal() { return std::sqrt(-2 * std::log(1 - Uniform())) * std::cos(2 * std::numbers::pi * Uniform()); }
  int64_t LogNormal(double log_mean, double spread) { return std::llround(std::exp(log_mean + spread * Normal())); }

 private:
  uint64_t state_;
};

const std::string& HashOf(const std::string& text) {
  static std::map<std::string, std::string> known;
  auto [found, added] = known.try_emplace(text);
  if (added) found->second = ToHex(Sha256(text));
  return found->second;
}

class Builder {
 public:
  explicit Builder(const SyntheticBuilds& plan) : plan_(plan), random_(plan.seed * 7919 + 17) {}

  TraceTable Make() {
    for (int i = 0; i < plan_.builds; ++i) Build(i);
    return std::move(table_);
  }

 private:
  void Build(int index) {
    const int version = index < plan_.rule_at * plan_.builds ? 1 : index < plan_.prompt_at * plan_.builds ? 2 : 3;
    run_ = plan_.name + "-" + std::to_string(plan_.seed) + "-" + std::to_string(10000 + index);
    workflow_id_ = "build-" + std::to_string(index);
    file_ = "traces/" + run_ + "/audit_trace.jsonl";
    template_ = "typescript-package@" + std::to_string(version);
    now_ = plan_.first_ms + int64_t{index} * 3'600'000;
    seq_ = 0;
    instruction_version_ = index < plan_.instruction_at * plan_.builds ? 1 : 2;
    const std::string task = "task " + std::to_string(random_.Below(40));
    const int period = plan_.churn_every > 0 ? index / plan_.churn_every : 0;
    const std::vector<std::pair<std::string_view, std::string_view>> sections = {
        {"STRICT CONSTRAINTS", HashOf(version == 1 ? "rules 1" : "rules 2")},
        {"Implementation Prompt", HashOf((version == 3 ? "prompt 2 " : "prompt 1 ") + task)},
        {"VERIFICATION PROTOCOL", HashOf("protocol")},
        {"Core Package Specifics", HashOf("specifics " + std::to_string(period))}};
    std::string all;
    for (const auto& [name, hash] : sections) all += hash;
    context_ = HashOf(all);
    table_.SetSections(context_, sections);

    Event("workflow_started", "");
    Agent("scaffold", 0, "", 1);
    Agent("implement_v1", 0, "", 2);
    int error = DrawError(version);
    Verify("initial_verification", error);
    for (int attempt = 1; error >= 0 && attempt <= 4; ++attempt) {
      const std::string step = "fix_attempt_" + std::to_string(attempt);
      const int64_t chars = random_.LogNormal(6.2, 0.5);
      Agent(step, chars, kSyntheticErrors[static_cast<size_t>(error)], error == 0 ? plan_.costly_factor : 1);
      if (random_.Uniform() < 0.7) error = -1;
      Verify(step, error);
    }
    Event("workflow_completed", error < 0 ? "passed" : "not_passed");
  }

  /// -1: none.
  int DrawError(int version) {
    const double u = random_.Uniform();
    const double ruled = version == 1 ? plan_.ruled_before : plan_.ruled_after;
    const double jest = version == 3 ? plan_.jest_with_v3 : plan_.jest_before;
    if (u < SyntheticBuilds::kTsc) return 0;
    if (u < SyntheticBuilds::kTsc + ruled) return 1;
    return u < SyntheticBuilds::kTsc + ruled + jest ? 2 : -1;
  }

  TraceEntry Entry(std::string_view step, EntryKind kind) {
    now_ += 20'000 + random_.Below(40'000);
    TraceEntry entry;
    entry.entry_id = EntryIdOf(run_ + "/" + std::to_string(++seq_));
    entry.run = run_;
    entry.step = step;
    entry.kind = kind;
    entry.timestamp_ms = now_;
    entry.seq = seq_;
    entry.template_name = template_;
    entry.workflow_id = workflow_id_;
    entry.workflow_type = "AuditedBuildWorkflow";
    entry.source_file = file_;
    entry.source_line = seq_;
    entry.chained = plan_.chained;
    return entry;
  }
  void Event(std::string_view name, std::string_view status) {
    TraceEntry entry = Entry(name, EntryKind::kWorkflowEvent);
    entry.end_status = status;
    table_.Add(entry);
  }
  void Agent(std::string_view step, int64_t error_chars, std::string_view fixing, double factor) {
    TraceEntry entry = Entry(step, EntryKind::kAgent);
    entry.context_hash = context_;
    entry.context_tokens = 900 + random_.Below(60);
    entry.instruction_tokens = 250 + random_.Below(100);
    entry.prompt_tokens = entry.context_tokens + entry.instruction_tokens;
    entry.turns = plan_.turns;
    if (plan_.turns > 0) entry.prompt_tokens = plan_.turns * (entry.prompt_tokens + 100);
    if (plan_.with_instructions) {
      instruction_name_ = std::string(step.starts_with("fix") ? "instruction-fix" : "instruction-implement") +
                          (instruction_version_ == 1 ? "@1" : "@2");
      entry.instruction_template = instruction_name_;
    }
    entry.completion_tokens =
        std::llround(factor * static_cast<double>(random_.LogNormal(kCompletionLog, kCompletionSpread)));
    entry.token_source = plan_.source;
    if (plan_.priced) {
      entry.cost_usd =
          1.25e-6 * static_cast<double>(entry.prompt_tokens) + 1e-5 * static_cast<double>(entry.completion_tokens);
    }
    entry.model = "gemini-2.5-pro";
    entry.duration_ms = 5000;
    entry.error_type = fixing;
    if (!fixing.empty()) entry.error_chars = error_chars;
    table_.Add(entry);
  }
  void Verify(std::string_view step, int error) {
    TraceEntry entry = Entry(step, EntryKind::kVerification);
    entry.context_hash = context_;
    entry.status = error < 0 ? EntryStatus::kPass : EntryStatus::kFail;
    if (error >= 0) {
      entry.error_type = kSyntheticErrors[static_cast<size_t>(error)];
      entry.error_chars = 500;
    }
    table_.Add(entry);
  }

  const SyntheticBuilds& plan_;
  Random random_;
  TraceTable table_;
  std::string run_, workflow_id_, file_, template_, context_, instruction_name_;
  int instruction_version_ = 1;
  int64_t now_ = 0;
  int64_t seq_ = 0;
};

}  // namespace

double SyntheticBuilds::CostlyEffect() const {
  return (costly_factor - 1) * std::exp(kCompletionLog + kCompletionSpread * kCompletionSpread / 2);
}

TraceTable MakeTable(const SyntheticBuilds& builds) { return Builder(builds).Make(); }

}  // namespace wfe::analytics

// Three months of work with planted operations that recur, noise between them, and a team that makes the tools that pay:
// what is found, how it is ranked, what is saved (PD-1 to PD-7, TG-4, TG-5).  WFE_SEEDS says how many times.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "activities/patterns/steps/register.h"
#include "workers/client/row_store.h"

namespace wfe::patterns {
namespace {

constexpr double kUsdPerToken = 2e-6;
constexpr int kToolsAWeek = 6;

struct Planted {
  std::string signature;
  std::vector<std::string> phrasings;
  double per_day = 1.5;
  double tokens = 100'000;
  double success = 0.95;
  int shapes = 1;           // ways in which it is done
  double tool_success = 1;  // of the tool that the team makes
};

const std::vector<Planted>& PlantedOperations() {
  static const std::vector<Planted> kPlanted = {
      {"test:pytest:backend", {"Run pytest in the backend", "pytest of the server is red, look at it"}, 2.5},
      {"test:jest:frontend", {"Run jest for the frontend", "jest fails for the react components"}, 2},
      {"test:snapshot:frontend", {"Update the snapshots of the frontend", "Update snapshots of the react pages"}, 1},
      {"test:coverage:backend", {"Make the coverage report of the backend", "Test coverage of the server"}, 1},
      {"lint:format:backend", {"Reformat the backend", "Code formatting of the server sources"}, 2.2, 60'000},
      {"lint:format:frontend", {"Run prettier over the frontend", "Reformat the react components"}, 1.8, 60'000},
      {"lint:imports:python", {"Sort the imports of the python package", "Unused imports in the python tools"}, 1.6},
      {"deps:update:backend", {"Update the dependencies of the backend", "Upgrade dependencies of the server"}, 1.2, 140'000},
      {"deps:update:frontend", {"Update the dependencies of the frontend", "Bump dependencies of the web page"}, 1.4, 140'000},
      {"deps:audit:general", {"Go through npm audit", "Are there vulnerable dependencies"}, 1, 120'000},
      {"deps:lockfile:general", {"The lock file is stale, renew it", "Renew the lockfile"}, 1.1, 80'000},
      {"docs:changelog:backend", {"Write the changelog of the backend", "Release notes of the server"}, 1.3, 110'000},
      {"docs:toc:docs", {"Renew the table of contents of the guide", "Table of contents in the readme"}, 1.2, 50'000},
      {"docs:links:docs", {"Find broken links in the documentation", "Dead links in the manual"}, 1, 90'000},
      {"docs:license:general", {"Add the license header to new files", "Copyright headers are missing"}, 1, 60'000},
      {"data:csv_to_json:reports", {"Turn the orders from csv to json", "Give me this report, csv as json"}, 3, 70'000},
      {"data:json_to_csv:reports", {"Turn the invoices from json to csv", "Orders: json as csv"}, 2.4, 70'000},
      {"data:yaml_to_json:general", {"Write this yaml as json", "yaml to json, please"}, 1, 50'000},
      {"data:dedupe:reports", {"Remove duplicates from the orders", "Deduplicate the invoices"}, 1.7, 80'000},
      {"data:dates:reports", {"Normalize dates in the invoices", "ISO 8601 for all orders"}, 1.5, 80'000},
      {"data:count:general", {"Count the words of the text", "What is the word count of it"}, 1, 30'000},
      {"data:validate:general", {"Validate the JSON of the upload", "Check it against the JSON schema"}, 1.3, 70'000},
      {"text:extract_emails:general", {"List the email addresses in it", "Extract emails from the letter"}, 1.4, 40'000},
      {"text:headings:docs", {"Extract the headings of the guide", "List the headings of the manual"}, 1, 50'000},
      {"git:ignore:general", {"Put build into gitignore", "The gitignore lacks the cache"}, 0.6, 40'000},
      {"git:commit_message:general", {"Write a commit message", "A commit message for this change"}, 4, 30'000},
      {"config:version:general", {"Bump the version", "The version number for the release"}, 1, 50'000},
      {"config:version:mobile", {"Bump the version of the android app", "Version bump for ios"}, 0.8, 50'000},
      {"config:env:backend", {"Environment variables of the backend into a table", "List each environment variable of the server"}, 1, 80'000},
      {"code:migration:database", {"Write a database migration", "Add a column to the postgres table"}, 1.4, 130'000},
      // The tool that the team makes for these two is no good.
      {"lint:types:python", {"Add type hints to the python package", "mypy for the python tools"}, 1.5, 160'000, 0.95, 1, 0.55},
      {"docs:docstrings:python", {"Write docstrings for the python package", "Missing docstring in python"}, 1.5, 160'000, 0.95, 1, 0.6},
      // Rare.
      {"git:rename:general", {"Rename files after the new scheme", "Move the file where it belongs"}, 0.02},
      {"code:dead_code:python", {"Take dead code out of the python package", "Unused functions in python"}, 0.03},
      // Done in another way each time.
      {"code:scaffold_endpoint:backend", {"A new endpoint for the backend", "REST endpoint in the server"}, 1, 200'000, 0.6, 9},
      {"text:extract_dates:general", {"List all deadlines", "Extract the dates from the letter"}, 1, 60'000, 0.65, 7},
      // A tool would be dearer than the agent.
      {"text:translate:general", {"Translate the letter", "Please translate it"}, 2, 4'000},
      {"text:summarize:general", {"Summarize the letter", "Sum up what they say"}, 3, 1'500},
  };
  return kPlanted;
}

const std::vector<std::string>& NoiseTasks() {
  static const std::vector<std::string> kNoise = {
      "Why does the queue stall at night", "Find out who owns the billing cluster", "Draft a reply to the customer",
      "Compare the two offers", "Explain the retry policy to a newcomer", "Design a cache for the search",
      "Make the login page faster", "Think about a better name for the project", "What does this stack trace say"};
  return kNoise;
}
/// With the words of a rule, and something else meant.
const std::vector<std::string>& Traps() {
  static const std::vector<std::string> kTraps = {
      "Explain to me what a changelog is good for", "Why is prettier so slow", "Who invented the word count",
      "Is jest better than what we have", "What would you translate this idea into, as an architect"};
  return kTraps;
}

struct Figures {
  int after_week = 0, active_month = 0, active_end = 0, retired = 0;
  double operation_recall = 0, recall = 0, precision = 0, proposal_recall = 0, proposal_precision = 0, rank = 0;
  double payback = 0, tokens_saved_share = 0, tokens_per_routed = 0;
  int64_t operations = 0;
};

double SpearmanOf(const std::vector<double>& a, const std::vector<double>& b) {
  const auto ranks = [](const std::vector<double>& values) {
    std::vector<double> rank;
    for (const double value : values) {
      rank.push_back(static_cast<double>(std::ranges::count_if(values, [value](double v) { return v < value; })));
    }
    return rank;
  };
  const std::vector<double> x = ranks(a);
  const std::vector<double> y = ranks(b);
  double squares = 0;
  for (size_t i = 0; i < x.size(); ++i) squares += (x[i] - y[i]) * (x[i] - y[i]);
  const auto n = static_cast<double>(x.size());
  return 1 - 6 * squares / (n * (n * n - 1));
}

class ThreeMonths {
 public:
  explicit ThreeMonths(uint64_t seed) : random_(seed) {}

  Figures Live() {
    for (int day = 0; day < 91; ++day) {
      Day(day);
      if (day % 7 == 6) Week(day);
    }
    Judge();
    return figures_;
  }

 private:
  bool Chance(double p) { return std::uniform_real_distribution<double>(0, 1)(random_) < p; }
  template <class T>
  const T& Any(const std::vector<T>& of) {
    return of[std::uniform_int_distribution<size_t>(0, of.size() - 1)(random_)];
  }
  Instant At(int day) const { return begin_ + std::chrono::days(day) + std::chrono::hours(12); }

  Operation Make(int day, const std::string& task) {
    Operation operation;
    operation.workflow_run_id = "run-" + std::to_string(++runs_);
    operation.step = "run";
    operation.observed_at = FormatIso8601Millis(At(day));
    operation.task = task;
    return operation;
  }

  void Pay(Operation& operation, double tokens) {
    operation.tokens = static_cast<int64_t>(
        tokens * std::clamp(std::normal_distribution<double>(1, 0.25)(random_), 0.3, 2.0));
    operation.cost_usd = *Money::FromNumber(static_cast<double>(operation.tokens) * kUsdPerToken);
    paid_tokens_ += static_cast<double>(operation.tokens);
  }

  void Day(int day) {
    const bool weekend = day % 7 >= 5;
    for (const Planted& planted : PlantedOperations()) {
      const double mean = planted.per_day * (weekend ? 0.4 : 1.24);
      const int count = std::poisson_distribution<int>(mean)(random_);
      for (int i = 0; i < count; ++i) Planted1(day, planted);
    }
    const int noise = std::poisson_distribution<int>(12)(random_);
    for (int i = 0; i < noise; ++i) {
      Operation operation = Make(day, Chance(0.05) ? Any(Traps()) : Any(NoiseTasks()));
      Pay(operation, 80'000);
      operation.successes = Chance(0.8) ? 1 : 0;
      operation.shape = std::to_string(std::uniform_int_distribution<int>(0, 9)(random_));
      today_.push_back(operation);
    }
  }

  void Planted1(int day, const Planted& planted) {
    ++planted_operations_;
    // Some are asked for in words that nobody foresaw.
    const bool odd = Chance(0.06);
    Operation operation = Make(day, odd ? "The usual thing once more, please" : Any(planted.phrasings));
    if (!odd) ++foreseen_;
    if (!odd && Routed(day, operation, planted)) return;
    Pay(operation, planted.tokens);
    operation.successes = Chance(planted.success) ? 1 : 0;
    operation.shape = std::to_string(std::uniform_int_distribution<int>(0, planted.shapes - 1)(random_));
    today_.push_back(operation);
  }

  /// True: the tool did it.
  bool Routed(int day, Operation operation, const Planted& planted) {
    const auto pattern = PatternStore(rows_).Find(planted.signature);
    if (!pattern || !*pattern || (*pattern)->automation_status != kActive) return false;
    ToolCall call{.workflow_run_id = operation.workflow_run_id, .step = "run", .tool = (*pattern)->tool_id};
    call.pattern_signature = planted.signature;
    call.success = Chance(planted.tool_success);
    EXPECT_TRUE(ToolStore(rows_).Note(operation.workflow_run_id + "/1", call, std::nullopt, At(day)).has_value());
    if (!call.success) return false;
    operation.tool_id = call.tool;
    operation.successes = 1;
    saved_tokens_ += (*pattern)->avg_tokens;
    ++routed_;
    today_.push_back(operation);
    return true;
  }

  void Week(int day) {
    const auto kept = KeepOperations(rows_, PatternRules::BuiltIn(), today_);
    ASSERT_TRUE(kept.has_value()) << kept.error().message;
    // Once more, as after a crash: it adds nothing.
    const auto again = KeepOperations(rows_, PatternRules::BuiltIn(), today_);
    EXPECT_EQ(again->new_occurrences, 0);
    figures_.operations += kept->operations;
    today_.clear();
    const auto analyzed = AnalyzeOperations(rows_, PatternRules::BuiltIn(), At(day));
    ASSERT_TRUE(analyzed.has_value()) << analyzed.error().message;
    if (day == 6) figures_.after_week = static_cast<int>(analyzed->patterns);
    int made = 0;
    for (const RoiRow& row : analyzed->candidates) {
      proposed_.insert(row.pattern_signature);
      if (made++ >= kToolsAWeek) continue;
      paybacks_.push_back(*row.payback_months);
      std::string id = row.pattern_signature;
      std::ranges::replace(id, ':', '-');
      Tool tool{.tool_id = id};
      tool.command = {"true"};
      ASSERT_TRUE(ToolStore(rows_).Register(tool, At(day)).has_value());
      ASSERT_TRUE(ActivatePattern(rows_, row.pattern_signature, id, At(day)).has_value());
    }
    if (day == 27) figures_.active_month = Count(kActive);
  }

  int Count(std::string_view status) {
    PatternProblems problems;
    const auto patterns = PatternStore(rows_).All(problems);
    EXPECT_TRUE(problems.empty());
    return static_cast<int>(
        std::ranges::count_if(*patterns, [&](const auto& pattern) { return pattern.automation_status == status; }));
  }

  /// Against the truth, which is in the table above and in the costs of the rules.
  void Judge() {
    PatternProblems problems;
    const auto patterns = PatternStore(rows_).All(problems);
    const auto report = ReadPatternReport(rows_, PatternRules::BuiltIn(), At(90));
    std::map<std::string, const OperationPattern*> found;
    int real = 0;
    int64_t recognized = 0;
    for (const OperationPattern& pattern : *patterns) found[pattern.pattern_signature] = &pattern;
    int seen = 0;
    int worth = 0;
    int worth_proposed = 0;
    std::set<std::string> true_worth;
    std::vector<double> true_roi;
    std::vector<double> measured_roi;
    for (const Planted& planted : PlantedOperations()) {
      const auto known = found.find(planted.signature);
      if (known != found.end()) {
        ++seen;
        recognized += known->second->occurrence_count;
      }
      OperationPattern truth;
      truth.pattern_signature = planted.signature;
      truth.avg_cost_usd = *Money::FromNumber(planted.tokens * kUsdPerToken);
      truth.confidence_score = ConfidenceOf(static_cast<int64_t>(planted.per_day * 91), 1.0 / planted.shapes, planted.success);
      const RoiRow row = RoiOf(truth, planted.per_day * 30, PatternRules::BuiltIn().KindOf(planted.signature), nullptr);
      if (row.worthwhile) {
        ++worth;
        true_worth.insert(planted.signature);
        if (proposed_.contains(planted.signature)) ++worth_proposed;
      }
      for (const RoiRow& measured : report->roi) {
        if (measured.pattern_signature != planted.signature) continue;
        // A registered tool is free; the estimate of the rule is what was ranked.
        const RoiRow ranked = RoiOf(*known->second, measured.per_month,
                                    PatternRules::BuiltIn().KindOf(planted.signature), nullptr);
        true_roi.push_back(row.roi_percent);
        measured_roi.push_back(ranked.roi_percent);
      }
    }
    for (const auto& [signature, pattern] : found) {
      real += std::ranges::any_of(PlantedOperations(), [&](const Planted& p) { return p.signature == signature; }) ? 1 : 0;
    }
    const auto share = [](double part, double whole) { return whole == 0 ? 0 : part / whole; };
    figures_.recall = share(seen, static_cast<double>(PlantedOperations().size()));
    figures_.precision = share(real, static_cast<double>(found.size()));
    figures_.operation_recall = share(static_cast<double>(recognized), static_cast<double>(planted_operations_));
    figures_.proposal_recall = share(worth_proposed, worth);
    figures_.proposal_precision =
        share(static_cast<double>(std::ranges::count_if(proposed_, [&](const auto& p) { return true_worth.contains(p); })),
              static_cast<double>(proposed_.size()));
    figures_.rank = SpearmanOf(true_roi, measured_roi);
    figures_.active_end = Count(kActive);
    figures_.retired = Count(kRetired);
    std::ranges::sort(paybacks_);
    figures_.payback = paybacks_[paybacks_.size() / 2];
    figures_.tokens_saved_share = share(saved_tokens_, saved_tokens_ + paid_tokens_);
    figures_.tokens_per_routed = share(saved_tokens_, static_cast<double>(routed_));
  }

  std::mt19937_64 random_;
  const Instant begin_ = *ParseIso8601("2026-06-01T00:00:00Z");
  MemoryRows rows_;
  std::vector<Operation> today_;
  int64_t runs_ = 0, planted_operations_ = 0, foreseen_ = 0, routed_ = 0;
  double paid_tokens_ = 0, saved_tokens_ = 0;
  std::set<std::string> proposed_;
  std::vector<double> paybacks_;
  Figures figures_;
};

TEST(PatternMonths, RecurringWorkIsFoundRankedAndTakenOverByTools) {
  const char* const wanted = std::getenv("WFE_SEEDS");
  const int seeds = wanted == nullptr ? 1 : std::atoi(wanted);
  for (int seed = 1; seed <= seeds; ++seed) {
    const Figures f = ThreeMonths(static_cast<uint64_t>(seed)).Live();
    std::printf(
        "seed %d: %lld operations; patterns after a week %d; active after a month %d, after three %d; retired %d; "
        "found %.0f %%, of them real %.0f %%, operations recognized %.1f %%; proposals found %.0f %%, right %.0f %%; "
        "rank correlation %.3f; median payback %.1f months; tokens saved %.1f %%, %.0f each\n",
        seed, static_cast<long long>(f.operations), f.after_week, f.active_month, f.active_end, f.retired,
        100 * f.recall, 100 * f.precision, 100 * f.operation_recall, 100 * f.proposal_recall,
        100 * f.proposal_precision, f.rank, f.payback, 100 * f.tokens_saved_share, f.tokens_per_routed);
    EXPECT_GE(f.after_week, 10);    // TG-5
    EXPECT_GE(f.active_month, 15);
    EXPECT_GE(f.active_end, 25);
    EXPECT_GE(f.recall, 0.94);
    EXPECT_GE(f.precision, 0.85);
    EXPECT_GE(f.operation_recall, 0.92);
    EXPECT_GE(f.proposal_recall, 0.9);
    EXPECT_GE(f.proposal_precision, 0.9);
    EXPECT_GE(f.rank, 0.85);  // 0.886 to 0.949 over twenty seeds
    EXPECT_EQ(f.retired, 2) << "both bad tools, and no good one";
    EXPECT_GE(f.tokens_saved_share, 0.3);  // TG-4
    EXPECT_GE(f.tokens_per_routed, 45'000);
  }
}

}  // namespace
}  // namespace wfe::patterns

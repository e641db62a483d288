// The audits recover what a corpus has planted, with honest intervals, and claim nothing where nothing is (OP-6 to
// OP-9, OP-14).  WFE_SEEDS=N looks at N seeds instead of a few.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "activities/statistics/statistics.h"
#include "tests/demo/audit_of_corpus.h"

namespace wfe::demo {
namespace {

using nlohmann::json;

uint64_t Seeds() {
  const char* wanted = std::getenv("WFE_SEEDS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 8;
}

json Report(uint64_t seed, Causes causes) {
  const Result<Corpus> corpus =
      GenerateCorpus({.seed = seed, .runs = 240, .causes = causes, .without_engine = true, .progress = nullptr});
  EXPECT_TRUE(corpus.has_value()) << (corpus ? "" : corpus.error().ToString());
  return AuditCorpus(corpus ? *corpus : Corpus());
}

/// The finding about this, significant or not; null when there is none.
json Find(const json& report, std::string_view audit, std::string_view rule_key, std::string_view in_title) {
  for (const json& finding : report.at("findings")) {
    if (finding.at("audit") == audit && finding.at("rule_key").get<std::string>().starts_with(rule_key) &&
        finding.at("title").get<std::string>().find(in_title) != std::string::npos) {
      return finding;
    }
  }
  return nullptr;
}

double Bound(const json& finding, int side) { return finding.at("effect").at("interval").at(side).get<double>(); }
bool IsClaim(const json& finding) { return !finding.is_null() && finding.at("significant") == true; }

// "Done when" 3.
TEST(PlantedCauses, AreRecoveredWithHonestIntervals) {
  const Behaviour behaviour(1, 1, Causes());
  const double prompt_effect = behaviour.FirstPassRate(3) - behaviour.FirstPassRate(2);
  stats::Share costly;
  stats::Share rule;
  stats::Share prompt;
  stats::Share churn;
  stats::Share covered;
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    const json report = Report(seed, Causes());
    // The most expensive class is a ranking, not a test; its interval must lie above zero.
    const json expensive = Find(report, "token_efficiency", "TSC_ERROR_TS2345", "most expensive");
    ++costly.n;
    costly.hits += !expensive.is_null() && Bound(expensive, 0) > 0 ? 1 : 0;

    const json rarer = Find(report, "constraint_effectiveness", "context:", "ESLINT_ERROR_NO_ANY became rarer");
    ++rule.n;
    rule.hits += IsClaim(rarer) && Bound(rarer, 1) < 0 && rarer.at("section") == "STRICT CONSTRAINTS" ? 1 : 0;

    const json worse = Find(report, "prompt_refinement", "prompt:typescript-package@3", "worse first-pass rate");
    ++prompt.n;
    prompt.hits += IsClaim(worse) ? 1 : 0;
    if (!worse.is_null()) {
      ++covered.n;
      covered.hits += Bound(worse, 0) <= prompt_effect && prompt_effect <= Bound(worse, 1) ? 1 : 0;
    }

    // It changes often, and no effect is claimed.
    const json often = Find(report, "context_volatility", "churn:", "Core Package Specifics changes often");
    ++churn.n;
    churn.hits += !often.is_null() && !IsClaim(often) ? 1 : 0;
  }
  const auto print = [](const char* what, const stats::Share& share) {
    std::printf("%s: %lld of %lld\n", what, static_cast<long long>(share.hits), static_cast<long long>(share.n));
  };
  print("costly class found", costly);
  print("constraint change found", rule);
  print("worse prompt found", prompt);
  print("churning section found", churn);
  print("interval of the prompt's effect holds the truth", covered);
  for (const stats::Share& share : {costly, rule, prompt, churn}) EXPECT_GE(share.rate(), 0.85);
  EXPECT_GE(stats::ClopperPearson(covered).hi, 0.95);
}

TEST(PlantedCauses, WithoutAnyOfThemFewReportsClaimSomething) {
  stats::Share claims;
  for (uint64_t seed = 1; seed <= Seeds(); ++seed) {
    const json report = Report(seed, Causes::None());
    ++claims.n;
    const bool any = std::any_of(report.at("findings").begin(), report.at("findings").end(), IsClaim);
    claims.hits += any ? 1 : 0;
    if (any) std::printf("seed %llu has a false claim\n", static_cast<unsigned long long>(seed));
  }
  const stats::Interval interval = stats::ClopperPearson(claims);
  std::printf("no planted cause: %lld of %lld reports with a claim (95 %% interval %.4f to %.4f)\n",
              static_cast<long long>(claims.hits), static_cast<long long>(claims.n), interval.lo, interval.hi);
  EXPECT_LE(interval.lo, 0.05);
}

}  // namespace
}  // namespace wfe::demo

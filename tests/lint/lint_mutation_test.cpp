// The test of the linter itself (H1-H27, H39, H40): valid histories pass, each kind of single damage is found.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/lint/lint.h"
#include "tests/lint/history_builder.h"
#include "tests/lint/mutations.h"

namespace wfe::lint {
namespace {

using testing::IsEmpty;

constexpr uint64_t kHistories = 3000;

LintOptions OptionsFor(const HistoryBuilder& history) {
  LintOptions options;
  options.batch_starts = history.batch_starts();
  return options;
}

/// Made once: rare damage looks through many of them.
const std::vector<HistoryBuilder>& Histories() {
  static const auto kAll = [] {
    std::vector<HistoryBuilder> all;
    for (uint64_t seed = 0; seed < kHistories; ++seed) all.push_back(RandomHistory(seed));
    return all;
  }();
  return kAll;
}

TEST(LintMutation, ValidHistoriesRaiseNoAlarm) {
  for (uint64_t seed = 0; seed < kHistories; ++seed) {
    const HistoryBuilder& history = Histories()[seed];
    const auto findings = LintHistory(history.events(), OptionsFor(history));
    ASSERT_THAT(findings, IsEmpty()) << "seed " << seed << "\n" << Describe(findings);
  }
}

TEST(LintMutation, EveryPrefixOfCommitsOfAValidHistoryRaisesNoAlarm) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const HistoryBuilder history = RandomHistory(seed);
    for (size_t batch = 1; batch < history.batch_starts().size(); ++batch) {
      const auto end = history.events().begin() + (history.batch_starts()[batch] - 1);
      const std::vector<HistoryEvent> prefix(history.events().begin(), end);
      const auto findings = LintHistory(prefix, OptionsFor(history));
      ASSERT_THAT(findings, IsEmpty()) << "seed " << seed << "\n" << Describe(findings);
    }
  }
}

TEST(LintMutation, EveryKindOfSingleDamageIsFoundWhereverItStrikes) {
  const std::vector<Mutation> mutations = AllMutations();
  ASSERT_GE(mutations.size(), 40u);
  for (const Mutation& mutation : mutations) {
    int applied = 0;
    for (uint64_t seed = 0; seed < kHistories && applied < 40; ++seed) {
      std::mt19937_64 random(seed);
      std::vector<HistoryEvent> damaged = Histories()[seed].events();
      if (!mutation.apply(damaged, random)) continue;
      ++applied;
      EXPECT_FALSE(LintHistory(damaged).empty()) << mutation.name << " went unseen, seed " << seed;
    }
    EXPECT_GE(applied, 3) << mutation.name << " was hardly ever possible";
  }
}

}  // namespace
}  // namespace wfe::lint

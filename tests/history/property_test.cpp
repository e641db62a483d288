// Random inputs from a seed.  Execution checks after every step that the history folds to the state, that ids are
// dense, that times never decrease, that Decide is deterministic and that deadlines mean something.
#include <gtest/gtest.h>

#include <set>

#include "engine/history/names.h"
#include "tests/history/random_run.h"

namespace wfe::history {
namespace {

TEST(AnyRun, KeepsItsInvariantsWhateverHappensToIt) {  // H1, H2, H5, H6, H27
  constexpr uint64_t kSeeds = 120;
  constexpr int kSteps = 120;
  std::set<enums::EventType> seen;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomRun run(seed);
    for (int step = 0; step < kSteps; ++step) {
      run.Step();
      ASSERT_FALSE(testing::Test::HasFailure()) << "step " << step;
    }
    for (const HistoryEvent& event : run.execution().history()) seen.insert(event.event_type());
  }
  // The walk is worth something only if it gets about.
  EXPECT_GE(seen.size(), 24u);
}

}  // namespace
}  // namespace wfe::history

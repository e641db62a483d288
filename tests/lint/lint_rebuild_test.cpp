// H5 over all of the state: what a run's events and notes make of it, from its first event on, against what is stored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/history/decide.h"
#include "engine/history/note_codec.h"
#include "engine/history/rebuild.h"
#include "engine/history/state_codec.h"
#include "engine/lint/lint.h"
#include "tests/history/random_run.h"

namespace wfe::lint {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

/// A random run with every transition kept.
class KeptRun {
 public:
  explicit KeptRun(uint64_t seed, int steps) : run_(seed) {
    stored.key = run_.execution().state().Key();
    Keep();
    for (int step = 0; step < steps; ++step) {
      if (run_.Step()) Keep();
    }
    stored.state = history::ToCheckpoint(run_.execution().state());
    stored.state.set_transition(transitions_);
  }

  StoredRun stored;

 private:
  void Keep() {
    const history::Transition& last = run_.execution().last();
    std::string notes = history::EncodeNotes(++transitions_, last.notes);
    if (last.events.empty()) {
      stored.journal.push_back(std::move(notes));
      return;
    }
    temporal::api::history::v1::History events;
    for (const HistoryEvent& event : last.events) *events.add_events() = event;
    stored.batches.push_back({last.events.front().event_id(), static_cast<int32_t>(last.events.size()),
                              events.SerializeAsString(), std::move(notes)});
  }

  history::RandomRun run_;
  int64_t transitions_ = 0;
};

/// What H5 says, or that it did not get to say anything.
std::string Verdict(const StoredRun& run) {
  StoreLintOptions options;
  options.fold = history::Fold;
  bool judged = false;
  options.rebuild = [&](const ExecutionKey& key, const std::vector<history::StoredStep>& steps, int64_t last) {
    auto rebuilt = history::Rebuild(key, steps, last);
    judged = !rebuilt || rebuilt->has_value();
    return rebuilt;
  };
  std::string verdict;
  for (const Finding& finding : LintStored(run, options)) {
    if (finding.rule == "H5") verdict += finding.message + "\n";
  }
  return verdict.empty() && !judged ? "not judged" : verdict;
}

/// Changes every field that is set, one at a time, and calls `visit` on what came of it.
void ForEachChange(google::protobuf::Message& message, const std::string& path,
                   const std::function<void(const std::string& what)>& visit) {
  using Field = google::protobuf::FieldDescriptor;
  const auto& reflection = *message.GetReflection();
  std::vector<const Field*> fields;
  reflection.ListFields(message, &fields);
  for (const Field* field : fields) {
    const std::string name = path + "." + field->name();
    if (field->is_map() || name == ".bookkeeping.chain_head") continue;
    if (field->is_repeated()) {
      if (field->cpp_type() != Field::CPPTYPE_MESSAGE) continue;
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        ForEachChange(*reflection.MutableRepeatedMessage(&message, field, i), name, visit);
      }
    } else if (field->cpp_type() == Field::CPPTYPE_MESSAGE) {
      ForEachChange(*reflection.MutableMessage(&message, field), name, visit);
    } else if (field->cpp_type() == Field::CPPTYPE_STRING) {
      const std::string before = reflection.GetString(message, field);
      reflection.SetString(&message, field, before + "x");
      visit(name);
      reflection.SetString(&message, field, before);
    } else if (field->cpp_type() == Field::CPPTYPE_INT64) {
      const int64_t before = reflection.GetInt64(message, field);
      reflection.SetInt64(&message, field, before + 1);
      visit(name);
      reflection.SetInt64(&message, field, before);
    } else if (field->cpp_type() == Field::CPPTYPE_INT32) {
      const int32_t before = reflection.GetInt32(message, field);
      reflection.SetInt32(&message, field, before + 1);
      visit(name);
      reflection.SetInt32(&message, field, before);
    } else if (field->cpp_type() == Field::CPPTYPE_BOOL) {
      reflection.ClearField(&message, field);
      visit(name);
      reflection.SetBool(&message, field, true);
    }
  }
}

TEST(Rebuild, ARunWhoseTransitionsAreAllKeptIsWhatTheyMakeOfIt) {  // H5
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    EXPECT_THAT(Verdict(KeptRun(seed, 60).stored), IsEmpty()) << "seed " << seed;
  }
}

TEST(Rebuild, AnyOtherBookkeepingIsFound) {  // H5
  int changes = 0;
  for (uint64_t seed = 1; seed <= 24; ++seed) {
    StoredRun run = KeptRun(seed, 40).stored;
    const int64_t transitions = run.state.transition();
    ForEachChange(*run.state.mutable_bookkeeping(), ".bookkeeping", [&](const std::string& what) {
      ++changes;
      EXPECT_THAT(Verdict(run), testing::Not(IsEmpty())) << "seed " << seed << ": " << what;
      EXPECT_EQ(run.state.transition(), transitions);
    });
  }
  EXPECT_GT(changes, 100);
}

TEST(Rebuild, ANoteThatSaysSomethingElseIsFound) {
  for (uint64_t seed = 1;; ++seed) {
    ASSERT_LT(seed, 100U) << "no run with a heartbeat that counts";
    StoredRun run = KeptRun(seed, 40).stored;
    const auto& attempts = run.state.bookkeeping().activity_attempts();
    const bool beats = std::any_of(attempts.begin(), attempts.end(),
                                   [](const auto& attempt) { return attempt.has_last_heartbeat_time(); });
    if (!beats) continue;
    for (std::string& row : run.journal) {
      auto transition = history::DecodeNotes(row).value();
      for (history::PlacedNote& placed : transition.notes) {
        if (auto* beat = std::get_if<history::note::Heartbeat>(&placed.note)) {
          beat->details.add_payloads()->set_data("another");
        }
      }
      row = history::EncodeNotes(transition.number, transition.notes);
    }
    EXPECT_THAT(Verdict(run), HasSubstr("heartbeat_details"));
    return;
  }
}

TEST(Rebuild, StepsThatDoNotFollowAreFoundAndMissingOnesAreNotJudged) {
  const StoredRun sound = KeptRun(4, 60).stored;
  ASSERT_GT(sound.journal.size(), 1U);
  StoredRun run = sound;
  run.journal.push_back(run.journal.back());
  EXPECT_THAT(Verdict(run), HasSubstr("is stored twice"));
  run = sound;
  run.journal.back().back() ^= 1;
  EXPECT_THAT(Verdict(run), HasSubstr("cannot be rebuilt from its first event"));
  run = sound;
  run.journal.pop_back();
  EXPECT_EQ(Verdict(run), "not judged") << "a checkpoint may have covered it";
  run = sound;
  run.batches.front().notes.clear();
  EXPECT_EQ(Verdict(run), "not judged") << "as in stores of format 2";
}

}  // namespace
}  // namespace wfe::lint

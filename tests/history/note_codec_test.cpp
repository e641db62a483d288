// The stored form of notes: pinned bytes, and what cannot follow on a state.
#include "engine/history/note_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "engine/base/hash.h"
#include "engine/history/decide.h"
#include "engine/history/names.h"
#include "engine/history/state_codec.h"
#include "tests/history/random_run.h"

namespace wfe::history {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

Note ASignal() {
  HistoryEvent event;
  event.set_event_type(enums::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED);
  return note::EventBuffered{event};
}

struct PinnedNote {
  Note note;
  std::string row;  ///< As transition 7's only note, in hexadecimal.
};

const std::vector<PinnedNote>& Pinned() {
  static const std::vector<PinnedNote> pinned = {
      {note::AttemptStarted{5, Instant(1s), "me", "r"},
       "0807120f120d0805120208011a026d65220172"},
      {note::AttemptRetried{5, Instant(1s), Instant(2s), {}},
       "0807120e1a0c0805120208021a0022020801"},
      {note::AttemptReleased{5},
       "0807120422020805"},
      {note::Heartbeat{5, Instant(3s), {}},
       "0807120a2a080805120208031a00"},
      {note::Heartbeat{5, std::nullopt, {}},
       "080712062a0408051a00"},
      {ASignal(),
       "080712043202181a"},
      {note::BufferFlushed{},
       "080712023a00"},
      {note::BufferedTimerDropped{9},
       "0807120442020809"},
      {note::WorkflowTaskRetried{3, Instant(4s), Instant(5s)},
       "0807120c4a0a0803120208041a020805"},
      {note::WorkflowTaskRetried{2, Instant(4s), std::nullopt},
       "080712084a06080212020804"},
      {note::WorkflowTaskReleased{},
       "080712025200"},
      {note::WorkflowTaskDropped{},
       "080712025a00"},
      {note::StickySet{"q", 10s},
       "0807120962070a01711202080a"},
      {note::StickyUnset{},
       "080712026a00"},
      {note::StickyOffered{Instant(6s)},
       "0807120472020806"},
      {note::FirstTaskDelayed{Instant(7s)},
       "080712047a020807"},
      {note::FirstTaskReleased{},
       "08071203820100"},
  };
  return pinned;
}

/// In hexadecimal; CHECKs that the checksum is that of what stands before it.
std::string WithoutChecksum(const std::string& bytes) {
  const std::string notes = bytes.substr(0, bytes.size() - 8);
  EXPECT_EQ(bytes.substr(notes.size()), AsBytes(Sha256(notes)).substr(0, 8));
  return ToHex(notes);
}

/// Notes as another version might write them.
std::string Sealed(const std::string& notes) { return notes + std::string(AsBytes(Sha256(notes)).substr(0, 8)); }

TEST(NoteCodec, WritesTheseBytesAndReadsThem) {
  for (const PinnedNote& pinned : Pinned()) {
    const std::string bytes = EncodeNotes(7, {{.events_before = 0, .note = pinned.note}});
    EXPECT_EQ(WithoutChecksum(bytes), pinned.row) << "note " << pinned.note.index();
    const Result<StoredTransition> read = DecodeNotes(bytes);
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(read->number, 7);
    ASSERT_EQ(read->notes.size(), 1u);
    EXPECT_EQ(read->notes[0].note.index(), pinned.note.index());
    EXPECT_EQ(EncodeNotes(7, read->notes), bytes);
  }
  EXPECT_EQ(WithoutChecksum(EncodeNotes(7, {{.events_before = 3, .note = note::StickyUnset{}}})), "0807120408036a00");
}

TEST(NoteCodec, NoticesAnyChangedBit) {
  const std::string bytes = EncodeNotes(7, {{.events_before = 0, .note = note::AttemptStarted{5, {}, "me", "r"}}});
  for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(DecodeNotes(changed).error().code, StatusCode::kDataLoss) << "bit " << bit;
  }
}

TEST(NoteCodec, StoresEveryKindButTheVolatileOnesAndTheCount) {
  std::set<size_t> kinds;
  for (const PinnedNote& pinned : Pinned()) kinds.insert(pinned.note.index());
  EXPECT_EQ(kinds.size(), std::variant_size_v<Note> - 3);
  EXPECT_EQ(EncodeNotes(7, {{.events_before = 0, .note = note::TransitionCounted{}}}), EncodeNotes(7, {}));
}

TEST(NoteCodec, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(DecodeNotes("\xff\xff").error().code, StatusCode::kDataLoss);
  EXPECT_THAT(DecodeNotes(Sealed("\x08\x07\x12\x02\x08\x01")).error().message, HasSubstr("does not know"));
}

TEST(Replay, SaysWhatCannotFollowInsteadOfStopping) {
  Execution execution;
  ASSERT_TRUE(execution.Start());
  const auto problem = [&](const Note& note) {
    MutableState state = execution.state();
    const Status replayed = Replay(state, {}, {{.events_before = 0, .note = note}});
    return replayed.has_value() ? "" : replayed.error().message;
  };
  EXPECT_THAT(problem(note::AttemptStarted{5, Instant(1s), "", ""}), HasSubstr("activity 5 is not open"));
  EXPECT_THAT(problem(note::Heartbeat{5, std::nullopt, {}}), HasSubstr("activity 5 is not open"));
  EXPECT_THAT(problem(note::WorkflowTaskReleased{}), HasSubstr("the workflow task cannot change like this"));
  EXPECT_EQ(problem(note::WorkflowTaskRetried{2, Instant(1s), std::nullopt}), "");

  MutableState state = execution.state();
  HistoryEvent event;
  event.set_event_id(9);
  EXPECT_THAT(Replay(state, {event}, {}).error().message, HasSubstr("event 9 cannot follow event 2"));
  event.set_event_id(3);
  EXPECT_THAT(Replay(state, {event}, {}).error().message, HasSubstr("of a type that is never written"));
  EXPECT_THAT(Replay(state, {}, {{.events_before = 1, .note = note::StickyUnset{}}}).error().message,
              HasSubstr("no place"));
}

/// H5, for the bookkeeping, too: whoever lives through stored transitions again is where the run is.
TEST(Replay, OfAnyRunGivesItsState) {
  for (uint64_t seed = 1000; seed < 1060; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomRun run(seed);
    MutableState rebuilt = run.execution().state();
    for (int step = 0; step < 80; ++step) {
      if (!run.Step()) continue;
      const Transition& last = run.execution().last();
      const auto stored = DecodeNotes(EncodeNotes(step, last.notes));
      ASSERT_TRUE(stored.has_value()) << stored.error().message;
      const Status replayed = Replay(rebuilt, last.events, stored->notes);
      ASSERT_TRUE(replayed.has_value()) << replayed.error().message;
      ASSERT_EQ(Bytes(ToCheckpoint(rebuilt)), Bytes(ToCheckpoint(run.execution().state()))) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace wfe::history

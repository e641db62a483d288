#include "engine/history/note_codec.h"

#include <algorithm>
#include <utility>

#include "engine/base/hash.h"
#include "engine/base/proto_time.h"
#include "engine/base/serialize.h"
#include "engine/history/nesting.h"
#include "wfe/engine/v1/journal.pb.h"

namespace wfe::history {
namespace {

using engine::v1::JournalNote;

/// No chain runs over notes, as one does over events, so each row vouches for its own.
constexpr size_t kChecksumBytes = 8;

std::string Checksum(std::string_view notes) {
  return std::string(AsBytes(Sha256(notes)).substr(0, kChecksumBytes));
}

struct Writer {
  JournalNote& out;

  void operator()(const note::AttemptStarted& note) const {
    auto& started = *out.mutable_attempt_started();
    started.set_scheduled_event_id(note.scheduled_event_id);
    *started.mutable_time() = ToProto(note.time);
    started.set_identity(note.identity);
    started.set_request_id(note.request_id);
  }
  void operator()(const note::AttemptRetried& note) const {
    auto& retried = *out.mutable_attempt_retried();
    retried.set_scheduled_event_id(note.scheduled_event_id);
    *retried.mutable_completed_time() = ToProto(note.completed_time);
    *retried.mutable_scheduled_time() = ToProto(note.scheduled_time);
    *retried.mutable_last_failure() = note.last_failure;
  }
  void operator()(const note::AttemptReleased& note) const {
    out.mutable_attempt_released()->set_scheduled_event_id(note.scheduled_event_id);
  }
  void operator()(const note::Heartbeat& note) const {
    auto& heartbeat = *out.mutable_heartbeat();
    heartbeat.set_scheduled_event_id(note.scheduled_event_id);
    if (note.time.has_value()) *heartbeat.mutable_time() = ToProto(*note.time);
    *heartbeat.mutable_details() = note.details;
  }
  void operator()(const note::EventBuffered& note) const { *out.mutable_event_buffered() = note.event; }
  void operator()(const note::BufferFlushed&) const { out.mutable_buffer_flushed(); }
  void operator()(const note::BufferedTimerDropped& note) const {
    out.mutable_buffered_timer_dropped()->set_started_event_id(note.started_event_id);
  }
  void operator()(const note::WorkflowTaskTaken&) const { WFE_CHECK(false, "a volatile note is not stored"); }
  void operator()(const note::WorkflowTaskLost&) const { WFE_CHECK(false, "a volatile note is not stored"); }
  void operator()(const note::WorkflowTaskRetried& note) const {
    auto& retried = *out.mutable_workflow_task_retried();
    retried.set_attempt(note.attempt);
    *retried.mutable_scheduled_time() = ToProto(note.scheduled_time);
    if (note.not_before.has_value()) *retried.mutable_not_before() = ToProto(*note.not_before);
  }
  void operator()(const note::WorkflowTaskReleased&) const { out.mutable_workflow_task_released(); }
  void operator()(const note::WorkflowTaskDropped&) const { out.mutable_workflow_task_dropped(); }
  void operator()(const note::StickySet& note) const {
    out.mutable_sticky_set()->set_queue(note.queue);
    *out.mutable_sticky_set()->mutable_schedule_to_start_timeout() = ToProto(note.schedule_to_start_timeout);
  }
  void operator()(const note::StickyUnset&) const { out.mutable_sticky_unset(); }
  void operator()(const note::StickyOffered& note) const { *out.mutable_sticky_offered() = ToProto(note.time); }
  void operator()(const note::FirstTaskDelayed& note) const {
    *out.mutable_first_task_delayed() = ToProto(note.until);
  }
  void operator()(const note::FirstTaskReleased&) const { out.mutable_first_task_released(); }
  void operator()(const note::TransitionCounted&) const {}
};

Result<Note> Read(JournalNote& stored) {
  const auto optional_time = [](bool there, const google::protobuf::Timestamp& at) {
    return there ? std::optional(FromProto(at)) : std::nullopt;
  };
  switch (stored.note_case()) {
    case JournalNote::kAttemptStarted: {
      const auto& started = stored.attempt_started();
      return Note(note::AttemptStarted{.scheduled_event_id = started.scheduled_event_id(),
                                       .time = FromProto(started.time()),
                                       .identity = started.identity(),
                                       .request_id = started.request_id()});
    }
    case JournalNote::kAttemptRetried: {
      auto& retried = *stored.mutable_attempt_retried();
      return Note(note::AttemptRetried{.scheduled_event_id = retried.scheduled_event_id(),
                                       .completed_time = FromProto(retried.completed_time()),
                                       .scheduled_time = FromProto(retried.scheduled_time()),
                                       .last_failure = std::move(*retried.mutable_last_failure())});
    }
    case JournalNote::kAttemptReleased:
      return Note(note::AttemptReleased{stored.attempt_released().scheduled_event_id()});
    case JournalNote::kHeartbeat: {
      auto& heartbeat = *stored.mutable_heartbeat();
      return Note(note::Heartbeat{.scheduled_event_id = heartbeat.scheduled_event_id(),
                                  .time = optional_time(heartbeat.has_time(), heartbeat.time()),
                                  .details = std::move(*heartbeat.mutable_details())});
    }
    case JournalNote::kEventBuffered:
      return Note(note::EventBuffered{std::move(*stored.mutable_event_buffered())});
    case JournalNote::kBufferFlushed:
      return Note(note::BufferFlushed{});
    case JournalNote::kBufferedTimerDropped:
      return Note(note::BufferedTimerDropped{stored.buffered_timer_dropped().started_event_id()});
    case JournalNote::kWorkflowTaskRetried: {
      const auto& retried = stored.workflow_task_retried();
      return Note(note::WorkflowTaskRetried{.attempt = retried.attempt(),
                                            .scheduled_time = FromProto(retried.scheduled_time()),
                                            .not_before =
                                                optional_time(retried.has_not_before(), retried.not_before())});
    }
    case JournalNote::kWorkflowTaskReleased:
      return Note(note::WorkflowTaskReleased{});
    case JournalNote::kWorkflowTaskDropped:
      return Note(note::WorkflowTaskDropped{});
    case JournalNote::kStickySet:
      return Note(note::StickySet{
          .queue = stored.sticky_set().queue(),
          .schedule_to_start_timeout = FromProto(stored.sticky_set().schedule_to_start_timeout())});
    case JournalNote::kStickyUnset:
      return Note(note::StickyUnset{});
    case JournalNote::kStickyOffered:
      return Note(note::StickyOffered{FromProto(stored.sticky_offered())});
    case JournalNote::kFirstTaskDelayed:
      return Note(note::FirstTaskDelayed{FromProto(stored.first_task_delayed())});
    case JournalNote::kFirstTaskReleased:
      return Note(note::FirstTaskReleased{});
    case JournalNote::NOTE_NOT_SET:
      break;
  }
  return DataLoss("a note of a kind that this version does not know");
}

}  // namespace

std::string EncodeNotes(int64_t number, const std::vector<PlacedNote>& notes) {
  engine::v1::TransitionNotes stored;
  stored.set_transition(number);
  for (const PlacedNote& placed : notes) {
    if (std::holds_alternative<note::TransitionCounted>(placed.note)) continue;
    JournalNote& out = *stored.add_notes();
    out.set_events_before(static_cast<uint32_t>(placed.events_before));
    std::visit(Writer{out}, placed.note);
  }
  std::string bytes = Serialize(stored);
  bytes += Checksum(bytes);
  return bytes;
}

Result<StoredTransition> DecodeNotes(std::string_view bytes) {
  engine::v1::TransitionNotes stored;
  const size_t size = bytes.size() - std::min(bytes.size(), kChecksumBytes);
  const std::string_view notes = bytes.substr(0, size);
  if (bytes.substr(size) != Checksum(notes) || !ParseStored(notes, &stored)) {
    return DataLoss("notes that cannot be read");
  }
  StoredTransition transition{.number = stored.transition(), .notes = {}};
  for (JournalNote& note : *stored.mutable_notes()) {
    WFE_ASSIGN_OR_RETURN(Note read, Read(note));
    transition.notes.push_back({.events_before = note.events_before(), .note = std::move(read)});
  }
  return transition;
}

}  // namespace wfe::history

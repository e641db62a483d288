// The bytes of every key.  One table per family; tests/storage/keys_test.cpp pins them.
//
//   T(x)  text: x with each 00 byte written as 00 FF, ended by 00 01.  Keeps the order of x, and no text is a prefix of
//         another, whatever bytes an id contains.
//   U(n)  64 bits, big-endian.      ~U(n)  the complement, so that larger numbers come first.
//
// clang-format off
//   family      key                                              value
//   ----------  -----------------------------------------------  ----------------------------------------------------
//   meta        "format"                                         U(format version)
//               "identity"                                       wfe.engine.v1.StoreIdentityRow
//               "position"                                       wfe.engine.v1.CommitPositionRow
//               "namespace/" T(name)                             wfe.engine.v1.NamespaceRow
//               "audit/" U(commit sequence)                      wfe.engine.v1.StoreAuditRow
//   state       "o" T(namespace) T(workflow id) T(run id)        wfe.engine.v1.MutableState of an open run: checkpoint
//               "c" T(namespace) T(workflow id) T(run id)        the same of a closed run: its end
//               "j" T(namespace) T(workflow id) T(run id)        history::EncodeNotes of a transition without events,
//                   U(transition)                                after the checkpoint (since format 3)
//               "s" T(namespace) T(schedule id)                  wfe.engine.v1.ScheduleRow (since format 2)
//   history     T(namespace) T(workflow id) T(run id) U(first)   a batch of events: storage::EncodeStoredBatch
//   current     T(namespace) T(workflow id)                      wfe.engine.v1.CurrentRun
//   request     T(namespace) T(workflow id) T(run id) T(id)      empty
//   visibility  T(namespace) "o" ~U(start time, ns) T(run id)    wfe.engine.v1.VisibilityRecord of an open run
//               T(namespace) "c" ~U(start time, ns) T(run id)    the same of a closed run
//   tasks       T(namespace) T(workflow id) T(run id)            wfe.engine.v1.Obligation: what the run owes to another
//                   U(number)                                    (since format 4)
//   blobs       "b" sha256[32]                                   U(total bytes): the blob is complete
//               "p" sha256[32] U(offset)                         a piece of it
//               "u" sha256[32]                                   empty: an upload is under way
//   rows        T(table) key                                     the row
// clang-format on
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/ids.h"
#include "engine/base/time.h"

namespace wfe::storage::keys {

/// The layout above.  A store with a newer one is refused, one with an older one becomes one of this when it is opened,
/// so that an older program does not pass over what it does not know.  Format 1 had no schedules.  Up to format 2 the
/// state row of an open run was replaced at every transition: it is a checkpoint with nothing after it.  Up to format 3
/// nothing was owed.
inline constexpr uint64_t kFormatVersion = 4;

inline constexpr std::string_view kFormat = "format";
inline constexpr std::string_view kIdentity = "identity";
inline constexpr std::string_view kPosition = "position";
inline constexpr std::string_view kNamespacePrefix = "namespace/";
inline constexpr std::string_view kAuditPrefix = "audit/";

void AppendText(std::string& out, std::string_view text);
void AppendU64(std::string& out, uint64_t number);
/// Takes a text or a number off the front of `in`; nullopt when it is not there.
std::optional<std::string> TakeText(std::string_view& in);
std::optional<uint64_t> TakeU64(std::string_view& in);
/// The first key after every key that begins with `prefix`; empty when there is none.
std::string PrefixEnd(std::string_view prefix);

std::string NamespaceRow(std::string_view name);
std::string AuditRow(uint64_t sequence);

inline constexpr std::string_view kOpenPrefix = "o";
inline constexpr std::string_view kClosedPrefix = "c";
std::string State(const ExecutionKey& key, bool open);
/// Reads back State; nullopt for other bytes.
std::optional<ExecutionKey> ParseState(std::string_view key);

/// Every journal row of a run begins with JournalPrefix of it.
inline constexpr std::string_view kJournalPrefix = "j";
std::string JournalPrefix(const ExecutionKey& key);
std::string Journal(const ExecutionKey& key, int64_t transition);
/// The transition of a journal key.
std::optional<int64_t> ParseJournalTransition(std::string_view key);

/// Every schedule of a namespace begins with SchedulePrefix of it.
inline constexpr std::string_view kSchedulePrefix = "s";
std::string SchedulePrefix(std::string_view ns);
std::string Schedule(std::string_view ns, std::string_view schedule_id);
/// Namespace and id of a schedule's key; nullopt for other bytes.
std::optional<std::pair<std::string, std::string>> ParseSchedule(std::string_view key);

std::string HistoryPrefix(const ExecutionKey& key);
std::string History(const ExecutionKey& key, EventId first_event_id);
/// The first event id of a history key.
std::optional<EventId> ParseHistoryFirst(std::string_view key);

/// Every obligation of a run begins with TasksPrefix of it.
std::string TasksPrefix(const ExecutionKey& key);
std::string Task(const ExecutionKey& key, int64_t number);
/// Who owes it and its number; nullopt for other bytes.
std::optional<std::pair<ExecutionKey, int64_t>> ParseTask(std::string_view key);

std::string Current(const WorkflowKey& key);
std::string Request(const ExecutionKey& key, std::string_view request_id);

/// Every row of one kind in a namespace begins with this.
std::string VisibilityPrefix(std::string_view ns, bool open);
std::string Visibility(std::string_view ns, bool open, Instant start_time, std::string_view run_id);

std::string Blob(std::string_view sha256);
std::string BlobPiecePrefix(std::string_view sha256);
std::string BlobPiece(std::string_view sha256, uint64_t offset);
inline constexpr std::string_view kUploadPrefix = "u";
std::string Upload(std::string_view sha256);

std::string TablePrefix(std::string_view table);

}  // namespace wfe::storage::keys

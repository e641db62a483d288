#include "engine/storage/keys.h"

namespace wfe::storage::keys {

void AppendText(std::string& out, std::string_view text) {
  for (const char c : text) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xff');
  }
  out.push_back('\0');
  out.push_back('\x01');
}

void AppendU64(std::string& out, uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>((number >> shift) & 0xff));
}

std::optional<std::string> TakeText(std::string_view& in) {
  std::string text;
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i] != '\0') {
      text.push_back(in[i]);
      continue;
    }
    if (i + 1 == in.size()) return std::nullopt;
    const char next = in[++i];
    if (next == '\x01') {
      in.remove_prefix(i + 1);
      return text;
    }
    if (next != '\xff') return std::nullopt;
    text.push_back('\0');
  }
  return std::nullopt;
}

std::optional<uint64_t> TakeU64(std::string_view& in) {
  if (in.size() < 8) return std::nullopt;
  uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number = (number << 8) | static_cast<uint8_t>(in[i]);
  in.remove_prefix(8);
  return number;
}

std::string PrefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  return end;
}

std::string NamespaceRow(std::string_view name) {
  std::string key(kNamespacePrefix);
  AppendText(key, name);
  return key;
}

std::string AuditRow(uint64_t sequence) {
  std::string key(kAuditPrefix);
  AppendU64(key, sequence);
  return key;
}

namespace {

void AppendExecution(std::string& out, const ExecutionKey& key) {
  AppendText(out, key.ns.value());
  AppendText(out, key.workflow_id.value());
  AppendText(out, key.run_id.value());
}

std::optional<ExecutionKey> TakeExecution(std::string_view& key) {
  auto ns = TakeText(key);
  if (!ns) return std::nullopt;
  auto workflow_id = TakeText(key);
  if (!workflow_id) return std::nullopt;
  auto run_id = TakeText(key);
  if (!run_id) return std::nullopt;
  return ExecutionKey{Namespace(*std::move(ns)), WorkflowId(*std::move(workflow_id)), RunId(*std::move(run_id))};
}

}  // namespace

std::string State(const ExecutionKey& key, bool open) {
  std::string out(open ? kOpenPrefix : kClosedPrefix);
  AppendExecution(out, key);
  return out;
}

std::optional<ExecutionKey> ParseState(std::string_view key) {
  if (key.empty() || (key[0] != kOpenPrefix[0] && key[0] != kClosedPrefix[0])) return std::nullopt;
  key.remove_prefix(1);
  auto execution = TakeExecution(key);
  return key.empty() ? execution : std::nullopt;
}

std::string JournalPrefix(const ExecutionKey& key) {
  std::string out(kJournalPrefix);
  AppendExecution(out, key);
  return out;
}

std::string Journal(const ExecutionKey& key, int64_t transition) {
  std::string out = JournalPrefix(key);
  AppendU64(out, static_cast<uint64_t>(transition));
  return out;
}

std::optional<int64_t> ParseJournalTransition(std::string_view key) { return ParseHistoryFirst(key); }

std::string SchedulePrefix(std::string_view ns) {
  std::string out(kSchedulePrefix);
  AppendText(out, ns);
  return out;
}

std::string Schedule(std::string_view ns, std::string_view schedule_id) {
  std::string out = SchedulePrefix(ns);
  AppendText(out, schedule_id);
  return out;
}

std::optional<std::pair<std::string, std::string>> ParseSchedule(std::string_view key) {
  if (!key.starts_with(kSchedulePrefix)) return std::nullopt;
  key.remove_prefix(kSchedulePrefix.size());
  auto ns = TakeText(key);
  auto id = ns ? TakeText(key) : std::nullopt;
  if (!id || !key.empty()) return std::nullopt;
  return std::pair(*std::move(ns), *std::move(id));
}

std::string HistoryPrefix(const ExecutionKey& key) {
  std::string out;
  AppendExecution(out, key);
  return out;
}

std::string History(const ExecutionKey& key, EventId first_event_id) {
  std::string out = HistoryPrefix(key);
  AppendU64(out, static_cast<uint64_t>(first_event_id));
  return out;
}

std::optional<EventId> ParseHistoryFirst(std::string_view key) {
  if (key.size() < 8) return std::nullopt;
  key.remove_prefix(key.size() - 8);
  return static_cast<EventId>(*TakeU64(key));
}

std::string TasksPrefix(const ExecutionKey& key) { return HistoryPrefix(key); }

std::string Task(const ExecutionKey& key, int64_t number) { return History(key, number); }

std::optional<std::pair<ExecutionKey, int64_t>> ParseTask(std::string_view key) {
  auto owner = TakeExecution(key);
  const auto number = owner.has_value() ? TakeU64(key) : std::nullopt;
  if (!number.has_value() || !key.empty()) return std::nullopt;
  return std::pair(*std::move(owner), static_cast<int64_t>(*number));
}

std::string Current(const WorkflowKey& key) {
  std::string out;
  AppendText(out, key.ns.value());
  AppendText(out, key.workflow_id.value());
  return out;
}

std::string Request(const ExecutionKey& key, std::string_view request_id) {
  std::string out;
  AppendExecution(out, key);
  AppendText(out, request_id);
  return out;
}

std::string VisibilityPrefix(std::string_view ns, bool open) {
  std::string out;
  AppendText(out, ns);
  out += open ? kOpenPrefix : kClosedPrefix;
  return out;
}

std::string Visibility(std::string_view ns, bool open, Instant start_time, std::string_view run_id) {
  std::string out = VisibilityPrefix(ns, open);
  AppendU64(out, ~static_cast<uint64_t>(start_time.time_since_epoch().count()));
  AppendText(out, run_id);
  return out;
}

std::string Blob(std::string_view sha256) { return "b" + std::string(sha256); }
std::string BlobPiecePrefix(std::string_view sha256) { return "p" + std::string(sha256); }
std::string BlobPiece(std::string_view sha256, uint64_t offset) {
  std::string out = BlobPiecePrefix(sha256);
  AppendU64(out, offset);
  return out;
}
std::string Upload(std::string_view sha256) { return std::string(kUploadPrefix) + std::string(sha256); }

std::string TablePrefix(std::string_view table) {
  std::string out;
  AppendText(out, table);
  return out;
}

}  // namespace wfe::storage::keys

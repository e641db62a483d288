#include "engine/visibility/visibility_reader.h"

#include <functional>
#include <memory>

#include "engine/base/hash.h"
#include "engine/history/nesting.h"
#include "engine/storage/keys.h"
#include "engine/visibility/list_filter.h"

namespace wfe::visibility {

namespace {

using storage::Cursor;
using storage::Family;
namespace keys = storage::keys;

constexpr size_t kQueryMarkBytes = 8;

/// Ties a token to the question it continues.
std::string QueryMark(std::string_view ns, std::string_view query) {
  std::string text;
  keys::AppendText(text, ns);
  return std::string(AsBytes(Sha256({text, query})).substr(0, kQueryMarkBytes));
}

/// The open or the closed executions of a namespace from a place on; empty when the filter rules them out.
class Half {
 public:
  Half(const storage::KeyValueReader& rows, std::string_view ns, bool open, bool wanted, std::string_view after)
      : prefix_(keys::VisibilityPrefix(ns, open)) {
    if (!wanted) return;
    // Past `after`: no key is a prefix of another, so its successor is itself and a zero byte.
    const std::string first = after.empty() ? prefix_ : prefix_ + std::string(after) + '\0';
    cursor_ = rows.Scan(Family::kVisibility, first, keys::PrefixEnd(prefix_));
  }
  bool Valid() const { return cursor_ != nullptr && cursor_->Valid(); }
  /// What orders the rows: the start time, latest first, and the run id.
  std::string_view place() const { return cursor_->key().substr(prefix_.size()); }
  std::string_view value() const { return cursor_->value(); }
  void Next() { cursor_->Next(); }
  Status Finish() { return cursor_ == nullptr ? Ok() : cursor_->Finish(); }

 private:
  const std::string prefix_;
  std::unique_ptr<Cursor> cursor_;
};

/// Walks both halves as one, until `visit` says false.
Status Walk(const storage::KeyValueReader& rows, std::string_view ns, const ListFilter& filter, std::string_view after,
            const std::function<bool(std::string_view place, const engine::v1::VisibilityRecord&)>& visit) {
  // The open half first: a run that closes in between is then seen twice and not never.
  Half open(rows, ns, true, filter.MayMatchOpen(), after);
  Half closed(rows, ns, false, filter.MayMatchClosed(), after);
  bool damaged = false;
  while (open.Valid() || closed.Valid()) {
    if (open.Valid() && closed.Valid() && open.place() == closed.place()) open.Next();
    const bool from_open = open.Valid() && (!closed.Valid() || open.place() < closed.place());
    Half& half = from_open ? open : closed;
    engine::v1::VisibilityRecord record;
    damaged = !history::ParseStored(half.value(), &record);
    if (damaged || !visit(half.place(), record)) break;
    half.Next();
  }
  const Status open_end = open.Finish();
  WFE_RETURN_IF_ERROR(closed.Finish());
  WFE_RETURN_IF_ERROR(open_end);
  if (damaged) return DataLoss("a visibility row of namespace " + std::string(ns) + " cannot be read");
  return Ok();
}

}  // namespace

Result<ListPage> VisibilityReader::List(std::string_view ns, std::string_view query, int page_size,
                                        std::string_view page_token, int64_t max_bytes) const {
  WFE_ASSIGN_OR_RETURN(const ListFilter filter, ListFilter::Parse(query));
  if (page_size < 1) return InvalidArgument("a page holds at least one execution");
  const std::string mark = QueryMark(ns, query);
  if (!page_token.empty() && (page_token.size() <= mark.size() || !page_token.starts_with(mark))) {
    return InvalidArgument("the page token belongs to another query");
  }
  const std::string_view after = page_token.empty() ? page_token : page_token.substr(mark.size());
  ListPage page;
  std::string last;
  bool more = false;
  int64_t scanned = 0;
  int64_t bytes = 0;
  const auto visit = [&](std::string_view place, const engine::v1::VisibilityRecord& record) {
    const bool matches = filter.Matches(record);
    const bool full = page.records.size() >= static_cast<size_t>(page_size) || bytes >= max_bytes;
    if (scanned >= limits_.max_scanned_per_page || (matches && full)) {
      more = true;
      return false;
    }
    ++scanned;
    last = place;
    if (!matches) return true;
    bytes += static_cast<int64_t>(record.ByteSizeLong());
    page.records.push_back(record);
    return true;
  };
  WFE_RETURN_IF_ERROR(Walk(rows_, ns, filter, after, visit));
  if (more) page.next_page_token = mark + last;
  return page;
}

Result<int64_t> VisibilityReader::Count(std::string_view ns, std::string_view query) const {
  WFE_ASSIGN_OR_RETURN(const StatusCounts counts, CountByStatus(ns, query));
  int64_t count = 0;
  for (const auto& [status, one] : counts) count += one;
  return count;
}

Result<VisibilityReader::StatusCounts> VisibilityReader::CountByStatus(std::string_view ns,
                                                                       std::string_view query) const {
  WFE_ASSIGN_OR_RETURN(const ListFilter filter, ListFilter::Parse(query));
  StatusCounts counts;
  int64_t scanned = 0;
  const auto visit = [&](std::string_view, const engine::v1::VisibilityRecord& record) {
    if (++scanned > limits_.max_scanned_per_count) return false;
    if (filter.Matches(record)) ++counts[record.status()];
    return true;
  };
  WFE_RETURN_IF_ERROR(Walk(rows_, ns, filter, {}, visit));
  if (scanned > limits_.max_scanned_per_count) {
    return ResourceExhausted("counting looks at no more than " + std::to_string(limits_.max_scanned_per_count) +
                             " executions");
  }
  return counts;
}

}  // namespace wfe::visibility

// The bytes of a table: a mark and version, the parts in a fixed order, and a SHA-256 over all of it.
#include <bit>
#include <cstring>
#include <utility>

#include "activities/analytics/ingest/trace_table.h"
#include "engine/base/hash.h"

namespace wfe::analytics {
namespace {

constexpr std::string_view kMark = "wfe.traces";
constexpr uint64_t kVersion = 2;  // 2: turns and instruction templates
constexpr size_t kDigestBytes = 32;

class Writer {
 public:
  void Number(uint64_t value) {
    while (value >= 0x80) {
      bytes_ += static_cast<char>(value | 0x80);
      value >>= 7;
    }
    bytes_ += static_cast<char>(value);
  }
  void Raw(const void* data, size_t size) { bytes_.append(static_cast<const char*>(data), size); }
  void Text(std::string_view text) {
    Number(text.size());
    bytes_ += text;
  }
  std::string Finish() && {
    const Sha256Digest digest = Sha256(bytes_);
    bytes_ += AsBytes(digest);
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
};

/// Reads what Writer wrote; after the first shortage everything is zero and `ok` is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  uint64_t Number() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  /// A number of things that take at least one byte each.
  size_t Count() {
    const uint64_t count = Number();
    if (count > rest_.size()) ok_ = false;
    return ok_ ? static_cast<size_t>(count) : 0;
  }
  std::string_view Raw(size_t size) {
    if (size > rest_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view raw = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return raw;
  }
  std::string_view Text() { return Raw(Count()); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

/// Reads and writes the private parts.
class TableCodec {
 public:
  static std::string Write(const TraceTable& table) {
    Writer out;
    out.Text(kMark);
    out.Number(kVersion);
    out.Number(TraceTable::kDictionaryCount);
    for (const Dictionary& dictionary : table.dictionaries_) {
      out.Number(dictionary.size());
      for (uint32_t id = 0; id < dictionary.size(); ++id) out.Text(dictionary.Get(id));
    }
    out.Number(table.size());
    for (const EntryId& id : table.ids_) out.Raw(id.data(), id.size());
    out.Number(TraceTable::kColumnCount);
    for (const PackedColumn& column : table.columns_) WriteColumn(out, column);
    for (size_t run = 0; run < table.run_count(); ++run) {
      out.Number(table.run_workflow_ids_[run] + DictId{1});  // kNoId becomes 0
      out.Number(table.run_workflow_types_[run] + DictId{1});
    }
    out.Number(table.sections_.size());
    for (const auto& range : table.sections_) {
      out.Number(range.begin);
      out.Number(range.count);
    }
    WriteColumn(out, table.section_names_);
    WriteColumn(out, table.section_hashes_);
    return std::move(out).Finish();
  }

  static bool Read(Reader& in, TraceTable& table) {
    if (in.Number() != TraceTable::kDictionaryCount) return false;
    for (Dictionary& dictionary : table.dictionaries_) {
      const size_t count = in.Count();
      for (size_t id = 0; id < count && in.ok(); ++id) {
        if (dictionary.Intern(in.Text()) != id) return false;
      }
    }
    const size_t rows = in.Count();
    for (size_t row = 0; row < rows && in.ok(); ++row) {
      const std::string_view raw = in.Raw(sizeof(EntryId));
      if (!in.ok()) return false;
      EntryId id;
      std::memcpy(id.data(), raw.data(), id.size());
      if (!table.InsertId(id)) return false;
    }
    if (in.Number() != TraceTable::kColumnCount) return false;
    for (int c = 0; c < TraceTable::kColumnCount; ++c) {
      const auto name = static_cast<TraceTable::ColumnName>(c);
      PackedColumn& column = table.columns_[name];
      if (!ReadColumn(in, column) || column.size() != rows) return false;
      const int dictionary = TraceTable::DictionaryOf(name);
      if (dictionary >= 0 && !AllBelow(column, table.dictionaries_[static_cast<size_t>(dictionary)].size()))
        return false;
    }
    if (!AlwaysThere(table)) return false;
    for (size_t run = 0; run < table.run_count(); ++run) {
      table.run_workflow_ids_.push_back(static_cast<DictId>(in.Number()) - 1);
      table.run_workflow_types_.push_back(static_cast<DictId>(in.Number()) - 1);
      const auto valid = [](DictId id, const Dictionary& in_this) { return id == kNoId || id < in_this.size(); };
      if (!valid(table.run_workflow_ids_.back(), table.dictionaries_[TraceTable::kWorkflowIds])) return false;
      if (!valid(table.run_workflow_types_.back(), table.dictionaries_[TraceTable::kWorkflowTypes])) return false;
    }
    table.sections_.resize(in.Count());
    for (auto& range : table.sections_) {
      range.begin = static_cast<uint32_t>(in.Number());
      range.count = static_cast<uint32_t>(in.Number());
    }
    if (!ReadColumn(in, table.section_names_) || !ReadColumn(in, table.section_hashes_)) return false;
    const size_t pairs = table.section_names_.size();
    if (table.section_hashes_.size() != pairs || table.sections_.size() > table.context_count()) return false;
    for (const auto& range : table.sections_) {
      if (uint64_t{range.begin} + range.count > pairs) return false;
    }
    for (size_t i = 0; i < pairs; ++i) {
      if (!table.section_names_.Has(i) || !table.section_hashes_.Has(i)) return false;
    }
    return AllBelow(table.section_names_, table.dictionaries_[TraceTable::kSectionNames].size()) &&
           AllBelow(table.section_hashes_, table.dictionaries_[TraceTable::kSectionHashes].size()) && in.ok();
  }

 private:
  static void WriteColumn(Writer& out, const PackedColumn& column) {
    out.Number(column.size_);
    out.Number(column.values_);
    out.Number(static_cast<uint64_t>(column.width_));
    out.Raw(column.bytes_.data(), column.values_ * static_cast<size_t>(column.width_));
    out.Number(column.present_.size());
    out.Raw(column.present_.data(), column.present_.size() * sizeof(uint64_t));
  }

  static bool ReadColumn(Reader& in, PackedColumn& column) {
    const uint64_t size = in.Number();
    const size_t values = in.Count();
    const uint64_t width = in.Number();
    if (!in.ok() || width < 1 || width > 8 || values > size) return false;
    const std::string_view bytes = in.Raw(values * width);
    const size_t words = in.Count();
    const std::string_view present = in.Raw(words * sizeof(uint64_t));
    if (!in.ok() || words != (words == 0 ? 0 : (size + 63) / 64) || (words == 0 && values != size)) return false;
    column.size_ = static_cast<size_t>(size);
    column.values_ = values;
    column.width_ = static_cast<int>(width);
    column.bytes_.assign(bytes.begin(), bytes.end());
    column.bytes_.resize(bytes.size() + 8);
    column.present_.resize(words);
    if (words > 0) std::memcpy(column.present_.data(), present.data(), present.size());
    size_t counted = 0;
    for (const uint64_t word : column.present_) {
      column.before_.push_back(static_cast<uint32_t>(counted));
      counted += static_cast<size_t>(std::popcount(word));
    }
    // Bits past the end would be rows that are not there.
    const bool clean = words == 0 || size % 64 == 0 || column.present_.back() >> (size % 64) == 0;
    return clean && (words == 0 || counted == values);
  }

  /// Every number of the column names something among `limit`.
  static bool AllBelow(const PackedColumn& column, size_t limit) {
    for (size_t row = 0; row < column.size(); ++row) {
      if (column.Has(row) && column.Get(row) >= limit) return false;
    }
    return true;
  }

  /// What the accessors read without asking.
  static bool AlwaysThere(const TraceTable& table) {
    const PackedColumn& runs = table.columns_[TraceTable::kRun];
    const PackedColumn& flags = table.columns_[TraceTable::kFlags];
    for (size_t row = 0; row < table.size(); ++row) {
      if (!runs.Has(row) || !flags.Has(row)) return false;
      const uint64_t value = flags.Get(row);
      if ((value & 3) > 2 || (value >> 2 & 3) > 2 || (value >> 4 & 7) > 4 || value >> 9 != 0) return false;
    }
    return true;
  }
};

std::string SerializeTable(const TraceTable& table) { return TableCodec::Write(table); }

Result<TraceTable> DeserializeTable(std::string_view bytes) {
  Reader in(bytes);
  if (in.Text() != kMark) return DataLoss("these bytes are no table of trace entries");
  if (const uint64_t version = in.Number(); version != kVersion) {
    return DataLoss("the table of trace entries has version " + std::to_string(version) + ", this program reads " +
                    std::to_string(kVersion));
  }
  if (bytes.size() < kDigestBytes ||
      AsBytes(Sha256(bytes.substr(0, bytes.size() - kDigestBytes))) != bytes.substr(bytes.size() - kDigestBytes)) {
    return DataLoss("the table of trace entries is damaged: its SHA-256 does not match");
  }
  TraceTable table;
  if (!TableCodec::Read(in, table)) return DataLoss("the table of trace entries contradicts itself");
  in.Raw(kDigestBytes);
  if (!in.ok() || !in.at_end()) return DataLoss("the table of trace entries contradicts itself");
  table.ShrinkToFit();
  return table;
}

}  // namespace wfe::analytics

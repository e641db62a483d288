#include "activities/analytics/ingest/trace_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "activities/analytics/ingest/hashing.h"
#include "activities/analytics/ingest/hex.h"
#include "engine/base/check.h"
#include "engine/base/hash.h"

namespace wfe::analytics {
namespace {

/// SHA-256 hashes stand in their dictionaries as 32 bytes.  Empty: not a hash.
std::string_view PackHash(std::string_view hex, std::array<uint8_t, 32>& buffer) {
  if (!FromHex(hex, buffer.data(), buffer.size())) return {};
  return {reinterpret_cast<const char*>(buffer.data()), buffer.size()};
}

/// A run's id is usually part of its file's path.  In the dictionary of files a mark stands for it, so that all builds
/// under one directory share one string.
constexpr char kRunMark = '\x01';

std::optional<uint64_t> NotNegative(int64_t value) {
  return value < 0 ? std::nullopt : std::optional<uint64_t>(static_cast<uint64_t>(value));
}

constexpr uint64_t kChainedBit = 1u << 7;
constexpr uint64_t kChainBrokenBit = 1u << 8;

constexpr uint32_t kNoSlotYet = 0;
constexpr size_t kFirstIdSlots = 64;

uint64_t HashOf(const EntryId& id) {
  uint64_t low = 0;
  uint64_t high = 0;
  std::memcpy(&low, id.data(), 8);
  std::memcpy(&high, id.data() + 8, 8);
  return MixBits(low ^ std::rotl(high, 32));
}

}  // namespace

std::string_view EntryKindName(EntryKind kind) {
  switch (kind) {
    case EntryKind::kAgent:
      return "agent";
    case EntryKind::kVerification:
      return "verification";
    case EntryKind::kWorkflowEvent:
      return "workflow_event";
  }
  return "";
}

std::string_view EntryStatusName(EntryStatus status) {
  switch (status) {
    case EntryStatus::kNotApplicable:
      return "N/A";
    case EntryStatus::kPass:
      return "pass";
    case EntryStatus::kFail:
      return "fail";
  }
  return "";
}

std::string_view TokenSourceName(TokenSource source) {
  switch (source) {
    case TokenSource::kAbsent:
      return "";
    case TokenSource::kReported:
      return "reported";
    case TokenSource::kTokenizer:
      return "tokenizer";
    case TokenSource::kEstimated:
      return "estimated";
    case TokenSource::kScripted:
      return "scripted";
  }
  return "";
}

EntryId EntryIdOf(std::string_view entry_id) {
  EntryId id;
  if (FromHex(entry_id, id.data(), id.size())) return id;
  const Sha256Digest digest = Sha256({"wfe.trace.entry/", entry_id});
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

int TraceTable::DictionaryOf(ColumnName column) {
  switch (column) {
    case kRun:
      return kRuns;
    case kStep:
      return kSteps;
    case kErrorType:
      return kErrorTypes;
    case kContextHash:
      return kContexts;
    case kInstructionHash:
      return kInstructions;
    case kTemplate:
    case kInstructionTemplate:
      return kTemplates;
    case kModel:
      return kModels;
    case kExperimentArm:
      return kArms;
    case kEndStatus:
      return kEndStatuses;
    case kSourceFile:
      return kFiles;
    default:
      return -1;
  }
}

DictId TraceTable::InternRun(std::string_view run, std::string_view workflow_id, std::string_view workflow_type) {
  const DictId id = dictionaries_[kRuns].Intern(run);
  if (id == run_workflow_ids_.size()) {
    run_workflow_ids_.push_back(kNoId);
    run_workflow_types_.push_back(kNoId);
  }
  if (!workflow_id.empty() && run_workflow_ids_[id] == kNoId) {
    run_workflow_ids_[id] = dictionaries_[kWorkflowIds].Intern(workflow_id);
  }
  if (!workflow_type.empty() && run_workflow_types_[id] == kNoId) {
    run_workflow_types_[id] = dictionaries_[kWorkflowTypes].Intern(workflow_type);
  }
  return id;
}

void TraceTable::RehashIds(size_t slots) {
  id_slots_.assign(slots, kNoSlotYet);
  for (uint32_t row = 0; row < ids_.size(); ++row) {
    size_t slot = SlotOfHash(HashOf(ids_[row]), slots);
    while (id_slots_[slot] != 0) slot = slot + 1 == slots ? 0 : slot + 1;
    id_slots_[slot] = row + 1;
  }
}

bool TraceTable::InsertId(const EntryId& id) {
  if ((ids_.size() + 1) * 5 > id_slots_.size() * 4) {
    RehashIds(id_slots_.empty() ? kFirstIdSlots : id_slots_.size() * 8 / 5);
  }
  size_t slot = SlotOfHash(HashOf(id), id_slots_.size());
  while (id_slots_[slot] != 0) {
    if (ids_[id_slots_[slot] - 1] == id) return false;
    if (++slot == id_slots_.size()) slot = 0;
  }
  WFE_CHECK(ids_.size() < std::numeric_limits<uint32_t>::max() - 1, "a table of more than 4,294,967,293 entries");
  if (ids_.size() == ids_.capacity()) ids_.reserve(ids_.size() + ids_.size() / 4 + 64);
  ids_.push_back(id);
  id_slots_[slot] = static_cast<uint32_t>(ids_.size());
  return true;
}

bool TraceTable::Add(const TraceEntry& entry) {
  if (!InsertId(entry.entry_id)) return false;
  const auto text = [this](ColumnName column, std::string_view value) {
    if (value.empty()) {
      columns_[column].PushAbsent();
    } else {
      columns_[column].Push(dictionaries_[DictionaryOf(column)].Intern(value));
    }
  };
  const auto hash = [&](ColumnName column, std::string_view hex) {
    std::array<uint8_t, 32> buffer;
    text(column, PackHash(hex, buffer));
  };
  const auto count = [this](ColumnName column, int64_t value) { columns_[column].PushOptional(NotNegative(value)); };

  columns_[kRun].Push(InternRun(entry.run, entry.workflow_id, entry.workflow_type));
  text(kStep, entry.step);
  columns_[kFlags].Push(static_cast<uint64_t>(entry.kind) | static_cast<uint64_t>(entry.status) << 2 |
                        static_cast<uint64_t>(entry.token_source) << 4 | (entry.chained ? kChainedBit : 0) |
                        (entry.chain_broken ? kChainBrokenBit : 0));
  columns_[kTimestamp].Push(static_cast<uint64_t>(entry.timestamp_ms));
  count(kSeq, entry.seq);
  count(kPromptTokens, entry.prompt_tokens);
  count(kCompletionTokens, entry.completion_tokens);
  count(kContextTokens, entry.context_tokens);
  count(kInstructionTokens, entry.instruction_tokens);
  count(kErrorChars, entry.error_chars);
  count(kDuration, entry.duration_ms);
  count(kAttempt, entry.attempt);
  count(kTurns, entry.turns);
  if (std::isnan(entry.cost_usd)) {
    columns_[kCost].PushAbsent();
  } else {
    columns_[kCost].Push(std::bit_cast<uint64_t>(entry.cost_usd));
  }
  text(kErrorType, entry.error_type);
  hash(kContextHash, entry.context_hash);
  hash(kInstructionHash, entry.instruction_hash);
  text(kTemplate, entry.template_name);
  text(kInstructionTemplate, entry.instruction_template);
  text(kModel, entry.model);
  text(kExperimentArm, entry.experiment_arm);
  text(kEndStatus, entry.end_status);
  if (const size_t found = entry.source_file.find(entry.run); found != std::string_view::npos && !entry.run.empty()) {
    std::string marked(entry.source_file);
    text(kSourceFile, marked.replace(found, entry.run.size(), 1, kRunMark));
  } else {
    text(kSourceFile, entry.source_file);
  }
  count(kSourceLine, entry.source_line);
  return true;
}

std::string TraceTable::SourceFile(size_t row) const {
  const DictId id = Id(kSourceFile, row);
  if (id == kNoId) return {};
  std::string file(dictionaries_[kFiles].Get(id));
  if (const size_t mark = file.find(kRunMark); mark != std::string::npos) file.replace(mark, 1, RunText(run(row)));
  return file;
}

size_t TraceTable::Append(const TraceTable& other) {
  // Numbers of the other table's strings here, found when first needed.
  std::array<std::vector<DictId>, kDictionaryCount> maps;
  const auto map = [&](int dictionary, DictId id) {
    std::vector<DictId>& known = maps[static_cast<size_t>(dictionary)];
    if (known.empty()) known.assign(other.dictionaries_[static_cast<size_t>(dictionary)].size(), kNoId);
    if (known[id] == kNoId) {
      known[id] = dictionaries_[static_cast<size_t>(dictionary)].Intern(
          other.dictionaries_[static_cast<size_t>(dictionary)].Get(id));
    }
    return known[id];
  };
  size_t duplicates = 0;
  for (size_t row = 0; row < other.size(); ++row) {
    if (!InsertId(other.ids_[row])) {
      ++duplicates;
      continue;
    }
    for (int c = 0; c < kColumnCount; ++c) {
      const auto column = static_cast<ColumnName>(c);
      std::optional<uint64_t> value = other.columns_[column].GetOptional(row);
      const int dictionary = DictionaryOf(column);
      if (column == kRun) {
        const DictId run = static_cast<DictId>(*value);
        value = InternRun(other.RunText(run), other.WorkflowIdText(other.run_workflow_ids_[run]),
                          other.WorkflowTypeText(other.run_workflow_types_[run]));
      } else if (dictionary >= 0 && value) {
        value = map(dictionary, static_cast<DictId>(*value));
      }
      columns_[column].PushOptional(value);
    }
  }
  for (DictId context = 0; context < other.sections_.size(); ++context) {
    if (!other.HasSections(context)) continue;
    const DictId here = map(kContexts, context);
    if (HasSections(here)) continue;
    const Range range = other.sections_[context];
    if (sections_.size() <= here) sections_.resize(here + 1);
    sections_[here] = {static_cast<uint32_t>(section_names_.size()), range.count};
    for (uint32_t i = range.begin; i < range.begin + range.count; ++i) {
      section_names_.Push(map(kSectionNames, static_cast<DictId>(other.section_names_.Get(i))));
      section_hashes_.Push(map(kSectionHashes, static_cast<DictId>(other.section_hashes_.Get(i))));
    }
  }
  return duplicates;
}

bool TraceTable::HasSections(std::string_view context_hash) const {
  std::array<uint8_t, 32> buffer;
  const std::string_view packed = PackHash(context_hash, buffer);
  if (packed.empty()) return false;
  const std::optional<DictId> context = dictionaries_[kContexts].Find(packed);
  return context && HasSections(*context);
}

void TraceTable::SetSections(std::string_view context_hash,
                             const std::vector<std::pair<std::string_view, std::string_view>>& sections) {
  std::array<uint8_t, 32> buffer;
  const std::string_view packed = PackHash(context_hash, buffer);
  if (packed.empty() || sections.empty()) return;
  const DictId context = dictionaries_[kContexts].Intern(packed);
  if (HasSections(context)) return;
  Range range{static_cast<uint32_t>(section_names_.size()), 0};
  for (const auto& [name, hash] : sections) {
    const std::string_view packed_hash = PackHash(hash, buffer);
    if (packed_hash.empty()) continue;
    section_names_.Push(dictionaries_[kSectionNames].Intern(name));
    section_hashes_.Push(dictionaries_[kSectionHashes].Intern(packed_hash));
    ++range.count;
  }
  if (sections_.size() <= context) sections_.resize(context + 1);
  sections_[context] = range;
}

std::map<std::string, std::string> TraceTable::Sections(DictId context_hash) const {
  std::map<std::string, std::string> sections;
  if (!HasSections(context_hash)) return sections;
  const Range range = sections_[context_hash];
  for (uint32_t i = range.begin; i < range.begin + range.count; ++i) {
    sections[std::string(Text(kSectionNames, static_cast<DictId>(section_names_.Get(i))))] =
        ToHex(Text(kSectionHashes, static_cast<DictId>(section_hashes_.Get(i))));
  }
  return sections;
}

EntryKind TraceTable::kind(size_t row) const { return static_cast<EntryKind>(columns_[kFlags].Get(row) & 3); }
EntryStatus TraceTable::status(size_t row) const {
  return static_cast<EntryStatus>(columns_[kFlags].Get(row) >> 2 & 3);
}
TokenSource TraceTable::token_source(size_t row) const {
  return static_cast<TokenSource>(columns_[kFlags].Get(row) >> 4 & 7);
}
bool TraceTable::chained(size_t row) const { return (columns_[kFlags].Get(row) & kChainedBit) != 0; }
bool TraceTable::chain_broken(size_t row) const { return (columns_[kFlags].Get(row) & kChainBrokenBit) != 0; }

double TraceTable::cost_usd(size_t row) const {
  const PackedColumn& cost = columns_[kCost];
  return cost.Has(row) ? std::bit_cast<double>(cost.Get(row)) : std::numeric_limits<double>::quiet_NaN();
}

int64_t TraceTable::total_tokens(size_t row) const {
  const int64_t prompt = prompt_tokens(row);
  const int64_t completion = completion_tokens(row);
  if (prompt < 0 && completion < 0) return -1;
  return std::max<int64_t>(prompt, 0) + std::max<int64_t>(completion, 0);
}

double TraceTable::rework_cost_factor(size_t row) const {
  const int64_t completion = completion_tokens(row);
  const int64_t chars = error_chars(row);
  if (completion < 0 || chars <= 0) return std::numeric_limits<double>::quiet_NaN();
  return static_cast<double>(completion) / static_cast<double>(chars);
}

std::string TraceTable::ContextHashText(DictId id) const { return ToHex(Text(kContexts, id)); }
std::string TraceTable::InstructionHashText(DictId id) const { return ToHex(Text(kInstructions, id)); }

size_t TraceTable::MemoryBytes() const {
  size_t bytes = sizeof(*this) + ids_.capacity() * sizeof(EntryId) + id_slots_.capacity() * sizeof(uint32_t) +
                 (run_workflow_ids_.capacity() + run_workflow_types_.capacity()) * sizeof(DictId) +
                 section_names_.MemoryBytes() + section_hashes_.MemoryBytes() + sections_.capacity() * sizeof(Range);
  for (const PackedColumn& column : columns_) bytes += column.MemoryBytes();
  for (const Dictionary& dictionary : dictionaries_) bytes += dictionary.MemoryBytes();
  return bytes;
}

void TraceTable::ShrinkToFit() {
  for (PackedColumn& column : columns_) column.ShrinkToFit();
  for (Dictionary& dictionary : dictionaries_) dictionary.ShrinkToFit();
  ids_.shrink_to_fit();
  if (const size_t slots = TightSlots(ids_.size()); slots < id_slots_.size()) RehashIds(slots);
  id_slots_.shrink_to_fit();
  run_workflow_ids_.shrink_to_fit();
  run_workflow_types_.shrink_to_fit();
  sections_.shrink_to_fit();
  section_names_.ShrinkToFit();
  section_hashes_.ShrinkToFit();
}

}  // namespace wfe::analytics

// The entries of many runs as columns: what the audits read (OP-3).  A million entries take less than 100 MB.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "activities/analytics/ingest/dictionary.h"
#include "activities/analytics/ingest/packed_column.h"
#include "engine/base/result.h"

namespace wfe::analytics {

enum class EntryKind : uint8_t { kAgent, kVerification, kWorkflowEvent };
enum class EntryStatus : uint8_t { kNotApplicable, kPass, kFail };
enum class TokenSource : uint8_t { kAbsent, kReported, kTokenizer, kEstimated, kScripted };

/// "agent", "pass", "reported" …: the words of the trace; "N/A" and "" for the first values of the last two.
std::string_view EntryKindName(EntryKind kind);
std::string_view EntryStatusName(EntryStatus status);
std::string_view TokenSourceName(TokenSource source);

/// The number of a string in one of the table's dictionaries.  kNoId: the entry does not have the field.
using DictId = uint32_t;
inline constexpr DictId kNoId = std::numeric_limits<DictId>::max();
inline constexpr size_t kNoRow = std::numeric_limits<size_t>::max();

/// ext.entry_id as 128 bits (32 hex digits).  Any other text, or the whole line where there is no id, is hashed to as
/// many.
using EntryId = std::array<uint8_t, 16>;
EntryId EntryIdOf(std::string_view entry_id);

/// One entry on its way into the table.  Texts are only read during Add; empty texts and -1 mean absent.
struct TraceEntry {
  EntryId entry_id{};
  std::string_view run;
  std::string_view step;
  EntryKind kind = EntryKind::kAgent;
  EntryStatus status = EntryStatus::kNotApplicable;
  TokenSource token_source = TokenSource::kAbsent;
  int64_t timestamp_ms = 0;  ///< Since the Unix epoch.
  int64_t seq = -1;
  int64_t prompt_tokens = -1;
  int64_t completion_tokens = -1;
  int64_t context_tokens = -1;
  int64_t instruction_tokens = -1;
  int64_t error_chars = -1;
  int64_t duration_ms = -1;
  int64_t attempt = -1;
  int64_t turns = -1;  ///< Model calls of the step; its prompt counts the context and the instruction once for each.
  double cost_usd = std::numeric_limits<double>::quiet_NaN();
  std::string_view error_type;
  std::string_view context_hash;      ///< 64 hex digits.
  std::string_view instruction_hash;  ///< 64 hex digits.
  std::string_view template_name;     ///< "<id>@<version>"
  std::string_view instruction_template;  ///< "<id>@<version>" of the instruction or fix prompt.
  std::string_view model;
  std::string_view workflow_id;
  std::string_view workflow_type;
  std::string_view experiment_arm;
  std::string_view
      end_status;  ///< ext.status of a workflow_completed entry; ext.failure_type of a workflow_failed one.
  bool chained = false;       ///< It states its place in its run's hash chain (TR-9) …
  bool chain_broken = false;  ///< … which does not hold, or is missing beside entries that have one.
  std::string_view source_file;
  int64_t source_line = 0;
};

/// Struct of arrays, one row for each entry, strings as numbers of dictionaries.  Rows and numbers are in order of
/// arrival; nothing is ever removed.  Plain data: one writer, or any number of readers.
class TraceTable {
 public:
  /// False: an entry of this id is there already, and nothing changed (OP-2).
  bool Add(const TraceEntry& entry);
  /// Adds the rows of `other` in their order; answers how many were duplicates.
  size_t Append(const TraceTable& other);
  /// The sections of a context (name to hash, 64 hex digits); the first call for a context counts.
  void SetSections(std::string_view context_hash,
                   const std::vector<std::pair<std::string_view, std::string_view>>& sections);
  /// True when the context's sections are known, so that the caller may spare itself reading them.
  bool HasSections(std::string_view context_hash) const;

  size_t size() const { return ids_.size(); }
  bool empty() const { return ids_.empty(); }

  // Columns.  `row` < size().  Integers are -1 and ids kNoId where the entry has none.
  EntryKind kind(size_t row) const;
  EntryStatus status(size_t row) const;
  TokenSource token_source(size_t row) const;
  bool chained(size_t row) const;
  bool chain_broken(size_t row) const;
  int64_t timestamp_ms(size_t row) const { return Integer(kTimestamp, row); }
  int64_t seq(size_t row) const { return Integer(kSeq, row); }
  int64_t prompt_tokens(size_t row) const { return Integer(kPromptTokens, row); }
  int64_t completion_tokens(size_t row) const { return Integer(kCompletionTokens, row); }
  int64_t context_tokens(size_t row) const { return Integer(kContextTokens, row); }
  int64_t instruction_tokens(size_t row) const { return Integer(kInstructionTokens, row); }
  int64_t error_chars(size_t row) const { return Integer(kErrorChars, row); }
  int64_t duration_ms(size_t row) const { return Integer(kDuration, row); }
  int64_t attempt(size_t row) const { return Integer(kAttempt, row); }
  int64_t turns(size_t row) const { return Integer(kTurns, row); }
  double cost_usd(size_t row) const;  ///< NaN: absent.
  int64_t source_line(size_t row) const { return Integer(kSourceLine, row); }
  const EntryId& entry_id(size_t row) const { return ids_[row]; }

  // Derived (OP-4): total_token_cost (LG-6; -1 when no count is there) and rework_cost_factor (LG-11; NaN when the
  // divisor is 0 or missing).
  int64_t total_tokens(size_t row) const;
  double rework_cost_factor(size_t row) const;

  // Ids, for grouping and comparing.
  DictId run(size_t row) const { return Id(kRun, row); }
  DictId step(size_t row) const { return Id(kStep, row); }
  DictId error_type(size_t row) const { return Id(kErrorType, row); }
  DictId context_hash(size_t row) const { return Id(kContextHash, row); }
  DictId instruction_hash(size_t row) const { return Id(kInstructionHash, row); }
  DictId template_name(size_t row) const { return Id(kTemplate, row); }
  DictId instruction_template(size_t row) const { return Id(kInstructionTemplate, row); }
  DictId model(size_t row) const { return Id(kModel, row); }
  DictId experiment_arm(size_t row) const { return Id(kExperimentArm, row); }
  DictId end_status(size_t row) const { return Id(kEndStatus, row); }
  /// Of the run: what its first entry that has one says.
  DictId workflow_id(DictId run) const { return run_workflow_ids_[run]; }
  DictId workflow_type(DictId run) const { return run_workflow_types_[run]; }

  // Texts of ids; "" for kNoId.  Views are valid until the table changes.
  std::string_view RunText(DictId id) const { return Text(kRuns, id); }
  std::string_view StepText(DictId id) const { return Text(kSteps, id); }
  std::string_view ErrorTypeText(DictId id) const { return Text(kErrorTypes, id); }
  std::string ContextHashText(DictId id) const;
  std::string InstructionHashText(DictId id) const;
  std::string_view TemplateText(DictId id) const { return Text(kTemplates, id); }
  std::string_view ModelText(DictId id) const { return Text(kModels, id); }
  std::string_view ExperimentArmText(DictId id) const { return Text(kArms, id); }
  std::string_view EndStatusText(DictId id) const { return Text(kEndStatuses, id); }
  std::string_view WorkflowIdText(DictId id) const { return Text(kWorkflowIds, id); }
  std::string_view WorkflowTypeText(DictId id) const { return Text(kWorkflowTypes, id); }
  std::string SourceFile(size_t row) const;

  // How many ids there are, for arrays indexed by them.
  size_t run_count() const { return dictionaries_[kRuns].size(); }
  size_t step_count() const { return dictionaries_[kSteps].size(); }
  size_t error_type_count() const { return dictionaries_[kErrorTypes].size(); }
  size_t context_count() const { return dictionaries_[kContexts].size(); }
  size_t template_count() const { return dictionaries_[kTemplates].size(); }
  size_t instruction_count() const { return dictionaries_[kInstructions].size(); }

  /// Section name to hash of a context (LG-15 section_hashes); empty when no entry told.
  std::map<std::string, std::string> Sections(DictId context_hash) const;

  /// All memory held, in bytes.
  size_t MemoryBytes() const;
  /// Gives back what was reserved for growing.
  void ShrinkToFit();

 private:
  friend class TableCodec;

  bool HasSections(DictId context) const { return context < sections_.size() && sections_[context].count > 0; }

  enum ColumnName : int {
    kRun,
    kStep,
    kFlags,  // kind, 2 bits; status, 2 bits; token source, 3 bits; chained; chain broken
    kTimestamp,
    kSeq,
    kPromptTokens,
    kCompletionTokens,
    kContextTokens,
    kInstructionTokens,
    kErrorChars,
    kDuration,
    kAttempt,
    kTurns,
    kCost,
    kErrorType,
    kContextHash,
    kInstructionHash,
    kTemplate,
    kInstructionTemplate,
    kModel,
    kExperimentArm,
    kEndStatus,
    kSourceFile,
    kSourceLine,
    kColumnCount
  };
  enum DictionaryName : int {
    kRuns,
    kSteps,
    kErrorTypes,
    kContexts,
    kInstructions,
    kTemplates,
    kModels,
    kArms,
    kEndStatuses,
    kFiles,
    kWorkflowIds,
    kWorkflowTypes,
    kSectionNames,
    kSectionHashes,
    kDictionaryCount
  };
  /// The dictionary whose numbers a column holds; -1: it holds plain numbers.
  static int DictionaryOf(ColumnName column);

  int64_t Integer(ColumnName column, size_t row) const {
    const PackedColumn& c = columns_[column];
    return c.Has(row) ? static_cast<int64_t>(c.Get(row)) : -1;
  }
  DictId Id(ColumnName column, size_t row) const {
    const PackedColumn& c = columns_[column];
    return c.Has(row) ? static_cast<DictId>(c.Get(row)) : kNoId;
  }
  std::string_view Text(DictionaryName name, DictId id) const {
    return id == kNoId ? std::string_view() : dictionaries_[name].Get(id);
  }
  DictId InternRun(std::string_view run, std::string_view workflow_id, std::string_view workflow_type);
  /// True when the id is new; it is then the next row's.
  bool InsertId(const EntryId& id);
  void RehashIds(size_t slots);

  std::array<PackedColumn, kColumnCount> columns_;
  std::array<Dictionary, kDictionaryCount> dictionaries_;
  std::vector<EntryId> ids_;
  std::vector<uint32_t> id_slots_;  // open addressing over ids_: row + 1, 0 = free
  std::vector<DictId> run_workflow_ids_;
  std::vector<DictId> run_workflow_types_;
  /// The pairs of a context in the two columns below (name id, hash id).
  struct Range {
    uint32_t begin = 0;
    uint32_t count = 0;
  };
  std::vector<Range> sections_;  // by context; as long as the last context that has some
  PackedColumn section_names_;
  PackedColumn section_hashes_;
};

/// A chunk's blob: versioned, with a SHA-256 over everything.  Deserialize answers DATA_LOSS for bytes that are no
/// table.
std::string SerializeTable(const TraceTable& table);
Result<TraceTable> DeserializeTable(std::string_view bytes);

}  // namespace wfe::analytics

// A flat sheet of fields: `key: value` lines, or one JSON object; every field with its line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/packaged/battery/quantity.h"
#include "activities/packaged/battery/specs.h"

namespace wfe::battery {

struct SheetEntry {
  std::string key;
  std::string value;
  int64_t line = 0;
  bool number = false;  ///< JSON: a number without quotes.
};

struct Sheet {
  std::vector<SheetEntry> entries;
  std::vector<FileProblem> problems;
};

/// At most 1 MiB of UTF-8, of either form.
Sheet ReadSheet(const std::string& file, std::string_view text);

/// How one field of a record is read.
template <class T>
struct SheetField {
  std::string_view key;
  QuantityKind kind;
  bool required;
  int64_t least;  ///< In the kind's unit; what lies outside is no such thing.
  int64_t most;
  int64_t T::*whole = nullptr;
  std::optional<int64_t> T::*maybe = nullptr;
  std::string T::*text = nullptr;
};

/// Says what is wrong with a value of its own.
std::string RangeProblem(int64_t value, QuantityKind kind, int64_t least, int64_t most);
std::string UnknownFieldProblem(std::string_view key, const std::vector<std::string>& known);

/// The entry of a key; nullptr: there is none.
const SheetEntry* FindEntry(const Sheet& sheet, std::string_view key);

/// A field's current is a rate of a capacity which is a field of the same sheet, and wrong there: said there, once.
inline constexpr int64_t kCapacityIsWrong = -1;

/// Fills `record`, and adds what is wrong to the sheet's problems.  `one_c_ma`: as of ParseQuantity, or
/// kCapacityIsWrong.
template <class T, size_t N>
void ReadFields(const std::string& file, Sheet& sheet, const SheetField<T> (&fields)[N], int64_t one_c_ma, T& record) {
  std::vector<std::string> known;
  for (const SheetField<T>& field : fields) known.emplace_back(field.key);
  for (const SheetEntry& entry : sheet.entries) {
    const std::string problem = UnknownFieldProblem(entry.key, known);
    if (!problem.empty()) sheet.problems.push_back({.file = file, .line = entry.line, .message = problem});
  }
  for (const SheetField<T>& field : fields) {
    const SheetEntry* const entry = FindEntry(sheet, field.key);
    const auto complain = [&](const std::string& what) {
      sheet.problems.push_back({.file = file,
                                .line = entry == nullptr ? 0 : entry->line,
                                .message = std::string(field.key) + " " + what});
    };
    if (entry == nullptr) {
      if (field.required) complain("is missing; write " + std::string(ExampleOf(field.kind)));
      continue;
    }
    if (field.kind == QuantityKind::kText) {
      record.*field.text = entry->value;
      if (entry->value.empty() || entry->value.size() > 100) complain("must have from 1 to 100 characters");
      continue;
    }
    const Result<int64_t> value = ParseQuantity(entry->value, field.kind, one_c_ma);
    if (!value) {
      const bool follows = one_c_ma == kCapacityIsWrong && value.error().code == StatusCode::kFailedPrecondition;
      if (!follows) complain(value.error().message);
      continue;
    }
    const std::string range = RangeProblem(*value, field.kind, field.least, field.most);
    if (!range.empty()) complain(range);
    if (field.whole != nullptr) record.*field.whole = *value;
    if (field.maybe != nullptr) record.*field.maybe = *value;
  }
}

}  // namespace wfe::battery

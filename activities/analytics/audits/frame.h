// Frame: rows in typed columns, and the group-by that every figure of a report comes from.  Queries are data: the text
// that runs is the text that the report's appendix shows.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wfe::analytics {

inline constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

/// One column: numbers (NaN is absent) or words (codes into a dictionary; the word "" is absent).
struct Column {
  std::vector<double> numbers;
  std::vector<uint32_t> codes;
  std::vector<std::string> words;  ///< Of the codes; empty for a column of numbers.
  bool is_words = false;
};

/// Columns of equal length.  Plain data, filled once and then read; safe to read from several threads.
class Frame {
 public:
  explicit Frame(size_t rows = 0) : rows_(rows) {}
  size_t rows() const { return rows_; }

  /// The new column has `rows()` absent values; the reference stays valid.
  Column& AddNumbers(std::string_view name);
  Column& AddWords(std::string_view name);

  /// CHECKs that the column exists: queries are constants of the program.
  const Column& At(std::string_view name) const;
  double Number(std::string_view name, size_t row) const { return At(name).numbers[row]; }
  const std::string& Word(std::string_view name, size_t row) const;

 private:
  size_t rows_;
  std::map<std::string, Column, std::less<>> columns_;
};

/// Fills a column of words and keeps its dictionary.
class WordWriter {
 public:
  explicit WordWriter(Column& column) : column_(column) {}
  void Set(size_t row, std::string_view word);

 private:
  Column& column_;
  std::map<std::string, uint32_t, std::less<>> known_;
};

/// What to count, over which rows.
///   rows      the frame: "builds" or "steps"
///   filter    conditions joined by " and ": `column = value`, `column != value`, `column present`; "" takes all rows
///   group_by  columns of words joined by ", "; rows where one of them is absent belong to no group; "" is one group
///   measures  joined by ", ": `name: count`, `name: sum(c)`, mean, median, p95, min, max (absent values do not count),
///             `share(c)` the mean of a 0/1 column, `ratio(a, b)` = sum(a) / sum(b), `distinct(c)` different words
struct Query {
  std::string_view id;
  std::string_view title;
  std::string_view rows;
  std::string_view filter;
  std::string_view group_by;
  std::string_view measures;
};

struct Group {
  std::vector<std::string> key;  ///< One word for each column of group_by.
  std::vector<double> values;    ///< One for each measure; NaN where it has no rows.
  std::vector<uint32_t> rows;    ///< In frame order.
};

struct QueryResult {
  std::vector<std::string> key_names;
  std::vector<std::string> measure_names;
  std::vector<Group> groups;  ///< In byte order of their keys.

  /// CHECKs that the measure exists.
  double Value(const Group& group, std::string_view measure) const;
};

/// CHECKs that the query is well formed and names columns of the frame.
QueryResult RunQuery(const Frame& frame, const Query& query);

/// The rows that pass a filter.
std::vector<uint32_t> Select(const Frame& frame, std::string_view filter);

/// The values of a column of numbers in these rows.
std::vector<double> Pick(const Frame& frame, std::string_view column, std::span<const uint32_t> rows);

}  // namespace wfe::analytics

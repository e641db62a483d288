// How commands print: tables that fit the terminal for people, JSON for programs.  Whatever these print may come from
// others, so no control character of it reaches the terminal (SEC-M4); commands print nothing of others by themselves.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace wfe::cli {

enum class OutputFormat { kText, kJson, kJsonl };

/// A table whose rows are JSON objects; text shows chosen columns, JSON shows the whole rows.
class Table {
 public:
  struct Column {
    std::string title;
    std::string key;       ///< Of the row objects.
    bool elastic = false;  ///< May be cut to fit the terminal.
    bool right = false;    ///< Numbers align right.
    /// How people read the value, which is null for none; nullptr: as it is.  JSON has it as it is in any case.
    std::string (*shown)(const nlohmann::json& value) = nullptr;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void Add(nlohmann::json row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  /// kText: a header and aligned lines, cut to the width of a terminal but whole in a pipe; kJson: one array; kJsonl: a
  /// line per row.
  void Print(OutputFormat format) const;
  /// No line is wider: elastic columns give first, and where that is not enough lines end in "…".
  std::string Text(size_t width) const;

 private:
  std::vector<Column> columns_;
  std::vector<nlohmann::json> rows_;
};

/// One object: "key: value" lines as text (nested values as compact JSON), or JSON.
void PrintObject(const nlohmann::ordered_json& object, OutputFormat format);
std::string ObjectText(const nlohmann::ordered_json& object);

/// Any value as JSON: on one line for kJsonl, else indented.
void PrintJson(const nlohmann::json& json, OutputFormat format);

/// Text of several lines, as it stands.
void PrintText(const std::string& text);
/// The same; on a terminal sentences that are too wide for it go on in the next line, below column `indent`.
void PrintPage(const std::string& text, size_t indent);

/// One event of something long: a text line, or a JSON line in both JSON formats.
void PrintEvent(const std::string& text, const nlohmann::ordered_json& object, OutputFormat format);
std::string EventText(const std::string& text);

/// $COLUMNS, or the columns of the terminal that stdout is; 100 when it is none.
size_t TerminalWidth();
/// As wide as a line of `descriptor` may be: the terminal that it is, else no limit: what goes into a pipe is whole.
size_t RoomOf(int descriptor);
bool StdoutIsTerminal();
/// `text` cut so that it does not fill a line of `width` columns.
std::string FitsWidth(const std::string& text, size_t width);

/// Prints the error where the format says (stderr as a sentence, or {"error": …} as JSON on stderr) and returns the
/// exit code that fits it.
int Fail(const Error& error, OutputFormat format);
std::string FailText(const Error& error, OutputFormat format);

/// "3.2 s", "4 min 10 s".
std::string HumanDuration(double seconds);

// Of a table's columns.
std::string ShareAsPercent(const nlohmann::json& share);  ///< 0.25: "25 %".
std::string WithTwoDecimals(const nlohmann::json& number);
std::string WithFourDecimals(const nlohmann::json& number);
std::string AsDollars(const nlohmann::json& number);    ///< "$0.0012"
std::string AsDuration(const nlohmann::json& seconds);  ///< As HumanDuration.

}  // namespace wfe::cli

#include "activities/packaged/battery/sheet.h"

#include <algorithm>
#include <set>

#include "activities/sandbox/text.h"
#include "engine/base/parse_json.h"
#include "engine/base/suggest.h"

namespace wfe::battery {
namespace {

constexpr size_t kMaxSheetBytes = 1 << 20;

std::string_view TrimSheet(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

int64_t LineOfOffset(std::string_view text, size_t offset) {
  return 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size())), '\n');
}

/// The lines on which a key stands; JSON libraries do not say.
std::vector<int64_t> LinesOfKey(std::string_view text, const std::string& key) {
  std::vector<int64_t> lines;
  const std::string quoted = nlohmann::json(key).dump();
  for (size_t at = text.find(quoted); at != std::string_view::npos; at = text.find(quoted, at + 1)) {
    const size_t after = text.find_first_not_of(" \t\r\n", at + quoted.size());
    if (after != std::string_view::npos && text[after] == ':') lines.push_back(LineOfOffset(text, at));
  }
  return lines;
}

class SheetReader {
 public:
  SheetReader(const std::string& file, std::string_view text) : file_(file), text_(text) {}

  Sheet Read() {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
    if (text_.size() > kMaxSheetBytes) {
      Complain(0, "has " + std::to_string(text_.size()) + " bytes; a sheet has at most 1 MiB");
    } else if (!sandbox::IsUtf8(text_)) {
      Complain(0, "is not UTF-8; save it as UTF-8 (the sign of degrees is where this shows)");
    } else if (TrimSheet(text_).empty() || text_.find_first_not_of(" \t\r\n") == std::string_view::npos) {
      Complain(0, "is empty");
    } else if (text_[text_.find_first_not_of(" \t\r\n")] == '{') {
      ReadObject();
    } else {
      ReadLines();
    }
    return std::move(sheet_);
  }

 private:
  void Complain(int64_t line, std::string message) {
    sheet_.problems.push_back({.file = file_, .line = line, .message = std::move(message)});
  }

  void ReadObject() {
    if (JsonNestsTooDeep(text_)) return Complain(0, "is nested too deep");
    nlohmann::json object;
    try {
      object = nlohmann::json::parse(text_);
    } catch (const nlohmann::json::parse_error& error) {
      return Complain(LineOfOffset(text_, error.byte == 0 ? 0 : error.byte - 1), "is not JSON from here on");
    }
    for (const auto& [key, value] : object.items()) {
      const std::vector<int64_t> lines = LinesOfKey(text_, key);
      const int64_t line = lines.empty() ? 0 : lines.front();
      if (lines.size() > 1) Complain(lines[1], key + " stands there twice");
      if (value.is_structured() || value.is_null() || value.is_boolean()) {
        Complain(line, key + " must be a text or a number: a sheet is one flat object");
        continue;
      }
      sheet_.entries.push_back({.key = key,
                                .value = value.is_string() ? value.get<std::string>() : value.dump(),
                                .line = line,
                                .number = value.is_number()});
    }
    std::ranges::stable_sort(sheet_.entries, {}, &SheetEntry::line);
  }

  void ReadLines() {
    int64_t number = 0;
    std::set<std::string> seen;
    for (const std::string& whole : sandbox::SplitLines(text_)) {
      ++number;
      const std::string_view line = TrimSheet(std::string_view(whole).substr(0, whole.find('#')));
      if (line.empty()) continue;
      const size_t mark = line.find_first_of(":=");
      if (mark == std::string_view::npos || mark == 0) {
        Complain(number, "\"" + sandbox::Printable(line.substr(0, 40)) + "\" is no line \"key: value\"");
        continue;
      }
      SheetEntry entry{.key = std::string(TrimSheet(line.substr(0, mark))),
                       .value = std::string(TrimSheet(line.substr(mark + 1))),
                       .line = number,
                       .number = false};
      if (!seen.insert(entry.key).second) {
        Complain(number, entry.key + " stands there twice");
        continue;
      }
      sheet_.entries.push_back(std::move(entry));
    }
  }

  const std::string file_;
  std::string_view text_;
  Sheet sheet_;
};

}  // namespace

Sheet ReadSheet(const std::string& file, std::string_view text) { return SheetReader(file, text).Read(); }

std::string RangeProblem(int64_t value, QuantityKind kind, int64_t least, int64_t most) {
  if (value >= least && value <= most) return "";
  return "is " + ShowQuantity(value, kind) + ", which cannot be: it lies between " + ShowQuantity(least, kind) +
         " and " + ShowQuantity(most, kind);
}

std::string UnknownFieldProblem(std::string_view key, const std::vector<std::string>& known) {
  if (std::ranges::find(known, key) != known.end()) return "";
  return sandbox::Printable(key) + " is no field of this sheet" + DidYouMean(key, known);
}

const SheetEntry* FindEntry(const Sheet& sheet, std::string_view key) {
  const auto found = std::ranges::find(sheet.entries, key, &SheetEntry::key);
  return found == sheet.entries.end() ? nullptr : &*found;
}

}  // namespace wfe::battery

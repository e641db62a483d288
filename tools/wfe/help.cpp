#include "tools/wfe/help.h"

#include <algorithm>
#include <vector>

#include "activities/analytics/reports/format.h"
#include "tools/wfe/one_of.h"
#include "tools/wfe/word_wrap.h"

namespace wfe::cli {
namespace {

using analytics::reports::Characters;

/// Where a shell would let the line end: blanks outside of quotes.  `before_options`: only those before an option.
size_t LastShellBreak(const std::string& line, size_t width, bool before_options) {
  size_t found = std::string::npos;
  char quote = 0;
  // Two columns are for the backslash.
  for (size_t i = 0, column = 0; i < line.size() && column + 2 <= width; ++i) {
    const char c = line[i];
    if ((c & 0xc0) != 0x80) ++column;
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == ' ' && i > 0 && line.find_first_not_of(' ') < i && (!before_options || line.compare(i, 3, " --") == 0)) {
      found = i;
    }
  }
  return found;
}

std::string WrapShell(std::string line, size_t width) {
  std::string text;
  while (Characters(line) > width) {
    size_t end = LastShellBreak(line, width, /*before_options=*/true);
    if (end == std::string::npos) end = LastShellBreak(line, width, /*before_options=*/false);
    if (end == std::string::npos) break;
    text += line.substr(0, end) + " \\\n";
    line = "      " + line.substr(end + 1);
  }
  return text + line;
}

}  // namespace

std::string ValueName(const CLI::Option& option) {
  std::string words;
  for (const std::string& word : WordsOf(option)) words += (words.empty() ? "" : "|") + word;
  if (!words.empty()) return words;
  // "FLOAT:SECONDS", "INT:NUMBER", "INT:INT in [0 - 30]", "TEXT".
  const std::string type = const_cast<CLI::Option&>(option).get_type_name();
  const std::string stored = type.substr(0, type.find(':'));
  if (type.ends_with(":SECONDS")) return "SECONDS";
  return stored == "INT" || stored == "UINT" || stored == "FLOAT" ? "NUMBER" : stored;
}

HelpFormatter::HelpFormatter(size_t width) : width_(std::clamp(width, kNarrowest, kWidest)) {
  column_width(width_ >= 70 ? 30 : 20);
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return WrapWords("", app->get_description(), 0, width_) + "\n";
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  return WrapWords("", Formatter::make_usage(app, std::move(name)), 2, width_) + "\n";
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  const std::string footer = app->get_footer();
  return footer.empty() ? "" : WrappedFooter(footer, width_) + "\n";
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  if (option->get_items_expected_max() == 0) return {};
  std::string text = option->get_positional() ? "" : " " + ValueName(*option);
  if (option->get_items_expected_max() >= CLI::detail::expected_max_vector_size) text += " ...";
  if (option->get_required() && !option->get_positional()) text += " (required)";
  return text;
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  const std::string name = make_option_name(option, is_positional);
  std::string value = make_option_opts(option);
  if (2 + name.size() + value.size() <= width_) return Row(name + value, make_option_desc(option));
  // Many words: they are wrapped between two of them.
  WordWrap wrap("  " + name + " ", 2 + name.size() + 1, width_ - 1);
  for (size_t at = 1; at < value.size();) {
    const size_t end = std::min(value.find('|', at), value.size());
    wrap.Add(value.substr(at, end - at), "|");
    at = end + 1;
  }
  return wrap.Take() + "\n" +
         WrapWords(std::string(column_width_, ' '), make_option_desc(option), column_width_, width_) + "\n";
}

std::string HelpFormatter::make_subcommand(const CLI::App* sub) const {
  return Row(sub->get_display_name(true), sub->get_description());
}

std::string HelpFormatter::Row(const std::string& name, const std::string& description) const {
  std::string begun = "  " + name;
  if (description.empty()) return begun + "\n";
  if (Characters(begun) + 2 > column_width_) {
    begun += "\n";
    return begun + WrapWords(std::string(column_width_, ' '), description, column_width_, width_) + "\n";
  }
  begun.append(column_width_ - Characters(begun), ' ');
  return WrapWords(std::move(begun), description, column_width_, width_) + "\n";
}

std::string WrappedFooter(const std::string& footer, size_t width) {
  std::string text;
  std::string paragraph;  // Of which the next line may be a part.
  const auto end_paragraph = [&] {
    if (!paragraph.empty()) text += WrapWords("", paragraph, 0, width) + "\n";
    paragraph.clear();
  };
  for (size_t at = 0; at < footer.size();) {
    const size_t end = std::min(footer.find('\n', at), footer.size());
    const std::string line = footer.substr(at, end - at);
    at = end + 1;
    if (line.empty() || line.starts_with("  ")) {
      end_paragraph();
      text += WrapShell(line, width) + "\n";
    } else {
      // A sentence that ends with its line is followed by another line.
      if (paragraph.ends_with('.') || paragraph.ends_with(':') || line.starts_with("Example")) end_paragraph();
      paragraph += (paragraph.empty() ? "" : "\n") + line;
    }
  }
  end_paragraph();
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace wfe::cli

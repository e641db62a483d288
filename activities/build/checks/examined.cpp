#include "activities/build/checks/examined.h"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "activities/build/checks/tsc_references.h"
#include "activities/sandbox/glob.h"
#include "activities/sandbox/text.h"

namespace wfe::build {
namespace {

const std::vector<std::string>& PatternsFor(const CheckSpec& check, const Profile& profile) {
  return check.examines == "tests" ? profile.tests : profile.sources;
}

/// Paths and counts that the output names, by the check's own pattern.
void ReadPattern(const CheckSpec& check, const ToolOutput& output, std::set<std::string>& files, Examined& examined) {
  const RE2 pattern(check.files_pattern, RE2::Quiet);
  if (!pattern.ok()) return;
  const auto& groups = pattern.NamedCapturingGroups();
  const int size = pattern.NumberOfCapturingGroups() + 1;
  std::vector<re2::StringPiece> values(static_cast<size_t>(size));
  for (const std::string_view stream : {output.out, output.err}) {
    for (const std::string& line : sandbox::SplitLines(sandbox::CleanTerminalText(stream))) {
      if (!pattern.Match(line, 0, line.size(), RE2::UNANCHORED, values.data(), size)) continue;
      examined.known = true;
      if (const auto path = groups.find("path"); path != groups.end()) {
        files.insert(RelativePath(std::string(values[static_cast<size_t>(path->second)]), output.roots));
      }
      if (const auto count = groups.find("count"); count != groups.end()) {
        const std::string text(values[static_cast<size_t>(count->second)]);
        int64_t number = 0;
        std::from_chars(text.data(), text.data() + text.size(), number);
        examined.count = std::max(examined.count, number);
      }
    }
  }
}

}  // namespace

Examined FilesExamined(const CheckSpec& check, const Profile& profile, const ProjectFacts& facts,
                       const ParsedOutput& parsed, const ToolOutput& output, const std::optional<std::string>& listed,
                       const std::optional<std::string>& file_list) {
  Examined examined;
  if (check.examines.empty()) return examined;
  std::set<std::string> files;
  if (parsed.examined.has_value()) {
    examined.known = true;
    files.insert(parsed.examined->begin(), parsed.examined->end());
  }
  if (!check.files_pattern.empty()) ReadPattern(check, output, files, examined);
  if (listed.has_value()) {
    examined.known = true;
    for (const std::string& line : sandbox::SplitLines(*listed)) files.insert(RelativePath(line, output.roots));
  }
  if (file_list.has_value()) {
    const nlohmann::json document = ParseJsonWithComments(*file_list);
    if (document.is_array()) {
      examined.known = true;
      for (const auto& entry : document) {
        if (!entry.is_object() || !entry.contains("file") || !entry.at("file").is_string()) continue;
        files.insert(RelativePath(entry.at("file").get<std::string>(), output.roots));
      }
    }
  }
  if (files.empty()) return examined;
  examined.files.assign(files.begin(), files.end());
  examined.count = 0;
  const sandbox::GlobSet wanted(PatternsFor(check, profile));
  for (const std::string& path : examined.files) {
    const bool of_project = std::binary_search(facts.files().begin(), facts.files().end(), path);
    // Where tests stand is the tool's own affair; that they are the project's is not.
    if (of_project && (check.examines == "tests" || wanted.Matches(path))) ++examined.count;
  }
  return examined;
}

std::string LooksAtNone(const CheckSpec& check, const Profile& profile, const ProjectFacts& facts,
                        const Examined& examined) {
  if (check.examines != "sources" || !examined.known || examined.count > 0) return "";
  const std::vector<std::string> there = facts.Matching(profile.sources);
  if (there.empty()) return "";
  std::string text = check.id + " looked at none of the project's " + std::to_string(there.size()) + " source file" +
                     (there.size() == 1 ? "" : "s") + " (" + sandbox::Printable(there.front()) +
                     (there.size() > 1 ? ", ..." : "") + ")";
  if (!examined.files.empty()) {
    text += ", only at " + std::to_string(examined.files.size()) + " other" + (examined.files.size() == 1 ? "" : "s") +
            " (" + sandbox::Printable(examined.files.front()) + (examined.files.size() > 1 ? ", ..." : "") + ")";
  }
  return text + ": its configuration covers other files";
}

}  // namespace wfe::build

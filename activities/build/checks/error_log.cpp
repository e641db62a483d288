#include "activities/build/checks/error_log.h"

#include <algorithm>
#include <map>

namespace wfe::build {
namespace {

constexpr int64_t kMaxTextChars = 4000;  // Of one finding; a test's difference of two large values can be endless.

std::string Line(const Finding& finding, const sandbox::SecretMask& mask) {
  std::string line;
  if (!finding.path.empty()) {
    line = finding.path;
    if (finding.line > 0) line += ":" + std::to_string(finding.line);
    if (finding.line > 0 && finding.column > 0) line += ":" + std::to_string(finding.column);
    line += " ";
  }
  line += finding.error_class + " ";
  const std::string text = sandbox::KeepHeadAndTail(finding.text, kMaxTextChars, nullptr);
  for (const char c : text) line += c == '\n' ? std::string("\n    ") : std::string(1, c);
  line = sandbox::FenceSafe(sandbox::CleanTerminalText(mask.Apply(std::move(line))));
  while (line.ends_with(' ') || line.ends_with('\n')) line.pop_back();
  return line + "\n";
}

}  // namespace

std::string RenderErrorLog(const std::vector<CheckVerdict>& verdicts, int max_per_class,
                           const sandbox::SecretMask& mask) {
  std::string log;
  for (const CheckVerdict& verdict : verdicts) {
    std::map<std::string, int> shown;
    std::map<std::string, int> left_out;
    for (const Finding& finding : verdict.findings) {
      if (shown[finding.error_class] >= std::max(1, max_per_class)) {
        ++left_out[finding.error_class];
        continue;
      }
      ++shown[finding.error_class];
      log += Line(finding, mask);
    }
    for (const auto& [error_class, count] : left_out) {
      log += "... and " + std::to_string(count) + " more " + error_class + "\n";
    }
  }
  return log;
}

}  // namespace wfe::build

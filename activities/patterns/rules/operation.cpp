#include "activities/patterns/rules/operation.h"

#include <algorithm>

namespace wfe::patterns {
namespace {

constexpr std::string_view kFailedWith = "verification failed with ";

bool IsCostTier(std::string_view tier) { return HasWord("free low medium high", tier); }

}  // namespace

std::string_view TaskIn(std::string_view instruction) {
  std::string_view task = instruction;
  for (const std::string_view mark : {"\nTask:\n", "\nChange:\n"}) {
    if (const size_t at = instruction.find(mark); at != std::string_view::npos) {
      task = instruction.substr(at + mark.size());
      break;
    }
  }
  return task.substr(0, task.find("\nError log (output of the checks"));
}

std::string_view ErrorIn(std::string_view instruction) {
  const size_t at = instruction.find(kFailedWith);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = instruction.substr(at + kFailedWith.size());
  return rest.substr(0, rest.find_first_of(". \n"));
}

bool IsSignaturePart(std::string_view part) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return !part.empty() && part.size() <= 40 && std::ranges::all_of(part, fits);
}

bool IsSignature(std::string_view text) {
  int parts = 0;
  while (true) {
    const size_t end = text.find(':');
    if (!IsSignaturePart(text.substr(0, end))) return false;
    ++parts;
    if (end == std::string_view::npos) return parts == 3;
    text = text.substr(end + 1);
  }
}

void CheckRecord(const Tool& tool) {
  RequireOfRecord(IsSignaturePart(tool.tool_id),
                  "tool.tool_id must have 1 to 40 of the characters a-z, 0-9, '.', '_' and '-'");
  RequireOfRecord(tool.activity_type.empty() != tool.command.empty(),
                  "tool must have an activity_type or a command, and not both");
  RequireOfRecord(tool.command.empty() || !tool.command[0].empty(), "tool.command names no program");
  RequireOfRecord(IsCostTier(tool.cost_tier), "tool.cost_tier must be free, low, medium or high");
  RequireOfRecord(tool.timeout_s >= 1 && tool.timeout_s <= 3600, "tool.timeout_s must be from 1 to 3600");
  RequireOfRecord(!tool.avg_cost_usd.negative(), "tool.avg_cost_usd must not be negative");
  RequireOfRecord(HasWord("registered disabled", tool.status), "tool.status must be registered or disabled");
  for (const std::string& step : tool.steps) {
    RequireOfRecord(HasWord("build generation document", step),
                    "tool.steps may name build, generation and document, not \"" + step + "\"");
  }
  for (const std::string& signature : tool.capabilities) {
    RequireOfRecord(IsSignature(signature), "tool.capabilities: \"" + signature +
                                                "\" is no signature like test:pytest:backend");
  }
}

}  // namespace wfe::patterns

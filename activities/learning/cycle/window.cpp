#include "activities/learning/cycle/window.h"

#include <algorithm>
#include <map>

namespace wfe::learning {

WindowSummary Summarize(const std::vector<Generation>& generations) {
  WindowSummary summary;
  std::map<std::string, int64_t> classes;
  double quality = 0;
  for (const Generation& generation : generations) {
    ++summary.generations;
    quality += generation.score;
    summary.auto_fixes += generation.auto_fixes;
    if (generation.success) {
      ++summary.finished;
      if (*generation.success) ++summary.succeeded;
    }
    for (const auto& [name, count] : generation.findings) {
      if (count <= 0) continue;
      ++classes[name];
      ++summary.findings_total;
    }
  }
  if (summary.generations > 0) {
    summary.mean_quality = quality / static_cast<double>(summary.generations);
    summary.first_at = generations.front().created_at;
    summary.last_at = generations.back().created_at;
  }
  if (summary.finished > 0) {
    summary.success_rate = static_cast<double>(summary.succeeded) / static_cast<double>(summary.finished);
  }
  for (const auto& [name, count] : classes) {
    summary.findings.push_back({.finding_class = name,
                                .count = count,
                                .total = summary.findings_total,
                                .share = static_cast<double>(count) / static_cast<double>(summary.findings_total)});
  }
  std::ranges::stable_sort(summary.findings, std::ranges::greater(), &FindingShare::count);
  return summary;
}

std::vector<Generation> OfVersion(const std::vector<Generation>& generations, int version, const std::string& since) {
  std::vector<Generation> chosen;
  for (const Generation& generation : generations) {
    if (generation.template_version == version && generation.created_at >= since) chosen.push_back(generation);
  }
  return chosen;
}

}  // namespace wfe::learning

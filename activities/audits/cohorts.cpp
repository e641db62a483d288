#include "activities/audits/cohorts.h"

#include <algorithm>
#include <map>
#include <set>

namespace wfe::activities {

std::vector<SectionHistory> SectionHistories(const Frame& sections) {
  static constexpr Query kQuery{.id = "sections",
                                .title = "",
                                .rows = "sections",
                                .filter = "",
                                .group_by = "section",
                                .measures = "builds: count, versions: distinct(hash), changes: sum(changed)"};
  std::vector<SectionHistory> histories;
  const QueryResult result = RunQuery(sections, kQuery);
  for (const Group& group : result.groups) {
    histories.push_back({.name = group.key[0],
                         .builds = static_cast<int64_t>(group.values[0]),
                         .versions = static_cast<int64_t>(group.values[1]),
                         .changes = static_cast<int64_t>(group.values[2])});
  }
  return histories;
}

std::vector<Cohort> CohortsBy(const Dataset& data, std::string_view column) {
  std::map<std::pair<std::string, std::string>, Cohort> found;
  for (uint32_t row = 0; row < data.builds.rows(); ++row) {
    const std::string& key = data.builds.Word(column, row);
    if (key.empty()) continue;
    const std::string& template_id = data.builds.Word("template_id", row);
    Cohort& cohort = found[{template_id, key}];
    if (cohort.builds.empty()) {
      cohort.context = data.builds.Word("context", row);
      cohort.template_id = template_id;
      cohort.first_ms = data.build_rows[row].first_timestamp_ms;
    }
    cohort.builds.push_back(row);
  }
  std::vector<Cohort> cohorts;
  for (auto& [key, cohort] : found) cohorts.push_back(std::move(cohort));
  // Builds are in time order, so the first row breaks ties of time.
  std::sort(cohorts.begin(), cohorts.end(), [](const Cohort& a, const Cohort& b) {
    return std::tie(a.template_id, a.first_ms, a.builds[0]) < std::tie(b.template_id, b.first_ms, b.builds[0]);
  });
  return cohorts;
}

std::vector<Change> ChangesBetween(const Dataset& data, const std::vector<Cohort>& cohorts) {
  std::set<std::string> ignored;
  for (const SectionHistory& section : SectionHistories(data.sections)) {
    if (section.is_volatile()) ignored.insert(section.name);
  }
  const auto sections_of = [&](const Cohort& cohort) {
    return data.table->Sections(data.build_rows[cohort.builds[0]].context_hash);
  };
  std::vector<Change> changes;
  const Cohort* before = nullptr;
  for (const Cohort& after : cohorts) {
    if (static_cast<int64_t>(after.builds.size()) < kMinRowsPerSide) continue;
    if (before != nullptr && before->template_id == after.template_id) {
      Change change{.before = *before, .after = after, .sections = {}};
      auto old_sections = sections_of(*before);
      const auto new_sections = sections_of(after);
      if (!old_sections.empty() && !new_sections.empty()) {
        std::set<std::string> differing;
        for (const auto& [name, hash] : new_sections) {
          if (old_sections[name] != hash) differing.insert(name);
        }
        for (const auto& [name, hash] : old_sections) {
          if (!new_sections.contains(name)) differing.insert(name);
        }
        for (const std::string& name : differing) {
          if (!ignored.contains(name)) change.sections.push_back(name);
        }
      }
      changes.push_back(std::move(change));
    }
    before = &after;
  }
  return changes;
}

std::string SectionList(const Change& change) {
  std::string list;
  for (size_t i = 0; i < change.sections.size(); ++i) {
    if (i > 0) list += i + 1 == change.sections.size() ? " and " : ", ";
    list += change.sections[i];
  }
  return list.empty() ? "the context" : list;
}

}  // namespace wfe::activities

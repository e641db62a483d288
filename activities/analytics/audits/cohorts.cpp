#include "activities/analytics/audits/cohorts.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace wfe::analytics {

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

namespace {

/// Keeps the builds of one template version: the first used, or the last, of those with enough builds.
std::optional<std::string> KeepOneVersion(const Dataset& data, bool first, Cohort& cohort) {
  std::vector<std::pair<std::string, std::vector<uint32_t>>> versions;  // by first use
  for (const uint32_t build : cohort.builds) {
    const std::string& name = data.builds.Word("template", build);
    const auto found = std::find_if(versions.begin(), versions.end(), [&](const auto& v) { return v.first == name; });
    if (found == versions.end()) {
      versions.push_back({name, {build}});
    } else {
      found->second.push_back(build);
    }
  }
  std::erase_if(versions, [](const auto& v) { return static_cast<int64_t>(v.second.size()) < kMinRowsPerSide; });
  if (versions.empty()) return std::nullopt;
  auto& [name, builds] = first ? versions.front() : versions.back();
  cohort.builds = std::move(builds);
  return name;
}

std::vector<std::string> DifferingSections(std::map<std::string, std::string> before,
                                           const std::map<std::string, std::string>& after,
                                           const std::set<std::string>& ignored) {
  std::vector<std::string> names;
  if (before.empty() || after.empty()) return names;
  std::set<std::string> differing;
  for (const auto& [name, hash] : after) {
    if (before[name] != hash) differing.insert(name);
  }
  for (const auto& [name, hash] : before) {
    if (!after.contains(name)) differing.insert(name);
  }
  for (const std::string& name : differing) {
    if (!ignored.contains(name)) names.push_back(name);
  }
  return names;
}

}  // namespace

std::vector<Change> ChangesBetween(const Dataset& data, const std::vector<Cohort>& cohorts) {
  std::set<std::string> ignored;
  for (const SectionHistory& section : SectionHistories(data.sections)) {
    if (section.is_volatile()) ignored.insert(section.name);
  }
  const auto sections_of = [&](uint32_t build) { return data.table->Sections(data.build_rows[build].context_hash); };
  std::vector<Change> changes;
  const Cohort* before = nullptr;
  for (const Cohort& after : cohorts) {
    if (static_cast<int64_t>(after.builds.size()) < kMinRowsPerSide) continue;
    if (before != nullptr && before->template_id == after.template_id) {
      Change change{.before = *before, .after = after, .before_version = {}, .after_version = {}, .sections = {}};
      const auto old_version = KeepOneVersion(data, false, change.before);
      const auto new_version = KeepOneVersion(data, true, change.after);
      if (old_version && new_version) {
        change.before_version = *old_version;
        change.after_version = *new_version;
        change.sections = DifferingSections(sections_of(change.before.builds.back()),
                                            sections_of(change.after.builds.front()), ignored);
        changes.push_back(std::move(change));
      }
    }
    before = &after;
  }
  return changes;
}

std::string SideName(const Change& change, bool after) {
  const std::string& version = after ? change.after_version : change.before_version;
  return std::string(after ? "after" : "before") + ": context " +
         (after ? change.after : change.before).context.substr(0, 12) + (version.empty() ? "" : ", " + version);
}

std::string SectionList(const Change& change) {
  std::string list;
  for (size_t i = 0; i < change.sections.size(); ++i) {
    if (i > 0) list += i + 1 == change.sections.size() ? " and " : ", ";
    list += change.sections[i];
  }
  return list.empty() ? "the context" : list;
}

}  // namespace wfe::analytics

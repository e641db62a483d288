// Which context a build ran under, when a context holds text that differs from build to build anyway (OP-7, OP-9).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "activities/analytics/audits/dataset.h"

namespace wfe::analytics {

/// The section of GEMINI.md that holds the rules.
inline constexpr std::string_view kConstraintSection = "STRICT CONSTRAINTS";
/// The section that holds the task, so it differs from build to build by its nature.
inline constexpr std::string_view kTaskSection = "Implementation Prompt";

/// A section changes often when it has at least this many versions and changes.
inline constexpr int64_t kOftenVersions = 3;
inline constexpr int64_t kOftenChanges = 5;
/// It is volatile when besides a version lasts fewer builds than this on average: too few to compare versions.
inline constexpr double kVolatileStretch = 50;

/// How often one named section changed over the builds in their order.
struct SectionHistory {
  std::string name;
  int64_t builds = 0;
  int64_t versions = 0;
  int64_t changes = 0;
  /// Builds for each stretch without a change.
  double stretch() const { return static_cast<double>(builds) / static_cast<double>(changes + 1); }
  bool changes_often() const { return versions >= kOftenVersions && changes >= kOftenChanges; }
  bool is_volatile() const { return changes_often() && stretch() < kVolatileStretch; }
};

/// The sections of a dataset whose frame `sections` is filled, by name.
std::vector<SectionHistory> SectionHistories(const Frame& sections);

/// Builds of one template under one context.
struct Cohort {
  std::string context;           ///< Full hash of the first build's context.
  std::string template_id;       ///< "" when unknown.
  std::vector<uint32_t> builds;  ///< Rows of the builds frame, in time order.
  int64_t first_ms = 0;
};

/// Cohorts by a column of the builds frame (`context_cohort` or `constraints`), by template and then first use.
std::vector<Cohort> CohortsBy(const Dataset& data, std::string_view column);

/// Neighbours in time, of one template, each with at least kMinRowsPerSide builds.  Smaller cohorts are passed over.
/// Of `before` only the builds of its last template version are kept and of `after` those of its first (of those with
/// enough builds), so that what a later version of the prompt did is not put down to this change.
struct Change {
  Cohort before;
  Cohort after;
  std::string before_version;  ///< "<id>@<version>", "" when unknown.
  std::string after_version;
  std::vector<std::string> sections;  ///< Those whose text differs, volatile ones left out; empty when not known.
};
std::vector<Change> ChangesBetween(const Dataset& data, const std::vector<Cohort>& cohorts);

/// "before: context 0123456789ab, typescript-package@1"
std::string SideName(const Change& change, bool after);

/// "STRICT CONSTRAINTS and VERIFICATION PROTOCOL", or "the context" when not known.
std::string SectionList(const Change& change);

}  // namespace wfe::analytics

#include "activities/delivery/records/version_state.h"

#include <algorithm>
#include <charconv>

#include "activities/learning/records/rows.h"

namespace wfe::delivery {
namespace {

class Fold {
 public:
  explicit Fold(VersionState& state) : state_(state) {}

  /// Empty, or why the event cannot be.
  std::string Apply(const VersionEvent& event) {
    const bool known = event.version >= 0 && static_cast<size_t>(event.version) < state_.versions.size();
    if (event.kind == kVersionCreated) return Create(event);
    if (!known) return "is about version " + std::to_string(event.version) + ", which there is not";
    DefinitionVersion& version = state_.versions[static_cast<size_t>(event.version)];
    if (event.kind == kVersionActivated || event.kind == kVersionRolledBack) {
      Switch(event, version);
    } else if (event.kind == kVersionDeleted) {
      version.status = kStatusDeleted;
      version.deleted_why = "deleted by " + event.author + " at " + event.at + ": " + event.reason;
      std::erase(state_.earlier, event.version);
      if (state_.split && state_.split->version == event.version) EndSplit();
    } else if (event.kind == kVersionSplit) {
      const TrafficSplit split{event.rollout_id, event.version, event.share, event.step, event.at};
      state_.splits.push_back(split);
      if (event.share > 0) {
        state_.split = split;
      } else {
        EndSplit();
      }
    } else if (event.kind == kVersionBaseline) {
      (event.rollout_id.empty() ? state_.baseline : state_.rollout_baseline) = event.baseline;
    } else {
      return "is of the unknown kind \"" + event.kind + "\"; a newer wfe may have written it";
    }
    return "";
  }

 private:
  std::string Create(const VersionEvent& event) {
    if (static_cast<size_t>(event.version) != state_.versions.size()) {
      return "creates version " + std::to_string(event.version) + " where " + std::to_string(state_.versions.size()) +
             " is the next";
    }
    DefinitionVersion version{.version_id = VersionId(state_.workflow_id, event.version),
                              .version = event.version,
                              .parent_version = event.previous_version,
                              .content_hash = event.content_hash,
                              .suggestion = event.suggestion,
                              .metrics = event.metrics,
                              .author = event.author,
                              .reason = event.reason,
                              .created_at = event.at};
    state_.versions.push_back(std::move(version));
    if (event.version == 0) Serve(event, state_.versions.front());
    return "";
  }

  void Serve(const VersionEvent& event, DefinitionVersion& version) {
    version.status = kStatusInService;
    version.in_service_since = event.at;
    state_.in_service = event.version;
    state_.changed_at = event.at;
    state_.changed_kind = event.kind;
    state_.changed_reason = event.reason;
    state_.changed_by = event.author;
    // What is in service is compared with what was before it, and new runs all get it.
    state_.baseline.reset();
    if (!event.rollout_id.empty()) state_.baseline = state_.rollout_baseline;
    EndSplit();
  }

  void EndSplit() {
    state_.split.reset();
    state_.rollout_baseline.reset();
  }

  void Switch(const VersionEvent& event, DefinitionVersion& version) {
    if (event.version == state_.in_service) return EndSplit();  // it stays, and nothing else is tried
    const bool back = event.kind == kVersionRolledBack;
    const int before = state_.in_service;
    std::vector<int>& earlier = state_.earlier;
    if (back) {
      const auto found = std::find(earlier.rbegin(), earlier.rend(), event.version);
      if (found != earlier.rend()) earlier.erase(found.base() - 1, earlier.end());
    } else {
      earlier.push_back(before);
    }
    state_.versions[static_cast<size_t>(before)].status = back ? kStatusRolledBack : kStatusSuperseded;
    Serve(event, version);
  }

  VersionState& state_;
};

}  // namespace

std::string VersionId(const std::string& workflow_id, int version) {
  return workflow_id + "_v" + std::to_string(version);
}

Result<int> ParseVersion(const std::string& workflow_id, const std::string& text) {
  std::string_view digits = text;
  const std::string prefix = workflow_id + "_v";
  if (digits.starts_with(prefix)) {
    digits.remove_prefix(prefix.size());
  } else if (digits.starts_with('v')) {
    digits.remove_prefix(1);
  }
  int version = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
  if (error != std::errc() || end != digits.data() + digits.size() || version < 0) {
    return InvalidArgument("\"" + text + "\" is no version of " + workflow_id + "; versions are named " + prefix +
                           "0, v0 or 0");
  }
  return version;
}

const DefinitionVersion* VersionState::Find(int version) const {
  const bool there = version >= 0 && static_cast<size_t>(version) < versions.size();
  return there ? &versions[static_cast<size_t>(version)] : nullptr;
}

Result<const DefinitionVersion*> VersionState::Usable(int version) const {
  const DefinitionVersion* const found = Find(version);
  if (found == nullptr) {
    return NotFound("there is no version " + VersionId(workflow_id, version) + "; the newest is " +
                    versions.back().version_id);
  }
  if (found->status == kStatusDeleted) {
    return FailedPrecondition("version " + found->version_id + " was " + found->deleted_why);
  }
  return found;
}

Result<int> VersionState::Previous() const {
  if (!earlier.empty()) return earlier.back();
  return FailedPrecondition("there is no version before " + VersionId(workflow_id, in_service) +
                            (in_service == 0 ? ": it is the original" : ": it was not put in service after another"));
}

Result<VersionState> FoldVersions(const std::string& workflow_id, const learning::StoredEvents& events) {
  VersionState state{.workflow_id = workflow_id};
  Fold fold(state);
  for (const auto& [key, value] : events) {
    WFE_ASSIGN_OR_RETURN(VersionEvent event, learning::ReadRow<VersionEvent>(kVersionsTable, key, value));
    const std::string problem = fold.Apply(event);
    if (!problem.empty()) return DataLoss("row " + key + " of table " + std::string(kVersionsTable) + " " + problem);
    state.events.push_back(std::move(event));
  }
  return state;
}

}  // namespace wfe::delivery

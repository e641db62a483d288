#include "activities/delivery/records/version_store.h"

#include <algorithm>

#include "engine/base/parse_json.h"

namespace wfe::delivery {
namespace {

using learning::StoredEvents;

Status CheckChange(const Change& change, const std::string& what) {
  if (change.author.empty() || change.reason.empty()) return InvalidArgument(what + " needs an author and a reason");
  if (!ParseIso8601(change.at)) {
    return InvalidArgument("\"" + change.at + "\" is not a time like 2026-01-31T02:00:00.000Z");
  }
  return Ok();
}

Error NoSuchWorkflow(const std::string& workflow_id) {
  return NotFound("there are no versions of a workflow \"" + workflow_id + "\"");
}

VersionEvent EventOf(std::string_view kind, int version, const Change& change) {
  VersionEvent event;
  event.kind = kind;
  event.at = change.at;
  event.version = version;
  event.author = change.author;
  event.reason = change.reason;
  return event;
}

/// The last step of the rollout, and whether it has taken any.
std::optional<int64_t> LastStep(const VersionState& state, const std::string& rollout_id) {
  std::optional<int64_t> last;
  for (const VersionEvent& event : state.events) {
    if (event.rollout_id == rollout_id && event.step > 0) last = std::max(last.value_or(0), event.step);
  }
  return last;
}

std::string WhyUnusable(const VersionState& state, int version) {
  const Result<const DefinitionVersion*> usable = state.Usable(version);
  return usable ? "" : usable.error().message;
}

std::string Short(const VersionEvent& event) {
  return event.author + " at " + event.at + (event.reason.empty() ? "" : " (" + event.reason + ")");
}

}  // namespace

Result<std::string> CanonicalJson(const std::string& text) {
  if (text.size() > kMaxDefinitionBytes) {
    return InvalidArgument("a definition of " + std::to_string(text.size()) + " bytes is too long; the limit is " +
                           std::to_string(kMaxDefinitionBytes));
  }
  const nlohmann::json json = ParseJson(text);
  if (json.is_discarded()) return InvalidArgument("the definition " + WhyNotJson(text));
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string WhyOvertaken(const VersionState& state, const std::string& rollout_id) {
  if (state.split && state.split->rollout_id == rollout_id) return "";
  std::string why = "the traffic is no longer divided";
  for (const VersionEvent& event : state.events) {
    if (event.rollout_id == rollout_id) {
      why = "the traffic is no longer divided";
    } else if (event.kind == kVersionActivated || event.kind == kVersionRolledBack) {
      why = VersionId(state.workflow_id, event.version) + " was put in service by " + Short(event);
    } else if (event.kind == kVersionDeleted) {
      why = VersionId(state.workflow_id, event.version) + " was deleted by " + Short(event);
    } else if (event.kind == kVersionSplit && event.share > 0) {
      why = "rollout " + event.rollout_id + " divides the traffic";
    }
  }
  return why;
}

Result<bool> VersionStore::Append(const std::string& workflow_id, const Decide& decide) {
  return log_.Append(workflow_id, [&](const StoredEvents& events) -> Result<std::optional<std::string>> {
    WFE_ASSIGN_OR_RETURN(const VersionState state, FoldVersions(workflow_id, events));
    WFE_ASSIGN_OR_RETURN(const std::optional<VersionEvent> event, decide(state));
    if (!event) return std::optional<std::string>();
    return std::optional(learning::RowText(*event));
  });
}

Result<int> VersionStore::Put(const NewVersion& version) {
  const Change change{version.author, version.reason, version.at};
  WFE_RETURN_IF_ERROR(CheckChange(change, "a version"));
  WFE_RETURN_IF_ERROR(learning::CheckRowId("the id of a workflow", version.workflow_id));
  WFE_ASSIGN_OR_RETURN(const std::string content, CanonicalJson(version.content));
  WFE_ASSIGN_OR_RETURN(const std::string hash, records_.Put(content));
  int number = 0;
  const Result<bool> stored =
      Append(version.workflow_id, [&](const VersionState& state) -> Result<std::optional<VersionEvent>> {
        const auto same = std::ranges::find_if(state.versions, [&](const DefinitionVersion& each) {
          return each.content_hash == hash && each.status != kStatusDeleted;
        });
        if (same != state.versions.end()) {
          number = same->version;
          return std::optional<VersionEvent>();
        }
        number = static_cast<int>(state.versions.size());
        VersionEvent event = EventOf(kVersionCreated, number, change);
        if (number > 0) {
          const int parent = version.parent_version.value_or(state.in_service);
          if (state.Find(parent) == nullptr) WFE_RETURN_IF_ERROR(state.Usable(parent));
          event.previous_version = parent;
        }
        event.content_hash = hash;
        event.suggestion = version.suggestion;
        event.metrics = version.metrics;
        return std::optional(event);
      });
  if (!stored) return stored.error();
  return number;
}

Result<VersionState> VersionStore::Get(const std::string& workflow_id) const {
  WFE_ASSIGN_OR_RETURN(const StoredEvents events, log_.Read(workflow_id));
  if (events.empty()) return NoSuchWorkflow(workflow_id);
  return FoldVersions(workflow_id, events);
}

Result<std::vector<VersionState>> VersionStore::List(learning::RowProblems& problems) const {
  WFE_ASSIGN_OR_RETURN(const auto all, log_.ReadAll());
  std::vector<VersionState> states;
  for (const auto& [id, events] : all) {
    Result<VersionState> state = FoldVersions(id, events);
    if (state) {
      states.push_back(*std::move(state));
    } else {
      problems.push_back(state.error().message);
    }
  }
  return states;
}

Result<std::string> VersionStore::Content(const VersionState& state, int version) const {
  WFE_ASSIGN_OR_RETURN(const DefinitionVersion* const found, state.Usable(version));
  return records_.Get(found->content_hash);
}

Result<VersionChange> VersionStore::Switch(std::string_view kind, const std::string& workflow_id,
                                           std::optional<int> version, const Change& change,
                                           std::optional<int> only_from) {
  WFE_RETURN_IF_ERROR(CheckChange(change, "a change of the version in service"));
  VersionChange result;
  WFE_ASSIGN_OR_RETURN(result.changed,
                       Append(workflow_id, [&](const VersionState& state) -> Result<std::optional<VersionEvent>> {
                         if (state.versions.empty()) return NoSuchWorkflow(workflow_id);
                         int target = version.value_or(0);
                         if (!version && state.split) {
                           target = state.in_service;  // what is taken back is the version that is rolled out
                         } else if (!version) {
                           WFE_ASSIGN_OR_RETURN(target, state.Previous());
                         }
                         WFE_RETURN_IF_ERROR(state.Usable(target));
                         result.version = target;
                         result.previous_version = state.in_service;
                         // A repetition finds its own work done.
                         if (target == state.in_service && !state.split) return std::optional<VersionEvent>();
                         if (only_from && *only_from != state.in_service) {
                           return Error{StatusCode::kAborted,
                                        VersionId(workflow_id, state.in_service) + " is in service, not " +
                                            VersionId(workflow_id, *only_from) + ": nothing was changed",
                                        {}};
                         }
                         VersionEvent event = EventOf(kind, target, change);
                         event.previous_version = state.in_service;
                         return std::optional(event);
                       }));
  result.version_id = VersionId(workflow_id, result.version);
  result.previous_version_id = VersionId(workflow_id, result.previous_version);
  return result;
}

Result<VersionChange> VersionStore::Activate(const std::string& workflow_id, int version, const Change& change,
                                             std::optional<int> only_from) {
  return Switch(kVersionActivated, workflow_id, version, change, only_from);
}

Result<VersionChange> VersionStore::RollBack(const std::string& workflow_id, std::optional<int> version,
                                             const Change& change, std::optional<int> only_from) {
  return Switch(kVersionRolledBack, workflow_id, version, change, only_from);
}

Status VersionStore::Delete(const std::string& workflow_id, int version, const Change& change) {
  WFE_RETURN_IF_ERROR(CheckChange(change, "to delete a version"));
  const Result<bool> deleted =
      Append(workflow_id, [&](const VersionState& state) -> Result<std::optional<VersionEvent>> {
        if (state.versions.empty()) return NoSuchWorkflow(workflow_id);
        WFE_RETURN_IF_ERROR(state.Usable(version));
        const std::string id = VersionId(workflow_id, version);
        if (version == 0) return FailedPrecondition(id + " is the original and cannot be deleted");
        if (version == state.in_service) return FailedPrecondition(id + " is in service: roll back first");
        return std::optional(EventOf(kVersionDeleted, version, change));
      });
  if (!deleted) return deleted.error();
  return Ok();
}

Result<SplitAnswer> VersionStore::Split(const std::string& workflow_id, const SplitRequest& request) {
  WFE_RETURN_IF_ERROR(CheckChange(request.change, "a division of the traffic"));
  WFE_RETURN_IF_ERROR(learning::CheckRowId("the id of a rollout", request.rollout_id));
  if (!(request.share >= 0 && request.share <= 1)) return InvalidArgument("a share of traffic is from 0 to 1");
  SplitAnswer answer;
  WFE_ASSIGN_OR_RETURN(answer.changed,
                       Append(workflow_id, [&](const VersionState& state) -> Result<std::optional<VersionEvent>> {
                         answer.overtaken.clear();
                         if (state.versions.empty()) return NoSuchWorkflow(workflow_id);
                         const std::optional<int64_t> last = LastStep(state, request.rollout_id);
                         if (last && *last >= request.step) return std::optional<VersionEvent>();
                         if (last) {
                           answer.overtaken = WhyOvertaken(state, request.rollout_id);
                         } else if (state.split) {
                           answer.overtaken = "rollout " + state.split->rollout_id + " divides the traffic";
                         }
                         if (answer.overtaken.empty() && state.in_service != request.control) {
                           answer.overtaken = VersionId(workflow_id, state.in_service) + " is in service, not " +
                                              VersionId(workflow_id, request.control);
                         }
                         if (answer.overtaken.empty()) answer.overtaken = WhyUnusable(state, request.version);
                         if (!answer.overtaken.empty()) return std::optional<VersionEvent>();
                         VersionEvent event = EventOf(kVersionSplit, request.version, request.change);
                         event.rollout_id = request.rollout_id;
                         event.step = request.step;
                         event.share = request.share;
                         return std::optional(event);
                       }));
  return answer;
}

Result<SplitAnswer> VersionStore::Finish(const std::string& workflow_id, const SplitRequest& request) {
  WFE_RETURN_IF_ERROR(CheckChange(request.change, "the end of a rollout"));
  SplitAnswer answer;
  WFE_ASSIGN_OR_RETURN(answer.changed,
                       Append(workflow_id, [&](const VersionState& state) -> Result<std::optional<VersionEvent>> {
                         answer.overtaken.clear();
                         const std::optional<int64_t> last = LastStep(state, request.rollout_id);
                         if (last && *last >= request.step) return std::optional<VersionEvent>();
                         answer.overtaken = WhyOvertaken(state, request.rollout_id);
                         if (answer.overtaken.empty()) answer.overtaken = WhyUnusable(state, request.version);
                         if (!answer.overtaken.empty()) return std::optional<VersionEvent>();
                         VersionEvent event = EventOf(kVersionActivated, request.version, request.change);
                         event.previous_version = state.in_service;
                         event.rollout_id = request.rollout_id;
                         event.step = request.step;
                         return std::optional(event);
                       }));
  return answer;
}

Result<bool> VersionStore::SetBaseline(const std::string& workflow_id, int version, const std::string& rollout_id,
                                       const PerformanceWindow& baseline, const std::string& at) {
  return Append(workflow_id, [&](const VersionState& state) -> Result<std::optional<VersionEvent>> {
    const bool of_rollout = !rollout_id.empty();
    const bool fits = of_rollout ? WhyOvertaken(state, rollout_id).empty() : state.in_service == version;
    if (state.versions.empty() || !fits) return std::optional<VersionEvent>();
    if (of_rollout ? state.rollout_baseline : state.baseline) return std::optional<VersionEvent>();
    VersionEvent event;
    event.kind = kVersionBaseline;
    event.at = at;
    event.version = version;
    event.rollout_id = rollout_id;
    event.baseline = baseline;
    return std::optional(event);
  });
}

}  // namespace wfe::delivery

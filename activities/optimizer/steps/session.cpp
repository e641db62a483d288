#include "activities/optimizer/steps/session.h"

#include <algorithm>
#include <array>
#include <set>

namespace wfe::optimizer {
namespace {

using learning::StoredEvents;

constexpr std::array<std::string_view, 4> kSearches = {"hill_climbing", "simulated_annealing", "genetic", "none"};
constexpr std::array kDeployWays = {kGradualRollout, kAbTest, kImmediate};

std::string TextAt(const nlohmann::json& data, const char* key) {
  const auto found = data.find(key);
  return found != data.end() && found->is_string() ? found->get<std::string>() : std::string();
}

void ApplyDecision(SessionState& state, const SessionEvent& event, std::string_view decision) {
  for (const std::string& id : event.data.at("suggestions").get<std::vector<std::string>>()) {
    SessionCandidate* candidate = state.Find(id);
    if (candidate == nullptr) continue;
    candidate->decision = decision;
    candidate->decided_by = event.author;
    candidate->decided_why = event.reason;
    if (event.data.contains("rating")) candidate->rating = event.data["rating"].get<int64_t>();
  }
}

void ApplyValidation(SessionState& state, const nlohmann::json& data) {
  SessionCandidate* candidate = state.Find(data.at("suggestion_id").get<std::string>());
  if (candidate == nullptr) return;
  if (data.contains("validation")) candidate->validation = data["validation"].get<delivery::ValidationResult>();
  candidate->why_not_tried = TextAt(data, "why_not_tried");
}

Result<StoredSession> FoldSession(const StoredEvents& rows) {
  StoredSession session;
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto& [key, value] = rows[i];
    if (i == 0) {
      WFE_ASSIGN_OR_RETURN(session.header, learning::ReadRow<SessionHeader>(kSessionsTable, key, value));
      session.state.updated_at = session.header.started_at;
      continue;
    }
    WFE_ASSIGN_OR_RETURN(SessionEvent event, learning::ReadRow<SessionEvent>(kSessionsTable, key, value));
    try {
      Apply(session.state, event);
    } catch (const nlohmann::json::exception& e) {
      return DataLoss("row " + key + " of table " + std::string(kSessionsTable) + " cannot be read: " +
                      JsonErrorText(e));
    }
    session.events.push_back(std::move(event));
  }
  return session;
}

}  // namespace

void CheckRecord(const SessionOptions& options) {
  RequireOfRecord(options.executions >= 1 && options.executions <= 100'000, "executions must be from 1 to 100,000");
  RequireOfRecord(options.top >= 1 && options.top <= 50, "top must be from 1 to 50");
  RequireOfRecord(options.trials >= 0 && options.trials <= 20, "trials must be from 0 to 20");
  RequireOfRecord(options.search_seconds > 0 && options.search_seconds <= 3600,
                  "search_seconds must be above 0 and at most 3,600");
  RequireOfRecord(options.approval_hours >= 0 && options.approval_hours <= 24 * 365,
                  "approval_hours must be from 0 to 8,760");
  RequireOfRecord(std::ranges::find(kDeployWays, options.deploy) != kDeployWays.end(),
                  "deploy must be gradual_rollout, ab_test or immediate");
  RequireOfRecord(std::ranges::find(kSearches, options.search_algorithm) != kSearches.end(),
                  "search_algorithm must be hill_climbing, simulated_annealing, genetic or none");
  RequireOfRecord(options.duration_weight >= 0 && options.cost_weight >= 0 && options.quality_weight >= 0 &&
                      options.duration_weight + options.cost_weight > 0,
                  "weights must not be negative, and duration's and cost's not both 0");
  RequireOfRecord(options.watch_every_s >= 1 && options.watch_every_s <= 86'400,
                  "watch_every_s must be from 1 to 86,400");
  const ExperimentPlan& plan = options.experiment;
  RequireOfRecord(plan.share > 0 && plan.share < 1, "experiment.share must be between 0 and 1");
  RequireOfRecord(plan.min_samples >= 2 && plan.min_samples <= 1'000'000,
                  "experiment.min_samples must be from 2 to 1,000,000");
  RequireOfRecord(plan.alpha > 0 && plan.alpha < 1, "experiment.alpha must be between 0 and 1");
  RequireOfRecord(plan.max_hours >= 1 && plan.max_hours <= 24 * 90, "experiment.max_hours must be from 1 to 2,160");
  RequireOfRecord(plan.check_every_s >= 1 && plan.check_every_s <= 86'400,
                  "experiment.check_every_s must be from 1 to 86,400");
}

SessionCandidate* SessionState::Find(std::string_view suggestion_id) {
  const auto found = std::ranges::find_if(
      candidates, [&](const SessionCandidate& candidate) { return candidate.suggestion.suggestion_id == suggestion_id; });
  return found == candidates.end() ? nullptr : &*found;
}

void Apply(SessionState& state, const SessionEvent& event) {
  const nlohmann::json& data = event.data;
  if (event.kind == kProfiled) {
    state.profile = data.at("profile").get<PerformanceProfile>();
    state.version_id = state.profile->version_id;
    state.phase = "suggesting";
  } else if (event.kind == kSuggested) {
    for (const OptimizationSuggestion& made : data.at("made").get<std::vector<OptimizationSuggestion>>()) {
      state.candidates.push_back({.suggestion = made});
    }
    state.refused = data.at("refused").get<std::vector<Refusal>>();
    state.phase = "validating";
  } else if (event.kind == kSearched) {
    state.search = data.at("result");
    if (data.contains("combined")) {
      const auto combined = data["combined"].get<OptimizationSuggestion>();
      if (state.Find(combined.suggestion_id) == nullptr) {
        state.candidates.insert(state.candidates.begin(), {.suggestion = combined});
      }
    }
  } else if (event.kind == kValidated) {
    ApplyValidation(state, data);
  } else if (event.kind == kPresented) {
    state.phase = "waiting";
  } else if (event.kind == kApproved) {
    ApplyDecision(state, event, "approved");
  } else if (event.kind == kRejected) {
    ApplyDecision(state, event, "rejected");
  } else if (event.kind == kVersionMade) {
    state.new_version_id = data.at("version_id").get<std::string>();
  } else if (event.kind == kExperimentBegun) {
    state.experiment_id = data.at("experiment_id").get<std::string>();
    state.phase = "testing";
  } else if (event.kind == kExperimentEnded) {
    state.experiment_result = data.at("result");
  } else if (event.kind == kRolloutBegun) {
    state.rollout_id = data.at("rollout_id").get<std::string>();
    state.phase = "rolling_out";
  } else if (event.kind == kRolloutEnded) {
    state.rollout_result = data.at("result");
  } else if (event.kind == kEnded) {
    state.phase = "ended";
    state.outcome = data.at("outcome").get<std::string>();
    state.why = event.reason;
  }
  state.updated_at = event.at;
}

Result<SessionHeader> SessionLog::Begin(const SessionHeader& header) {
  SessionHeader kept = header;
  WFE_RETURN_IF_ERROR(
      log_.Append(header.session_id, [&](const StoredEvents& rows) -> Result<std::optional<std::string>> {
        if (rows.empty()) return std::optional(learning::RowText(header));
        WFE_ASSIGN_OR_RETURN(kept, learning::ReadRow<SessionHeader>(kSessionsTable, rows[0].first, rows[0].second));
        return std::optional<std::string>();
      }));
  return kept;
}

Status SessionLog::Append(const std::string& session_id, int64_t number, const SessionEvent& event) {
  WFE_RETURN_IF_ERROR(log_.Append(session_id, [&](const StoredEvents& rows) -> Result<std::optional<std::string>> {
    const auto have = static_cast<int64_t>(rows.size()) - 1;  // without the header
    if (have >= number) return std::optional<std::string>();
    if (have + 1 < number) {
      return DataLoss("session " + session_id + " has " + std::to_string(have) + " events where number " +
                      std::to_string(number) + " is to follow");
    }
    return std::optional(learning::RowText(event));
  }));
  return Ok();
}

Result<StoredSession> SessionLog::Get(const std::string& session_id) const {
  WFE_ASSIGN_OR_RETURN(const StoredEvents rows, log_.Read(session_id));
  if (rows.empty()) return NotFound("there is no optimizer session \"" + session_id + "\"");
  return FoldSession(rows);
}

Result<std::vector<StoredSession>> SessionLog::List(learning::RowProblems& problems) const {
  WFE_ASSIGN_OR_RETURN(const auto all, log_.ReadAll());
  std::vector<StoredSession> sessions;
  for (const auto& [id, rows] : all) {
    Result<StoredSession> session = FoldSession(rows);
    if (session) {
      sessions.push_back(*std::move(session));
    } else {
      problems.push_back(session.error().message);
    }
  }
  return sessions;
}

AdoptionFigures Adoption(const std::vector<StoredSession>& sessions, const std::vector<std::string>& taken_back) {
  AdoptionFigures figures;
  std::set<std::string> workflows;
  std::set<std::string> optimized;
  int64_t ratings = 0;
  double rated = 0;
  for (const StoredSession& session : sessions) {
    ++figures.sessions;
    workflows.insert(session.header.workflow_id);
    figures.suggestions += static_cast<int64_t>(session.state.candidates.size());
    for (const SessionCandidate& candidate : session.state.candidates) {
      if (candidate.decision == "approved") ++figures.approved;
      if (candidate.decision == "rejected") ++figures.rejected;
      if (candidate.rating) {
        ++ratings;
        rated += static_cast<double>(*candidate.rating);
      }
    }
    const SessionState& state = session.state;
    const bool gave_up = std::ranges::find(taken_back, state.new_version_id) != taken_back.end();
    if (state.outcome == kOutcomeDeployed) {
      ++figures.deployed;
      if (gave_up) ++figures.rolled_back;
      if (!gave_up) optimized.insert(session.header.workflow_id);
    } else if (state.outcome == kOutcomeRolledBack) {
      ++figures.rolled_back;
    }
  }
  figures.workflows = static_cast<int64_t>(workflows.size());
  figures.optimized_workflows = static_cast<int64_t>(optimized.size());
  const auto share = [](int64_t of, int64_t all) {
    return all == 0 ? std::nullopt : std::optional(static_cast<double>(of) / static_cast<double>(all));
  };
  figures.approval_rate = share(figures.approved, figures.approved + figures.rejected);
  int64_t brought = 0;  // in front of live traffic
  for (const StoredSession& session : sessions) {
    brought += session.state.outcome == kOutcomeDeployed || session.state.outcome == kOutcomeRolledBack ? 1 : 0;
  }
  figures.rollback_rate = share(figures.rolled_back, brought);
  if (ratings > 0) figures.mean_rating = rated / static_cast<double>(ratings);
  return figures;
}

}  // namespace wfe::optimizer

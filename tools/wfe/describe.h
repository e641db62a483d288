// Reading one run: its description, and how it ended.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "temporal/api/history/v1/message.pb.h"
#include "temporal/api/workflow/v1/message.pb.h"
#include "tools/wfe/cli.h"

namespace wfe::cli {

/// "Running", "Completed" …: Temporal's names for people (S14).
std::string StatusName(temporal::api::enums::v1::WorkflowExecutionStatus status);

/// A row of `wfe list`, and of the runs over HTTP.  It took the time from its start to its end, or to now.
nlohmann::json ExecutionRow(const temporal::api::workflow::v1::WorkflowExecutionInfo& info);

/// "2 s ago"-free ISO time of a Timestamp; empty when unset.
std::string IsoTime(const google::protobuf::Timestamp& time);

/// How a run ended.
struct Outcome {
  temporal::api::enums::v1::WorkflowExecutionStatus status{};
  nlohmann::json result;   ///< Of a completed run.
  std::string failure;     ///< One line, with causes and their types, of any other.
  std::string cause;       ///< The same for people: what went wrong, without the names of types and activities.
  std::string failure_type;  ///< Of a failed run: the name that its failure, or the nearest cause that has one, goes by.
  std::string new_run_id;  ///< Continued as new: the run that follows.
};
/// From a closing event; nullopt for any other event.
std::optional<Outcome> OutcomeOf(const temporal::api::history::v1::HistoryEvent& event);
/// The exit code that tells a script how the run ended; a completed audited build by its `status`.
int ExitCodeOf(const Outcome& outcome);

/// The same value, with costs as precise as anybody can pay: six decimals.
nlohmann::json WithRoundedCosts(nlohmann::json value);

/// What a JSON library puts before its messages taken out, wherever it stands: histories keep texts of earlier
/// versions.
std::string WithoutLibraryPrefixes(std::string text);

/// "message (type T), caused by: …"
std::string FailureText(const temporal::api::failure::v1::Failure& failure);
/// What a person has to know of it: of an activity's or a child's failure its cause alone, else the message with causes
/// that say more.
std::string CauseInWords(const temporal::api::failure::v1::Failure& failure);

Result<ws::DescribeWorkflowExecutionResponse> Describe(Globals& globals, const Target& target);
/// FAILED_PRECONDITION in words when the run has ended.  The service itself takes the cancellation of such a run without
/// a word, and knows none for a signal or an end (S16).
Status CheckIsOpen(const ws::DescribeWorkflowExecutionResponse& description);
/// The outcome of a closed run; nullopt while it runs.
Result<std::optional<Outcome>> ReadOutcome(Globals& globals, const Target& target);
nlohmann::ordered_json DescriptionObject(const ws::DescribeWorkflowExecutionResponse& description,
                                         const std::optional<Outcome>& outcome);

/// A fresh request id, so that a repeated call is recognised.
std::string NewRequestId();

}  // namespace wfe::cli

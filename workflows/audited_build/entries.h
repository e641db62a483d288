// The trace entries of a build, made from what the activities returned (LG-1 to LG-17).
#pragma once

#include <optional>
#include <string>

#include "activities/agent/step/agent_step.h"
#include "activities/build/checks/compliance.h"
#include "activities/trace/log_entry.h"

namespace wfe::workflows {

/// What every entry of a run repeats.
struct EntryBase {
  std::string run_id;
  std::string workflow_id;
  std::string workflow_type;
  std::optional<agent::PreparedContext> context;  ///< Once it is rendered.
};

/// What a fix attempt repairs.
struct Repair {
  std::string error_type;
  int64_t error_log_chars = 0;  ///< As fed back to the agent.
};

/// An agent step as its commit will name it.
struct Step {
  std::string name;
  std::string entry_id;
};

/// What a person said to a running build.
struct Remark {
  std::string event;  ///< guidance_added | guidance_refused | abort_requested
  std::string text;
  std::string author;     ///< Empty: not said.
  std::string timestamp;  ///< When it came.
  std::string refused;    ///< Why the signal says nothing that is understood; empty: it does.
};
/// From a signal: a text, or an object with `text_key` and "author".  Anything else is kept as JSON text, and refused.
Remark RemarkFrom(std::string_view event, const nlohmann::json& signal, const char* text_key);

/// `instruction_template`: "instruction-fix@2", or empty.
trace::LogEntry AgentEntry(const EntryBase& base, const std::string& step, const std::string& timestamp,
                           const agent::AgentReply& reply, const std::optional<Repair>& repair,
                           const std::string& instruction_template);
trace::LogEntry VerificationEntry(const EntryBase& base, const std::string& step, const std::string& timestamp,
                                  const build::ComplianceReport& report);
/// `name` is one of LG-17's: workflow_started, workflow_completed …
trace::LogEntry EventEntry(const EntryBase& base, const std::string& name, const std::string& timestamp,
                           const nlohmann::json& ext);

}  // namespace wfe::workflows

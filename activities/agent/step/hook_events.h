// What an agent step was given to read and what it made use of (RC-10, CE-4): the rows that context efficiency is
// counted from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/money.h"
#include "engine/base/record_json.h"

namespace wfe::agent {

/// Table of the records service: key is "<day>/<id of the step>", value a StepHooks.
inline constexpr std::string_view kHookEventsTable = "hook_events";

// The values of FileChoice::policy and StepHooks::policy.
inline constexpr std::string_view kGiveNone = "none";
inline constexpr std::string_view kGiveAll = "all";
inline constexpr std::string_view kGiveRecommended = "recommended";

// The values of HookEvent::kind.
inline constexpr std::string_view kHookContext = "context";  ///< The standing context, which is told and not looked up.
inline constexpr std::string_view kHookLoaded = "loaded";    ///< A file's content came into the conversation.
inline constexpr std::string_view kHookRead = "read";
inline constexpr std::string_view kHookWritten = "written";
inline constexpr std::string_view kHookDeleted = "deleted";
/// A file that was loaded before the step is named in what the model said or wrote.
inline constexpr std::string_view kHookNamed = "named";

// The values of HookEvent::via: who says so.
inline constexpr std::string_view kViaGiven = "given";           ///< wfe put it into the first message.
inline constexpr std::string_view kViaToolCall = "tool_call";    ///< A call that wfe carried out itself.
inline constexpr std::string_view kViaProgram = "program";       ///< The report of a program: its own word.
inline constexpr std::string_view kViaChangeSet = "change_set";  ///< The directory before and after the step.
inline constexpr std::string_view kViaAnswer = "answer";         ///< The model's words.

struct HookEvent {
  std::string kind;
  std::string path;  ///< Relative to the working directory.
  std::string via;
  int64_t bytes = 0;
  int64_t tokens = 0;  ///< Of the content that was loaded, counted here.
  int64_t calls = 0;   ///< Model calls of the step that carried it: every one after it was loaded is billed for it.
  std::optional<Money> cost_usd;  ///< tokens × calls at the price of fresh input; absent: no price, or nothing bought.
};
WFE_RECORD(HookEvent, kind, path, via, bytes, tokens, calls, cost_usd);
constexpr RecordRules RulesOf(const HookEvent*) { return {.seldom = "bytes tokens calls cost_usd"}; }

/// The events of one step; written once, when the step has ended.
struct StepHooks {
  std::string id;  ///< Of the step: the same for every attempt.
  std::string run_id;
  std::string workflow_id;
  std::string workflow_type;
  std::string step_name;
  std::string category;  ///< CategoryOf: what kind of work it was.
  std::string project;   ///< Where the files belong; empty: a directory made for the run.
  std::string model;
  std::string backend;
  std::string at;        ///< ISO 8601, UTC.
  bool success = false;  ///< The step did what it was asked to.
  int64_t tokens = 0;    ///< Input and output of all its calls.
  int64_t prompt_tokens = 0;
  int64_t turns = 0;
  std::string policy;          ///< Of the files that were given: "none", "all", "recommended".
  std::string set_version;     ///< Of the recommended set; empty: none was used.
  std::string experiment_arm;  ///< "<experiment>/<arm>"; empty: no experiment ran.
  int64_t events_left_out = 0;  ///< Beyond kMaxHookEvents.
  std::vector<HookEvent> events;
};
WFE_RECORD(StepHooks, id, run_id, workflow_id, workflow_type, step_name, category, project, model, backend, at, success,
           tokens, prompt_tokens, turns, policy, set_version, experiment_arm, events_left_out, events);
constexpr RecordRules RulesOf(const StepHooks*) {
  return {.required = "id run_id category at events", .seldom = "set_version experiment_arm events_left_out"};
}

/// More are not kept of one step.
inline constexpr size_t kMaxHookEvents = 2'000;

/// Which files a step is given before its first call.
struct FileChoice {
  std::string policy{kGiveNone};
  std::vector<std::string> paths;  ///< "recommended": those of the set; ones that are not there are passed over.
  std::string set_version;
  std::string experiment_arm;
  int64_t max_tokens = 100'000;  ///< Of all files together; what comes later in the order of paths is not given.
};
WFE_RECORD(FileChoice, policy, paths, set_version, experiment_arm, max_tokens);

/// Who asks for a choice.
struct FileAsk {
  std::string run_id;
  std::string workflow_type;
  std::string category;
  std::string project;
};

/// "AuditedBuildWorkflow/implement": the type of the workflow and the step without its number ("implement_v1",
/// "fix_attempt_3").
std::string CategoryOf(std::string_view workflow_type, std::string_view step_name);

}  // namespace wfe::agent

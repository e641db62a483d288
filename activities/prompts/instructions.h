// prepareInstruction: what the agent is told in a step, from a versioned template (RW-D16, RC-4, RC-5).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "activities/prompts/template_rows.h"
#include "engine/base/record_json.h"
#include "workers/client/blob_store.h"
#include "workers/sdk/activity.h"

namespace wfe::prompts {

inline constexpr std::string_view kScaffoldInstruction = "instruction-scaffold";
inline constexpr std::string_view kImplementInstruction = "instruction-implement";
inline constexpr std::string_view kFixInstruction = "instruction-fix";
/// Instead of the two before it where there is a project already.
inline constexpr std::string_view kChangeInstruction = "instruction-change";

struct PrepareInstructionInput {
  std::string template_id;
  int template_version = 0;  ///< 0: the active one.
  /// Of {{task}}, {{attempt}}, {{error_type}}, {{error_log}} (cut, not fenced) and {{guidance}} (several separated by an
  /// empty line); a missing one is empty.
  std::map<std::string, std::string> values;
};
WFE_RECORD(PrepareInstructionInput, template_id, template_version, values);
constexpr RecordRules RulesOf(const PrepareInstructionInput*) { return {.required = "template_id"}; }

struct PreparedInstruction {
  std::string text;
  std::string instruction_hash;  ///< SHA-256 of the text; its blob, where the worker has a blob store.
  std::string template_id;
  int template_version = 0;

  /// "instruction-fix@2", for ext.instruction_template.
  std::string TemplateName() const { return template_id + "@" + std::to_string(template_version); }
};
WFE_RECORD(PreparedInstruction, text, instruction_hash, template_id, template_version);
constexpr RecordRules RulesOf(const PreparedInstruction*) { return {.whole = true}; }

/// Renders an instruction and keeps its text under its hash.  Needs no working directory, so any worker may run it.
/// Failures:
///   INVALID_INPUT  not retryable: no such template or version, or a text that cannot be one
///   TOOL_IO        retryable: the template store or the blob store cannot be reached
inline constexpr sdk::ActivityType<PrepareInstructionInput, PreparedInstruction> kPrepareInstruction{
    "prepareInstruction"};

/// How these steps, and those of generations, fail when a template cannot be had: a text that is not there is the
/// caller's fault, a store that is not there passes.
sdk::ApplicationFailure TemplateFailure(const Error& error);

struct InstructionConfig {
  std::string templates_dir;
  std::shared_ptr<TemplateRows> template_rows;  ///< nullptr: only the files.
  std::shared_ptr<BlobSink> blob_sink;          ///< nullptr: the text is not kept.
  std::shared_ptr<BlobSource> blob_source;
  /// Takes secrets out of the values; empty: they go in as they are.
  std::function<std::string(std::string)> redact;
};
void RegisterInstructionActivity(sdk::ActivityRegistry& registry, InstructionConfig config);

}  // namespace wfe::prompts

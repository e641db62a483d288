// One operation as the detector sees it (PD-1): a step of a build, a generation, the documents of a batch that were told
// the same.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/patterns/rules/records.h"

namespace wfe::patterns {

struct Operation {
  std::string workflow_run_id;
  std::string step;
  std::string observed_at;
  // What it is told from.  Only task and errors are known before an operation is done: what is to be routed is
  // recognized by them.
  std::string task;
  std::vector<std::string> commands;
  std::vector<std::string> errors;  ///< Classes: "TEST_FAILURE".
  std::vector<std::string> tools;   ///< Calls of tools, and files they touched.
  // What came of it.
  int64_t count = 1;
  int64_t successes = 0;
  int64_t tokens = 0;
  std::optional<Money> cost_usd;
  std::string tool_id;
  std::string shape;
};

/// The task in a rendered instruction: what follows the line "Task:" or "Change:", up to an error log; an instruction
/// without such a line is the task itself.
std::string_view TaskIn(std::string_view instruction);
/// "TEST_FAILURE" of "The verification failed with TEST_FAILURE.…"; empty: it says nothing like it.
std::string_view ErrorIn(std::string_view instruction);

/// A part of a signature: lower case letters, digits, '.', '_' and '-', at most 40 of them.
bool IsSignaturePart(std::string_view part);
/// Three parts with colons between them.
bool IsSignature(std::string_view text);

}  // namespace wfe::patterns

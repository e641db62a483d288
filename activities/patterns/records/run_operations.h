// What the records of a run say about the operations in it: traces of builds, usage rows of generations, results of
// batches.  They are there for runs that ended before anybody looked for patterns, too (PD-2).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "activities/learning/records/reports.h"
#include "activities/patterns/records/detect.h"
#include "engine/base/time.h"
#include "workers/client/records_client.h"

namespace wfe::patterns {

/// What a tool did has this before the tool's id in place of a model.
inline constexpr std::string_view kToolModel = "tool/";

/// The text of an instruction by its SHA-256; empty where it is not there any more.
using InstructionText = std::function<std::string(const std::string& hash)>;

/// Pure: of the lines of one build's trace, in any order.  An operation is a step of the agent, and a success where the
/// check after it passed.  Laying out a project is none: it has the task of the step after it.
std::vector<Operation> OperationsOfBuild(const std::vector<std::string>& lines, const InstructionText& instruction);
/// Pure: of a run that was asked for in words; empty where there are none.
std::vector<Operation> OperationsOfUsage(const learning::UsageRow& usage);
/// Of a batch job whose results were joined: the documents that were told the same are one operation with a count.
/// Answers from the cache are none.  `now`: what the records do not know is when a job ended.
Result<std::vector<Operation>> OperationsOfBatch(client::RecordsClient& records, const std::string& workflow_id,
                                                 Instant now);

/// The detector after a build, by its run id.
Result<DetectReport> DetectBuild(client::RecordsClient& records, const PatternRules& rules,
                                 std::string_view traces_table, const std::string& run_id);
Result<DetectReport> DetectUsage(client::RecordsClient& records, const PatternRules& rules,
                                 const learning::UsageRow& usage);
Result<DetectReport> DetectBatch(client::RecordsClient& records, const PatternRules& rules,
                                 const std::string& workflow_id, Instant now);
/// Over everything that the records hold.
Result<DetectReport> Backfill(client::RecordsClient& records, const PatternRules& rules, std::string_view traces_table,
                              Instant now);

}  // namespace wfe::patterns

#include "tools/wfe/packaged_commands.h"

#include <utility>

#include "activities/packaged/battery/example.h"
#include "activities/packaged/permits/example.h"
#include "activities/packaged/trading/example.h"
#include "tools/wfe/one_of.h"
#include "workflows/packaged/battery.h"
#include "workflows/packaged/permits.h"
#include "workflows/packaged/trading.h"

namespace wfe::cli {
namespace {

void AddPermitOptions(CLI::App& command, const std::shared_ptr<nlohmann::json>& parameters) {
  command.add_option_function<std::string>(
      "--as-of", [parameters](const std::string& day) { (*parameters)["as_of"] = day; },
      "Day that deadlines are measured from, e.g. 2026-06-01 (default: today, UTC)");
  command.add_option_function<int>(
             "--soon", [parameters](int days) { (*parameters)["soon_days"] = days; },
             "A deadline within so many days is due soon (default 30)")
      ->check(WholeNumber(0, 3650));
}

void AddBatteryOptions(CLI::App& command, const std::shared_ptr<nlohmann::json>& parameters) {
  command.add_option_function<int64_t>(
      "--candidates", [parameters](int64_t count) { (*parameters)["candidates"] = count; },
      "Descriptions of the architecture that a judge\ncompares; the best is kept (default 1)");
}

/// What a workflow says of its parameters, in the words of the command line.
Status InOptions(const Status& read) {
  if (read) return read;
  std::string why = read.error().message;
  for (const auto& [member, option] : {std::pair{"input.parameters.as_of", "--as-of"},
                                       std::pair{"input.parameters.soon_days", "--soon"},
                                       std::pair{"input.parameters.candidates", "--candidates"}}) {
    if (why.starts_with(member)) why.replace(0, std::string_view(member).size(), option);
  }
  return InvalidArgument(std::move(why));
}

Status CheckPermitParameters(const nlohmann::json& parameters) {
  const auto read = workflows::ReadPermitParameters(parameters);
  return InOptions(read ? Ok() : Status(read.error()));
}
Status CheckBatteryParameters(const nlohmann::json& parameters) {
  const auto read = workflows::ReadBatteryParameters(parameters);
  return InOptions(read ? Ok() : Status(read.error()));
}

}  // namespace

const std::vector<PackagedCommand>& PackagedCommands() {
  static const std::vector<PackagedCommand> kCommands = {
      {.name = "permits",
       .workflow_type = workflows::kPermitReviewWorkflow,
       .summary = "Review permit documents: requirements, deadlines, gaps, contradictions",
       .directory = "Documents: text, Markdown, PDF, DOCX, ODT; hidden files are left out",
       .sample = "permits_sample",
       .footer = "Examples:\n"
                 "  wfe workflow permits --example permits\n"
                 "  wfe workflow permits --directory permits --output review --local\n"
                 "  wfe workflow permits --directory permits --output review --as-of 2026-06-01 --no-model\n\n"
                 "docs/workflows/permits.md is its guide.",
       .example = &packaged::PermitExample,
       .check = &CheckPermitParameters,
       .add_options = &AddPermitOptions},
      {.name = "trading",
       .workflow_type = workflows::kTradingVerificationWorkflow,
       .summary = "Verify a trading algorithm: security, logic, back-test, risk, test cases",
       .directory = "The algorithm's folder: Python, parameters.json, prices.csv",
       .sample = "trading_sample",
       .footer = "Examples:\n"
                 "  wfe workflow trading --example momentum\n"
                 "  wfe workflow trading --directory momentum --output verified --local\n"
                 "  wfe workflow trading --directory momentum --output verified --no-model --json\n\n"
                 "The algorithm runs in the worker's sandbox.  docs/workflows/trading.md is its guide.",
       .example = &trading::TradingExample,
       .check = &workflows::TakesNoParameters,
       .add_options = nullptr,
       .runs_code = true},
      {.name = "battery",
       .workflow_type = workflows::kBatteryDesignWorkflow,
       .summary = "Design a battery's monitor: limits, firmware that is tested, safety, parts",
       .directory = "cell.txt, pack.json; if there are: bms_log.csv, prices.csv",
       .sample = "battery_sample",
       .footer = "Examples:\n"
                 "  wfe workflow battery --example cabin\n"
                 "  wfe workflow battery --directory cabin --output design --local\n"
                 "  wfe workflow battery --directory cabin --output design --no-model\n\n"
                 "docs/workflows/battery.md is its guide.",
       .example = &battery::BatteryExample,
       .check = &CheckBatteryParameters,
       .add_options = &AddBatteryOptions},
  };
  return kCommands;
}

}  // namespace wfe::cli

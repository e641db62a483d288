// The packaged workflows that `wfe workflow` offers: one row for each (CW-1).
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "activities/packaged/common/example_files.h"
#include "tools/wfe/cli.h"
#include "workflows/packaged/packaged.h"

namespace wfe::cli {

struct PackagedCommand {
  std::string_view name;
  std::string_view workflow_type;
  std::string_view summary;    ///< Of the command.
  std::string_view directory;  ///< Help of --directory.
  std::string_view sample;     ///< Model of the scripted backend: canned answers for the example data.
  std::string_view footer;     ///< Examples and notes below the options.
  const std::vector<packaged::ExampleFile>& (*example)();
  /// What the workflow says of its own parameters, before a run begins.  INVALID_ARGUMENT.
  Status (*check)(const nlohmann::json& parameters);
  /// Options of its own, which write into `parameters`; nullptr: none.
  void (*add_options)(CLI::App& command, const std::shared_ptr<nlohmann::json>& parameters);
  bool runs_code = false;  ///< That is given to it, on the worker's machine.
};

/// In the order of the help.
const std::vector<PackagedCommand>& PackagedCommands();

/// "no model was asked", "model: 3 calls of …": one line on what a run's calls came to.
std::string PackagedModelLine(const packaged::ModelUse& use);
/// A result for a terminal.
std::string PackagedPage(const std::string& id, const workflows::PackagedResult& result);

}  // namespace wfe::cli

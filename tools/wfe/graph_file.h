// Graphs as the command line is given them: files, standard input, or samples by their name.
#pragma once

#include <optional>
#include <string>

#include "activities/graph/graph.h"
#include "activities/graph/mistake.h"
#include "activities/graph/validate.h"
#include "engine/base/result.h"

namespace wfe::cli {

/// The text of the file; of a sample where there is no such file and it is a sample's name, with or without ".json";
/// "-" is standard input.  NOT_FOUND with a guess.
Result<std::string> ReadGraphFile(const std::string& name);

/// The types of activities and workflows that a worker of this program serves.
graph::KnownTypes TypesOfThisProgram();

/// A graph without mistakes.  INVALID_ARGUMENT: its first mistake, and how many there are.
Result<graph::Graph> LoadGraph(const std::string& name, const graph::KnownTypes& known);

}  // namespace wfe::cli

// Scenario files: inputs, `----`, and the events and effects that followed.
//
//   complete sticky=sticky-1
//     activity a1 start_to_close=10s heartbeat=2s
//   ----
//   4 +0s WorkflowTaskCompleted {...}
//   ...
//
// The first line of a step names the input; indented lines below `complete` are its commands.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/history/execution.h"

namespace wfe::history {

/// One step's input, and below `----` what the file says follows.
struct Step {
  std::string comment;  ///< Lines that begin with '#', kept by a rewrite.
  std::vector<std::string> input;
  std::string expected;
};

/// A line's verb, its bare words and its key=value words.
struct Words {
  std::string verb;
  std::vector<std::string> bare;
  std::map<std::string, std::string> named;

  bool Has(const std::string& flag) const;
  std::string Get(const std::string& key, const std::string& otherwise = "") const;
  std::optional<Duration> Time(const std::string& key) const;
  std::string Bare(size_t i) const;
};
Words Split(const std::string& line);

std::vector<Step> ParseScript(const std::string& text);
std::string WriteScript(const std::vector<Step>& steps);

/// Carries out one step and says what followed.
std::string RunStep(Execution& execution, const Step& step);

}  // namespace wfe::history

// Where the examiner, a compiler or a node runs: a directory of its own, in the sandbox where the machine has one,
// without a network and with limits.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "activities/nodes/settings.h"
#include "activities/sandbox/process_runner.h"
#include "activities/sandbox/sandbox.h"

namespace wfe::nodes {

/// A new directory below the work root, gone with this object.  Used from one thread.
class NodeScene {
 public:
  static Result<NodeScene> Make(const NodeSettings& settings);
  NodeScene(NodeScene&& other) noexcept;
  NodeScene& operator=(NodeScene&&) = delete;
  ~NodeScene();

  bool sandboxed() const { return sandbox_.used; }
  const std::string& sandbox_reason() const { return sandbox_.reason; }

  /// Puts a file into the directory.
  Status Write(const std::string& name, std::string_view bytes, uint32_t mode = 0644) const;
  Result<std::string> Read(const std::string& name, uint64_t max_bytes) const;
  /// The directory as programs see it, and on the host.
  std::string seen_as() const;
  const std::string& host_directory() const { return directory_; }
  /// Shows a directory or file of the host, read-only, at `place` in the sandbox; returns its name as programs see it.
  std::string Show(const std::string& host_path, const std::string& place);
  /// At its own place: a tool that is installed outside the system's directories.
  void ShowTool(const std::vector<std::string>& directories);

  struct Command {
    std::vector<std::string> argv;
    std::string standard_input;
    sandbox::Environment environment;  ///< Besides PATH, HOME, LANG.
    sandbox::ProcessLimits limits;
  };
  sandbox::ProcessOutcome Run(const Command& command, const sandbox::ProcessWatch& watch) const;

 private:
  NodeScene(const NodeSettings& settings, std::string directory)
      : settings_(&settings), directory_(std::move(directory)) {}

  const NodeSettings* settings_;
  std::string directory_;
  NodeSettings::Sandbox sandbox_;
  std::vector<std::pair<std::string, std::string>> shown_;
};

/// What a node and what it starts may use together.
sandbox::ProcessLimits LimitsOfNode(const NodeLimits& limits);
/// The same for a tool of ours or a compiler.
sandbox::ProcessLimits LimitsOfTool(Duration wall_clock, uint64_t output_bytes);

}  // namespace wfe::nodes

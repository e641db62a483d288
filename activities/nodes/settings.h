// What a worker is told about examining and running nodes, and what it finds for it on its machine.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "activities/sandbox/sandbox.h"
#include "activities/sandbox/text.h"
#include "engine/base/result.h"

namespace wfe::nodes {

struct NodeLimits {
  Duration wall_clock = std::chrono::seconds(10);   ///< Of one run.
  Duration compile_time = std::chrono::minutes(1);  ///< Of a compiler or a linter.
  uint64_t output_bytes = 1 << 20;                  ///< More than this on standard output is a failure.
  uint64_t memory_bytes = 512ull << 20;             ///< Of a node and what it starts.
  uint64_t processes = 64;                          ///< Likewise.
  uint64_t disk_bytes = 64ull << 20;                ///< How much its directory may grow.
  uint64_t source_bytes = 256 << 10;                ///< The largest file that is examined or run.
  size_t cases = 200;                               ///< Tests of one node.
};

struct NodeConfig {
  std::string work_root;  ///< Absolute; the runtime and scratch directories go to nodes/ below it.
  std::string path;       ///< PATH; empty: the worker's own.
  /// Program that examines and runs Python nodes; empty: the first of python3 in PATH and /usr/bin/python3 that has
  /// what the checks need.
  std::string python;
  std::string cxx = "g++";
  std::string bwrap = "bwrap";
  sandbox::SandboxPolicy sandbox = sandbox::SandboxPolicy::kPreferred;  ///< kPreferred: where the machine has one.
  NodeLimits limits;
  std::vector<std::string> secrets;  ///< Exact values that are masked in what reports keep of a node's output.
  Duration heartbeat_interval = std::chrono::seconds(2);
};

/// The Python of this machine.
struct PythonTool {
  std::string program;                   ///< Full path.
  std::vector<std::string> directories;  ///< To be shown inside the sandbox.
  std::string version;                   ///< "3.11.2"
  bool has_pyflakes = false;
  bool has_isort = false;
};

/// Shared by all activities of the wing, from any thread.  What it looks for is looked for once, at first need.
class NodeSettings {
 public:
  explicit NodeSettings(NodeConfig config);

  const NodeConfig& config() const { return config_; }
  const std::string& path() const { return path_; }  ///< Absolute entries only.
  const sandbox::SecretMask& mask() const { return mask_; }

  /// FAILED_PRECONDITION, with one sentence that says what to install, when there is none of 3.8 or later.
  Result<PythonTool> Python() const;
  /// Host directories of the examiner and of the package node_runtime, placed and compiled when they were not there.
  Result<std::string> ExaminerDirectory() const;
  Result<std::string> RuntimeDirectory() const;
  /// Whether code is run in the sandbox, and why not.  FAILED_PRECONDITION when it must be and cannot.
  struct Sandbox {
    bool used = false;
    std::string program;
    std::string reason;
  };
  Result<Sandbox> ChooseSandbox() const;

 private:
  Result<std::string> Placed() const;

  NodeConfig config_;
  std::string path_;
  sandbox::SecretMask mask_;
  mutable std::mutex mutex_;
  mutable std::optional<PythonTool> python_;  // mutex_
  mutable std::string placed_;                // mutex_
};

/// A program file that is compiled into this one.
struct EmbeddedProgram {
  std::string_view name;
  std::string_view content;
};
const std::vector<EmbeddedProgram>& EmbeddedExaminer();
const std::vector<EmbeddedProgram>& EmbeddedRuntime();

}  // namespace wfe::nodes

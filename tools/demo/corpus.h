// A corpus of audit traces: hundreds of AuditedBuildWorkflow runs through the real engine and the real worker, in
// virtual time, with simulated agents and checks whose behaviour has planted causes.  The traces are what such runs
// write: chained, sealed, in workflow order; every row says `scripted`, since no model was called.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "engine/base/result.h"
#include "tools/demo/behaviour.h"

namespace wfe::demo {

struct CorpusOptions {
  uint64_t seed = 1;
  int runs = 240;
  Causes causes;
  /// Without engine and worker: the same workflow code and the same activities, one build after the other.  Many times
  /// as quick; run ids and times differ from those of the engine, nothing else does.
  bool without_engine = false;
  std::function<void(int done, int runs)> progress;
};

/// Relative path -> content: FOLDER/audit_trace.jsonl (builds of one week and one lane share a folder),
/// contexts/<sha256>.md, truth.json.
struct Corpus {
  std::map<std::string, std::string> files;
  int runs = 0;
  int64_t entries = 0;
};

/// The same options give the same bytes.
Result<Corpus> GenerateCorpus(const CorpusOptions& options);

/// ALREADY_EXISTS when something is in the directory.  To be asked before the work is done.
Status CheckEmpty(const std::string& directory);

/// Writes it below `directory`, which is made when missing.  ALREADY_EXISTS when it is not empty.
Status WriteCorpus(const Corpus& corpus, const std::string& directory);

}  // namespace wfe::demo

// A scripted model: canned answers from a file, through the same loop as the real one (no key, no network).
#pragma once

#include <memory>
#include <string>

#include "activities/agent/backends/model_backend.h"
#include "engine/base/result.h"

namespace wfe::agent {

/// What the meta file beside a cassette says (schemas/agent_cassette.schema.json).
struct CassetteMeta {
  std::string origin;  ///< "hand-written" or "recorded"
  std::string model;
  std::string date;
  std::string matching = "by_step";  ///< or "strict"
  std::string sentence;              ///< What a report prints beside rows made with it.
};

/// Reads NAME.jsonl and NAME.meta.json.  Lines: {"step_name", "turn", "response": [chunks…], "request_hash"?}.
/// A call is answered by its step's line with its turn; a line that is not there is a permanent error, never a silent
/// success.  With "strict" the request's StableRequestHash must equal the line's request_hash too.
Result<std::shared_ptr<ModelBackend>> OpenCassette(const std::string& path);
Result<CassetteMeta> ReadCassetteMeta(const std::string& cassette_path);

/// SHA-256 of what a request asks, without what differs between two runs of the same story: dates, absolute paths, the
/// listing of files.
std::string StableRequestHash(const ModelCall& call);

}  // namespace wfe::agent

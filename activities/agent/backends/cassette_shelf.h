// Many cassettes as one backend: the request's model names the cassette.
#pragma once

#include <memory>
#include <string>

#include "activities/agent/backends/model_backend.h"
#include "engine/base/result.h"

namespace wfe::agent {

/// A request to model NAME is answered from `directory`/NAME.jsonl or `directory`/NAME/NAME.jsonl.  Cassettes are
/// opened when they are first asked for; one that is missing or malformed fails the call permanently, naming the file.
std::shared_ptr<ModelBackend> OpenCassetteShelf(const std::string& directory);

}  // namespace wfe::agent

// The report over a generated corpus, made in memory.
#pragma once

#include <nlohmann/json.hpp>

#include "tools/demo/corpus.h"

namespace wfe::demo {

/// What the four audits say about the traces of a corpus.
nlohmann::json AuditCorpus(const Corpus& corpus);

}  // namespace wfe::demo

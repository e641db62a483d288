// truth.json: what was planted in a corpus, and how large it came out.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "tools/demo/run_builds.h"

namespace wfe::demo {

/// The text of truth.json: each cause with its parameters and with the figures counted in the traces themselves, and
/// the same figures for causes that are off, where they show chance alone.
Result<std::string> DescribeTruth(const Behaviour& behaviour, const BuildTraces& traces, bool through_engine);

}  // namespace wfe::demo

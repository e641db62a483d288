// Findings as text for a model: compact, harmless, and the same for the same findings.
#pragma once

#include <string>
#include <vector>

#include "activities/build/checks/classify.h"
#include "activities/sandbox/text.h"

namespace wfe::build {

/// `path:line:col CLASS text`, a blank line after findings of several lines, at most `max_per_class` of each class and
/// then how many more there are.  Clean UTF-8 without escape sequences or fences; secrets masked.
std::string RenderErrorLog(const std::vector<CheckVerdict>& verdicts, int max_per_class,
                           const sandbox::SecretMask& mask);

}  // namespace wfe::build

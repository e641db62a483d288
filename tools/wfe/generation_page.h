// What a person sees of a generation.
#pragma once

#include <string>

#include "workflows/generation/generation.h"

namespace wfe::cli {

/// Steps with their time and cost, the verdict, and the program itself unless it went to the file `written_to`.
std::string GenerationPage(const workflows::GenerationResult& result, const std::string& written_to);

}  // namespace wfe::cli
